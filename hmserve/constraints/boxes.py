"""Sets of configurations: a range of codes for each parameter, many sets at once.

c columns, m boxes. Arrays have shape (c, m), so that one column is one run of memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.constraints.columns import Column, OrderColumn


@dataclass(frozen=True)
class Prefixes:
    """The beginnings of permutations of n elements, one a box; -1 is what is not known.

    Args:
        elements: By position, shape (n, m).
        places: By element, its position, shape (n, m).
    """

    elements: Ints
    places: Ints

    @property
    def length(self) -> Ints:
        """How many positions are known, shape (m,)."""
        return np.asarray((self.places >= 0).sum(axis=0))

    def take(self, index: Ints | Mask) -> "Prefixes":
        """Return the rows `index`."""
        return Prefixes(self.elements[:, index], self.places[:, index])


@dataclass(frozen=True)
class Boxes:
    """Boxes over the same columns.

    Args:
        lo: The least code, shape (c, m).
        hi: The greatest, shape (c, m).
        done: Where the code is one and noted elsewhere, shape (c, m).
        prefixes: Of permutations, by column; lo..hi are the ranks that begin so.
    """

    lo: Floats
    hi: Floats
    done: Mask
    prefixes: Mapping[int, Prefixes]

    @property
    def m(self) -> int:
        """How many boxes there are."""
        return int(self.lo.shape[1])

    def take(self, index: Ints | Mask) -> "Boxes":
        """Return the boxes `index`."""
        prefixes = {j: prefix.take(index) for j, prefix in self.prefixes.items()}
        return Boxes(self.lo[:, index], self.hi[:, index], self.done[:, index], prefixes)

    def chosen(self) -> Ints:
        """Return how many codes, and elements of permutations, are known, shape (m,)."""
        lengths = [prefix.length for prefix in self.prefixes.values()]
        return np.asarray(sum(lengths, self.done.sum(axis=0)))

    def bounded(self, lo: Floats, hi: Floats) -> "Boxes":
        """Return the boxes with other bounds."""
        return Boxes(lo, hi, self.done, self.prefixes)


def whole_box(columns: Sequence[Column]) -> Boxes:
    """Return one box with everything in it."""
    hi = [float(column.levels - 1) if column.levels else 1.0 for column in columns]
    prefixes = {}
    for j, column in enumerate(columns):
        if isinstance(column, OrderColumn):
            prefixes[j] = _prefixes(column, np.full((1, column.n), -1))
    width = (len(columns), 1)
    return Boxes(
        np.zeros(width), np.array(hi).reshape(width), np.zeros(width, dtype=bool), prefixes
    )


def _prefixes(column: OrderColumn, unknown: Ints) -> Prefixes:
    elements = np.array([column.fixed]) if column.fixed else unknown
    places = np.argsort(elements, axis=1) if column.fixed else unknown
    return Prefixes(elements.T.astype(np.int8), places.T.astype(np.int8))


def joined(parts: Sequence[Boxes]) -> Boxes:
    """Return all boxes of `parts`, at least one of them."""
    if len(parts) == 1:
        return parts[0]
    prefixes = {
        j: Prefixes(
            np.concatenate([part.prefixes[j].elements for part in parts], axis=1),
            np.concatenate([part.prefixes[j].places for part in parts], axis=1),
        )
        for j in parts[0].prefixes
    }
    lo, hi, done = (
        np.concatenate(arrays, axis=1)
        for arrays in zip(*((part.lo, part.hi, part.done) for part in parts), strict=True)
    )
    return Boxes(lo, hi, done, prefixes)


def point_boxes(columns: Sequence[Column], lo: Floats, hi: Floats) -> Boxes:
    """Return boxes whose permutations are each a single one, or not known at all."""
    prefixes = {}
    for j, column in enumerate(columns):
        if isinstance(column, OrderColumn):
            known = lo[j] == hi[j]
            elements = np.where(known[:, None], column.orders(lo[j]), -1)
            places = np.where(known[:, None], np.argsort(elements, axis=1), -1)
            prefixes[j] = Prefixes(elements.T, places.T)
    return Boxes(lo, hi, np.zeros(lo.shape, dtype=bool), prefixes)
