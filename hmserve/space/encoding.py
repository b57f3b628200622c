"""Many configurations at once, as points of the unit cube.

A row of `X` holds one coordinate a parameter, the same as `Parameter.encode` gives. A point is
*snapped* when it is the image of a configuration: models are only asked about snapped points.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.space.parameters import Categorical, Integer, Ordinal, Parameter, Real, Value
from hmserve.space.space import Configuration, Space

_MANY_LEVELS = 16
"""With more levels than this, a parameter offers steps, not every level, as neighbours."""


class Axis:
    """One parameter, vectorised: coordinates of shape (n,) in and out."""

    def __init__(self, parameter: Parameter) -> None:
        self.discrete = parameter.size < float("inf")
        self.levels = int(parameter.size) if self.discrete else 0
        self.categorical = parameter.categorical
        self._coordinates: Floats | None = None
        self._bounds = (0.0, 1.0)
        if isinstance(parameter, Ordinal | Categorical):
            self._coordinates = np.array(parameter.coordinates)
        elif isinstance(parameter, Real):
            self._bounds = (parameter.low, parameter.high)
        elif self.discrete and not isinstance(parameter, Integer):
            raise TypeError(f"{parameter.name}: no axis for a {type(parameter).__name__}")

    def at(self, index: Floats) -> Floats:
        """Return the coordinates of the levels numbered `index`."""
        index = np.clip(index, 0, self.levels - 1)
        if self._coordinates is not None:
            return self._coordinates[index.astype(np.int64)]
        return index / (self.levels - 1) if self.levels > 1 else np.full(index.shape, 0.5)

    def index(self, u: Floats) -> Floats:
        """Return the number of the level nearest to each coordinate."""
        if self.categorical:
            return np.clip(np.floor(u * self.levels), 0, self.levels - 1)
        if self._coordinates is None:
            return np.clip(np.rint(u * (self.levels - 1)), 0, self.levels - 1)
        midpoints = (self._coordinates[1:] + self._coordinates[:-1]) / 2
        return np.searchsorted(midpoints, u, side="left").astype(float)

    def snap(self, u: Floats) -> Floats:
        """Return the coordinate of the nearest value."""
        return self.at(self.index(u)) if self.discrete else self._rounded(u)

    def draw(self, u: Floats) -> Floats:
        """Return coordinates of equally likely values from uniform variates."""
        return self.at(np.floor(u * self.levels)) if self.discrete else u

    def _rounded(self, u: Floats) -> Floats:
        """Return what `Real.encode` makes of what `Real.decode` makes of `u`, to the bit."""
        low, high = self._bounds
        value = np.clip(low * (1.0 - u) + high * u, low, high)
        unit = 1.0 if np.isfinite(high - low) else 0.5
        return (value * unit - low * unit) / (high * unit - low * unit)

    def neighbours(self, u: float) -> Floats:
        """Return other coordinates one exchange away: all of a few levels, steps among many."""
        if not self.discrete:
            return np.empty(0)
        here = self.index(np.array([u]))[0]
        if self.categorical or self.levels <= _MANY_LEVELS:
            there = np.arange(self.levels, dtype=float)
        else:
            steps = 2.0 ** np.arange(int(np.log2(self.levels)))
            there = np.concatenate([here - steps, here + steps])
        there = there[(there >= 0) & (there < self.levels) & (there != here)]
        return self.at(there)


class Encoding:
    """The bridge between configurations and arrays `X` of shape (n, d) in the unit cube."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.axes = tuple(Axis(parameter) for parameter in space.parameters)
        self.discrete: Mask = np.array([axis.discrete for axis in self.axes])
        self.categorical: Mask = np.array([axis.categorical for axis in self.axes])

    def encode(self, configurations: Iterable[Configuration]) -> Floats:
        """Return one row a configuration, shape (n, d)."""
        rows = [self.space.encode(configuration) for configuration in configurations]
        return np.array(rows, dtype=float).reshape(len(rows), len(self.axes))

    def decode(self, X: Floats) -> list[dict[str, Value]]:
        """Return the configurations nearest to the rows of `X`."""
        return [self.space.decode(row) for row in X.tolist()]

    def snap(self, X: Floats) -> Floats:
        """Return the nearest points that are configurations, shape (n, d)."""
        return self._columns([axis.snap(u) for axis, u in zip(self.axes, X.T, strict=True)])

    def draw(self, U: Floats) -> Floats:
        """Return points from uniform variates, every level equally likely, shape (n, d)."""
        return self._columns([axis.draw(u) for axis, u in zip(self.axes, U.T, strict=True)])

    def enumerate(self) -> Floats:
        """Return every point of a finite space in the order of `Space.enumerate`."""
        grids = np.meshgrid(
            *(axis.at(np.arange(axis.levels, dtype=float)) for axis in self.axes), indexing="ij"
        )
        return self._columns([grid.ravel() for grid in grids])

    def numbers(self, X: Floats) -> Ints:
        """Return the place of each row of `X` in `enumerate()`, shape (n,)."""
        place = np.zeros(len(X), dtype=np.int64)
        for axis, u in zip(self.axes, X.T, strict=True):
            place = place * axis.levels + axis.index(u).astype(np.int64)
        return place

    def neighbours(self, x: Floats) -> Floats:
        """Return the points that differ from `x`, shape (d,), in one discrete parameter."""
        blocks = []
        for j, axis in enumerate(self.axes):
            values = axis.neighbours(float(x[j]))
            block = np.tile(x, (len(values), 1))
            block[:, j] = values
            blocks.append(block)
        return np.concatenate(blocks)

    def _columns(self, columns: Sequence[Floats]) -> Floats:
        return np.ascontiguousarray(np.column_stack(columns))
