"""Successive halving by several ranks that wait for nobody and have no manager.

Each rank promotes what it has begun itself, where the checkpoints are, and judges it by the
results of all: ASHA whose rungs hold what everyone has found. With Hyperband's brackets new
configurations begin in turn at the rungs where its brackets begin, each as often as the
bracket has configurations (asynchronous Hyperband: Li et al., 2020, section 3).
"""

import itertools
from collections.abc import Sequence

from hmserve.fidelity.asha import Asynchronous
from hmserve.fidelity.ranking import Outcome
from hmserve.fidelity.rungs import Ladder, Rung, sizes
from hmserve.fidelity.scheduling import Place


class Shared(Asynchronous):
    """ASHA on one of several ranks, without an end of its own.

    Args:
        ladder: The fidelities in use.
        starts: At which rung each configuration of all ranks begins, over and over.
        rank: Which one this is.
        size: How many ranks there are.
    """

    def __init__(self, ladder: Ladder, starts: Sequence[int], rank: int, size: int) -> None:
        super().__init__(ladder, None)
        self._starts, self._rank, self._size = starts, rank, size
        self._strangers = itertools.count(-1, -1)
        self._bracket: dict[int, int] = {}

    def next(self) -> Place | None:
        place = super().next()
        if place is None or place.root is not None:
            return place
        turn = self._rank + self._begun * self._size
        start = self._starts[turn % len(self._starts)]
        # The next one may begin elsewhere.
        return Place(self._ladder.rung(start, start))

    def enter(self, trial: int, place: Place) -> None:
        super().enter(trial, place)
        if place.root is None:
            self._bracket[trial] = place.rung.bracket

    def hear(self, fidelity: float, outcome: Outcome | None) -> None:
        """Take the result of another rank; its configuration is not promoted here.

        What came to no rung is passed over: it was stopped between two.
        """
        index = self._ladder.index(fidelity)
        if index is not None:
            stranger = next(self._strangers)
            level = self._levels[index]
            level.settle(stranger, outcome)
            level.promoted.add(stranger)

    def _may_begin(self, rung: Rung) -> bool:
        return rung.bracket == rung.index

    def _promotion(self, index: int, root: int) -> Place:
        before = self._ladder.fidelities[index]
        return Place(self._ladder.rung(self._bracket[root], index + 1), root, before)


def starts(ladder: Ladder, rounding: str, *, every: bool) -> Sequence[int]:
    """Return at which rungs configurations begin, in an order that mixes brackets well.

    Args:
        ladder: The fidelities in use.
        rounding: How many configurations a bracket has (`hmserve.fidelity.rungs.sizes`).
        every: Whether brackets of all lengths are held; else only the longest.
    """
    if not every:
        return (0,)
    longest = len(ladder)
    wanted = [sizes(ladder, longest - start, rounding)[0] for start in range(longest)]
    held = [0] * longest
    order = []
    for _ in range(sum(wanted)):
        start = min(range(longest), key=lambda b: ((held[b] + 1) / wanted[b], b))
        held[start] += 1
        order.append(start)
    return order
