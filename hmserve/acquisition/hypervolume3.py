"""Expected hypervolume improvement for three objectives, exact, in log space.

The region that the front does not dominate is cut into boxes; each is unbounded or ends at
front points (after Yang et al. 2019). Let l and u be the corners of a box, then

    EHVI(x) = sum_boxes prod_k (psi_k(u_k) - psi_k(l_k)),   psi_k(c) = E[max(c - Y_k, 0)].

A front of K points makes at most 3 K + 1 boxes.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
from scipy import special

from hmserve.acquisition.hypervolume import standardised
from hmserve.acquisition.improvement import log1mexp, log_h, log_phi
from hmserve.arrays import Floats, Ints
from hmserve.surrogate.base import DifferentiablePosterior, Posterior

_NEVER = -1e300
"""Stands for log 0, so that differences stay defined."""

Box = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Lower and upper corner."""


class _Strip(NamedTuple):
    """A part of the plane of the first two objectives that is not dominated any more, or yet.

    It reaches from `left` to `right` in the first, up to `top` in the second objective, and
    begins at `start` in the third.
    """

    left: float
    right: float
    top: float
    start: float


def boxes(front: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """Return the lower and the upper corners, shape (b, 3), of what `front` does not dominate.

    A sweep along the third objective: the strips of the plane that are still free end, or
    become lower, where a front point begins to dominate.

    Args:
        front: Shape (K, 3), below the reference point.
        reference: Shape (3,).
    """
    strips = [_Strip(-np.inf, float(reference[0]), float(reference[1]), -np.inf)]
    found: list[Box] = []
    for a, b, c in front[np.lexsort(front.T)].tolist():
        before = [s for s in strips if s.right <= a]
        cut = [s for s in strips if s.right > a and s.top > b]
        after = [s for s in strips if s.right > a and s.top <= b]
        if not cut:
            continue
        if cut[0].left < a:
            before.append(cut[0]._replace(right=a))
            cut[0] = cut[0]._replace(left=a)
        found += [_box(s, c) for s in cut]
        strips = [*before, _Strip(a, cut[-1].right, b, c), *after]
    found += [_box(s, float(reference[2])) for s in strips]
    lower, upper = np.array(found).transpose(1, 0, 2)
    solid = (lower < upper).all(axis=1)
    return lower[solid], upper[solid]


def _box(strip: _Strip, end: float) -> Box:
    return (strip.left, -np.inf, strip.start), (strip.right, strip.top, end)


class _Factor(NamedTuple):
    """One objective's part of the boxes.

    Args:
        width: log (psi(u) - psi(l)), shape (m, boxes).
        z: Standardised edges, shape (m, edges).
        s: Standard deviations, shape (m, 1).
    """

    width: Floats
    z: Floats
    s: Floats


class LogExpectedVolumeImprovement:
    """log of the expected growth of the dominated volume.

    Args:
        posteriors: The models of the three objectives.
        front: Non-dominated values in the models' units, shape (K, 3), K >= 0.
        reference: The reference point, shape (3,); front points beyond it do not count.
    """

    def __init__(
        self, posteriors: Sequence[Posterior], front: Floats, reference: Floats
    ) -> None:
        self._posteriors = tuple(posteriors)
        lower, upper = boxes(front[np.all(front < reference, axis=1)], reference)
        # Edges are far fewer than boxes: each is looked up.
        self._edges: list[Floats] = []
        self._lower: list[Ints] = []
        self._upper: list[Ints] = []
        for low, high in zip(lower.T, upper.T, strict=True):
            edges, places = np.unique(np.concatenate([low, high]), return_inverse=True)
            self._edges.append(edges)
            self._lower.append(places[: len(low)])
            self._upper.append(places[len(low) :])

    @property
    def differentiable(self) -> bool:
        return all(hasattr(p, "predict_with_gradient") for p in self._posteriors)

    def __call__(self, X: Floats) -> Floats:
        predictions = [posterior.predict(X) for posterior in self._posteriors]
        factors = [self._factor(k, p.mean, p.variance) for k, p in enumerate(predictions)]
        return np.asarray(special.logsumexp(sum(f.width for f in factors), axis=1))

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        models = cast(Sequence[DifferentiablePosterior], self._posteriors)
        found = [model.predict_with_gradient(X) for model in models]
        factors = [self._factor(k, p.mean, p.variance) for k, p in enumerate(found)]
        terms = sum(f.width for f in factors)
        value = special.logsumexp(terms, axis=1)
        gradient = np.zeros_like(X)
        for k, (model, factor) in enumerate(zip(found, factors, strict=True)):
            # What this factor of each summand is multiplied with, divided by the sum of all.
            rest = terms - factor.width - value[:, None]
            by_mean, by_s = self._slopes(k, factor, rest)
            gradient += by_mean[:, None] * model.mean_gradient
            gradient += (by_s / (2.0 * factor.s[:, 0]))[:, None] * model.variance_gradient
        return value, gradient

    def _factor(self, k: int, mean: Floats, variance: Floats) -> _Factor:
        s = np.sqrt(variance)[:, None]
        z = standardised(self._edges[k], mean, s)
        psi = np.maximum(log_h(z), _NEVER)
        upper, lower = psi[:, self._upper[k]], psi[:, self._lower[k]]
        return _Factor(np.log(s) + upper + log1mexp(lower - upper), z, s)

    def _slopes(self, k: int, factor: _Factor, rest: Floats) -> tuple[Floats, Floats]:
        """Return the derivatives by the mean and by the standard deviation, shape (m,)."""
        # d psi(c) / d mu = -Phi(z), d psi(c) / d s = phi(z)
        log_cdf, log_pdf = special.log_ndtr(factor.z), log_phi(factor.z)
        upper, lower = self._upper[k], self._lower[k]
        right = log_cdf[:, upper]
        by_mean = -np.exp(rest + right + log1mexp(log_cdf[:, lower] - right))
        by_s = np.exp(rest + log_pdf[:, upper]) - np.exp(rest + log_pdf[:, lower])
        return by_mean.sum(1), by_s.sum(1)
