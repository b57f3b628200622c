"""Measured constraints as an engine sees them: how far each limit is away.

A constraint is modelled where its limit is and not where its values are: what is far on either
side is pulled in, and zero stays zero (the bilog transform of Eriksson & Poloczek 2021, with
the inverse hyperbolic sine, which is smooth there as well).
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.trial import Evaluation, Limits, within

_FARTHEST = 1e150
"""A slack beyond this is as good as this."""


class Measured(NamedTuple):
    """The measured constraints of some evaluations, in their order.

    Args:
        slack: How far each value is on the good side of each limit, shape (n, c); NaN where it
            was not measured.
        violated: Where at least one limit is violated, shape (n,).
        column: Whether a column besides tells what is feasible. Where a limit is violated,
            it is not known what that said.
    """

    slack: Floats
    violated: Mask
    column: bool

    def take(self, rows: Ints) -> "Measured":
        """Return some of the rows."""
        return Measured(self.slack[rows], self.violated[rows], self.column)

    @property
    def excess(self) -> Floats:
        """How much is violated in all, in units of each limit's spread, shape (n,)."""
        scaled = [np.nan_to_num(targets(g)) for g in self.slack.T]
        return np.asarray(np.maximum(-np.array(scaled), 0.0).sum(0))


class Limited(NamedTuple):
    """What an engine knows of measured constraints beforehand.

    Args:
        limits: By name.
        column: Whether a column besides tells what is feasible.
    """

    limits: Mapping[str, Limits]
    column: bool = False

    @property
    def width(self) -> int:
        """How many limits there are."""
        return sum(map(math.isfinite, itertools.chain(*self.limits.values())))

    def measure(self, evaluations: Sequence[Evaluation]) -> Measured:
        """Return the measured constraints of `evaluations`."""
        slack = slacks(evaluations, self.limits)
        violated = [not within(e.constraints, self.limits) for e in evaluations]
        return Measured(slack, np.array(violated, dtype=bool), self.column)


def slacks(evaluations: Sequence[Evaluation], limits: Mapping[str, Limits]) -> Floats:
    """Return the slacks of `evaluations`, shape (n, c), one column a limit that is finite."""
    columns = []
    for name, (low, high) in limits.items():
        values = np.array([e.constraints.get(name, np.nan) for e in evaluations], float)
        # The difference of the largest doubles is infinite: far enough.
        with np.errstate(over="ignore"):
            sides = [(low, values - low), (high, high - values)]
        columns += [g for limit, g in sides if math.isfinite(limit)]
    slack = np.array(columns).reshape(len(columns), len(evaluations)).T
    return np.clip(slack, -_FARTHEST, _FARTHEST)


def targets(slack: Floats) -> Floats:
    """Return what a model of `slack`, shape (n,), is fitted to; NaN stays.

    Where values lie exactly on the limit, as counts do, the limit moves half way to the
    nearest other value: what is on it is on the good side.
    """
    known = slack[np.isfinite(slack)]
    sizes = np.abs(known[known != 0.0])
    if not len(sizes):
        return np.where(np.isnan(slack), np.nan, 1.0)
    if len(sizes) < len(known):
        slack = slack + 0.5 * sizes.min()
    unit = float(np.quantile(sizes, 0.75))
    with np.errstate(over="ignore"):
        bent = np.arcsinh(np.clip(slack / unit, -_FARTHEST, _FARTHEST))
    return np.asarray(bent / np.sqrt(np.nanmean(bent * bent)))
