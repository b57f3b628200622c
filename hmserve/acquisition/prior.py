"""Acquisitions that heed a prior over where the optimum is.

piBO (Hvarfner et al. 2022, "piBO: augmenting acquisition functions with user beliefs for
Bayesian optimization") multiplies any acquisition with a power of the prior, which fades as
trials come in. BOPrO (Souza et al. 2021, "Bayesian optimization with a prior for the optimum")
combines the prior with the model's belief to be good, and maximises the ratio of good to bad.
"""

import math
from typing import Protocol, cast

import numpy as np
from scipy import special

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.improvement import log_phi
from hmserve.arrays import Floats
from hmserve.space.prior_model import PriorModel
from hmserve.surrogate.base import DifferentiablePosterior, Posterior

_SUREST = 0.9
"""BOPrO's prior is at most this: the odds of 1 are a pole, and an exact search stays there."""

_UNLIKELIEST = 1e-30
"""And at least this: odds of 0 are a pole as well."""

_NOISE = 0.1**2
"""What BOPrO adds to the variance, in units of the targets'.

Where the model is sure, at points already seen, the odds have no bound either.
"""

_FULL_TRUST = 1e100
"""An exponent beyond this decides no more than this does."""


class Preference(Protocol):
    """A function of the point alone, to be added to an acquisition."""

    def __call__(self, X: Floats) -> Floats:
        """Return the value at each row of `X`, shape (m, d) -> (m,)."""

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        """Return the values, shape (m,), and their gradients by `X`, shape (m, d)."""


class LogPrior:
    """log(prior + floor): nowhere minus infinity.

    Args:
        prior: Its density is relative to a uniform one.
        floor: HyperMapper's ``prior_floor``.
    """

    def __init__(self, prior: PriorModel, floor: float) -> None:
        self._prior = prior
        self._log_floor = math.log(max(floor, 1e-300))

    def __call__(self, X: Floats) -> Floats:
        return np.logaddexp(self._prior.log_density(X), self._log_floor)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        log_density, slope = self._prior.log_density_with_gradient(X)
        above = special.expit(log_density - self._log_floor)
        return np.logaddexp(log_density, self._log_floor), above[:, None] * slope


class LogPriorOdds:
    """log(P / (1 - P)), where P is the prior stretched to [limit, 1], but 1e-30 to 0.9.

    Args:
        prior: Its least and largest density become `limit` and 1.
        limit: HyperMapper's ``posterior_computation_lower_limit``.
    """

    def __init__(self, prior: PriorModel, limit: float) -> None:
        self._prior = prior
        self._limit = min(max(limit, _UNLIKELIEST), _SUREST)
        low, self._log_high = prior.log_limits
        self._low = math.exp(low - self._log_high)

    def __call__(self, X: Floats) -> Floats:
        return special.logit(self._good(self._prior.log_density(X))[0])

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        log_density, gradient = self._prior.log_density_with_gradient(X)
        good, slope = self._good(log_density)
        # d logit(P) / d P = 1 / (P (1 - P))
        return special.logit(good), (slope / (good * (1.0 - good)))[:, None] * gradient

    def _good(self, log_density: Floats) -> tuple[Floats, Floats]:
        """Return P and its derivative by the log density."""
        if self._low > 1.0 - 1e-12:  # a uniform prior, or one that is as good as that
            return np.full(len(log_density), 0.5), np.zeros(len(log_density))
        height = np.exp(np.minimum(log_density - self._log_high, 0.0))
        stretch = (1.0 - self._limit) / (1.0 - self._low)
        good = self._limit + stretch * np.maximum(height - self._low, 0.0)
        return np.minimum(good, _SUREST), np.where(good < _SUREST, stretch * height, 0.0)


class TimesPrior:
    """log(acquisition x prior^exponent), piBO (Hvarfner et al. 2022, eq. 6).

    Args:
        acquisition: What would be maximised without a prior.
        log_prior: The log of the prior.
        exponent: beta / t: the trust in the prior, falling with the number of the iteration.
    """

    def __init__(
        self, acquisition: Acquisition, log_prior: Preference, exponent: float
    ) -> None:
        self._acquisition = acquisition
        self._log_prior = log_prior
        self._exponent = min(exponent, _FULL_TRUST)

    @property
    def differentiable(self) -> bool:
        return self._acquisition.differentiable

    def __call__(self, X: Floats) -> Floats:
        return self._acquisition(X) + self._exponent * self._log_prior(X)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        value, gradient = self._acquisition.value_and_gradient(X)
        log_prior, slope = self._log_prior.value_and_gradient(X)
        return value + self._exponent * log_prior, gradient + self._exponent * slope


class PriorPosterior:
    """The log of how much more likely good than bad, BOPrO (Souza et al. 2021, eq. 4 to 7).

    With M = P(f(x) + noise < threshold) by the model and P the prior,

        log P M^e - log (1 - P) (1 - M)^e.

    Args:
        posterior: The model of the objective.
        threshold: What is good, in the model's units: a low quantile of what was seen.
        log_odds: log P - log (1 - P).
        exponent: t / ``model_posterior_weight``: the trust in the model, growing with the
            number of the iteration.
    """

    def __init__(
        self, posterior: Posterior, threshold: float, log_odds: Preference, exponent: float
    ) -> None:
        self._posterior = posterior
        self._threshold = threshold
        self._log_odds = log_odds
        self._exponent = min(exponent, _FULL_TRUST)

    @property
    def differentiable(self) -> bool:
        return hasattr(self._posterior, "predict_with_gradient")

    def __call__(self, X: Floats) -> Floats:
        mean, variance = self._posterior.predict(X)
        z = (self._threshold - mean) / np.sqrt(variance + _NOISE)
        odds = special.log_ndtr(z) - special.log_ndtr(-z)
        return np.asarray(self._log_odds(X) + self._exponent * odds)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        model = cast(DifferentiablePosterior, self._posterior)
        mean, variance, dmean, dvariance = model.predict_with_gradient(X)
        variance = variance + _NOISE
        s = np.sqrt(variance)
        z = (self._threshold - mean) / s
        good, bad = special.log_ndtr(z), special.log_ndtr(-z)
        # d (log Phi(z) - log Phi(-z)) / d z = phi(z) / Phi(z) + phi(z) / Phi(-z)
        by_z = np.exp(log_phi(z) - good) + np.exp(log_phi(z) - bad)
        z_gradient = -dmean / s[:, None] - (0.5 * z / variance)[:, None] * dvariance
        odds, slope = self._log_odds.value_and_gradient(X)
        value = odds + self._exponent * (good - bad)
        return value, slope + self._exponent * by_z[:, None] * z_gradient


def pibo_exponent(beta: float, iterations: int, t: int) -> float:
    """Return beta / t; a `beta` of -1 stands for a tenth of the iterations.

    Args:
        beta: HyperMapper's ``prior_beta``, or BaCO's ``model_weight``.
        iterations: How many there are in the run.
        t: The number of the iteration, from 1.
    """
    return (0.1 * iterations if beta == -1 else beta) / max(t, 1)
