"""What ends a run early, decided from its results alone."""

from collections.abc import Sequence

from hmserve.fidelity.options import FidelityOptions
from hmserve.fidelity.rungs import reaches
from hmserve.journal.ledger import Row
from hmserve.options import Stops
from hmserve.trial import Evaluation


class Limits:
    """Follows the results of one run.

    Args:
        stops: What the scenario says.
        objectives: Their names.
        fidelity: Where there are some, only full evaluations count.
    """

    def __init__(
        self,
        stops: Stops,
        objectives: Sequence[str],
        fidelity: FidelityOptions | None = None,
    ) -> None:
        self._stops = stops
        self._objectives = tuple(objectives)
        self._fidelity = fidelity
        self._front: list[tuple[float, ...]] = []
        self._seen = 0
        self._idle = 0
        self._hit = False

    def reached(self, rows: Sequence[Row]) -> str | None:
        """Return why nothing more is to be asked after `rows`, which only ever grow."""
        for row in rows[self._seen :]:
            self.take(row.evaluation)
        self._seen = len(rows)
        return self.reason

    @property
    def reason(self) -> str | None:
        """Why nothing more is to be asked after what was taken."""
        if self._hit:
            return "target"
        patience = self._stops.patience
        return "no improvement" if patience is not None and self._idle >= patience else None

    def take(self, evaluation: Evaluation) -> None:
        """Take note of one more result."""
        if not self._stops.target and self._stops.patience is None:
            return
        fidelity = self._fidelity
        if fidelity and not reaches(fidelity.of(evaluation.trial), fidelity.max):
            return
        found, target = evaluation.objectives, self._stops.target
        self._idle += 1
        if not evaluation.feasible:
            return
        if target and all(found[name] <= value for name, value in target.items()):
            self._hit = True
        point = tuple(found[name] for name in self._objectives)
        if not any(_covers(other, point) for other in self._front):
            self._front = [other for other in self._front if not _covers(point, other)]
            self._front.append(point)
            self._idle = 0


def _covers(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether `a` is at least as good as `b` in every objective."""
    return all(x <= y for x, y in zip(a, b, strict=True))
