"""Acquisitions weighted by the probability of feasibility."""

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.arrays import Floats
from hmserve.surrogate.feasibility import FeasibilityModel

_CAUTION = 4.0
"""The power of P(feasible). The search goes where the product is largest, which is where P is
most overestimated; docs/decisions/0004-caution.md has the numbers."""


class TimesFeasibility:
    """log(acquisition x P(feasible)^4), a warier form of Gardner et al. (2014)."""

    def __init__(self, acquisition: Acquisition, feasibility: FeasibilityModel) -> None:
        self._acquisition = acquisition
        self._feasibility = feasibility

    @property
    def differentiable(self) -> bool:
        return self._acquisition.differentiable

    def __call__(self, X: Floats) -> Floats:
        return self._acquisition(X) + _CAUTION * self._feasibility.log_probability(X)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        value, gradient = self._acquisition.value_and_gradient(X)
        log_p, log_p_gradient = self._feasibility.log_probability_with_gradient(X)
        return value + _CAUTION * log_p, gradient + _CAUTION * log_p_gradient


class OptimisticFeasibility:
    """Latent mean plus one standard deviation: where to look while nothing is feasible yet."""

    differentiable = True

    def __init__(self, feasibility: FeasibilityModel) -> None:
        self._latent = feasibility.latent

    def __call__(self, X: Floats) -> Floats:
        mean, variance = self._latent.predict(X)
        return mean + np.sqrt(variance)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        mean, variance, dmean, dvariance = self._latent.predict_with_gradient(X)
        s = np.sqrt(variance)
        return mean + s, dmean + dvariance / (2.0 * s)[:, None]
