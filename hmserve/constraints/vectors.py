"""The same expressions for many configurations at once.

The results are those of `hmserve.constraints.tree`, to the bit: where numpy's own functions may
differ from the C library's in the last place, the C library's are called number by number.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.constraints.expression import Expression
from hmserve.constraints.tree import (
    COMPARISONS,
    FUNCTIONS,
    Apply,
    Both,
    Choose,
    Compare,
    Condition,
    Constant,
    Either,
    Element,
    LabelIn,
    Member,
    Not,
    Number,
    Place,
    Power,
    Same,
    SameLabel,
    Sum,
    Truth,
    Variable,
    whole_power,
)


class Columns(Protocol):
    """The values of parameters in m configurations."""

    m: int

    def numbers(self, name: str) -> Floats:
        """Return the values of a numeric parameter, shape (m,)."""

    def levels(self, name: str) -> Ints:
        """Return the numbers of the labels of a categorical parameter, shape (m,)."""

    def orders(self, name: str) -> Ints:
        """Return the values of a permutation of n elements, shape (m, n)."""


def vectorised(
    expression: Expression,
    columns: Mapping[str, Any],
    inactive: Mapping[str, Mask] = MappingProxyType({}),
) -> Mask:
    """Tell which of m configurations satisfy `expression`, shape (m,).

    Args:
        expression: What must hold.
        columns: By parameter: numbers, shape (m,); or the numbers of labels, shape (m,); or
            permutations, shape (m, n). What stands for inactive ones does not matter.
        inactive: By parameter, where it is inactive, shape (m,); nowhere if it is missing.
    """
    held = evaluate(expression.tree, Plain(columns, len(columns[expression.parameters[0]])))
    for name in expression.parameters:
        if name in inactive:
            held = held | inactive[name]
    return held


class Plain:
    """Columns as they are.

    Args:
        columns: By the name of the parameter.
        m: How many configurations there are.
    """

    def __init__(self, columns: Mapping[str, Any], m: int) -> None:
        self._columns = columns
        self.m = m

    def numbers(self, name: str) -> Floats:
        """Return the values of a numeric parameter, shape (m,)."""
        return np.asarray(self._columns[name], dtype=float)

    def levels(self, name: str) -> Ints:
        """Return the numbers of the labels of a categorical parameter, shape (m,)."""
        return np.asarray(self._columns[name]).astype(np.int64)

    def orders(self, name: str) -> Ints:
        """Return the values of a permutation of n elements, shape (m, n)."""
        return np.asarray(self._columns[name], dtype=np.int64)


def evaluate(condition: Condition, columns: Columns) -> Mask:
    """Tell where `condition` holds, shape (m,)."""
    with np.errstate(all="ignore"):
        return _HOLDS[type(condition)](condition, columns)


def _value(node: Number, columns: Columns) -> Floats:
    """Return numbers, NaN where they are undefined, shape (m,)."""
    value = _VALUES[type(node)](node, columns)
    return np.where(np.isfinite(value), value, np.nan)


def _sum(node: Sum, columns: Columns) -> Floats:
    total = np.zeros(columns.m)
    for sign, term in zip(node.signs, node.terms, strict=True):
        total += sign * _value(term, columns)
    return total


def _apply(node: Apply, columns: Columns) -> Floats:
    return apply(node.function, [_value(argument, columns) for argument in node.arguments])


def apply(function: str, values: list[Floats]) -> Floats:
    """Return what one of `FUNCTIONS` makes of numbers, all of shape (m,).

    Where one of them is NaN, or the result undefined, it is NaN or infinite.
    """
    fast = FAST.get(function)
    if fast is None:
        return each(FUNCTIONS[function], *values)
    first, *others = values
    for other in others:
        first = fast(first, other)
    return first if others else fast(first)


def each(function: Callable[..., float], *values: Floats) -> Floats:
    """Return `function` of each number or pair of numbers, NaN where it has none."""
    lists = [value.tolist() for value in values]
    try:
        found = np.array(list(map(function, *lists)), dtype=float)
    except (ArithmeticError, ValueError):
        guarded = (_guarded(function, *row) for row in zip(*lists, strict=True))
        found = np.array(list(guarded), dtype=float)
    for value in values:
        # The power of NaN to 0 is 1 in C.
        found = np.where(np.isnan(value), np.nan, found)
    return found


def _guarded(function: Callable[..., float], *values: float) -> float:
    try:
        return function(*values)
    except (ArithmeticError, ValueError):
        return np.nan


def whole_quotient(x: Floats, y: Floats) -> Floats:
    """Return x // y."""
    if _small_integers(x, y):
        # The quotient of integers below 2**53 is never rounded up to the next one.
        return np.floor(x / y)
    return np.floor_divide(x, y)


def _remainder(x: Floats, y: Floats) -> Floats:
    return x - np.floor(x / y) * y if _small_integers(x, y) else np.remainder(x, y)


def _small_integers(x: Floats, y: Floats) -> bool:
    """Whether numpy's general functions, ten times slower, are not needed."""
    return all(bool(((np.abs(a) < 2.0**53) & (a == np.floor(a))).all()) for a in (x, y))


FAST: Final[Mapping[str, Callable[..., Floats]]] = {
    "*": np.multiply,
    "/": np.divide,
    "//": whole_quotient,
    "%": _remainder,
    "min": np.minimum,
    "max": np.maximum,
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "sqrt": np.sqrt,
}
"""Those of numpy's functions that give what Python's give, to the bit."""

_VALUES: Final[Mapping[type[Number], Callable[[Any, Columns], Floats]]] = {
    Constant: lambda node, columns: np.full(columns.m, node.number),
    Variable: lambda node, columns: columns.numbers(node.name),
    Element: lambda node, columns: columns.orders(node.name)[:, node.position].astype(float),
    Place: lambda node, columns: (
        (columns.orders(node.name) == node.element).argmax(axis=1).astype(float)
    ),
    Sum: _sum,
    Power: lambda node, columns: whole_power(_value(node.base, columns), node.exponent),
    Apply: _apply,
    Choose: lambda node, columns: np.where(
        evaluate(node.condition, columns), _value(node.yes, columns), _value(node.no, columns)
    ),
}


def _compare(node: Compare, columns: Columns) -> Mask:
    a, b = _value(node.left, columns), _value(node.right, columns)
    held: Mask = COMPARISONS[node.operator](a, b)
    return held & ~(np.isnan(a) | np.isnan(b)) if node.operator == "!=" else held


def _all(node: Both, columns: Columns) -> Mask:
    parts = [evaluate(part, columns) for part in node.conditions]
    return np.asarray(np.logical_and.reduce(parts))


def _any(node: Either, columns: Columns) -> Mask:
    parts = [evaluate(part, columns) for part in node.conditions]
    return np.asarray(np.logical_or.reduce(parts))


_HOLDS: Final[Mapping[type[Condition], Callable[[Any, Columns], Mask]]] = {
    Truth: lambda node, columns: np.full(columns.m, node.truth),
    LabelIn: lambda node, columns: np.isin(columns.levels(node.name), node.levels),
    SameLabel: lambda node, columns: (
        np.array(node.levels)[columns.levels(node.first)] == columns.levels(node.second)
    ),
    Member: lambda node, columns: np.isin(_value(node.number, columns), node.values),
    Compare: _compare,
    Both: _all,
    Either: _any,
    Not: lambda node, columns: ~evaluate(node.condition, columns),
    Same: lambda node, columns: evaluate(node.first, columns) == evaluate(node.second, columns),
}
