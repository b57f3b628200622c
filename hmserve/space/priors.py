"""Where good values are to be expected: distributions on the unit interval.

One interface for every kind of parameter. For a real, z is its unit coordinate. Of a parameter
with n levels, level i owns the cell [i / n, (i + 1) / n): its probability is what lies there,
and n times that is its density relative to a uniform choice. So strata of equal probability
come from `quantile` alone, whatever the parameter.

    z in [0, 1]     a place
    u in [0, 1]     a probability

Pure Python, because the design of experiments is drawn before numpy is imported.
`hmserve.space.prior_arrays` does the same for whole arrays.
"""

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from hmserve.space.space import Distribution

POLE: Final = 1e-3
"""As close to a pole a density is what it is on average: finite, and no spike to search."""

_INSIDE: Final = 1e-10
"""How far inside an interval a quantile stays, in widths: a boundary belongs to either side."""


class Beta(Distribution):
    """A beta distribution by name."""

    __slots__ = ()
    shape: ClassVar[tuple[float, float]]
    """Its two parameters."""


@dataclass(frozen=True, slots=True)
class Uniform(Beta):
    """Every value alike."""

    shape = (1.0, 1.0)

    def quantile(self, u: float) -> float:
        return u

    def cdf(self, z: float) -> float:
        return z

    def density(self, z: float) -> float:
        del z
        return 1.0


@dataclass(frozen=True, slots=True)
class Gaussian(Beta):
    """HyperMapper's ``gaussian``: Beta(3, 3), a hill in the middle, zero at the ends."""

    shape = (3.0, 3.0)

    def quantile(self, u: float) -> float:
        if u > 0.5:
            return 1.0 - self.quantile(1.0 - u)
        return invert(self, u, (u / 10.0) ** (1.0 / 3.0), 0.5)

    def cdf(self, z: float) -> float:
        if z > 0.5:
            return 1.0 - self.cdf(1.0 - z)
        return z**3 * (10.0 - 15.0 * z + 6.0 * z * z)

    def density(self, z: float) -> float:
        return 30.0 * (z * (1.0 - z)) ** 2


@dataclass(frozen=True, slots=True)
class Decay(Beta):
    """HyperMapper's ``decay``: Beta(0.8, 1), a little more towards the lower end."""

    shape = (0.8, 1.0)

    def quantile(self, u: float) -> float:
        return float(u**1.25)

    def cdf(self, z: float) -> float:
        return float(z**0.8)

    def density(self, z: float) -> float:
        return float(0.8 * z**-0.2 if z >= POLE else POLE**-0.2)


@dataclass(frozen=True, slots=True)
class Exponential(Beta):
    """HyperMapper's ``exponential``: Beta(1, 0.8), the mirror image of `Decay`."""

    shape = (1.0, 0.8)

    def quantile(self, u: float) -> float:
        return 1.0 - Decay().quantile(1.0 - u)

    def cdf(self, z: float) -> float:
        return 1.0 - Decay().cdf(1.0 - z)

    def density(self, z: float) -> float:
        return Decay().density(1.0 - z)


class Steps:
    """A density that is constant between `edges`.

    Args:
        edges: From 0 to 1, ascending.
        weights: One an interval, none negative and not all zero; need not sum to one.
    """

    def __init__(self, edges: Sequence[float], weights: Sequence[float]) -> None:
        probabilities = shares(weights)
        self.edges = tuple(edges)
        self.cumulative = running_sums(probabilities)
        widths = (b - a for a, b in itertools.pairwise(self.edges))
        self.densities = tuple(p / w for p, w in zip(probabilities, widths, strict=True))

    def quantile(self, u: float) -> float:
        i = _interval(self.cumulative, u)
        begin, end = self.cumulative[i : i + 2]
        # Rounding must not lead into a neighbour, which may have no weight at all.
        share = min(max((u - begin) / (end - begin), _INSIDE), 1.0 - _INSIDE)
        return self.edges[i] + share * (self.edges[i + 1] - self.edges[i])

    def cdf(self, z: float) -> float:
        i = self._at(z)
        return min(self.cumulative[i] + (z - self.edges[i]) * self.densities[i], 1.0)

    def density(self, z: float) -> float:
        return self.densities[self._at(z)]

    def _at(self, z: float) -> int:
        return min(bisect.bisect_right(self.edges, z), len(self.densities)) - 1


def cells(weights: Sequence[float]) -> Steps:
    """Return the distribution of a parameter with one weight a level, in its own order."""
    n = len(weights)
    return Steps([i / n for i in range(n + 1)], weights)


def frequencies(levels: int, counts: Mapping[int, float], shared: float = 1.0) -> Steps:
    """Return the distribution that observed levels speak for.

    Args:
        levels: How many there are; may be huge.
        counts: How often each level that occurred did.
        shared: How many more observations are shared among all levels, so that none is
            impossible.
    """
    each = shared / levels
    edges, weights = [0], []
    for level in sorted(counts):
        if level > edges[-1]:
            weights.append((level - edges[-1]) * each)
            edges.append(level)
        weights.append(counts[level] + each)
        edges.append(level + 1)
    if edges[-1] < levels:
        weights.append((levels - edges[-1]) * each)
        edges.append(levels)
    return Steps([edge / levels for edge in edges], weights)


class PiecewiseLinear:
    """A density that is linear between equally spaced knots.

    Args:
        weights: One a knot, at least two, none negative and not all zero; their scale does
            not matter.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        heights = shares(weights)
        width = 1.0 / (len(heights) - 1)
        areas = [0.5 * width * (a + b) for a, b in itertools.pairwise(heights)]
        total = math.fsum(areas)
        self.heights = tuple(height / total for height in heights)
        self.cumulative = running_sums([area / total for area in areas])

    def quantile(self, u: float) -> float:
        i = _interval(self.cumulative, u)
        a, b = self.heights[i : i + 2]
        n = len(self.heights) - 1
        area = max(u - self.cumulative[i], 0.0) * n
        # area = a t + (b - a) t^2 / 2, by the form of the root that loses no digits.
        root = math.sqrt(max(a * a + 2.0 * (b - a) * area, 0.0))
        t = 2.0 * area / (a + root) if a + root else 0.0
        return min((i + min(t, 1.0)) / n, 1.0)

    def cdf(self, z: float) -> float:
        i, t = self._at(z)
        a, b = self.heights[i : i + 2]
        n = len(self.heights) - 1
        return min(self.cumulative[i] + t * (a + 0.5 * t * (b - a)) / n, 1.0)

    def density(self, z: float) -> float:
        i, t = self._at(z)
        return self.heights[i] * (1.0 - t) + self.heights[i + 1] * t

    def _at(self, z: float) -> tuple[int, float]:
        n = len(self.heights) - 1
        i = min(int(z * n), n - 1)
        return i, min(max(z * n - i, 0.0), 1.0)


def shares(weights: Sequence[float]) -> list[float]:
    """Return `weights`, none negative and not all zero, as parts of one."""
    largest = max(weights)
    scaled = [weight / largest for weight in weights]  # so that the sum is finite
    total = math.fsum(scaled)
    return [weight / total for weight in scaled]


def running_sums(parts: Sequence[float]) -> tuple[float, ...]:
    """Return 0, then the sums of the first, the first two, ...; the last is 1."""
    sums = list(itertools.accumulate(parts))
    return (0.0, *(value / sums[-1] for value in sums))


def _interval(cumulative: Sequence[float], u: float) -> int:
    """Return the number of the interval, one of positive probability, that `u` falls in."""
    i = bisect.bisect_right(cumulative, u) - 1
    return i if u < cumulative[-1] else bisect.bisect_left(cumulative, cumulative[-1]) - 1


def invert(prior: Distribution, u: float, low: float, high: float) -> float:
    """Return z in [low, high] with cdf(z) = u: Newton's steps, or halves where they fail."""
    z, before = 0.5 * (low + high), high - low
    for _ in range(200):
        excess, slope = prior.cdf(z) - u, prior.density(z)
        low, high = (low, z) if excess > 0.0 else (z, high)
        step = -excess / slope if slope > 0.0 else math.inf
        if not (low < z + step < high and abs(step) <= 0.5 * before):
            step = 0.5 * (low + high) - z
        if abs(excess) <= 1e-15 * u or abs(step) <= 1e-16 or z + step == z:
            break
        z, before = z + step, abs(step)
    return z
