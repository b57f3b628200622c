"""From several objectives to one: scalarisations, and the weights they take.

Notation:
    Z (n, m)   objectives scaled so that the front lies in [0, 1], its best value at 0
    w (m,)     weights; the larger, the smaller the minimum is in that objective
    r          1.1, a little beyond the worst of the front: the reference point
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from hmserve.arrays import Floats

_REFERENCE = 1.1
_LEAST_WEIGHT = 1e-3
"""As a share of the largest weight: where weights divide."""

Weights = Callable[[Floats, Floats, np.random.Generator], Floats]
"""Draws weights, shape (m,), given the least and the largest objectives of the front."""


def linear(Z: Floats, weights: Floats) -> Floats:
    """Return sum_k w_k z_k for rows of `Z`, shape (n, m) -> (n,).

    Its minima lie on the convex hull of a front: no weights find the inside of a concave one.
    """
    return np.asarray(Z @ weights)


def tchebyshev(Z: Floats, weights: Floats) -> Floats:
    """Return max_k w_k z_k + 0.05 sum_k w_k z_k for rows of `Z`, shape (n, m) -> (n,).

    The augmented Tchebyshev scalarisation (Knowles 2006), for objectives scaled to [0, 1].
    """
    weighted = Z * weights
    return np.asarray(weighted.max(1) + 0.05 * weighted.sum(1))


def modified_tchebyshev(Z: Floats, weights: Floats) -> Floats:
    """Return -min_k (r - z_k) / w_k for rows of `Z`, shape (n, m) -> (n,).

    HyperMapper's name for the least of what each objective gains, with reciprocal weights;
    there it is minimised by mistake. Gained over the reference point it is the scalarisation
    of Paria et al. (2020) for maximisation and, its weights being directions, the one whose
    mean over all directions is the hypervolume (Zhang and Golovin 2020).
    """
    return np.asarray(((Z - _REFERENCE) / _bounded(weights)).max(1))


def _bounded(weights: Floats) -> Floats:
    return np.asarray(np.maximum(weights, _LEAST_WEIGHT * weights.max()))


class Scalarisation(NamedTuple):
    """A way to make one objective of several.

    Args:
        value: From Z and weights to what is minimised.
        towards: From a point, scaled as Z is, to weights whose minimum lies on its side: on
            the line from the ideal point, or from the reference point, through it.
    """

    value: Callable[[Floats, Floats], Floats]
    towards: Callable[[Floats], Floats]


def _by_ratio(point: Floats) -> Floats:
    return np.asarray(1.0 / np.clip(point, 0.01, 1.0))


def _by_gain(point: Floats) -> Floats:
    return np.asarray(_REFERENCE - np.clip(point, 0.0, 1.0))


SCALARISATIONS: Final[Mapping[str, Scalarisation]] = {
    "linear": Scalarisation(linear, _by_gain),
    "tchebyshev": Scalarisation(tchebyshev, _by_ratio),
    "modified_tchebyshev": Scalarisation(modified_tchebyshev, _by_gain),
}
"""By HyperMapper's ``scalarization_method``."""


def hypervolume_weights(m: int, rng: np.random.Generator) -> Floats:
    """Return weights whose Tchebyshev minima cover the front evenly, shape (m,).

    The inverse of a uniform direction of the positive orthant (Zhang and Golovin 2020).
    """
    direction = np.abs(rng.standard_normal(m))
    weights = 1.0 / np.maximum(direction, 1e-3 * direction.max())
    return np.asarray(weights / weights.sum())


def even(low: Floats, high: Floats, rng: np.random.Generator) -> Floats:
    """Draw `hypervolume_weights`."""
    del high
    return hypervolume_weights(len(low), rng)


def flat(low: Floats, high: Floats, rng: np.random.Generator) -> Floats:
    """Draw from all weights that add up to one, each as likely: ``weight_sampling: flat``."""
    del high
    return rng.dirichlet(np.ones(len(low)))


class BoundingBox:
    """Draws weights whose minima lie towards a box: ``weight_sampling: bounding_box``.

    A point of the box is drawn, and the weights follow from where it lies on the scale of the
    front (Paria et al. 2020). HyperMapper takes the larger weight for the objective that may
    be the larger; objectives are minimised, so that it is the other way about here.

    Args:
        limits: Lowest and highest value of each objective, to be minimised.
        scalarisation: What the weights are for.
    """

    def __init__(
        self, limits: Sequence[tuple[float, float]], scalarisation: Scalarisation
    ) -> None:
        self._low, self._high = np.array(limits, dtype=float).T
        self._towards = scalarisation.towards

    def __call__(self, low: Floats, high: Floats, rng: np.random.Generator) -> Floats:
        """Return weights, shape (m,), given the least and the largest of the front."""
        share = rng.random(len(low))
        point = self._low * (1.0 - share) + self._high * share
        # Halves, so that the difference of any two is finite.
        spread = np.maximum(high / 2.0 - low / 2.0, np.finfo(float).tiny)
        with np.errstate(over="ignore"):
            scaled = (point / 2.0 - low / 2.0) / spread
        weights = self._towards(np.clip(scaled, 0.0, 1.0))
        return np.asarray(weights / weights.sum())


def limits_of(numbers: Sequence[float], m: int) -> Sequence[tuple[float, float]]:
    """Return the limits of `m` objectives: HyperMapper's ``bounding_box_limits``.

    Args:
        numbers: Two for all objectives, or two for each; in any order.
        m: How many objectives there are.

    Raises:
        ValueError: There are neither 2 nor 2 m numbers.
    """
    if len(numbers) not in {2, 2 * m}:
        raise ValueError(f"expected 2 or {2 * m} limits of {m} objectives, not {len(numbers)}")
    pairs = [(min(a, b), max(a, b)) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    return pairs if len(pairs) == m else pairs * m
