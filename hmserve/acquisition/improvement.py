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

_FARTHEST = 1e100
"""A gain or a loss beyond this is as good as this: squares of it are finite."""


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
    out[~near] = log_phi(t) + _log_tail(t)
    return out


def _log_tail(z: Floats) -> Floats:
    """Return log(h(z) / phi(z)) for z <= -1."""
    # 1 - |z| sqrt(pi/2) erfcx(|z|/sqrt 2) loses all digits beyond 1e4, where it is 1/z^2.
    ratio = np.log(special.erfcx(-z / math.sqrt(2.0)) * -z) + _LOG_ROOT_HALF_PI
    return np.where(z > -1e4, log1mexp(ratio), -2.0 * np.log(-z))


def _with_slopes(z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return log h(z), Phi(z) / h(z) and phi(z) / h(z), also where all of these are 0."""
    log_improvement, cdf, pdf = np.empty_like(z), np.empty_like(z), np.empty_like(z)
    near = z > -1.0
    t = z[near]
    log_improvement[near] = log_near = log_h(t)
    cdf[near] = np.exp(special.log_ndtr(t) - log_near)
    pdf[near] = np.exp(log_phi(t) - log_near)
    t = z[~near]
    tail = _log_tail(t)
    log_improvement[~near] = log_phi(t) + tail
    pdf[~near] = by_density = np.exp(-tail)
    # Phi / phi is sqrt(pi/2) erfcx(|z|/sqrt 2).
    mills = math.sqrt(0.5 * math.pi) * special.erfcx(-t / math.sqrt(2.0))
    cdf[~near] = mills * by_density
    return log_improvement, cdf, pdf


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
        return np.log(s) + log_h(self._gain(mean) / s)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        model = cast(DifferentiablePosterior, self._posterior)
        mean, variance, dmean, dvariance = model.predict_with_gradient(X)
        s = np.sqrt(variance)
        log_improvement, cdf, pdf = _with_slopes(self._gain(mean) / s)
        # d EI / d mu = -Phi(z), d EI / d s = phi(z); divided by EI = s h(z).
        gradient = (-cdf / s)[:, None] * dmean + (pdf / (2.0 * variance))[:, None] * dvariance
        return np.log(s) + log_improvement, gradient

    def _gain(self, mean: Floats) -> Floats:
        return np.clip(self._incumbent - mean, -_FARTHEST, _FARTHEST)
