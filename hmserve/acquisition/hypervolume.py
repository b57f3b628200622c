"""Expected hypervolume improvement for two objectives, exact, in log space.

The region that the front does not dominate is cut into strips of the first objective
(Emmerich et al. 2011; Yang et al. 2019). For front points a_1 < ... < a_K in the first
objective, b_1 > ... > b_K in the second, and the reference point r,

    EHVI(x) = sum_i (psi_1(a_{i+1}) - psi_1(a_i)) psi_2(b_i),   psi_k(c) = E[max(c - Y_k, 0)],

with a_0 = -infinity, b_0 = r_2, a_{K+1} = r_1.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
from scipy import special

from hmserve.acquisition.improvement import log1mexp, log_h, log_phi
from hmserve.arrays import Floats
from hmserve.surrogate.base import DifferentiablePosterior, Normal, Posterior

_NEVER = -1e300
"""Stands for log 0, so that differences stay defined."""

_WORST, _BEST, _NOWHERE = -1e7, 1e100, -1e150
"""Standardised edges: below the first the digits of a slope are gone; the last is -infinity."""


def standardised(edges: Floats, mean: Floats, s: Floats) -> Floats:
    """Return (edges - mean) / s, shape (m, k), bounded, so that squares of it are good.

    Args:
        edges: Shape (k,); they may be -infinity, where psi is zero.
        mean: Shape (m,).
        s: Standard deviations, shape (m, 1).
    """
    nowhere = np.isneginf(edges)
    distance = np.where(nowhere, 0.0, edges) - mean[:, None]
    z = np.clip(np.clip(distance, -_BEST, _BEST) / s, _WORST, _BEST)
    return np.where(nowhere, _NOWHERE, z)


class _Terms(NamedTuple):
    strip: Floats  # (m, K+1), log of psi_1(a_{i+1}) - psi_1(a_i)
    height: Floats  # (m, K+1), log of psi_2(b_i)
    z_right: Floats  # (m, K+1)
    z_left: Floats  # (m, K+1)
    z_top: Floats  # (m, K+1)


class LogExpectedHypervolumeImprovement:
    """log of the expected growth of the dominated area.

    Args:
        posteriors: The models of the two objectives.
        front: Non-dominated values in the models' units, shape (K, 2), K >= 0.
        reference: The reference point, shape (2,); front points beyond it do not count.
    """

    def __init__(
        self, posteriors: Sequence[Posterior], front: Floats, reference: Floats
    ) -> None:
        self._posteriors = tuple(posteriors)
        inside = front[np.all(front < reference, axis=1)]
        inside = inside[np.argsort(inside[:, 0])]
        self._left = np.concatenate([[-np.inf], inside[:, 0]])
        self._right = np.concatenate([inside[:, 0], reference[:1]])
        self._top = np.concatenate([reference[1:], inside[:, 1]])

    @property
    def differentiable(self) -> bool:
        return all(hasattr(p, "predict_with_gradient") for p in self._posteriors)

    def __call__(self, X: Floats) -> Floats:
        first, second = (posterior.predict(X) for posterior in self._posteriors)
        terms = self._terms(first, second)
        return np.asarray(special.logsumexp(terms.strip + terms.height, axis=1))

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        models = cast(Sequence[DifferentiablePosterior], self._posteriors)
        one, two = (model.predict_with_gradient(X) for model in models)
        s1, s2 = np.sqrt(one.variance)[:, None], np.sqrt(two.variance)[:, None]
        t = self._terms(Normal(one.mean, one.variance), Normal(two.mean, two.variance))
        value = special.logsumexp(t.strip + t.height, axis=1)
        # What one factor of each summand is multiplied with, divided by the sum of all.
        by_strip, by_height = t.height - value[:, None], t.strip - value[:, None]
        # d psi(c) / d mu = -Phi(z), d psi(c) / d s = phi(z)
        right, left = special.log_ndtr(t.z_right), special.log_ndtr(t.z_left)
        by_mean1 = -np.exp(by_strip + right + log1mexp(left - right))
        by_s1 = np.exp(by_strip + log_phi(t.z_right)) - np.exp(by_strip + log_phi(t.z_left))
        by_mean2 = -np.exp(by_height + special.log_ndtr(t.z_top))
        by_s2 = np.exp(by_height + log_phi(t.z_top))
        gradient = np.zeros_like(X)
        for model, by_mean, by_s, s in ((one, by_mean1, by_s1, s1), (two, by_mean2, by_s2, s2)):
            gradient += by_mean.sum(1)[:, None] * model.mean_gradient
            gradient += (by_s / (2.0 * s)).sum(1)[:, None] * model.variance_gradient
        return value, gradient

    def _terms(self, first: Normal, second: Normal) -> _Terms:
        s1, s2 = np.sqrt(first.variance)[:, None], np.sqrt(second.variance)[:, None]
        z_left = standardised(self._left, first.mean, s1)
        z_right = standardised(self._right, first.mean, s1)
        z_top = standardised(self._top, second.mean, s2)
        psi_right, psi_left = log_h(z_right), np.maximum(log_h(z_left), _NEVER)
        strip = np.log(s1) + psi_right + log1mexp(psi_left - psi_right)
        return _Terms(strip, np.log(s2) + log_h(z_top), z_right, z_left, z_top)
