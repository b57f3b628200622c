"""Acquisitions weighted by the probability of feasibility."""

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.arrays import Floats
from hmserve.surrogate.feasibility import FeasibilityModel

_CAUTION = 4.0
"""The power of P(feasible)."""

_LIKELY = 0.5
_STEEP = 100.0
"""The log utility that a candidate loses for each unit of P(feasible) below `_LIKELY`."""


class TimesFeasibility:
    """log(acquisition x P(feasible)^4), with a steep fall where failure is the likelier.

    Expected constrained improvement (Gardner et al. 2014) takes P at its word. But the search
    goes where the product is largest: beyond the boundary, where the improvement promised is
    never measured and P is most overestimated. docs/decisions/0004-caution.md has numbers.
    """

    def __init__(self, acquisition: Acquisition, feasibility: FeasibilityModel) -> None:
        self._acquisition = acquisition
        self._feasibility = feasibility

    @property
    def differentiable(self) -> bool:
        return self._acquisition.differentiable

    def __call__(self, X: Floats) -> Floats:
        log_p = self._feasibility.log_probability(X)
        return self._acquisition(X) + _CAUTION * log_p - _STEEP * _shortfall(np.exp(log_p))

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        value, gradient = self._acquisition.value_and_gradient(X)
        log_p, log_p_gradient = self._feasibility.log_probability_with_gradient(X)
        p = np.exp(log_p)
        slope = _CAUTION + _STEEP * p * (p < _LIKELY)  # d p = p d log p
        value = value + _CAUTION * log_p - _STEEP * _shortfall(p)
        return value, gradient + slope[:, None] * log_p_gradient


def _shortfall(p: Floats) -> Floats:
    return np.asarray(np.maximum(_LIKELY - p, 0.0))


class LogFeasibility:
    """log P(feasible) alone: what counts while hardly anything feasible is known."""

    differentiable = True

    def __init__(self, feasibility: FeasibilityModel) -> None:
        self._feasibility = feasibility

    def __call__(self, X: Floats) -> Floats:
        return self._feasibility.log_probability(X)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        return self._feasibility.log_probability_with_gradient(X)
