"""Asynchronous successive halving: no rung waits for its last result.

Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht and Talwalkar (2020), "A System for
Massively Parallel Hyperparameter Tuning", algorithm 2: the type that promotes.
"""

from collections.abc import Sequence

from hmserve.fidelity.ranking import Outcome, ranked
from hmserve.fidelity.rungs import Ladder, Rung, share
from hmserve.fidelity.scheduling import Place
from hmserve.trial import WHOLE


class _Level:
    """What has come as far as one rung."""

    def __init__(self) -> None:
        self.out: dict[int, int] = {}
        self.settled: dict[int, Outcome | None] = {}
        self.promoted: set[int] = set()
        self._order: Sequence[int] | None = None

    @property
    def touched(self) -> bool:
        """Whether anything has ever come as far."""
        return bool(self.out or self.settled)

    def settle(self, root: int, outcome: Outcome | None) -> None:
        self.settled[root] = outcome
        self._order = None

    def forget(self, root: int) -> None:
        self.settled.pop(root, None)
        self._order = None

    def able(self, most: int) -> int | None:
        """Return the best of the `most` best that is not promoted yet; None if all are."""
        if self._order is None:
            # Of equal ones the older goes on.
            found = sorted((r, o) for r, o in self.settled.items() if o is not None)
            order = ranked([outcome for _, outcome in found])
            self._order = [found[i][0] for i in order]
        best = self._order[:most]
        return next((root for root in best if root not in self.promoted), None)


class Asynchronous:
    """ASHA: whatever is among the best 1/eta of its rung is promoted, highest rung first.

    When all configurations have begun and none is promoted by this rule, the best of the
    highest rung goes on nevertheless, so that a run of few configurations ends with a full
    evaluation as well; each rung is entered like this once at most.

    Args:
        ladder: The fidelities in use.
        count: How many configurations begin; None for no end.
    """

    def __init__(self, ladder: Ladder, count: int | None) -> None:
        self._ladder = ladder
        self._count = count
        self._levels = [_Level() for _ in ladder.fidelities]
        self._of: dict[int, tuple[int, int]] = {}
        self._begun = 0
        self._starved = False

    @property
    def most(self) -> int | None:
        if self._count is None:
            return None
        # Who is promoted may be overtaken, so that more than one in eta are.
        return self._count * len(self._ladder)

    def next(self) -> Place | None:
        for index in reversed(range(len(self._ladder) - 1)):
            level = self._levels[index]
            root = level.able(share(len(level.settled), self._ladder.eta))
            if root is not None:
                return self._promotion(index, root)
        if not self._starved and (self._count is None or self._begun < self._count):
            room = WHOLE if self._count is None else self._count - self._begun
            return Place(self._ladder.rung(0, 0), room=room)
        return self._last_resort()

    def enter(self, trial: int, place: Place) -> None:
        index = place.rung.index
        if place.root is None:
            if not self._may_begin(place.rung):
                raise ValueError(f"no configuration begins in rung {index} of ASHA's")
            self._begun += 1
        else:
            below = self._levels[index - 1]
            if below.settled.get(place.root) is None or place.root in below.promoted:
                raise ValueError(f"trial {place.root} is not to be promoted to rung {index}")
            below.promoted.add(place.root)
        root = trial if place.root is None else place.root
        self._levels[index].out[trial] = root
        self._of[trial] = (index, root)

    def settle(self, trial: int, outcome: Outcome | None) -> None:
        if trial in self._of:
            index, root = self._of[trial]
            self._levels[index].out.pop(trial, None)
            self._levels[index].settle(root, outcome)

    def release(self, trial: int) -> None:
        if trial not in self._of:
            return
        index, root = self._of.pop(trial)
        self._levels[index].out.pop(trial, None)
        self._levels[index].forget(root)
        if root == trial:
            self._begun -= 1
        else:
            self._levels[index - 1].promoted.discard(root)

    def starve(self) -> None:
        self._starved = True

    def feed(self) -> None:
        self._starved = False

    def _may_begin(self, rung: Rung) -> bool:
        """Whether a new configuration can be entered at `rung`."""
        return not rung.bracket and not rung.index

    def _promotion(self, index: int, root: int) -> Place:
        before = self._ladder.fidelities[index]
        return Place(self._ladder.rung(0, index + 1), root, before)

    def _last_resort(self) -> Place | None:
        if any(level.out for level in self._levels):
            return None
        touched = [index for index, level in enumerate(self._levels) if level.touched]
        top = touched[-1] if touched else len(self._levels) - 1
        if top == len(self._levels) - 1:
            return None
        root = self._levels[top].able(WHOLE)
        return None if root is None else self._promotion(top, root)


def members(ladder: Ladder, count: int) -> list[int]:
    """Return how many of `count` configurations come as far as each rung of `ladder`."""
    return [max(share(count, ladder.eta**k), 1) for k in range(len(ladder))]
