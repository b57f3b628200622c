"""Which points may be proposed: those that were never asked and not observed."""

from typing import Protocol

import numpy as np

from hmserve.arrays import Floats, Mask
from hmserve.space.encoding import Encoding


class Novelty(Protocol):
    """A growing set of points that are taken."""

    def take(self, X: Floats) -> None:
        """Mark the rows of `X`, shape (n, d), as taken."""

    def __call__(self, X: Floats) -> Mask:
        """Tell which rows of `X`, shape (m, d), are free."""


class Listed:
    """For enumerable spaces: one flag a configuration.

    Args:
        encoding: A finite space.
        points: `encoding.enumerate()`, shape (size, d).
    """

    def __init__(self, encoding: Encoding, points: Floats) -> None:
        self._encoding = encoding
        self._points = points
        self._free = np.ones(len(points), dtype=bool)

    def take(self, X: Floats) -> None:
        self._free[self._encoding.numbers(X)] = False

    def __call__(self, X: Floats) -> Mask:
        return np.asarray(self._free[self._encoding.numbers(X)])

    @property
    def free(self) -> Floats:
        """All points that are free, shape (m, d)."""
        return np.asarray(self._points[self._free])


class Hashed:
    """For any space: a set of rows. Snapped coordinates of equal configurations are equal.

    Args:
        encoding: The space.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._rows: set[bytes] = set()

    def take(self, X: Floats) -> None:
        self._rows.update(_bytes(X))
        # A real that was rounded to a value and back may have moved by a last bit.
        self._rows.update(_bytes(self._encoding.snap(X)))

    def __call__(self, X: Floats) -> Mask:
        rows = _bytes(self._encoding.snap(X))
        return np.array([row not in self._rows for row in rows], dtype=bool)


def _bytes(X: Floats) -> list[bytes]:
    """Return the rows of `X` as bytes."""
    data, width = np.ascontiguousarray(X).tobytes(), X.shape[1] * X.itemsize
    return [data[i : i + width] for i in range(0, len(data), width)]
