"""From several objectives to one."""

import numpy as np

from hmserve.arrays import Floats


def hypervolume_weights(m: int, rng: np.random.Generator) -> Floats:
    """Return weights whose Tchebyshev minima cover the front evenly, shape (m,).

    The inverse of a uniform direction of the positive orthant (Zhang and Golovin 2020).
    """
    direction = np.abs(rng.standard_normal(m))
    weights = 1.0 / np.maximum(direction, 1e-3 * direction.max())
    return np.asarray(weights / weights.sum())


def tchebyshev(Z: Floats, weights: Floats) -> Floats:
    """Return max_k w_k z_k + 0.05 sum_k w_k z_k for rows of `Z`, shape (n, m) -> (n,).

    The augmented Tchebyshev scalarisation (Knowles 2006), for objectives scaled to [0, 1].
    """
    weighted = Z * weights
    return np.asarray(weighted.max(1) + 0.05 * weighted.sum(1))
