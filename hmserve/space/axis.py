"""One parameter, vectorised: arrays of coordinates in and out."""

import math

import numpy as np

from hmserve.arrays import Floats
from hmserve.space.intervals import LOG_GRID, TINY, few_between
from hmserve.space.parameters import Categorical, Integer, Ordinal, Parameter, Real
from hmserve.space.permutation import Permutation
from hmserve.space.space import idle_coordinate

_MANY_LEVELS = 16
"""With more levels than this, a parameter offers steps, not every level, as neighbours."""


class Axis:
    """The coordinates of one parameter, arrays of shape (n,)."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        self.discrete = parameter.size < math.inf
        self.levels = int(parameter.size) if self.discrete else 0
        self.categorical = parameter.categorical
        self.idle = idle_coordinate(parameter)
        self._coordinates: Floats | None = None
        if isinstance(parameter, Ordinal | Categorical):
            self._coordinates = np.array(parameter.coordinates)
        self._log = isinstance(parameter, Real | Integer) and parameter.log

    def at(self, index: Floats) -> Floats:
        """Return the coordinates of the levels numbered `index`."""
        index = np.clip(index, 0, self.levels - 1)
        if self._coordinates is not None:
            return self._coordinates[index.astype(np.int64)]
        if self._log:
            assert isinstance(self.parameter, Integer)
            return self._log_coordinates(self.parameter.low + index)
        return index / (self.levels - 1) if self.levels > 1 else np.full(index.shape, 0.5)

    def index(self, u: Floats) -> Floats:
        """Return the number of the level nearest to each coordinate."""
        if self.categorical:
            return np.clip(np.floor(u * self.levels), 0, self.levels - 1)
        if self._coordinates is not None:
            midpoints = (self._coordinates[1:] + self._coordinates[:-1]) / 2
            return np.searchsorted(midpoints, u, side="left").astype(float)
        if self._log:
            return self._nearest_integer(u)
        return np.clip(np.rint(u * (self.levels - 1)), 0, self.levels - 1)

    def snap(self, u: Floats) -> Floats:
        """Return the coordinate of the nearest value."""
        return self.at(self.index(u)) if self.discrete else self._rounded(u)

    def draw(self, u: Floats) -> Floats:
        """Return coordinates of equally likely values from uniform variates."""
        if not self.discrete:
            return u
        return self.snap(u) if self._log else self.at(np.floor(u * self.levels))

    def codes(self, u: Floats) -> Floats:
        """Return the index of the level, or for a real the coordinate itself."""
        return self.index(u) if self.discrete else u

    def points(self, codes: Floats) -> Floats:
        """Return the coordinates that `codes` stand for."""
        return self.at(codes) if self.discrete else codes

    def values(self, u: Floats) -> Floats:
        """Return the numbers that coordinates of a real parameter stand for."""
        assert isinstance(self.parameter, Real)
        low, high = self.parameter.low, self.parameter.high
        if self._log:
            logs = math.log(low) * (1.0 - u) + math.log(high) * u
            return np.clip(
                np.where(u <= 0, low, np.where(u >= 1, high, np.exp(logs))), low, high
            )
        if few_between(low, high):
            return np.clip(low + (high - low) * u, low, high)
        return np.clip(low * (1.0 - u) + high * u, low, high)

    def neighbours(self, u: float) -> Floats:
        """Return other coordinates one exchange away: all of a few levels, steps among many.

        For a permutation, what one exchange of two elements makes of it.
        """
        if not self.discrete:
            return np.empty(0)
        if isinstance(self.parameter, Permutation):
            return _transposed(self.parameter, u)
        here = self.index(np.array([u]))[0]
        if self.categorical or self.levels <= _MANY_LEVELS:
            there = np.arange(self.levels, dtype=float)
        else:
            steps = 2.0 ** np.arange(int(np.log2(self.levels)))
            there = np.concatenate([here - steps, here + steps])
        there = there[(there >= 0) & (there < self.levels) & (there != here)]
        return self.at(there)

    def _rounded(self, u: Floats) -> Floats:
        """Return what `Real.encode` makes of what `Real.decode` makes of `u`, to the bit."""
        assert isinstance(self.parameter, Real)
        low, high = self.parameter.low, self.parameter.high
        if self._log:
            # Among subnormal numbers many coordinates stand for one.
            sparse = low < TINY
            return self._log_coordinates(self.values(u)) if sparse else _on_grid(u)
        unit = 1.0 if np.isfinite(high - low) else 0.5
        return (self.values(u) * unit - low * unit) / (high * unit - low * unit)

    def _log_coordinates(self, values: Floats) -> Floats:
        assert isinstance(self.parameter, Real | Integer)
        low, high = math.log(self.parameter.low), math.log(self.parameter.high)
        return _on_grid((np.log(values) - low) / (high - low))

    def _nearest_integer(self, u: Floats) -> Floats:
        assert isinstance(self.parameter, Integer)
        low, high = self.parameter.low, self.parameter.high
        below = np.floor(np.exp(math.log(low) * (1.0 - u) + math.log(high) * u))
        # An exponential of a logarithm may fall just short of the integer it should be.
        below = np.clip(below, low, high)
        near = np.stack([np.clip(below + step, low, high) for step in (0.0, -1.0, 1.0)])
        gaps = np.abs(self._log_coordinates(near) - u)
        nearest = np.take_along_axis(near, gaps.argmin(0)[None], 0)[0]
        return np.asarray(nearest - low)


def _on_grid(u: Floats) -> Floats:
    return np.asarray(np.clip(np.rint(u * LOG_GRID) / LOG_GRID, 0.0, 1.0))


def _transposed(parameter: Permutation, u: float) -> Floats:
    order = parameter.decode(u)
    found = []
    for i in range(parameter.n):
        for j in range(i):
            other = list(order)
            other[i], other[j] = other[j], other[i]
            found.append(parameter.encode(tuple(other)))
    return np.array(found)
