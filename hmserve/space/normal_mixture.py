"""Mixtures of normals on the unit interval: priors with means, and kernel density estimates."""

import bisect
import math
from collections.abc import Sequence
from typing import Final

from hmserve.space.priors import invert, running_sums, shares

_REACH: Final = 9.0
"""Beyond so many standard deviations a kernel has nothing that a double can show."""

_LEAST_MASS: Final = 1e-300

_SHARPEST: Final = 1e-100
"""The least standard deviation: what is divided by it and squared is finite."""

_FLATTEST: Final = 1e4
"""The largest standard deviation: of a wider normal nothing but its slope is seen inside."""


class NormalMixture:
    """A mixture of normals, each cut off at 0 and 1 and restored to its weight.

    Args:
        means: May lie outside, but no so far that nothing of the normal is left inside.
        deviations: Their standard deviations, positive.
        weights: Equal if not given; need not sum to one.

    Raises:
        ValueError: Nothing is left of one of them.
    """

    def __init__(
        self,
        means: Sequence[float],
        deviations: Sequence[float],
        weights: Sequence[float] | None = None,
    ) -> None:
        parts_of_one = shares(weights or [1.0] * len(means))
        normals = map(_tamed, means, deviations)
        parts = sorted((*n, part) for n, part in zip(normals, parts_of_one, strict=True))
        self.means = tuple(part[0] for part in parts)
        self.deviations = tuple(part[1] for part in parts)
        self.weights = tuple(part[2] for part in parts)
        self.masses = tuple(mass_inside(m, s) for m, s, _ in parts)
        self._before = running_sums(self.weights)
        # Of a normal that is mostly outside every bit matters.
        inside = self.means[0] >= 0.0 and self.means[-1] <= 1.0
        self._reach = _REACH * max(self.deviations) if inside else math.inf

    def quantile(self, u: float) -> float:
        return invert(self, u, 0.0, 1.0)

    def cdf(self, z: float) -> float:
        first, last = self._near(z)
        below = self._before[first]
        for k in range(first, last):
            m, s = self.means[k], self.deviations[k]
            share = normal_mass(-m / s, (z - m) / s) / self.masses[k]
            below += self.weights[k] * share
        return min(below, 1.0)

    def density(self, z: float) -> float:
        first, last = self._near(z)
        return sum(
            self.weights[k]
            * normal_density(z, self.means[k], self.deviations[k])
            / self.masses[k]
            for k in range(first, last)
        )

    def _near(self, z: float) -> tuple[int, int]:
        first = bisect.bisect_left(self.means, z - self._reach)
        return first, bisect.bisect_right(self.means, z + self._reach)


def _tamed(mean: float, deviation: float) -> tuple[float, float]:
    """Return the mean and the deviation of a normal that is as good inside [0, 1]."""
    if deviation <= _FLATTEST:
        return mean, max(deviation, _SHARPEST)
    # The slope of the logarithm is (mean - z) / deviation^2.
    share = _FLATTEST / deviation
    return 0.5 + (mean - 0.5) * share * share if share else 0.5, _FLATTEST


def normal_density(z: float, mean: float, deviation: float) -> float:
    """Return the density of a normal at `z`."""
    t = (z - mean) / deviation
    return math.exp(-0.5 * min(t * t, 1500.0)) / (deviation * math.sqrt(2.0 * math.pi))


def normal_mass(a: float, b: float) -> float:
    """Return P(a < N < b) of a standard normal, exact in either tail."""
    if a > 0.0:
        return 0.5 * (math.erfc(a * math.sqrt(0.5)) - math.erfc(b * math.sqrt(0.5)))
    if b < 0.0:
        return normal_mass(-b, -a)
    return 0.5 * (math.erf(b * math.sqrt(0.5)) - math.erf(a * math.sqrt(0.5)))


def mass_inside(mean: float, deviation: float) -> float:
    """Return how much of a normal lies in [0, 1].

    Raises:
        ValueError: Next to nothing.
    """
    mass = normal_mass(-mean / deviation, (1.0 - mean) / deviation)
    if mass < _LEAST_MASS:
        raise ValueError(f"nothing of N({mean}, {deviation}^2) lies in [0, 1]")
    return mass
