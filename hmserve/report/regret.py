"""Simple regret: how far the best feasible value so far is from the best that is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmserve.arrays import Floats
from hmserve.report.points import Points


@dataclass(frozen=True, slots=True)
class Regret:
    """The regret of repeated runs after 1, 2, ..., n evaluations.

    Args:
        mean: Over the runs, shape (n,); nan before every run has a feasible result.
        low: Lower end of the band of one standard deviation; None for a single run.
        high: Its upper end.
    """

    mean: Floats
    low: Floats | None
    high: Floats | None


def regret(
    runs: Sequence[Points], minimum: float, budget: int | None, logarithm: bool
) -> Regret:
    """Return the regret of `runs`, as long as the shortest of them.

    Args:
        runs: At least one; of several objectives the first counts.
        minimum: The best value there is.
        budget: How many evaluations to look at; None for all.
        logarithm: Whether to return natural logarithms: of the mean, with the band of the
            standard deviation of the logarithms.
    """
    length = min(len(run) for run in runs)
    length = length if budget is None else min(length, budget)
    regrets = np.array([_simple(run, minimum)[:length] for run in runs])
    regrets = regrets.reshape(len(runs), length)
    mean, values = regrets.mean(axis=0), regrets
    if logarithm:
        mean, values = _log(mean), _log(regrets)
    if len(runs) < 2:
        return Regret(mean, None, None)
    deviation = values.std(axis=0, ddof=1)
    return Regret(mean, mean - deviation, mean + deviation)


def best_so_far(values: Floats) -> Floats:
    """Return the least value up to each, where nan is none: nan until there is one."""
    best = np.minimum.accumulate(np.where(np.isnan(values), np.inf, values))
    return np.where(np.isinf(best), np.nan, best)


def _simple(run: Points, minimum: float) -> Floats:
    least = float(run.signs[0]) * minimum
    return best_so_far(run.minimised[:, 0]) - least


def _log(values: Floats) -> Floats:
    """Return logarithms; nan for a regret of nothing or less, which has none."""
    return np.asarray(np.log(np.where(values > 0, values, np.nan)))
