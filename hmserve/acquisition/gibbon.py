"""GIBBON, general-purpose information-based Bayesian optimisation (Moss et al. 2021).

A lower bound on what an evaluation at x, together with the pending ones P, tells about the
minimum of the objective. Notation:

    s2, t2        variance of the function at x, noise variance of an evaluation
    rho2          s2 / (s2 + t2)
    y*_j          draws of the minimum, S of them
    gamma_j       (y*_j - mu) / s, r_j = phi(gamma_j) / Phi(-gamma_j), T_j = r_j (gamma_j - r_j)
    quality       -1/(2S) sum_j log(1 + rho2 T_j)
    V             s2 + t2 - c(x, P) (c(P, P) + t2 I)^-1 c(P, x)
    repulsion     1/2 (log V - log(s2 + t2)) / p^2

The repulsion is that of the determinant of the correlation of x with P; it is divided by p^2 as
the paper advises for many pending points, where it would outgrow the quality.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from hmserve.acquisition.confidence import log_softplus
from hmserve.arrays import Floats
from hmserve.surrogate import linear
from hmserve.surrogate.base import Posterior
from hmserve.surrogate.joint import Correlated, Joint

_FARTHEST = 1e4
"""Standardised minima are kept this close: beyond it T is -1 to all digits."""

_DRAWS = 16
_BISECTIONS = 60
_UNIT = 0.2
"""Of the largest quality: the part that a risk of failure is weighed against."""

_ROOT_2 = math.sqrt(2.0)
_ROOT_2_OVER_PI = math.sqrt(2.0 / math.pi)


def minima(model: Posterior, X: Floats, n: int = _DRAWS) -> Floats:
    """Return quantiles of the minimum of `model` over `X`, shape (n,).

    They are those of a Gumbel distribution with the quartiles of the minimum of independent
    normals (Wang and Jegelka 2017, "Max-value entropy search"), at equal steps of probability.
    None is above the least mean.
    """
    mean, variance = model.predict(X)
    s = np.sqrt(variance)
    low, high = float((mean - 8.0 * s).min()), float((mean + 8.0 * s).min())
    first, third = (_quantile(q, (mean, s), (low, high)) for q in (0.25, 0.75))
    # y = a + b log(-log(1 - u)) through both quartiles.
    one, two = math.log(-math.log(0.75)), math.log(-math.log(0.25))
    b = max(third - first, 1e-12) / (two - one)
    u = (np.arange(n) + 0.5) / n
    found = first + b * (np.log(-np.log1p(-u)) - one)
    return np.asarray(np.minimum(found, mean.min()))


def _quantile(q: float, normals: tuple[Floats, Floats], ends: tuple[float, float]) -> float:
    """Return where P(minimum of independent `normals` < y) is `q`, between `ends`."""
    (mean, s), (low, high) = normals, ends
    for _ in range(_BISECTIONS):
        y = 0.5 * (low + high)
        if special.log_ndtr((mean - y) / s).sum() < math.log1p(-q):
            high = y
        else:
            low = y
    return 0.5 * (low + high)


class _Terms(NamedTuple):
    value: Floats  # (m,)
    by_mean: Floats  # (m,)
    by_variance: Floats  # (m,)
    by_covariance: Floats  # (m, p)


class Information:
    """What one objective has to tell: quality and repulsion.

    Args:
        given: Its model at any points and the pending ones, of which there may be none.
        minima: y*, shape (S,).
    """

    def __init__(self, given: Joint, minima: Floats) -> None:
        self.given = given
        self._minima = minima
        p = len(given.P)
        self._weight = 0.5 / max(p, 1) ** 2
        self._L = linear.cholesky(given.covariance + given.noise * np.eye(p)) if p else None

    def __call__(self, X: Floats) -> Floats:
        """Return the information, shape (m,)."""
        return self._terms(self.given.predict(X)).value

    def quality(self, X: Floats) -> Floats:
        """Return what it were without pending points, shape (m,)."""
        return self._quality(self.given.predict(X))[0]

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        """Return the same with the gradient by `X`, shape (m, d)."""
        found, pull = self.given.predict_with_pull_back(X)
        value, *slopes = self._terms(found)
        return value, pull(*slopes)

    def _terms(self, found: Correlated) -> _Terms:
        value, by_mean, by_variance = self._quality(found)
        by_covariance = np.zeros_like(found.covariance)
        if self._L is not None:
            repulsion, by_own, by_covariance = self._repulsion(found, self._L)
            value, by_variance = value + repulsion, by_variance + by_own
        return _Terms(value, by_mean, by_variance, by_covariance)

    def _quality(self, found: Correlated) -> tuple[Floats, Floats, Floats]:
        """Return the quality and its derivatives by mean and variance."""
        s, t2 = np.sqrt(found.variance), self.given.noise
        rho2 = (found.variance / (found.variance + t2))[:, None]
        raw = (self._minima - found.mean[:, None]) / s[:, None]
        gamma = np.clip(raw, -_FARTHEST, _FARTHEST)
        r = _ROOT_2_OVER_PI / special.erfcx(gamma / _ROOT_2)
        T = r * (gamma - r)
        inner = 1.0 + rho2 * T
        scale = -0.5 / gamma.shape[1]
        slope = r * (r - gamma)  # dr / dgamma
        by_gamma = scale * rho2 / inner * (slope * (gamma - r) + r * (1.0 - slope))
        by_gamma = np.where(raw == gamma, by_gamma, 0.0)
        by_rho2 = scale * (T / inner).sum(axis=1)
        by_variance = by_rho2 * t2 / (found.variance + t2) ** 2
        by_variance -= (by_gamma * gamma).sum(axis=1) / (2.0 * found.variance)
        return scale * np.log1p(rho2 * T).sum(axis=1), -by_gamma.sum(axis=1) / s, by_variance

    def _repulsion(self, found: Correlated, L: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the repulsion and its derivatives by variance and covariance."""
        t2 = self.given.noise
        whole = found.variance + t2
        z = linear.solve(L, found.covariance.T).T
        # The evaluation's own noise is never known.
        known = np.minimum(np.einsum("ij,ij->i", z, found.covariance), whole - 0.5 * t2)
        V = whole - known
        value = self._weight * np.log1p(-known / whole)
        by_covariance = -2.0 * self._weight * z / V[:, None]
        return value, self._weight * (1.0 / V - 1.0 / whole), by_covariance


class Gibbon:
    """log softplus(information / unit), summed over the objectives beforehand.

    Information may be negative. Its softplus is positive, so that it can be weighed with
    priors and feasibility, and grows as it does.

    Args:
        terms: One an objective.
        X: Points all over the space, shape (m, d): the unit is a part of the largest
            quality there.
    """

    def __init__(self, terms: Sequence[Information], X: Floats) -> None:
        self._terms = tuple(terms)
        quality = np.sum([term.quality(X) for term in terms], axis=0)
        self._unit = max(_UNIT * float(quality.max()), 1e-9)

    @property
    def differentiable(self) -> bool:
        return all(term.given.differentiable for term in self._terms)

    def __call__(self, X: Floats) -> Floats:
        total = np.sum([term(X) for term in self._terms], axis=0)
        return log_softplus(total / self._unit)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        pairs = [term.value_and_gradient(X) for term in self._terms]
        total = np.sum([value for value, _ in pairs], axis=0) / self._unit
        gradient = np.sum([slope for _, slope in pairs], axis=0) / self._unit
        value = log_softplus(total)
        slope = np.exp(-np.logaddexp(0.0, -total) - value)
        return value, slope[:, None] * gradient
