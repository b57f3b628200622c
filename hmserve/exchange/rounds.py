"""What is heard in synchronous mode, held back until all ranks have ended the round."""

from collections import deque

from hmserve.exchange.records import Kind, Record


class Rounds:
    """The rounds of all ranks.

    A round is what each origin says from one ROUND to the next. It is let out whole, in the
    order of origin and sequence, which is the same on all ranks whatever came first. An origin
    that is DONE has ended every later round.

    Args:
        size: How many ranks there are.
    """

    def __init__(self, size: int) -> None:
        self._queues: list[deque[Record]] = [deque() for _ in range(size)]
        self._ended = [0] * size
        self._done = [False] * size
        self._open = size
        self.released = 0
        """How many rounds were let out."""

    def hear(self, record: Record) -> None:
        """Take one more record; those of one origin come in their order."""
        origin = record.origin
        before = self._has_ended(origin)
        self._queues[origin].append(record)
        self._ended[origin] += record.kind == Kind.ROUND
        self._done[origin] |= record.kind == Kind.DONE
        self._open -= self._has_ended(origin) - before

    def release(self) -> list[Record]:
        """Return the records of the earliest round that all have ended; [] if there is none."""
        if self._open:
            return []
        self.released += 1
        return [record for origin in range(len(self._queues)) for record in self._pop(origin)]

    def _has_ended(self, origin: int) -> bool:
        return self._done[origin] or self._ended[origin] > 0

    def _pop(self, origin: int) -> list[Record]:
        queue, popped = self._queues[origin], []
        while queue:
            popped.append(queue.popleft())
            if popped[-1].kind == Kind.ROUND:
                self._ended[origin] -= 1
                self._open += not self._has_ended(origin)
                break
        return popped
