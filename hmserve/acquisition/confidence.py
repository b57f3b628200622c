"""Confidence bounds."""

import math
from typing import cast

import numpy as np

from hmserve.arrays import Floats
from hmserve.surrogate.base import DifferentiablePosterior, Posterior


def hypermapper_beta(iteration: int) -> float:
    """Return HyperMapper's exploration weight at iteration 1, 2, ...: sqrt(ln(2t + 1) / 8)."""
    return math.sqrt(0.125 * math.log(2.0 * iteration + 1.0))


class LogConfidenceBound:
    """log softplus(eta - (mu - beta s)): grows as the lower confidence bound falls.

    Alone, it is largest where mu - beta s is least; the logarithm of a positive gain is
    what can be added to the log probability of feasibility.

    Args:
        posterior: The model of the objective.
        incumbent: eta, in the model's units.
        beta: How many standard deviations of optimism.
    """

    def __init__(self, posterior: Posterior, incumbent: float, beta: float) -> None:
        self._posterior = posterior
        self._incumbent = incumbent
        self._beta = beta

    @property
    def differentiable(self) -> bool:
        return hasattr(self._posterior, "predict_with_gradient")

    def __call__(self, X: Floats) -> Floats:
        mean, variance = self._posterior.predict(X)
        return log_softplus(self._incumbent - mean + self._beta * np.sqrt(variance))

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        model = cast(DifferentiablePosterior, self._posterior)
        mean, variance, dmean, dvariance = model.predict_with_gradient(X)
        s = np.sqrt(variance)
        gain = self._incumbent - mean + self._beta * s
        value = log_softplus(gain)
        # d log softplus(g) / d g = sigma(g) / softplus(g)
        slope = np.exp(-np.logaddexp(0.0, -gain) - value)
        inner = (0.5 * self._beta / s)[:, None] * dvariance - dmean
        return value, slope[:, None] * inner


def log_softplus(gain: Floats) -> Floats:
    """Return log log(1 + e^g), where nothing underflows."""
    # log log(1 + e^g) -> g far below zero, where softplus underflows.
    return np.where(gain < -30.0, gain, np.log(np.logaddexp(0.0, np.maximum(gain, -30.0))))
