"""Many configurations at once, as points of the unit cube.

A row of `X` holds one coordinate a parameter, the same as `Parameter.encode` gives. A point is
*snapped* when it is the image of a configuration: models are only asked about snapped points.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.space.axis import Axis
from hmserve.space.parameters import Value
from hmserve.space.space import Configuration, Space


class Encoding:
    """The bridge between configurations and arrays `X` of shape (n, d) in the unit cube."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.axes = tuple(Axis(parameter) for parameter in space.parameters)
        self.discrete: Mask = np.array([axis.discrete for axis in self.axes])
        self.categorical: Mask = np.array([axis.categorical for axis in self.axes])
        self._column = {name: j for j, name in enumerate(space.names)}
        self._switches = [self._switch(name) for name in space.conditions.of]

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
        """Return points from uniform variates, every level equally likely, shape (n, d).

        Known constraints need not hold.
        """
        return self._columns([axis.draw(u) for axis, u in zip(self.axes, U.T, strict=True)])

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Return `n` points of the space, every one equally likely, shape (n, d).

        Fewer, even none, if hardly any satisfies the known constraints.
        """
        if self.space.known is None:
            return self.draw(rng.random((n, len(self.axes))))
        return self.points(self.space.known.region.draw(n, rng))

    def holds(self, X: Floats) -> Mask:
        """Tell at which rows of `X`, snapped, shape (n, d), the known constraints hold."""
        if self.space.known is None:
            return np.ones(len(X), dtype=bool)
        return self.space.known.region.holds(self.codes(X))

    def codes(self, X: Floats) -> Floats:
        """Return the indices of levels, and coordinates of reals, that a region knows."""
        codes = [axis.codes(u) for axis, u in zip(self.axes, X.T, strict=True)]
        return np.ascontiguousarray(np.column_stack(codes))

    def points(self, codes: Floats) -> Floats:
        """Return the points that `codes`, shape (n, d), stand for."""
        return self._columns(
            [axis.points(c) for axis, c in zip(self.axes, codes.T, strict=True)]
        )

    def enumerate(self) -> Floats:
        """Return every point of a finite space in the order of `Space.enumerate`."""
        if self.space.known is not None:
            return self.points(self.space.known.region.enumerate(int(self.space.size)))
        grids = np.meshgrid(
            *(axis.at(np.arange(axis.levels, dtype=float)) for axis in self.axes), indexing="ij"
        )
        X = self._columns([grid.ravel() for grid in grids])
        if not self._switches:
            return X
        _, first = np.unique(X, axis=0, return_index=True)
        return np.asarray(X[np.sort(first)])

    def numbers(self, X: Floats) -> Ints:
        """Return the place of each row of `X` in the product of all levels, shape (n,)."""
        place = np.zeros(len(X), dtype=np.int64)
        for axis, u in zip(self.axes, X.T, strict=True):
            place = place * axis.levels + axis.index(u).astype(np.int64)
        return place

    def neighbours(self, x: Floats) -> Floats:
        """Return the points that differ from `x`, shape (d,), in one discrete parameter.

        Under known constraints, points that satisfy them and differ in one or two.
        """
        if self.space.known is not None:
            codes = self.space.known.region.neighbours(self.codes(x[None])[0])
            return self.points(codes)
        active = self.active(x[None])[0]
        blocks = [np.empty((0, len(x)))]
        for j, axis in enumerate(self.axes):
            values = axis.neighbours(float(x[j])) if active[j] else np.empty(0)
            block = np.tile(x, (len(values), 1))
            block[:, j] = values
            blocks.append(block)
        return self._collapsed(np.concatenate(blocks))

    def _columns(self, columns: Sequence[Floats]) -> Floats:
        return self._collapsed(np.ascontiguousarray(np.column_stack(columns)))

    def _switch(self, name: str) -> tuple[int, list[tuple[int, Ints]]]:
        """Return the column of `name`, and which levels of which columns make it active."""
        parents = [
            (self._column[parent], self._levels(parent, values))
            for parent, values in self.space.conditions.of[name].items()
        ]
        return self._column[name], parents

    def _levels(self, name: str, values: Sequence[Value]) -> Ints:
        axis = self.axes[self._column[name]]
        coordinates = np.array([axis.parameter.encode(value) for value in values])
        return axis.index(coordinates).astype(np.int64)

    def active(self, X: Floats) -> Mask:
        """Tell which parameters matter in the rows of `X`, shape (n, d)."""
        active = np.ones(X.shape, dtype=bool)
        for j, parents in self._switches:
            for k, levels in parents:
                index = self.axes[k].index(X[:, k]).astype(np.int64)
                active[:, j] &= active[:, k] & np.isin(index, levels)
        return active

    def _collapsed(self, X: Floats) -> Floats:
        """Give inactive parameters of `X` their one coordinate, in place."""
        if self._switches:
            idle = [axis.idle for axis in self.axes]
            np.copyto(X, idle, where=~self.active(X))
        return X
