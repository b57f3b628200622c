"""From measured objectives to what a surrogate fits: monotone, so the argmin does not move."""

import numpy as np
from scipy import optimize

from hmserve.arrays import Floats

_FEW = 5
"""With fewer values than this, nothing is learnt about their distribution."""


def standardise(y: Floats) -> Floats:
    """Shift and scale `y`, shape (n,), to mean 0 and variance 1; constants become zeros."""
    largest = float(np.max(np.abs(y), initial=0.0))
    if largest == 0.0:
        return np.zeros_like(y)
    y = y / largest  # so that squares of 1e300 stay finite
    spread = float(np.std(y))
    centred = y - float(np.mean(y))
    return centred / spread if spread > 1e-12 else np.zeros_like(y)


def compress(y: Floats) -> Floats:
    """Pull in the far bad tail: values far above the median grow like a logarithm.

    Only the good half decides where the minimum is, so its spread is the unit. An outlier of
    1e300 leaves the rest of the values distinguishable.
    """
    y = y / max(float(np.max(np.abs(y), initial=0.0)), np.finfo(float).tiny)
    low, middle, high = np.quantile(y, [0.1, 0.5, 0.75])
    unit = max(middle - low, high - middle)
    if unit <= 0.0:
        return y
    unit = max(unit, np.finfo(float).tiny)  # so that nothing overflows when divided by it
    edge = middle + 5.0 * unit
    tail = np.maximum(y - edge, 0.0)
    return np.asarray(np.minimum(y, edge) + unit * np.log1p(tail / unit))


def yeo_johnson(z: Floats, lam: float) -> Floats:
    """Return the power transform of Yeo and Johnson (2000), monotone for every `lam`."""
    out = np.empty_like(z)
    up = z >= 0
    out[up] = np.log1p(z[up]) if lam == 0 else np.expm1(lam * np.log1p(z[up])) / lam
    mirror = 2.0 - lam
    down = np.log1p(-z[~up])
    out[~up] = -down if mirror == 0 else -np.expm1(mirror * down) / mirror
    return out


def power_transform(z: Floats, highest: float = 3.0) -> Floats:
    """Return the Yeo-Johnson transform of largest normal likelihood, standardised.

    Args:
        z: Standardised values, shape (n,).
        highest: The largest power; beyond 1 low values are drawn together.
    """

    def negative_log_likelihood(lam: float) -> float:
        spread = float(np.var(yeo_johnson(z, lam)))
        jacobian = float((np.sign(z) * np.log1p(np.abs(z))).sum())
        return float(0.5 * len(z) * np.log(spread + 1e-300) - (lam - 1.0) * jacobian)

    best = optimize.minimize_scalar(
        negative_log_likelihood, bounds=(-3.0, highest), method="bounded"
    )
    return standardise(yeo_johnson(z, float(best.x)))


def transform(y: Floats, *, spare: bool = False) -> Floats:
    """Return what the surrogate is to fit for the objective values `y`, shape (n,).

    Args:
        y: Smaller is better.
        spare: Whether the good values keep their distances. Where a few are much better than
            the mass, the most normal transform draws just those together: good for the fit,
            bad for finding what is better still.
    """
    if len(y) < _FEW:
        return standardise(y)
    z = standardise(compress(y))
    return power_transform(z, 1.0 if spare else 3.0) if np.ptp(z) > 0.0 else z
