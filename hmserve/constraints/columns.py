"""Parameters as columns of codes, and the numbers that codes stand for.

The code of a discrete parameter is the index of its level, that of a real one its unit
coordinate. Numbers grow with codes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.constraints.tree import Condition
from hmserve.constraints.vectors import evaluate
from hmserve.space.axis import Axis
from hmserve.space.fixed import Fixed
from hmserve.space.parameters import Categorical, Integer, Parameter, Real
from hmserve.space.permutation import Permutation
from hmserve.space.permutations import unrank

_ROOM = 1e-14
"""Relative room for the rounding of a unit coordinate's value."""

_LOG_ROOM = 1e-12
_CODE_ROOM = 1e-15


class RealColumn:
    """A real parameter on an interval."""

    levels = 0
    whole = False

    def __init__(self, parameter: Real) -> None:
        self._parameter = parameter
        self._axis = Axis(parameter)
        self._low, self._high = float(parameter.low), float(parameter.high)

    def values(self, codes: Floats) -> Floats:
        """Return the very numbers that `Real.decode` makes of coordinates."""
        if self._parameter.log:
            # Numpy's exponential may differ in the last bit.
            return np.array([self._parameter.decode(u) for u in codes.tolist()], dtype=float)
        return self._axis.values(codes)

    def bounds(self, lo: Floats, hi: Floats) -> tuple[Floats, Floats]:
        """Return bounds of the numbers of the coordinates from `lo` to `hi`."""
        room = np.full(lo.shape, _ROOM * max(abs(self._low), abs(self._high)))
        if self._parameter.log:
            room = _LOG_ROOM * self._axis.values(hi)
        low, high = self._axis.values(lo) - room, self._axis.values(hi) + room
        return np.maximum(low, self._low), np.minimum(high, self._high)

    def tightened(
        self, lo: Floats, hi: Floats, low: Floats, high: Floats
    ) -> tuple[Floats, Floats]:
        """Return `lo` and `hi` without coordinates whose numbers are not in low..high."""
        above = np.minimum(self._coordinates(low) - 1e-13, hi)
        below = np.maximum(self._coordinates(high) + 1e-13, lo)
        # Only what is known to lie outside is cut off.
        above = np.where(self.bounds(above, above)[1] < low, above, lo)
        below = np.where(self.bounds(below, below)[0] > high, below, hi)
        return np.maximum(lo, above), np.minimum(hi, below)

    def _coordinates(self, numbers: Floats) -> Floats:
        inside = np.clip(numbers, self._low, self._high)
        if self._parameter.log:
            low, high = math.log(self._low), math.log(self._high)
            return (np.log(inside) - low) / (high - low)
        return (inside - self._low) / (self._high - self._low)


class IntegerColumn:
    """An integer parameter."""

    whole = True

    def __init__(self, parameter: Integer) -> None:
        self._low = float(parameter.low)
        self.levels = int(parameter.size)

    def values(self, codes: Floats) -> Floats:
        """Return the integers that `codes` stand for."""
        return codes + self._low

    def bounds(self, lo: Floats, hi: Floats) -> tuple[Floats, Floats]:
        """Return the least and the greatest integer."""
        return lo + self._low, hi + self._low

    def tightened(
        self, lo: Floats, hi: Floats, low: Floats, high: Floats
    ) -> tuple[Floats, Floats]:
        """Return `lo` and `hi` without codes whose integers are not in low..high."""
        room = _CODE_ROOM * abs(self._low)
        first = np.ceil(low - self._low - room - _CODE_ROOM * np.abs(low))
        last = np.floor(high - self._low + room + _CODE_ROOM * np.abs(high))
        return np.maximum(lo, first), np.minimum(hi, last)


class TableColumn:
    """A parameter with a list of numbers, in ascending order."""

    def __init__(self, numbers: Floats) -> None:
        self._numbers = numbers
        self.levels = len(numbers)
        self.whole = bool((numbers == np.rint(numbers)).all())

    def values(self, codes: Floats) -> Floats:
        """Return the numbers that `codes` stand for."""
        return self._numbers[codes.astype(np.int64)]

    def bounds(self, lo: Floats, hi: Floats) -> tuple[Floats, Floats]:
        """Return the least and the greatest number."""
        return self.values(lo), self.values(hi)

    def tightened(
        self, lo: Floats, hi: Floats, low: Floats, high: Floats
    ) -> tuple[Floats, Floats]:
        """Return `lo` and `hi` without codes whose numbers are not in low..high."""
        first = np.searchsorted(self._numbers, low, side="left")
        last = np.searchsorted(self._numbers, high, side="right") - 1
        return np.maximum(lo, first), np.minimum(hi, last)


class LabelColumn:
    """A categorical parameter."""

    whole = False

    def __init__(self, levels: int, first: int) -> None:
        self.levels = levels
        self._first = first

    def numbers(self, codes: Floats) -> Ints:
        """Return the numbers, among all labels, that `codes` stand for."""
        return codes.astype(np.int64) + self._first


class OrderColumn:
    """A permutation of n elements."""

    whole = False

    def __init__(self, n: int, fixed: tuple[int, ...] | None = None) -> None:
        self.n = n
        self.fixed = fixed
        self.levels = 1 if fixed else math.factorial(n)

    def orders(self, codes: Floats) -> Ints:
        """Return the permutations that `codes` stand for, shape (m, n)."""
        if self.fixed:
            return np.tile(np.array(self.fixed), (len(codes), 1))
        return unrank(codes, self.n)


Column: TypeAlias = RealColumn | IntegerColumn | TableColumn | LabelColumn | OrderColumn
NumberColumn: TypeAlias = RealColumn | IntegerColumn | TableColumn


def column_of(parameter: Parameter) -> Column:
    """Return the column of a parameter."""
    inner = parameter.parameter if isinstance(parameter, Fixed) else parameter
    single = parameter.size == 1
    if isinstance(inner, Permutation):
        value = parameter.level(0)
        assert isinstance(value, tuple)
        return OrderColumn(inner.n, value if single else None)
    if isinstance(inner, Categorical):
        first = inner.values.index(str(parameter.level(0)))
        return LabelColumn(int(parameter.size), first)
    if isinstance(parameter, Integer):
        return IntegerColumn(parameter)
    if isinstance(parameter, Real) and not single:
        return RealColumn(parameter)
    numbers = [parameter.level(i) for i in range(int(parameter.size))]
    return TableColumn(np.array(numbers, dtype=float))


class CodeColumns:
    """Rows of codes as the values that expressions read (`hmserve.constraints.vectors`).

    Args:
        columns: One a row of `codes`.
        places: The row of each parameter by name.
        codes: Shape (c, m).
    """

    def __init__(
        self, columns: Sequence[Column], places: Mapping[str, int], codes: Floats
    ) -> None:
        self._columns = columns
        self._places = places
        self._codes = codes
        self._orders: dict[str, Ints] = {}
        self.m = codes.shape[1]

    def numbers(self, name: str) -> Floats:
        """Return the values of a numeric parameter, shape (m,)."""
        j = self._places[name]
        return self._columns[j].values(self._codes[j])  # type: ignore[union-attr]

    def levels(self, name: str) -> Ints:
        """Return the numbers of the labels of a categorical parameter, shape (m,)."""
        j = self._places[name]
        return self._columns[j].numbers(self._codes[j])  # type: ignore[union-attr]

    def orders(self, name: str) -> Ints:
        """Return the values of a permutation of n elements, shape (m, n)."""
        found = self._orders.get(name)
        if found is None:
            j = self._places[name]
            found = self._columns[j].orders(self._codes[j])  # type: ignore[union-attr]
            self._orders[name] = found
        return found

    def take(self, index: Mask) -> "CodeColumns":
        """Return some of the rows."""
        part = CodeColumns(self._columns, self._places, self._codes[:, index])
        part._orders = {name: orders[index] for name, orders in self._orders.items()}
        return part


def satisfied(constraints: Iterable[Condition], columns: CodeColumns) -> Mask:
    """Tell where all of `constraints` hold, shape (m,)."""
    held = np.ones(columns.m, dtype=bool)
    left = np.arange(columns.m)
    for constraint in constraints:
        holds = evaluate(constraint, columns)
        held[left[~holds]] = False
        # Where few satisfy all, most fail early.
        if not holds.all():
            left, columns = left[holds], columns.take(holds)
        if not len(left):
            break
    return held
