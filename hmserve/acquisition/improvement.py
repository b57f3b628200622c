"""Expected improvement in log space.

    h(z)  = phi(z) + z Phi(z)
    logEI = log s + log h(z),  z = (eta - mu) / s

with stable tails after Ament et al. (2023), "Unexpected improvements to expected improvement".
"""

import math
from typing import cast

import numpy as np
from scipy import special

from hmserve.arrays import Floats
from hmserve.surrogate.base import DifferentiablePosterior, Posterior

_LOG_ROOT_2PI = 0.5 * math.log(2.0 * math.pi)
_LOG_ROOT_HALF_PI = 0.5 * math.log(0.5 * math.pi)


def log_phi(z: Floats) -> Floats:
    """Return the log density of the standard normal."""
    return -0.5 * z * z - _LOG_ROOT_2PI


def log1mexp(x: Floats) -> Floats:
    """Return log(1 - exp(x)) for x < 0, exact near 0 and far below."""
    x = np.minimum(x, -1e-300)
    near = x > -math.log(2.0)
    # Each branch is given only what it is good for, so that neither warns.
    close = np.log(-np.expm1(np.where(near, x, -1.0)))
    return np.where(near, close, np.log1p(-np.exp(np.where(near, -1.0, x))))


def log_h(z: Floats) -> Floats:
    """Return log(phi(z) + z Phi(z)) without underflow (Ament et al. 2023, eq. 9)."""
    out = np.empty_like(z)
    near = z > -1.0
    out[near] = np.log(np.exp(log_phi(z[near])) + z[near] * special.ndtr(z[near]))
    t = z[~near]
    # 1 - |z| sqrt(pi/2) erfcx(|z|/sqrt 2) loses all digits beyond 1e4, where it is 1/z^2.
    ratio = np.log(special.erfcx(-t / math.sqrt(2.0)) * -t) + _LOG_ROOT_HALF_PI
    tail = np.where(t > -1e4, log1mexp(ratio), -2.0 * np.log(-t))
    out[~near] = log_phi(t) + tail
    return out


class LogExpectedImprovement:
    """log E[max(eta - f(x), 0)].

    Args:
        posterior: The model of the objective.
        incumbent: eta, the value to improve on, in the model's units.
    """

    def __init__(self, posterior: Posterior, incumbent: float) -> None:
        self._posterior = posterior
        self._incumbent = incumbent

    @property
    def differentiable(self) -> bool:
        return hasattr(self._posterior, "predict_with_gradient")

    def __call__(self, X: Floats) -> Floats:
        mean, variance = self._posterior.predict(X)
        s = np.sqrt(variance)
        return np.log(s) + log_h((self._incumbent - mean) / s)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        model = cast(DifferentiablePosterior, self._posterior)
        mean, variance, dmean, dvariance = model.predict_with_gradient(X)
        s = np.sqrt(variance)
        z = (self._incumbent - mean) / s
        log_improvement = log_h(z)
        # d EI / d mu = -Phi(z), d EI / d s = phi(z); divided by EI = s h(z).
        by_mean = -np.exp(special.log_ndtr(z) - log_improvement) / s
        by_s = np.exp(log_phi(z) - log_improvement) / s
        gradient = by_mean[:, None] * dmean + (by_s / (2.0 * s))[:, None] * dvariance
        return np.log(s) + log_improvement, gradient
