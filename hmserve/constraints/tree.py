"""What a compiled expression is made of, and its value for one configuration.

Numbers are doubles. A number is *undefined*, which is written NaN, where it is divided by zero,
outside the domain of a function, or beyond the largest double; so is all that is computed from
it. A comparison with an undefined number does not hold, not even ``!=``.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from hmserve.space.parameters import Value

Row: TypeAlias = Mapping[str, Value]
"""A configuration without inactive parameters."""

_T = TypeVar("_T", bound=Any)

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}

FUNCTIONS: Final[Mapping[str, Callable[..., float]]] = {
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": math.pow,
    "min": min,
    "max": max,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log10": math.log10,
    "log1p": math.log1p,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
}


class Node:
    """A number or a condition."""

    __slots__ = ()

    def children(self) -> tuple["Node", ...]:
        """Return the nodes that this one is made of."""
        return self._children()

    def names(self) -> tuple[str, ...]:
        """Return the parameters that are read, each once, from left to right."""
        found = dict.fromkeys(self._names())
        for child in self.children():
            found.update(dict.fromkeys(child.names()))
        return tuple(found)

    def _children(self) -> tuple["Node", ...]:
        return ()

    def _names(self) -> tuple[str, ...]:
        return ()


class Number(Node):
    """A number."""

    __slots__ = ()

    def value(self, row: Row) -> float:
        """Return the number that this is for one configuration, NaN if undefined."""
        try:
            value = float(self._value(row))
        except (ArithmeticError, ValueError):
            return math.nan
        return value if math.isfinite(value) else math.nan

    def _value(self, row: Row) -> float:
        """Return the number; one that is not finite, or an error, if it is undefined."""
        raise NotImplementedError


class Condition(Node):
    """What holds or does not."""

    __slots__ = ()

    def holds(self, row: Row) -> bool:
        """Whether it holds for one configuration."""
        return self._holds(row)

    def _holds(self, row: Row) -> bool:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Constant(Number):
    """A finite number."""

    number: float

    def _value(self, row: Row) -> float:
        del row
        return self.number


@dataclass(frozen=True, slots=True)
class Variable(Number):
    """The value of a numeric parameter."""

    name: str

    def _names(self) -> tuple[str, ...]:
        return (self.name,)

    def _value(self, row: Row) -> float:
        return float(row[self.name])  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Element(Number):
    """The element that a permutation has at a position."""

    name: str
    position: int

    def _names(self) -> tuple[str, ...]:
        return (self.name,)

    def _value(self, row: Row) -> float:
        return float(row[self.name][self.position])  # type: ignore[index]


@dataclass(frozen=True, slots=True)
class Place(Number):
    """The position at which a permutation has an element."""

    name: str
    element: int

    def _names(self) -> tuple[str, ...]:
        return (self.name,)

    def _value(self, row: Row) -> float:
        return float(tuple(row[self.name]).index(self.element))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Sum(Number):
    """Terms, each with sign 1.0 or -1.0, added from left to right."""

    signs: tuple[float, ...]
    terms: tuple[Number, ...]

    def _children(self) -> tuple[Node, ...]:
        return self.terms

    def _value(self, row: Row) -> float:
        total = 0.0
        for sign, term in zip(self.signs, self.terms, strict=True):
            total += sign * term.value(row)
        return total


@dataclass(frozen=True, slots=True)
class Power(Number):
    """A number to the power of a whole constant."""

    base: Number
    exponent: int

    def _children(self) -> tuple[Node, ...]:
        return (self.base,)

    def _value(self, row: Row) -> float:
        return whole_power(self.base.value(row), self.exponent)


@dataclass(frozen=True, slots=True)
class Apply(Number):
    """A function or an operator, one of `FUNCTIONS`."""

    function: str
    arguments: tuple[Number, ...]

    def _children(self) -> tuple[Node, ...]:
        return self.arguments

    def _value(self, row: Row) -> float:
        values = [argument.value(row) for argument in self.arguments]
        if any(map(math.isnan, values)):
            return math.nan
        return FUNCTIONS[self.function](*values)


@dataclass(frozen=True, slots=True)
class Choose(Number):
    """One number if a condition holds, another if not."""

    condition: Condition
    yes: Number
    no: Number

    def _children(self) -> tuple[Node, ...]:
        return (self.condition, self.yes, self.no)

    def _value(self, row: Row) -> float:
        return (self.yes if self.condition.holds(row) else self.no).value(row)


@dataclass(frozen=True, slots=True)
class Truth(Condition):
    """A condition that always holds, or never."""

    truth: bool

    def _holds(self, row: Row) -> bool:
        del row
        return self.truth


@dataclass(frozen=True, slots=True)
class LabelIn(Condition):
    """Whether a categorical parameter has one of some labels.

    Args:
        name: The parameter.
        labels: The labels.
        levels: Their numbers among all labels of the parameter, ascending.
    """

    name: str
    labels: frozenset[str]
    levels: tuple[int, ...]

    def _names(self) -> tuple[str, ...]:
        return (self.name,)

    def _holds(self, row: Row) -> bool:
        return row[self.name] in self.labels


@dataclass(frozen=True, slots=True)
class SameLabel(Condition):
    """Whether two categorical parameters have the same label.

    Args:
        first: A parameter.
        second: Another.
        levels: By level of the first, the level of the second with the same label, or -1.
    """

    first: str
    second: str
    levels: tuple[int, ...]

    def _names(self) -> tuple[str, ...]:
        return (self.first, self.second)

    def _holds(self, row: Row) -> bool:
        return row[self.first] == row[self.second]


@dataclass(frozen=True, slots=True)
class Member(Condition):
    """Whether a number is one of some constants, in ascending order."""

    number: Number
    values: tuple[float, ...]

    def _children(self) -> tuple[Node, ...]:
        return (self.number,)

    def _holds(self, row: Row) -> bool:
        return self.number.value(row) in self.values


@dataclass(frozen=True, slots=True)
class Compare(Condition):
    """A comparison of two numbers by one of `COMPARISONS`."""

    operator: str
    left: Number
    right: Number

    def _children(self) -> tuple[Node, ...]:
        return (self.left, self.right)

    def _holds(self, row: Row) -> bool:
        a, b = self.left.value(row), self.right.value(row)
        # Only != holds between NaN and anything.
        return not (math.isnan(a) or math.isnan(b)) and bool(COMPARISONS[self.operator](a, b))


@dataclass(frozen=True, slots=True)
class Both(Condition):
    """Holds if all of its conditions do, which may be more than two."""

    conditions: tuple[Condition, ...]

    def _children(self) -> tuple[Node, ...]:
        return self.conditions

    def _holds(self, row: Row) -> bool:
        return all(condition.holds(row) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Either(Condition):
    """Holds if any of its conditions does, which may be more than two."""

    conditions: tuple[Condition, ...]

    def _children(self) -> tuple[Node, ...]:
        return self.conditions

    def _holds(self, row: Row) -> bool:
        return any(condition.holds(row) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """Holds if its condition does not."""

    condition: Condition

    def _children(self) -> tuple[Node, ...]:
        return (self.condition,)

    def _holds(self, row: Row) -> bool:
        return not self.condition.holds(row)


@dataclass(frozen=True, slots=True)
class Same(Condition):
    """Holds if both of its conditions do, or neither."""

    first: Condition
    second: Condition

    def _children(self) -> tuple[Node, ...]:
        return (self.first, self.second)

    def _holds(self, row: Row) -> bool:
        return self.first.holds(row) == self.second.holds(row)


def whole_power(base: _T, exponent: int) -> _T:
    """Return a number or an array to a whole power, by nothing but products and one quotient.

    So that one number and an array give the same, to the bit.
    """
    power, factor, left = None, base, abs(exponent)
    while left:
        if left & 1:
            power = factor if power is None else power * factor
        left >>= 1
        if left:
            factor = factor * factor
    if power is None:
        # What is undefined stays so.
        power = base * 0.0 + 1.0
    return power if exponent >= 0 else 1.0 / power  # type: ignore[no-any-return]
