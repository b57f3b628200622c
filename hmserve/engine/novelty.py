"""Which points may be proposed: never asked, not observed, and known constraints hold."""

import copy
from typing import Protocol

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.engine.history import History
from hmserve.engine.rank import Parts
from hmserve.space.encoding import Encoding


class Novelty(Protocol):
    """A growing set of points that are taken."""

    def take(self, X: Floats) -> None:
        """Mark the rows of `X`, shape (n, d), as taken."""

    def copy(self) -> "Novelty":
        """Return another that starts with what is taken now."""

    def within(self, parts: Parts) -> "Novelty":
        """Return another to which all is taken that is in none of the `parts` held now."""

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
        self._parts: list[Ints] = []

    def take(self, X: Floats) -> None:
        places, found = self._places(X)
        self._free[places[found]] = False

    def copy(self) -> "Listed":
        other = copy.copy(self)
        other._free = self._free.copy()
        return other

    def within(self, parts: Parts) -> "Listed":
        if not self._parts:
            # Shared by all copies: which point is in which part never changes.
            self._parts.append(np.array([parts.part(row) for row in _bytes(self._points)]))
        other = self.copy()
        other._free &= np.array(parts.held, dtype=bool)[self._parts[0]]
        return other

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
        others: Another that stays as it is: what it has taken is taken here.
        parts: What is in none of those held is taken; None: everything is held.
    """

    def __init__(
        self, encoding: Encoding, others: "Hashed | None" = None, parts: Parts | None = None
    ) -> None:
        self._encoding = encoding
        self._rows: set[bytes] = set()
        self._others = others
        self._parts = parts

    def take(self, X: Floats) -> None:
        self._rows.update(_bytes(X))
        # A real that was rounded to a value and back may have moved by a last bit.
        self._rows.update(_bytes(self._encoding.snap(X)))

    def copy(self) -> "Hashed":
        """Return one that is good until this one takes more; nothing is copied."""
        return Hashed(self._encoding, self, self._parts)

    def within(self, parts: Parts) -> "Hashed":
        return Hashed(self._encoding, self, parts)

    def __call__(self, X: Floats) -> Mask:
        snapped = self._encoding.snap(X)
        unseen = np.array([self._is_free(row) for row in _bytes(snapped)], dtype=bool)
        return unseen & self._encoding.holds(snapped)

    def _is_free(self, row: bytes) -> bool:
        held = self._parts is None or self._parts.held[self._parts.part(row)]
        return held and not self._has(row)

    def _has(self, row: bytes) -> bool:
        return row in self._rows or (self._others is not None and self._others._has(row))


class Settled:
    """What will never be free again: evaluated or abandoned, as a history grows.

    Args:
        history: Its evaluations and abandoned trials are only appended.
        encoding: The space.
        novelty: Where nothing is taken yet.
    """

    def __init__(self, history: History, encoding: Encoding, novelty: Novelty) -> None:
        self.history = history
        self._encoding = encoding
        self._novelty = novelty
        self._evaluated = 0
        self._abandoned = 0

    @property
    def novelty(self) -> Novelty:
        """What is free now; to be copied."""
        trials = [e.trial for e in self.history.evaluations[self._evaluated :]]
        trials += self.history.abandoned[self._abandoned :]
        self._evaluated = len(self.history.evaluations)
        self._abandoned = len(self.history.abandoned)
        self._novelty.take(self._encoding.encode(trial.configuration for trial in trials))
        return self._novelty


def _bytes(X: Floats) -> list[bytes]:
    """Return the rows of `X` as bytes."""
    data, width = np.ascontiguousarray(X).tobytes(), X.shape[1] * X.itemsize
    return [data[i : i + width] for i in range(0, len(data), width)]
