"""Full evaluations alone: what is bad is ended early, or not at all."""

from hmserve.fidelity.ranking import Outcome
from hmserve.fidelity.rungs import Ladder
from hmserve.fidelity.scheduling import Place
from hmserve.trial import WHOLE


class Full:
    """Wants new configurations at the highest fidelity; promotes nothing.

    Args:
        ladder: The fidelities in use.
        count: How many configurations there are; None for no end.
    """

    def __init__(self, ladder: Ladder, count: int | None) -> None:
        self._rung = ladder.rung(0, len(ladder) - 1)
        self._count = count
        self._begun: set[int] = set()
        self._starved = False

    @property
    def most(self) -> int | None:
        return self._count

    def next(self) -> Place | None:
        room = (WHOLE if self._count is None else self._count) - len(self._begun)
        return Place(self._rung, room=room) if room > 0 and not self._starved else None

    def enter(self, trial: int, place: Place) -> None:
        if place.root is not None or place.rung != self._rung:
            raise ValueError(f"rung {place.rung.index} is not that of full evaluations")
        self._begun.add(trial)

    def settle(self, trial: int, outcome: Outcome | None) -> None:
        """Nothing comes of a result here."""

    def release(self, trial: int) -> None:
        self._begun.discard(trial)

    def starve(self) -> None:
        self._starved = True

    def feed(self) -> None:
        self._starved = False
