"""Acquisitions weighted by the probability of feasibility."""

from typing import Protocol

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.arrays import Floats

_CAUTION = 4.0
"""The power of P(feasible)."""

LIKELY = 0.5
"""What is less likely than this to be feasible is avoided."""

_STEEP = 100.0
"""The log utility that a candidate loses for each unit of P(feasible) below that."""


class Probability(Protocol):
    """A model of what is likely, such as `FeasibilityModel`."""

    def log_probability(self, X: Floats) -> Floats:
        """Return log P at `X`, shape (m, d) -> (m,)."""

    def log_probability_with_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        """Return log P, shape (m,), and its gradient, shape (m, d)."""


class TimesFeasibility:
    """log(acquisition x P(feasible)^4), with a steep fall where failure is the likelier.

    Expected constrained improvement (Gardner et al. 2014) takes P at its word. But the search
    goes where the product is largest: beyond the boundary, where the improvement promised is
    never measured and P is most overestimated. docs/decisions/0004-caution.md has numbers.

    Args:
        acquisition: What a feasible evaluation is worth.
        feasibility: The model of P(feasible).
        threshold: Below this probability the fall begins.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        feasibility: Probability,
        threshold: float = LIKELY,
    ) -> None:
        self._acquisition = acquisition
        self._feasibility = feasibility
        self._threshold = threshold

    @property
    def differentiable(self) -> bool:
        return self._acquisition.differentiable

    def __call__(self, X: Floats) -> Floats:
        log_p = self._feasibility.log_probability(X)
        return self._acquisition(X) + _CAUTION * log_p - _STEEP * self._shortfall(np.exp(log_p))

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        value, gradient = self._acquisition.value_and_gradient(X)
        log_p, log_p_gradient = self._feasibility.log_probability_with_gradient(X)
        p = np.exp(log_p)
        slope = _CAUTION + _STEEP * p * (p < self._threshold)  # d p = p d log p
        value = value + _CAUTION * log_p - _STEEP * self._shortfall(p)
        return value, gradient + slope[:, None] * log_p_gradient

    def _shortfall(self, p: Floats) -> Floats:
        return np.asarray(np.maximum(self._threshold - p, 0.0))


class LogFeasibility:
    """log P(feasible) alone: what counts while hardly anything feasible is known."""

    differentiable = True

    def __init__(self, feasibility: Probability) -> None:
        self._feasibility = feasibility

    def __call__(self, X: Floats) -> Floats:
        return self._feasibility.log_probability(X)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        return self._feasibility.log_probability_with_gradient(X)


class Product:
    """log(u v), of two acquisitions that are log u and log v."""

    def __init__(self, first: Acquisition, second: Acquisition) -> None:
        self._first = first
        self._second = second

    @property
    def differentiable(self) -> bool:
        return self._first.differentiable and self._second.differentiable

    def __call__(self, X: Floats) -> Floats:
        return self._first(X) + self._second(X)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        value, gradient = self._first.value_and_gradient(X)
        other, other_gradient = self._second.value_and_gradient(X)
        return value + other, gradient + other_gradient


class Nothing:
    """log 1: what there is to be weighed where weights alone are asked for."""

    differentiable = True

    def __call__(self, X: Floats) -> Floats:
        return np.zeros(len(X))

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        return np.zeros(len(X)), np.zeros_like(X)
