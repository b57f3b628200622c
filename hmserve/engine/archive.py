"""The history as arrays: what was encoded once is not encoded again."""

from collections.abc import Sequence

import numpy as np

from hmserve.arrays import Floats
from hmserve.engine.history import History
from hmserve.engine.measured import Limited, Measured
from hmserve.engine.models import Data
from hmserve.space.encoding import Encoding
from hmserve.trial import Evaluation


class Archive:
    """Grows with a history, whose evaluations are only appended.

    Args:
        history: What is turned into arrays.
        encoding: Turns configurations into points.
        objectives: Their names, in the order of columns.
        limited: The measured constraints; None if there are none.
    """

    def __init__(
        self,
        history: History,
        encoding: Encoding,
        objectives: Sequence[str],
        limited: Limited | None = None,
    ) -> None:
        self.history = history
        self._encoding = encoding
        self._objectives = tuple(objectives)
        self._X = Rows(len(encoding.axes))
        self._Y = Rows(len(self._objectives))
        self._feasible = Rows(1)
        self._limited = limited
        self._slack = Rows(0 if limited is None else limited.width)
        self._violated = Rows(1)

    @property
    def data(self) -> Data:
        """All evaluations of the history now; the arrays are not to be written to."""
        new = self.history.evaluations[len(self._X) :]
        names, n = self._objectives, len(new)
        values = [[e.objectives.get(name, np.nan) for name in names] for e in new]
        self._X.extend(self._encoding.encode(e.trial.configuration for e in new))
        self._Y.extend(np.array(values, float).reshape(n, len(names)))
        self._feasible.extend(np.array([e.feasible for e in new], float).reshape(n, 1))
        feasible = self._feasible.all[:, 0] > 0.0
        return Data(self._X.all, self._Y.all, feasible, measured=self._measured(new))

    def _measured(self, new: Sequence[Evaluation]) -> Measured | None:
        if self._limited is None:
            return None
        more = self._limited.measure(new)
        self._slack.extend(more.slack)
        self._violated.extend(more.violated[:, None].astype(float))
        return Measured(self._slack.all, self._violated.all[:, 0] > 0.0, more.column)


class Rows:
    """Rows of an array that grows; its room doubles when it is full.

    Args:
        width: The length of a row.
    """

    def __init__(self, width: int) -> None:
        self._room = np.empty((16, width))
        self._n = 0

    def __len__(self) -> int:
        return self._n

    @property
    def all(self) -> Floats:
        """All rows, shape (n, width)."""
        return self._room[: self._n]

    def extend(self, rows: Floats) -> None:
        """Append `rows`, shape (k, width)."""
        needed = self._n + len(rows)
        if needed > len(self._room):
            room = np.empty((max(needed, 2 * len(self._room)), self._room.shape[1]))
            room[: self._n] = self.all
            self._room = room
        self._room[self._n : needed] = rows
        self._n = needed
