"""Kernel densities of points in the unit cube, one kernel a coordinate (Falkner et al. 2018).

    p(x) = 1/n sum_i prod_j k_j(x_j | c_ij)

Notation:
    c (n, d)  the centres: points that were seen
    h (d,)    bandwidths, one a coordinate

Kernels by kind of coordinate; each adds up to one over what its coordinate can be:

    real          a normal density about the centre, cut to [0, 1]
    ordered       the same over the levels: weights exp(-(v - c)^2 / 2 h^2), normalised
    category      1 - h at the centre, h / (levels - 1) elsewhere (Aitchison & Aitken 1976)
    permutation   exp(-distance^2 / 2 h^2), up to a factor that is the same at every centre

Where a coordinate does not matter at a centre, being conditional, its kernel is uniform there;
where it does not matter at x, it has no say.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy import special

from hmserve.arrays import Floats, Ints, Mask
from hmserve.space.axis import Axis
from hmserve.space.encoding import Encoding
from hmserve.space.permutation import Permutation
from hmserve.surrogate.orders import features

_TABLED = 256
"""Of more ordered levels than this, the kernel is that of a real."""

_STEP = 0.125
"""Bandwidths of ordered levels are at least this share of the way between two of them."""

_RULE = 1.06
"""The factor of the normal reference rule."""

_SWAPS = 8
"""So many exchanges make a permutation another at most."""

_ORDERS = 256
"""Over so many permutations means are taken."""


class Draws(NamedTuple):
    """How to draw about centres.

    Args:
        factor: By what the bandwidths of numbers are widened.
        rng: The only source of randomness.
    """

    factor: float
    rng: np.random.Generator


class Kernel(Protocol):
    """The kernel of one coordinate."""

    def bandwidth(self, u: Floats, power: float, least: float) -> float:
        """Return the bandwidth for centres `u`, shape (n,): `power` times their spread."""

    def log(self, u: Floats, centres: Floats, h: float) -> Floats:
        """Return the log kernel at `u`, shape (m,), about `centres`, shape (n,): (m, n)."""

    def even(self, h: float) -> float:
        """Return the log of an even density, in units of the kernel."""

    def draw(self, centres: Floats, h: float, draws: Draws) -> Floats:
        """Return one draw about each of the centres, shape (m,); not snapped."""


class Number:
    """The kernel of reals and of levels in an order.

    Args:
        axis: The coordinate.
    """

    def __init__(self, axis: Axis) -> None:
        self._levels: Floats | None = None
        self._least = 0.0
        if axis.discrete and axis.levels <= _TABLED:
            self._levels = np.unique(axis.at(np.arange(axis.levels, dtype=float)))
            gaps = np.diff(self._levels)
            self._least = _STEP * float(gaps.mean()) if len(gaps) else 1.0

    def bandwidth(self, u: Floats, power: float, least: float) -> float:
        return max(_RULE * power * float(np.std(u)), least, self._least)

    def log(self, u: Floats, centres: Floats, h: float) -> Floats:
        z = (u[:, None] - centres) / h
        return np.asarray(-0.5 * z * z - self._log_mass(centres, h))

    def _log_mass(self, centres: Floats, h: float) -> Floats:
        """Return the log of what the normal weights add up to about each centre, shape (n,)."""
        if self._levels is not None:
            z = (self._levels - centres[:, None]) / h
            return np.asarray(special.logsumexp(-0.5 * z * z, axis=1))
        inside = special.ndtr((1.0 - centres) / h) - special.ndtr(-centres / h)
        return np.asarray(np.log(inside) + np.log(h * np.sqrt(2.0 * np.pi)))

    def even(self, h: float) -> float:
        del h
        return 0.0 if self._levels is None else -math.log(len(self._levels))

    def draw(self, centres: Floats, h: float, draws: Draws) -> Floats:
        wide = h * draws.factor
        low, high = special.ndtr(-centres / wide), special.ndtr((1.0 - centres) / wide)
        quantiles = low + (high - low) * draws.rng.random(len(centres))
        return np.clip(centres + wide * special.ndtri(quantiles), 0.0, 1.0)


class Category:
    """The kernel of levels without an order.

    Args:
        axis: The coordinate.
    """

    def __init__(self, axis: Axis) -> None:
        self._axis = axis
        self._most = (axis.levels - 1) / axis.levels

    def bandwidth(self, u: Floats, power: float, least: float) -> float:
        shares = np.unique(self._axis.index(u), return_counts=True)[1] / max(len(u), 1)
        # That of two levels is their standard deviation, and names of levels do not count.
        spread = np.sqrt(max(1.0 - float(shares @ shares), 0.0) / 2.0)
        return float(min(max(_RULE * power * spread, least), self._most))

    def log(self, u: Floats, centres: Floats, h: float) -> Floats:
        same = self._axis.index(u)[:, None] == self._axis.index(centres)
        if self._axis.levels < 2:
            return np.zeros(same.shape)
        other = math.log(h / (self._axis.levels - 1))
        return np.asarray(np.where(same, math.log1p(-h), other), dtype=float)

    def even(self, h: float) -> float:
        del h
        return -math.log(self._axis.levels)

    def draw(self, centres: Floats, h: float, draws: Draws) -> Floats:
        levels = self._axis.levels
        moved = draws.rng.random(len(centres)) < h
        steps = np.floor(draws.rng.random(len(centres)) * max(levels - 1, 1)) + 1.0
        level = self._axis.index(centres)
        return self._axis.at(np.where(moved, (level + steps) % levels, level))


class Order:
    """The kernel of permutations, by the distance their parameter names.

    Args:
        axis: The coordinate.
        parameter: The permutation.
    """

    def __init__(self, axis: Axis, parameter: Permutation) -> None:
        self._axis = axis
        self._parameter = parameter
        self._last = max(parameter.size - 1.0, 1.0)

    def _features(self, u: Floats) -> Floats:
        vectors = features(self._parameter, u)
        # All that differ are as far apart.
        return np.asarray(vectors if vectors.shape[1] else np.rint(u[:, None] * self._last))

    def bandwidth(self, u: Floats, power: float, least: float) -> float:
        vectors = features(self._parameter, u)
        if vectors.shape[1]:
            spread = float(np.sqrt(vectors.var(0).sum()))
        else:
            shares = np.unique(u, return_counts=True)[1] / max(len(u), 1)
            spread = float(np.sqrt(max(1.0 - float(shares @ shares), 0.0) / 2.0))
        return max(_RULE * power * spread, least)

    def log(self, u: Floats, centres: Floats, h: float) -> Floats:
        a, b = self._features(u), self._features(centres)
        if not features(self._parameter, u[:1]).shape[1]:
            return np.where(a == b.T, 0.0, -0.5 / h**2)
        squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2.0 * a @ b.T
        return np.asarray(-0.5 * np.maximum(squares, 0.0) / h**2)

    def even(self, h: float) -> float:
        # Any centre is as good as any other: the mean over orders all over the space.
        u = self._axis.draw((np.arange(_ORDERS) + 0.5) / _ORDERS)
        return float(special.logsumexp(self.log(u, u[:1], h)) - math.log(_ORDERS))

    def draw(self, centres: Floats, h: float, draws: Draws) -> Floats:
        wide = min(h * draws.factor, 0.9)
        swaps = np.minimum(draws.rng.geometric(1.0 - wide, len(centres)) - 1, _SWAPS)
        return np.array(
            [self._swapped(u, k, draws.rng) for u, k in zip(centres, swaps, strict=True)]
        )

    def _swapped(self, u: float, k: int, rng: np.random.Generator) -> float:
        order = list(self._parameter.decode(u))
        for _ in range(k if len(order) > 1 else 0):
            i, j = rng.choice(len(order), 2, replace=False)
            order[i], order[j] = order[j], order[i]
        return self._parameter.encode(tuple(order))


def kernels(encoding: Encoding) -> tuple[Kernel, ...]:
    """Return the kernel of each coordinate of a space."""
    return tuple(_kernel(axis) for axis in encoding.axes)


def _kernel(axis: Axis) -> Kernel:
    if isinstance(axis.parameter, Permutation):
        return Order(axis, axis.parameter)
    return Category(axis) if axis.categorical else Number(axis)


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """A density about centres.

    Args:
        kernels: One a coordinate.
        centres: Shape (n, d), n >= 1.
        active: Which coordinates matter at each, shape (n, d).
        h: Bandwidths, shape (d,).
    """

    kernels: tuple[Kernel, ...]
    centres: Floats
    active: Mask
    h: tuple[float, ...]

    @classmethod
    def fit(
        cls, kernels: tuple[Kernel, ...], centres: Floats, active: Mask, least: float
    ) -> "Density":
        """Return the density with bandwidths by the normal reference rule.

        Args:
            kernels: One a coordinate.
            centres: Shape (n, d), n >= 1.
            active: Which coordinates matter at each.
            least: No bandwidth is smaller.
        """
        n, d = centres.shape
        power = n ** (-1.0 / (4 + d))
        h = [
            kernel.bandwidth(u[used] if used.any() else u, power, least)
            for kernel, u, used in zip(kernels, centres.T, active.T, strict=True)
        ]
        return cls(kernels, centres, active, tuple(h))

    def log(self, X: Floats, active: Mask) -> Floats:
        """Return the log density at `X`, shape (m, d), where `active` matter: shape (m,)."""
        total = np.zeros((len(X), len(self.centres)))
        for j, kernel in enumerate(self.kernels):
            # Several points share a value: a level, a coordinate at the edge.
            part = kernel.log(X[:, j], self.centres[:, j], self.h[j])
            total += np.where(active[:, j, None] & self.active[:, j], part, 0.0)
        return np.asarray(special.logsumexp(total, axis=1) - np.log(len(self.centres)))

    def log_with_doubt(self, X: Floats, active: Mask) -> Floats:
        """Return `log` with one more centre, whose kernel is even: nowhere next to nothing."""
        even = np.array([k.even(h) for k, h in zip(self.kernels, self.h, strict=True)])
        n = len(self.centres)
        total = np.logaddexp(self.log(X, active) + math.log(n), active @ even)
        return np.asarray(total - math.log(n + 1))

    def draw(self, n: int, draws: Draws) -> Floats:
        """Return `n` draws about centres drawn at random, shape (n, d), not snapped.

        Where a coordinate does not matter at the centre, it is drawn about one at which it
        does; where there is none, evenly.
        """
        chosen = draws.rng.integers(len(self.centres), size=n)
        columns = []
        for j, kernel in enumerate(self.kernels):
            base, even = self._base(j, chosen, draws.rng)
            drawn = kernel.draw(base, self.h[j], draws)
            columns.append(np.where(even, draws.rng.random(n), drawn))
        return np.column_stack(columns)

    def _base(self, j: int, chosen: Ints, rng: np.random.Generator) -> tuple[Floats, Mask]:
        """Return the centres of coordinate `j`, and which of them are none, shape (n,)."""
        used = self.active[:, j]
        base = self.centres[chosen, j].copy()
        missing = ~used[chosen]
        others = self.centres[used, j]
        if missing.any() and len(others):
            base[missing] = rng.choice(others, int(missing.sum()))
            missing = np.zeros(len(base), dtype=bool)
        return base, missing
