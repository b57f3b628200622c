"""The hypervolume indicator over time: how far runs are from the best front that is known.

The indicator of a set of results is the hypervolume of all results of all runs minus its own.
Every objective is divided by its standard deviation over all results; the reference point is
their maximum. So HyperMapper defines it, for any number of objectives here.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hmserve.arrays import Floats, Ints
from hmserve.errors import ScenarioError
from hmserve.journal.table import to_csv
from hmserve.multiobjective.hypervolume import hypervolume, hypervolumes
from hmserve.report.points import Points, stacked

BINS: Final = 20

_HEADER: Final = (
    "Bucket #",
    "Time sec",
    "# of runs in bin",
    "HVI mean",
    "HVI median",
    "HVI min",
    "HVI max",
    "HVI 95% CI lower bound",
    "HVI 95% CI upper bound",
)


@dataclass(frozen=True, slots=True)
class Curves:
    """The indicator of the runs in one directory, at the end of each of B bins of time.

    Args:
        times: Where the bins end, in seconds, shape (B,).
        runs: How many runs have a result within each, shape (B,).
        values: The indicator of each of R runs, shape (B, R).
    """

    times: Floats
    runs: Ints
    values: Floats

    @property
    def mean(self) -> Floats:
        """The mean over the runs, shape (B,)."""
        return np.asarray(self.values.mean(axis=1))

    @property
    def interval(self) -> tuple[Floats, Floats]:
        """The 95 % confidence interval of the mean by Student's t; nan for a single run."""
        from scipy.special import stdtrit

        runs = self.values.shape[1]
        if runs < 2:
            unknown = np.full(len(self.times), np.nan)
            return unknown, unknown
        error = self.values.std(axis=1, ddof=1) / np.sqrt(runs)
        half = stdtrit(runs - 1, 0.975) * error
        return np.maximum(self.mean - half, 0.0), self.mean + half

    @property
    def statistics(self) -> str:
        """HyperMapper's table of these numbers, as CSV."""
        values = self.values
        columns = [values.mean(1), np.median(values, 1), values.min(1), values.max(1)]
        numbers = zip(self.times, self.runs, *columns, *self.interval, strict=True)
        rows = [
            [str(number), repr(float(time)), str(int(runs)), *(repr(float(x)) for x in rest)]
            for number, (time, runs, *rest) in enumerate(numbers, 1)
        ]
        return to_csv([_HEADER, *rows])


NOTHING: Final = Curves(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros((0, 1)))
"""What is left of runs if no result of any is feasible."""


def hvi_curves(tables: Mapping[str, Sequence[Points]]) -> dict[str, Curves]:
    """Return the curves of each group of runs, all measured by the same yardstick.

    Raises:
        ScenarioError: A run does not tell when its results came.
    """
    Y = stacked(tables)
    if len(Y) == 0:
        return dict.fromkeys(tables, NOTHING)
    scale = _scale(Y)
    reference = (Y / scale).max(axis=0)
    whole = hypervolume(Y / scale, reference)
    return {name: _curves(runs, scale, reference, whole) for name, runs in tables.items()}


def indicator(real: Points, test: Points) -> float:
    """Return the hypervolume of the front `real` minus that of `test`.

    Both are scaled by the standard deviations of the two together. HyperMapper takes the
    maximum before scaling for the reference point, which makes the number depend on units;
    here it is scaled like the rest.
    """
    Y = stacked({"": [real, test]})
    if len(Y) == 0:
        return 0.0
    scale = _scale(Y)
    reference = (Y / scale).max(axis=0)
    volumes = [hypervolume(p.minimised[p.feasible] / scale, reference) for p in (real, test)]
    return volumes[0] - volumes[1]


def _scale(Y: Floats) -> Floats:
    deviations = Y.std(axis=0)
    return np.where(deviations > 0, deviations, 1.0)


def _curves(runs: Sequence[Points], scale: Floats, reference: Floats, whole: float) -> Curves:
    ordered = [_in_time(run) for run in runs]
    end = max((times[-1] for times, _ in ordered if len(times)), default=0.0)
    edges = np.linspace(0.0, end, BINS + 1)[1:]
    values = np.full((BINS, len(runs)), whole)
    active = np.zeros(BINS, dtype=np.int64)
    for r, (times, Y) in enumerate(ordered):
        volumes = np.concatenate([[0.0], hypervolumes(Y / scale, reference)])
        known = np.searchsorted(times, edges, side="right")
        values[:, r] = np.maximum(whole - volumes[known], 0.0)
        active += np.diff(known, prepend=0) > 0
    return Curves(edges, active, values)


def _in_time(run: Points) -> tuple[Floats, Floats]:
    """Return when the feasible results came, and their objectives, in that order."""
    if run.seconds is None:
        raise ScenarioError(f"{run.source}: expected a column of times, as in a samples file")
    times, Y = run.seconds[run.feasible], run.minimised[run.feasible]
    order = np.argsort(times, kind="stable")
    return times[order], Y[order]


def beside(directory: str, ending: str) -> str:
    """Return the path of an output in `directory` that is named after it."""
    whole = os.path.abspath(directory)
    return os.path.join(directory, os.path.basename(whole) + ending)
