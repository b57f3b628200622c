"""Which results of others a rank keeps, so that its memory grows with their logarithm."""

import heapq
import math
from collections.abc import Sequence
from typing import Final

_GOOD: Final = 0.1
_WORD: Final = (1 << 64) - 1


class Sieve:
    """Decides, for each result as it is heard, whether it is worth its memory.

    The first `cap` are. Of the n-th after them those are kept that come among the best tenth
    of `cap`, of each objective an equal part, and a share ``cap / n`` of the others, so that of
    N results about ``cap * (1 + log(N / cap))`` are kept. While all get better and better only
    as many count as good as would in a random order, and every new best.

    Args:
        cap: How many are kept without a question; at least 10.
    """

    def __init__(self, cap: int) -> None:
        assert cap >= 10
        self._cap = cap
        self._heard = 0
        self._good = 0
        self._best: list[list[float]] = []
        self._least: list[float] = []

    def keep(self, origin: int, sequence: int, objectives: Sequence[float]) -> bool:
        """Return whether to keep the result that is number `sequence` of `origin`.

        Args:
            origin: The rank that measured it.
            sequence: The number of its record there.
            objectives: As minimised; NaN for what was not measured.
        """
        self._heard += 1
        good, best = self._rate(objectives)
        share = self._cap / self._heard
        if share >= 1.0 or best:
            return True
        if good and self._good < _GOOD * self._cap * (1.0 - math.log2(share)):
            self._good += 1
            return True
        return _uniform(origin, sequence) < share

    def _rate(self, objectives: Sequence[float]) -> tuple[bool, bool]:
        """Return whether one is among the best so far, and whether it is the best."""
        if not self._best:
            self._best = [[] for _ in objectives]
            self._least = [math.inf] * len(self._best)
        most = max(1, int(_GOOD * self._cap) // max(1, len(objectives)))
        good = best = False
        for place, value in enumerate(objectives):
            if math.isnan(value):
                continue
            best |= value < self._least[place]
            self._least[place] = min(value, self._least[place])
            good |= _push(self._best[place], value, most)
        return good, best


def _push(heap: list[float], value: float, most: int) -> bool:
    """Add `value` to the `most` least values; return whether it is one of them."""
    # The worst of the best is at the top: its negative is the least.
    if len(heap) < most:
        heapq.heappush(heap, -value)
        return True
    return heapq.heappushpop(heap, -value) != -value


def _uniform(origin: int, sequence: int) -> float:
    """Return a number in [0, 1) that looks drawn (the finaliser of SplitMix64)."""
    z = (origin * 0x9E3779B97F4A7C15 + sequence * 0xD1B54A32D192ED03 + 1) & _WORD
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _WORD
    return (z ^ z >> 31) / 2.0**64
