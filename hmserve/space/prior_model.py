"""Priors over points `X` of the unit cube: densities for the acquisition, draws for its search.

Densities are relative to the uniform choice of a configuration: 1 everywhere without a prior.
An inactive parameter has no say.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

import numpy as np

from hmserve.arrays import Floats, Mask
from hmserve.space.axis import Axis
from hmserve.space.encoding import Encoding
from hmserve.space.prior_arrays import cdfs, densities, draws, slopes
from hmserve.space.space import Distribution

Active: TypeAlias = Callable[[Floats], Mask]
"""Tells which parameters matter at each row of X, shape (m, d) -> (d, m)."""

TABLED: Final = 2**16
"""The densities of up to so many levels are calculated once."""

_GRID: Final = 4096
"""At how many places the extremes of a density are looked for, and at as many quantiles."""


class PriorModel(Protocol):
    """A distribution over the configurations of a space."""

    def draw(self, U: Floats) -> Floats:
        """Return points from uniform variates, shape (m, d) -> (m, d).

        Known constraints need not hold.
        """

    def log_density(self, X: Floats) -> Floats:
        """Return the log of the density at each row of `X`, shape (m, d) -> (m,)."""

    def log_density_with_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        """Return the same, shape (m,), and its gradient by reals, shape (m, d)."""

    @property
    def log_limits(self) -> tuple[float, float]:
        """The least and the largest log density, or what is next to them."""


class IndependentPriors:
    """A product of one distribution a parameter.

    Args:
        encoding: The space.
        priors: By the name of the parameter; uniform where there is none.
        active: Which parameters matter; all, if not given.
    """

    def __init__(
        self,
        encoding: Encoding,
        priors: Mapping[str, Distribution],
        active: Active | None = None,
    ) -> None:
        self._encoding = encoding
        self._active = active
        self._columns = [
            (j, _Marginal(axis, priors[axis.parameter.name]))
            for j, axis in enumerate(encoding.axes)
            if axis.parameter.name in priors
        ]

    def draw(self, U: Floats) -> Floats:
        codes = [axis.codes(axis.draw(u)) for axis, u in zip(self._axes, U.T, strict=True)]
        for j, marginal in self._columns:
            codes[j] = codes_at(self._axes[j], draws(marginal.prior, U[:, j]))
        return points_at(self._encoding, codes)

    def log_density(self, X: Floats) -> Floats:
        total = np.zeros(len(X))
        active = self._active(X) if self._active else None
        for j, marginal in self._columns:
            value = marginal.log_densities(X[:, j])
            total += value if active is None else np.where(active[j], value, 0.0)
        return total

    def log_density_with_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        gradient = np.zeros_like(X)
        active = self._active(X) if self._active else np.ones(X.T.shape, dtype=bool)
        for j, marginal in self._columns:
            gradient[:, j] = np.where(active[j], marginal.log_slopes(X[:, j]), 0.0)
        return self.log_density(X), gradient

    @functools.cached_property
    def log_limits(self) -> tuple[float, float]:
        limits = [marginal.log_limits() for _, marginal in self._columns]
        return sum(low for low, _ in limits), sum(high for _, high in limits)

    @property
    def _axes(self) -> Sequence[Axis]:
        return self._encoding.axes


class _Marginal:
    """The distribution of one parameter, by coordinates."""

    def __init__(self, axis: Axis, prior: Distribution) -> None:
        self.prior = prior
        self._axis = axis
        self._table: Floats | None = None
        if axis.discrete and axis.levels <= TABLED:
            edges = np.arange(axis.levels + 1) / axis.levels
            self._table = np.maximum(np.diff(cdfs(prior, edges)), 0.0) * axis.levels

    def log_densities(self, u: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.log(self._densities(u))

    def log_slopes(self, u: Floats) -> Floats:
        if self._axis.discrete:
            return np.zeros(len(u))
        height = densities(self.prior, u)
        known = height > 0.0
        return np.where(known, slopes(self.prior, u) / np.where(known, height, 1.0), 0.0)

    def log_limits(self) -> tuple[float, float]:
        grid = np.linspace(0.0, 1.0, _GRID)
        places = np.concatenate([grid, draws(self.prior, grid)])
        found = densities(self.prior, places) if self._table is None else self._table
        with np.errstate(divide="ignore"):
            return float(np.log(found.min())), float(np.log(found.max()))

    def _densities(self, u: Floats) -> Floats:
        if not self._axis.discrete:
            return densities(self.prior, u)
        index = self._axis.index(u)
        if self._table is not None:
            return np.asarray(self._table[index.astype(np.int64)])
        # Of so many levels each is a point.
        return densities(self.prior, (index + 0.5) / self._axis.levels)


def codes_at(axis: Axis, z: Floats) -> Floats:
    """Return the level whose cell `z` falls into, or for a real `z` itself."""
    if not axis.discrete:
        return z
    return np.clip(np.floor(z * axis.levels), 0, axis.levels - 1)


def points_at(encoding: Encoding, codes: Sequence[Floats]) -> Floats:
    """Return the points that columns of codes stand for, shape (m, d)."""
    return encoding.snap(encoding.points(np.column_stack(codes)))
