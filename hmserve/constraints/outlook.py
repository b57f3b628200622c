"""What conditions and numbers can be in boxes of configurations, by interval arithmetic."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from hmserve.arrays import Floats, Mask
from hmserve.constraints.boxes import Boxes
from hmserve.constraints.columns import (
    Column,
    IntegerColumn,
    LabelColumn,
    RealColumn,
    TableColumn,
)
from hmserve.constraints.ranges import Range, applied, power, total
from hmserve.constraints.tree import (
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
    Node,
    Not,
    Number,
    Place,
    Power,
    Same,
    SameLabel,
    Sum,
    Truth,
    Variable,
)


class Verdict(NamedTuple):
    """Whether a condition holds in a box: everywhere, nowhere, or neither is known."""

    yes: Mask
    no: Mask


class Problem:
    """Constraints over some columns.

    Args:
        columns: The columns.
        places: The number of the column of each parameter.
        constraints: What must hold.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        places: Mapping[str, int],
        constraints: Sequence[Condition],
    ) -> None:
        self.columns = tuple(columns)
        self.places = dict(places)
        self.constraints = tuple(constraints)
        self.reads = np.zeros((len(constraints), len(columns)), dtype=bool)
        """Which constraint reads which column."""
        for i, constraint in enumerate(constraints):
            self.reads[i, [places[name] for name in constraint.names()]] = True
        self._looks = [frozenset(_looks(constraint)) for constraint in constraints]
        self.sizes = [math.ceil(_nodes(constraint)) for constraint in constraints]
        """How much work each constraint is, about the number of its operations."""
        self._whole: dict[int, bool] = {}

    def concerned(self, column: int, positions: Sequence[int]) -> Mask:
        """Tell which constraints read a permutation at one of some positions.

        Or where some element is: that may be there.
        """
        (name,) = (name for name, j in self.places.items() if j == column)
        wanted = {(name, position) for position in (*positions, -1)}
        return np.array([not wanted.isdisjoint(looks) for looks in self._looks], dtype=bool)

    def whole(self, node: Number) -> bool:
        """Whether a number is certainly an integer, if it is defined."""
        found = self._whole.get(id(node))
        if found is None:
            found = self._whole[id(node)] = self._is_whole(node)
        return found

    def _is_whole(self, node: Number) -> bool:
        parts: tuple[Number, ...] = ()
        match node:
            case Constant(number):
                return number == int(number)
            case Variable(name):
                return self.columns[self.places[name]].whole
            case Element() | Place() | Apply("floor" | "ceil" | "//"):
                return True
            case Power(base, exponent) if exponent >= 0:
                parts = (base,)
            case Choose(_, yes, no):
                parts = (yes, no)
            case Sum(_, terms) | Apply("*" | "%" | "min" | "max" | "abs", terms):
                parts = terms
        return bool(parts) and all(map(self.whole, parts))


def _looks(node: Node) -> Iterator[tuple[str, int]]:
    """Yield the positions of permutations that `node` reads; -1 stands for any."""
    if isinstance(node, Element):
        yield node.name, node.position
    elif isinstance(node, Place):
        yield node.name, -1
    for child in node.children():
        yield from _looks(child)


def _nodes(node: Node) -> float:
    return sum(map(_nodes, node.children())) + (1 if node.children() else 0.25)


class Outlook:
    """The ranges of numbers and the verdicts of conditions, each worked out once.

    Args:
        problem: The columns.
        boxes: The boxes, m of them.
    """

    def __init__(self, problem: Problem, boxes: Boxes) -> None:
        self.problem = problem
        self.boxes = boxes
        self._ranges: dict[int, Range] = {}
        self._verdicts: dict[int, Verdict] = {}
        self._always, self._never = self.filled(True), self.filled(False)

    def range(self, node: Number) -> Range:
        """Return what a number can be."""
        found = self._ranges.get(id(node))
        if found is None:
            found = self._ranges[id(node)] = _RANGES[type(node)](self, node)
        return found

    def verdict(self, node: Condition) -> Verdict:
        """Return whether a condition holds."""
        found = self._verdicts.get(id(node))
        if found is None:
            found = self._verdicts[id(node)] = _VERDICTS[type(node)](self, node)
        return found

    def filled(self, value: bool) -> Mask:
        """Return a mask of one value."""
        return np.full(self.boxes.m, value)

    def _exactly(self, low: Floats, high: Floats) -> Range:
        return Range(low, high, self._always, self._never)

    def _constant(self, node: Constant) -> Range:
        value = np.full(self.boxes.m, node.number)
        return self._exactly(value, value)

    def _variable(self, node: Variable) -> Range:
        j = self.problem.places[node.name]
        column = self.problem.columns[j]
        assert isinstance(column, RealColumn | IntegerColumn | TableColumn)
        return self._exactly(*column.bounds(self.boxes.lo[j], self.boxes.hi[j]))

    def _element(self, node: Element) -> Range:
        prefix = self.boxes.prefixes[self.problem.places[node.name]]
        known = prefix.elements[node.position]
        left = prefix.places < 0
        low, high = left.argmax(axis=0), len(left) - 1 - left[::-1].argmax(axis=0)
        return self._either(known, low, high)

    def _place(self, node: Place) -> Range:
        prefix = self.boxes.prefixes[self.problem.places[node.name]]
        last = np.full(self.boxes.m, len(prefix.places) - 1)
        return self._either(prefix.places[node.element], prefix.length, last)

    def _either(self, known: Any, low: Any, high: Any) -> Range:
        """Return what is known, and from `low` to `high` where that is -1."""
        return self._exactly(
            np.where(known >= 0, known, low).astype(float),
            np.where(known >= 0, known, high).astype(float),
        )

    def _sum(self, node: Sum) -> Range:
        return total(node.signs, [self.range(term) for term in node.terms])

    def _apply(self, node: Apply) -> Range:
        return applied(node.function, [self.range(part) for part in node.arguments])

    def _power(self, node: Power) -> Range:
        return power(self.range(node.base), node.exponent)

    def _choose(self, node: Choose) -> Range:
        condition = self.verdict(node.condition)
        yes, no = self.range(node.yes), self.range(node.no)
        return Range(
            _chosen(condition, yes.low, no.low, np.minimum(yes.low, no.low)),
            _chosen(condition, yes.high, no.high, np.maximum(yes.high, no.high)),
            _chosen(condition, yes.safe, no.safe, yes.safe & no.safe),
            _chosen(condition, yes.dead, no.dead, yes.dead & no.dead),
        )

    def _truth(self, node: Truth) -> Verdict:
        return Verdict(self.filled(node.truth), self.filled(not node.truth))

    def _label_in(self, node: LabelIn) -> Verdict:
        low, high = self._labels(node.name)
        count = np.searchsorted(node.levels, high, "right") - np.searchsorted(node.levels, low)
        return Verdict(count == high - low + 1, count == 0)

    def _same_label(self, node: SameLabel) -> Verdict:
        (a_low, a_high), (b_low, b_high) = self._labels(node.first), self._labels(node.second)
        wanted = np.array(node.levels)[a_low]
        one = a_low == a_high
        yes = one & (b_low == b_high) & (wanted == b_low)
        none = np.logical_and.reduce(
            [
                (i < a_low) | (i > a_high) | (level < b_low) | (level > b_high)
                for i, level in enumerate(node.levels)
            ]
        )
        return Verdict(yes, none)

    def _labels(self, name: str) -> tuple[Any, Any]:
        j = self.problem.places[name]
        column = self.problem.columns[j]
        assert isinstance(column, LabelColumn)
        return column.numbers(self.boxes.lo[j]), column.numbers(self.boxes.hi[j])

    def _member(self, node: Member) -> Verdict:
        number = self.range(node.number)
        count = np.searchsorted(node.values, number.high, "right") - np.searchsorted(
            node.values, number.low
        )
        none = (count == 0) | number.dead
        return Verdict((number.low == number.high) & number.safe & ~none, none)

    def _compare(self, node: Compare) -> Verdict:
        a, b = self.range(node.left), self.range(node.right)
        possible, certain = _COMPARED[node.operator](a, b)
        return Verdict(certain & a.safe & b.safe, ~possible | a.dead | b.dead)

    def _both(self, node: Both) -> Verdict:
        parts = [self.verdict(part) for part in node.conditions]
        yes = np.logical_and.reduce([part.yes for part in parts])
        return Verdict(yes, np.logical_or.reduce([part.no for part in parts]))

    def _any(self, node: Either) -> Verdict:
        parts = [self.verdict(part) for part in node.conditions]
        yes = np.logical_or.reduce([part.yes for part in parts])
        return Verdict(yes, np.logical_and.reduce([part.no for part in parts]))

    def _not(self, node: Not) -> Verdict:
        yes, no = self.verdict(node.condition)
        return Verdict(no, yes)

    def _same(self, node: Same) -> Verdict:
        a, b = self.verdict(node.first), self.verdict(node.second)
        return Verdict((a.yes & b.yes) | (a.no & b.no), (a.yes & b.no) | (a.no & b.yes))


def _chosen(condition: Verdict, yes: Any, no: Any, unknown: Any) -> Any:
    return np.where(condition.yes, yes, np.where(condition.no, no, unknown))


def _equal(a: Range, b: Range) -> tuple[Mask, Mask]:
    """Tell where two numbers can be equal, and where they must be."""
    possible = (a.low <= b.high) & (b.low <= a.high)
    return possible, (a.low == b.high) & (a.high == b.low)


def _unequal(a: Range, b: Range) -> tuple[Mask, Mask]:
    possible, certain = _equal(a, b)
    return ~certain, ~possible


_COMPARED: Final[Mapping[str, Callable[[Range, Range], tuple[Mask, Mask]]]] = {
    "<": lambda a, b: (a.low < b.high, a.high < b.low),
    "<=": lambda a, b: (a.low <= b.high, a.high <= b.low),
    ">": lambda a, b: (a.high > b.low, a.low > b.high),
    ">=": lambda a, b: (a.high >= b.low, a.low >= b.high),
    "==": _equal,
    "!=": _unequal,
}
"""Where a comparison of two defined numbers can hold, and where it must."""

_RANGES: Final[Mapping[type[Number], Callable[[Outlook, Any], Range]]] = {
    Constant: Outlook._constant,
    Variable: Outlook._variable,
    Element: Outlook._element,
    Place: Outlook._place,
    Sum: Outlook._sum,
    Apply: Outlook._apply,
    Power: Outlook._power,
    Choose: Outlook._choose,
}
_VERDICTS: Final[Mapping[type[Condition], Callable[[Outlook, Any], Verdict]]] = {
    Truth: Outlook._truth,
    LabelIn: Outlook._label_in,
    SameLabel: Outlook._same_label,
    Member: Outlook._member,
    Compare: Outlook._compare,
    Both: Outlook._both,
    Either: Outlook._any,
    Not: Outlook._not,
    Same: Outlook._same,
}
