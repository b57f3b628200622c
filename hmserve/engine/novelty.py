"""Which points may be proposed: never asked, not observed, and known constraints hold."""

from typing import Protocol

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
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
        numbers = encoding.numbers(points)
        self._order = np.argsort(numbers, kind="stable")
        self._numbers = numbers[self._order]

    def take(self, X: Floats) -> None:
        places, found = self._places(X)
        self._free[places[found]] = False

    def __call__(self, X: Floats) -> Mask:
        places, found = self._places(X)
        return np.asarray(found & self._free[places])

    def _places(self, X: Floats) -> tuple[Ints, Mask]:
        """Return where the rows of `X` are listed, and whether they are."""
        numbers = self._encoding.numbers(X)
        near = np.minimum(np.searchsorted(self._numbers, numbers), len(self._numbers) - 1)
        return self._order[near], np.asarray(self._numbers[near] == numbers)

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
        snapped = self._encoding.snap(X)
        unseen = np.array([row not in self._rows for row in _bytes(snapped)], dtype=bool)
        return unseen & self._encoding.holds(snapped)


def _bytes(X: Floats) -> list[bytes]:
    """Return the rows of `X` as bytes."""
    data, width = np.ascontiguousarray(X).tobytes(), X.shape[1] * X.itemsize
    return [data[i : i + width] for i in range(0, len(data), width)]
