"""Distributions on the unit interval, for whole arrays; the numbers are those of `priors`.

A kind of distribution without an entry here works too, only slower.
"""

import functools

import numpy as np
from scipy import special

from hmserve.arrays import Floats, Mask
from hmserve.space.normal_mixture import NormalMixture
from hmserve.space.priors import POLE, Beta, PiecewiseLinear, Steps
from hmserve.space.scales import Rescaled
from hmserve.space.space import Distribution

_BLOCK = 64
"""Points that meet all kernels at once: more would spill out of the cache."""


@functools.singledispatch
def densities(prior: Distribution, z: Floats) -> Floats:
    """Return the density at each of `z`, shape (m,)."""
    return np.array([prior.density(value) for value in z.tolist()])


@functools.singledispatch
def slopes(prior: Distribution, z: Floats) -> Floats:
    """Return the derivative of the density at each of `z`, shape (m,)."""
    low, high = np.maximum(z - 1e-6, 0.0), np.minimum(z + 1e-6, 1.0)
    return np.asarray((densities(prior, high) - densities(prior, low)) / (high - low))


@functools.singledispatch
def cdfs(prior: Distribution, z: Floats) -> Floats:
    """Return the probability below each of `z`, shape (m,)."""
    return np.array([prior.cdf(value) for value in z.tolist()])


@functools.singledispatch
def draws(prior: Distribution, u: Floats) -> Floats:
    """Return values of the distribution from uniform variates, shape (m,).

    Which variate gives which value is not that of `quantile` for every kind.
    """
    return np.array([prior.quantile(value) for value in u.tolist()])


@densities.register
def _(prior: Beta, z: Floats) -> Floats:
    a, b = prior.shape
    y, at_pole = _off_poles(z, a, b)
    value = y ** (a - 1.0) * (1.0 - y) ** (b - 1.0) / special.beta(a, b)
    return np.where(at_pole, POLE ** (min(a, b) - 1.0), value)


@slopes.register
def _(prior: Beta, z: Floats) -> Floats:
    a, b = prior.shape
    y, at_pole = _off_poles(np.clip(z, 1e-9, 1.0 - 1e-9), a, b)
    value = y ** (a - 1.0) * (1.0 - y) ** (b - 1.0) / special.beta(a, b)
    return np.where(at_pole, 0.0, value * ((a - 1.0) / y - (b - 1.0) / (1.0 - y)))


def _off_poles(z: Floats, a: float, b: float) -> tuple[Floats, Mask]:
    """Return `z` moved away from where Beta(a, b) is infinite, and whether it had to be."""
    low, high = POLE if a < 1.0 else 0.0, 1.0 - POLE if b < 1.0 else 1.0
    return np.clip(z, low, high), ((z < low) | (z > high))


@cdfs.register
def _(prior: Beta, z: Floats) -> Floats:
    return np.asarray(special.betainc(*prior.shape, z))


@draws.register
def _(prior: Beta, u: Floats) -> Floats:
    # scipy has no inverse for variates below about 1e-100.
    return np.asarray(special.betaincinv(*prior.shape, np.maximum(u, 1e-50)))


@densities.register
def _(prior: Steps, z: Floats) -> Floats:
    i = np.searchsorted(prior.edges, z, side="right") - 1
    return np.array(prior.densities)[np.minimum(i, len(prior.densities) - 1)]


@slopes.register
def _(prior: Steps, z: Floats) -> Floats:
    del prior
    return np.zeros(len(z))


@cdfs.register
def _(prior: Steps, z: Floats) -> Floats:
    return np.interp(z, prior.edges, prior.cumulative)


@densities.register
def _(prior: PiecewiseLinear, z: Floats) -> Floats:
    return np.interp(z, np.linspace(0.0, 1.0, len(prior.heights)), prior.heights)


@slopes.register
def _(prior: PiecewiseLinear, z: Floats) -> Floats:
    n = len(prior.heights) - 1
    return np.diff(prior.heights)[np.minimum((z * n).astype(np.int64), n - 1)] * n


@densities.register
def _(prior: NormalMixture, z: Floats) -> Floats:
    _, deviations, amplitudes = _kernels(prior)
    return _sums(prior, z, (amplitudes / deviations)[:, None])[:, 0]


@slopes.register
def _(prior: NormalMixture, z: Floats) -> Floats:
    means, deviations, amplitudes = _kernels(prior)
    by_z = amplitudes / deviations**3
    sums = _sums(prior, z, np.column_stack([by_z * means, by_z]))
    return np.asarray(sums[:, 0] - z * sums[:, 1])


@cdfs.register
def _(prior: NormalMixture, z: Floats) -> Floats:
    means, deviations, _ = _kernels(prior)
    shares = np.array(prior.weights) / np.array(prior.masses)
    below = np.empty(len(z))
    for i in range(0, len(z), _BLOCK):
        t = (z[i : i + _BLOCK, None] - means) / deviations
        below[i : i + _BLOCK] = normal_masses(-means / deviations, t) @ shares
    return np.minimum(below, 1.0)


@draws.register
def _(prior: NormalMixture, u: Floats) -> Floats:
    # The variate first chooses a kernel; what is left of it is a variate again.
    before = np.concatenate([[0.0], np.cumsum(prior.weights)[:-1]])
    k = np.searchsorted(before, u, side="right") - 1
    left = np.clip((u - before[k]) / np.array(prior.weights)[k], 0.0, 1.0)
    return truncated_quantiles(np.array(prior.means)[k], np.array(prior.deviations)[k], left)


@densities.register
def _(prior: Rescaled, z: Floats) -> Floats:
    inner = np.clip(prior.scale.inward(z, np), 0.0, 1.0)
    return np.asarray(densities(prior.base, inner) * prior.scale.slope(z, np))


@slopes.register
def _(prior: Rescaled, z: Floats) -> Floats:
    inner = np.clip(prior.scale.inward(z, np), 0.0, 1.0)
    stretched = slopes(prior.base, inner) * prior.scale.slope(z, np) ** 2
    return np.asarray(stretched + densities(prior.base, inner) * prior.scale.bend(z, np))


@cdfs.register
def _(prior: Rescaled, z: Floats) -> Floats:
    return cdfs(prior.base, np.clip(prior.scale.inward(z, np), 0.0, 1.0))


@draws.register
def _(prior: Rescaled, u: Floats) -> Floats:
    return np.asarray(np.clip(prior.scale.outward(draws(prior.base, u), np), 0.0, 1.0))


def normal_masses(a: Floats, b: Floats) -> Floats:
    """Return P(a < N < b) of a standard normal, exact in either tail; a <= b."""
    upper = a > 0.0
    high, low = np.where(upper, -a, b), np.where(upper, -b, a)
    return np.asarray(special.ndtr(high) - special.ndtr(low))


def truncated_quantiles(means: Floats, deviations: Floats, u: Floats) -> Floats:
    """Return the quantiles of normals cut off at 0 and 1, elementwise."""
    a, b = -means / deviations, (1.0 - means) / deviations
    upper = a > 0.0
    low, high = np.where(upper, -b, a), np.where(upper, -a, b)
    begin, end = special.ndtr(low), special.ndtr(high)
    share = np.where(upper, 1.0 - u, u)
    t = np.clip(special.ndtri(begin + share * (end - begin)), low, high)
    return np.asarray(np.clip(means + deviations * np.where(upper, -t, t), 0.0, 1.0))


def _kernels(prior: NormalMixture) -> tuple[Floats, Floats, Floats]:
    """Return means, deviations, and the height of each kernel times its deviation."""
    amplitudes = np.array(prior.weights) / np.array(prior.masses) / np.sqrt(2.0 * np.pi)
    return np.array(prior.means), np.array(prior.deviations), amplitudes


def _sums(prior: NormalMixture, z: Floats, factors: Floats) -> Floats:
    """Return sum_k exp(-(z - mean_k)^2 / (2 deviation_k^2)) factors[k], shape (m, columns)."""
    means, deviations, _ = _kernels(prior)
    sums = np.empty((len(z), factors.shape[1]))
    for i in range(0, len(z), _BLOCK):
        t = (z[i : i + _BLOCK, None] - means) / deviations
        sums[i : i + _BLOCK] = np.exp(np.maximum(-0.5 * t * t, -700.0)) @ factors
    return sums
