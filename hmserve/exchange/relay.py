"""How a record reaches all ranks: a rotated binomial relay.

Seen from the origin o of a record, rank r is number v = (r - o) mod P, and sends it on to
numbers v + 2^j < P for all 2^j > v. That is a binomial tree with its root at o. Whatever the
origin, r sends to the same ceil(log2 P) ranks r + 2^j mod P, so all that goes one way travels
together. A record crosses each rank once, after at most ceil(log2 P) steps, and the records of
one origin always take the same way: over links that keep their order they arrive in order.
"""

import struct
from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from hmserve.errors import ExchangeError

_STAMP: Final = struct.Struct("<IQ")
"""What every payload begins with: its origin and its number there."""


class Relay:
    """What one rank has heard and has to send on.

    Args:
        rank: This one.
        size: How many ranks there are, at least 1.
    """

    def __init__(self, rank: int, size: int) -> None:
        assert 0 <= rank < size
        self.rank = rank
        self.size = size
        steps = [1 << j for j in range((size - 1).bit_length())]
        self.neighbours = tuple((rank + step) % size for step in steps)
        """Whom this rank sends to."""
        self.sources = tuple((rank - step) % size for step in steps)
        """Who sends to this rank."""
        self._queues: list[deque[bytes]] = [deque() for _ in steps]
        self._numbers = {neighbour: j for j, neighbour in enumerate(self.neighbours)}
        self._counts = array("Q", bytes(8 * size))

    @property
    def counts(self) -> Sequence[int]:
        """How many records of each origin have been heard, or said by this rank."""
        return self._counts

    @property
    def waiting(self) -> int:
        """How many payloads are yet to be taken, each counted once a neighbour."""
        return sum(map(len, self._queues))

    @property
    def ready(self) -> list[int]:
        """The neighbours for whom there is something."""
        return [n for n, queue in zip(self.neighbours, self._queues, strict=True) if queue]

    def publish(self, payload: bytes) -> None:
        """Queue what this rank says itself.

        Raises:
            ExchangeError: Its origin or its number is not the next of this rank.
        """
        origin, sequence = _STAMP.unpack_from(payload)
        if origin != self.rank:
            raise ExchangeError(f"rank {self.rank} cannot speak for rank {origin}")
        self._queue(payload, origin, sequence)

    def receive(self, source: int, payloads: Iterable[bytes]) -> list[bytes]:
        """Queue what has to go on, and return all of `payloads`, in order.

        Args:
            source: The rank that sent them.
            payloads: What it sent, in order.

        Raises:
            ExchangeError: One is missing, comes twice, or is not for this rank to hear from
                `source`.
        """
        heard = []
        for payload in payloads:
            origin, sequence = _STAMP.unpack_from(payload)
            self._check(source, origin, sequence)
            self._queue(payload, origin, sequence)
            heard.append(payload)
        return heard

    def take(self, neighbour: int, most_bytes: int) -> list[bytes]:
        """Return what is to be sent to `neighbour` now: the oldest first, at least one if any.

        Args:
            neighbour: One of `neighbours`.
            most_bytes: About how much may go at once.
        """
        queue = self._queues[self._numbers[neighbour]]
        taken: list[bytes] = []
        room = most_bytes
        while queue and (not taken or len(queue[0]) <= room):
            taken.append(queue.popleft())
            room -= len(taken[-1])
        return taken

    def _check(self, source: int, origin: int, sequence: int) -> None:
        number = (self.rank - origin) % self.size
        if origin >= self.size or not number:
            raise ExchangeError(
                f"rank {source} sent rank {self.rank} of {self.size} a record of rank {origin}"
            )
        # Without its highest bit, a number is that of the rank that sends to it.
        parent = self.rank - (1 << (number.bit_length() - 1))
        if source != parent % self.size:
            raise ExchangeError(
                f"rank {self.rank} hears of rank {origin} through rank {parent % self.size}, "
                f"but record {sequence} came through rank {source}"
            )

    def _queue(self, payload: bytes, origin: int, sequence: int) -> None:
        if sequence != self._counts[origin]:
            fault = "came twice" if sequence < self._counts[origin] else "is missing"
            least = min(sequence, self._counts[origin])
            raise ExchangeError(
                f"record {least} of rank {origin} {fault}: after {self._counts[origin]} of "
                f"them, number {sequence} came next"
            )
        self._counts[origin] += 1
        number = (self.rank - origin) % self.size
        for j in range(number.bit_length(), len(self._queues)):
            if number + (1 << j) >= self.size:
                break
            self._queues[j].append(payload)
