"""Who may evaluate what in a finite space, so that nothing is evaluated twice.

A hash cuts the configurations into buckets. Every bucket is owned by one rank at each moment,
and a rank proposes nothing outside its own: no message is needed to keep two ranks from the
same configuration. A rank whose buckets hold nothing free asks another one for some.

Bucket b belongs to the class b mod P and is number b // P there. At first rank r owns class r.
With at most 64 buckets a class, one number of 64 bits names what is handed over.

Who gets a bucket from one that got it from a third may hear of that before it hears what the
third evaluated. It may use the bucket when it has heard of every earlier hand-over: whoever
owned the bucket had said by then what it had begun there.
"""

import struct
import zlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from hmserve.exchange.records import ALL

PER_RANK: Final = 64
MOST: Final = 1 << 16


class Parcel(NamedTuple):
    """Buckets of one class that are handed over.

    Args:
        origin: Who owned them.
        to: Who owns them now.
        group: The class.
        mask: Bit k is set if bucket ``group + k * size`` is among them; 0 for a refusal.
        turn: How often each of these buckets was handed over, this time included; of a
            refusal, how many buckets that may hold something free the origin keeps.
    """

    origin: int
    to: int
    group: int
    mask: int
    turn: int


def key(coordinates: Sequence[float]) -> bytes:
    """Return what equal configurations share, and no others."""
    # Adding zero turns a negative zero into zero.
    return struct.pack(f"<{len(coordinates)}d", *(number + 0.0 for number in coordinates))


def bucket_count(size: int) -> int:
    """Return how many buckets there are for `size` ranks."""
    return min(PER_RANK * size, MOST)


def totals(size: int, configurations: Iterable[Sequence[float]]) -> "array[int]":
    """Return how many of `configurations`, given as coordinates, each bucket holds.

    Args:
        size: How many ranks there are.
        configurations: All of a space, each once.
    """
    counts = array("L", bytes(array("L").itemsize * bucket_count(size)))
    for coordinates in configurations:
        counts[zlib.crc32(key(coordinates)) % len(counts)] += 1
    return counts


class Buckets:
    """What one rank knows of all buckets.

    Args:
        rank: This one.
        size: How many ranks there are.
        totals: How many configurations each bucket holds (`totals`); None if they are too
            many to be counted, in which case only their owner can tell that nothing is free.
    """

    def __init__(self, rank: int, size: int, totals: Sequence[int] | None = None) -> None:
        self._rank = rank
        self._size = size
        self._count = bucket_count(size)
        self._totals = totals
        self._owners = array("L", (b % size for b in range(self._count)))
        # How often it was handed over, as far as that is known, and how often that was heard.
        self._turns = array("L", bytes(self._owners.itemsize * self._count))
        self._heard = array("L", self._turns)
        self._unclear = 0
        self._taken: list[set[bytes]] = [set() for _ in range(self._count if totals else 0)]
        # Said to be empty; whatever is said, not to be believed empty; may hold something.
        self._empty = bytearray(self._count)
        self._revived = bytearray(self._count)
        self._open = bytearray(b > 0 for b in totals or [1] * self._count)
        self._open_of = Counter(o for b, o in enumerate(self._owners) if self._open[b])
        self._asked: Counter[int] = Counter()
        self._unanswered: Counter[int] = Counter()
        self._latest: dict[int, Parcel] = {}
        self._refused: set[int] = set()

    def of(self, coordinates: Sequence[float]) -> int:
        """Return the bucket of a configuration."""
        return zlib.crc32(key(coordinates)) % self._count

    def owner(self, bucket: int) -> int:
        """Return the rank that owns `bucket`, as far as this one knows."""
        return self._owners[bucket]

    def mine(self, coordinates: Sequence[float]) -> bool:
        """Whether this rank may propose the configuration; not whether it is free."""
        return self._is_held(self.of(coordinates))

    @property
    def held(self) -> list[bool]:
        """By bucket, whether this rank may propose what is in it."""
        return [self._is_held(bucket) for bucket in range(self._count)]

    @property
    def unclear(self) -> bool:
        """Whether this rank owns buckets that it may not use yet."""
        return self._unclear > 0

    def free_of(self, rank: int) -> list[int]:
        """Return the buckets of `rank` that may hold something free."""
        if not self._open_of[rank]:
            return []
        return [b for b, owner in enumerate(self._owners) if owner == rank and self._open[b]]

    def free_count(self, rank: int) -> int:
        """Return how many they are."""
        return self._open_of[rank]

    @property
    def free_elsewhere(self) -> int:
        """How many buckets of other ranks may hold something free."""
        return self._open_of.total() - self._open_of[self._rank]

    # --- What happens to configurations.

    def take(self, coordinates: Sequence[float]) -> None:
        """Note that the configuration is evaluated or being evaluated."""
        if self._totals is not None:
            bucket = self.of(coordinates)
            self._taken[bucket].add(key(coordinates))
            self._look(bucket)

    def release(self, coordinates: Sequence[float]) -> None:
        """Note that the configuration will not be evaluated after all."""
        bucket = self.of(coordinates)
        self._empty[bucket] = False
        self._revived[bucket] = self._totals is not None
        self._refused.discard(self._owners[bucket])
        if self._totals is not None:
            self._taken[bucket].discard(key(coordinates))
        self._look(bucket)

    def exhaust(self, rank: int) -> bool:
        """Note that nothing is free in the buckets of `rank`; return whether that is new."""
        held = self.free_of(rank)
        self._close(held)
        return bool(held)

    # --- What happens to buckets.

    def target(self, generous: Iterable[int]) -> int | None:
        """Return whom to ask; None if nobody has any to spare, be it only for now.

        Args:
            generous: Who needs its own buckets no more, and parts with the last one.
        """
        least = dict.fromkeys(generous, 1)
        best, most = None, 0
        for other in sorted(self._open_of, key=lambda r: (r - self._rank) % self._size):
            rest = self._open_of[other] >> max(self._asked[other], 0)
            wanted = other != self._rank and other not in self._refused
            if wanted and rest >= least.get(other, 2) and rest > most:
                best, most = other, rest
        return best

    def sought(self, origin: int, of: int) -> None:
        """Note that `origin` has nothing free, and asks the rank `of` (or nobody, if `ALL`)."""
        if of != ALL:
            self._asked[of] += 1
            self._unanswered[origin] += 1
        # The answer may have come before the question: what came with it is not meant.
        early = self._unanswered[origin] < (of != ALL)
        group, mask = self._latest[origin][2:4] if early else (0, 0)
        self._close(
            b
            for b in self.free_of(origin)
            if not (self._revived[b] or self._is_in(b, group, mask))
        )

    def give(self, to: int, everything: bool) -> Parcel | None:
        """Return buckets for `to`: half of all that are free, if so many can go in one parcel.

        They are this rank's until `handed` is called.

        Args:
            to: Who gets them.
            everything: All that can go instead, because this rank needs them no more.

        Returns:
            None if there is none to spare.
        """
        free = [bucket for bucket in self.free_of(self._rank) if self._is_held(bucket)]
        if not free or not (everything or len(free) > 1):
            return None
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for bucket in free:
            alike[bucket % self._size, self._turns[bucket]].append(bucket)
        (group, turn), found = max(alike.items(), key=lambda item: len(item[1]))
        parted = found if everything else found[: len(free) // 2]
        mask = sum(1 << (bucket // self._size) for bucket in parted)
        return Parcel(self._rank, to, group, mask, turn + 1)

    def handed(self, parcel: Parcel) -> int:
        """Note a hand-over or a refusal; return how many buckets this rank may use now."""
        origin, to, group, mask, turn = parcel
        self._asked[origin] -= 1
        self._unanswered[to] -= 1
        self._latest[to] = parcel
        if not mask:
            self._note_refusal(origin, to, turn)
            return 0
        self._refused.discard(to)
        buckets = range(group, self._count, self._size)
        return sum(self._hand(b, to, turn) for b in buckets if self._is_in(b, group, mask))

    def relent(self, rank: int) -> None:
        """Note that `rank` may be asked again: it needs its buckets no more."""
        self._refused.discard(rank)

    def deal(self, active: Sequence[int]) -> int:
        """Share what is free evenly among `active` if one of them has nothing.

        Every rank must know the same of all buckets, as after a round, and call this.

        Returns:
            How many buckets this rank has gained.
        """
        if not active or all(self._open_of[rank] for rank in active):
            return 0
        gained = 0
        free = [b for b in range(self._count) if self._open[b]]
        for place, bucket in enumerate(free):
            owner = active[place % len(active)]
            gained += owner == self._rank != self._owners[bucket]
            self._move(bucket, owner)
        return gained

    def _note_refusal(self, by: int, to: int, keeps: int) -> None:
        if to != self._rank:
            return
        if keeps:
            self._refused.add(by)
        else:
            self.exhaust(by)

    def _hand(self, bucket: int, to: int, turn: int) -> bool:
        """Note that one bucket is handed over; return whether this rank may use it now."""
        before = self._is_unclear(bucket)
        self._heard[bucket] += 1
        # Of two hand-overs the second may be heard first.
        if turn > self._turns[bucket]:
            self._turns[bucket] = turn
            self._move(bucket, to)
        self._unclear += self._is_unclear(bucket) - before
        return self._is_held(bucket)

    def _is_held(self, bucket: int) -> bool:
        return self._owners[bucket] == self._rank and not self._is_unclear(bucket)

    def _is_unclear(self, bucket: int) -> bool:
        mine = self._owners[bucket] == self._rank
        return mine and self._heard[bucket] < self._turns[bucket]

    def _is_in(self, bucket: int, group: int, mask: int) -> bool:
        return bucket % self._size == group and bool(mask >> (bucket // self._size) & 1)

    def _move(self, bucket: int, owner: int) -> None:
        self._open_of[self._owners[bucket]] -= self._open[bucket]
        self._owners[bucket] = owner
        self._open_of[owner] += self._open[bucket]

    def _close(self, buckets: Iterable[int]) -> None:
        for bucket in buckets:
            self._empty[bucket] = True
            self._look(bucket)

    def _look(self, bucket: int) -> None:
        """Work out anew whether `bucket` may hold something free."""
        full = self._totals is not None and len(self._taken[bucket]) >= self._totals[bucket]
        is_open = not (self._empty[bucket] or full)
        self._open_of[self._owners[bucket]] += is_open - self._open[bucket]
        self._open[bucket] = is_open
