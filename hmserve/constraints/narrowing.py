"""Cutting off boxes what cannot satisfy a constraint, without splitting them.

What a condition demands is handed down its tree: if a * b == 64 and b is 1 to 8, then a is 8 to
64 (Benhamou et al. 1999, "Revising hull and box consistency", algorithm HC4-revise). Nothing
that satisfies the constraint is ever cut off: bounds are given room for rounding.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from hmserve.arrays import Floats, Mask
from hmserve.constraints.boxes import Boxes
from hmserve.constraints.columns import LabelColumn, OrderColumn
from hmserve.constraints.outlook import Outlook, Problem, Verdict
from hmserve.constraints.ranges import Bounds, Range, product, quotient, signed, widened
from hmserve.constraints.tree import (
    Apply,
    Both,
    Choose,
    Compare,
    Condition,
    Either,
    LabelIn,
    Member,
    Not,
    Number,
    Power,
    Same,
    Sum,
    Variable,
)

_ROOM: Final = 2.0**-50
"""Relative room for the rounding of one operation."""

_WIDE_ROOM: Final = 1e-12
"""Relative room for functions and roots."""

_OPPOSITES: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
"""The comparison that holds, both sides being defined, where another does not."""


class Narrowing:
    """Demands one constraint in all of the boxes.

    Args:
        problem: The columns.
        boxes: The boxes.
        constraint: What must hold.
    """

    def __init__(self, problem: Problem, boxes: Boxes, constraint: Condition) -> None:
        self._problem = problem
        self._outlook = Outlook(problem, boxes)
        self.verdict: Verdict = self._outlook.verdict(constraint)
        self.cuts: dict[int, Bounds] = {}
        """By column that was cut, what is left of it."""
        self.failed: Mask = self.verdict.no.copy()
        self._demand(
            constraint, ~(self.verdict.yes | self.verdict.no), np.zeros_like(self.failed)
        )

    def _demand(self, node: Condition, yes: Mask, no: Mask) -> None:
        """Cut off where `node` does not hold, in boxes `yes`, and where it does, in `no`."""
        rule = _DEMANDS.get(type(node))
        if rule is not None and (yes.any() or no.any()):
            rule(self, node, yes, no)

    def _both(self, node: Both, yes: Mask, no: Mask) -> None:
        self._all_but_one(node.conditions, yes, no, True)

    def _either(self, node: Either, yes: Mask, no: Mask) -> None:
        self._all_but_one(node.conditions, no, yes, False)

    def _all_but_one(
        self, parts: Sequence[Condition], every: Mask, some: Mask, truth: bool
    ) -> None:
        """Demand `truth` of each part in boxes `every`, the contrary of one in boxes `some`.

        Which one is only known where all others are settled.
        """
        verdicts = [self._outlook.verdict(part) for part in parts]
        settled = [verdict.yes if truth else verdict.no for verdict in verdicts]
        count = np.sum(settled, axis=0)
        for part, sure in zip(parts, settled, strict=True):
            last = some & (count == len(parts) - 1) & ~sure
            self._demand(part, *((every, last) if truth else (last, every)))

    def _not(self, node: Not, yes: Mask, no: Mask) -> None:
        self._demand(node.condition, no, yes)

    def _same(self, node: Same, yes: Mask, no: Mask) -> None:
        for one, other in ((node.first, node.second), (node.second, node.first)):
            known = self._outlook.verdict(one)
            self._demand(
                other, (yes & known.yes) | (no & known.no), (yes & known.no) | (no & known.yes)
            )

    def _label_in(self, node: LabelIn, yes: Mask, no: Mask) -> None:
        del no
        j = self._problem.places[node.name]
        column = self._problem.columns[j]
        assert isinstance(column, LabelColumn)
        offset = float(column.numbers(np.zeros(1))[0])
        levels = np.array(node.levels) - offset
        boxes = self._outlook.boxes
        self._cut(j, *_where(yes, *_hull(levels, boxes.lo[j], boxes.hi[j])))

    def _member(self, node: Member, yes: Mask, no: Mask) -> None:
        del no
        number = self._outlook.range(node.number)
        hull = _hull(np.array(node.values), number.low, number.high)
        self._narrow(node.number, *_where(yes, *hull))

    def _compare(self, node: Compare, yes: Mask, no: Mask) -> None:
        a, b = self._outlook.range(node.left), self._outlook.range(node.right)
        self._order(node.operator, node, yes)
        # Where a number may be undefined, the contrary need not hold either.
        self._order(_OPPOSITES[node.operator], node, no & a.safe & b.safe)

    def _order(self, operator: str, node: Compare, where: Mask) -> None:
        if operator == "!=" or not where.any():
            return
        left, right = node.left, node.right
        if operator in {">", ">="}:
            left, right = right, left
        a, b = self._outlook.range(left), self._outlook.range(right)
        if operator == "==":
            self._narrow(left, *_where(where, b.low, b.high))
            self._narrow(right, *_where(where, a.low, a.high))
            return
        apart = 1.0 if operator in "<>" and self._whole(left) and self._whole(right) else 0.0
        self._narrow(left, *_where(where, -np.inf, b.high - apart))
        self._narrow(right, *_where(where, a.low + apart, np.inf))

    def _whole(self, node: Number) -> bool:
        return self._problem.whole(node)

    def _narrow(self, node: Number, low: Floats, high: Floats) -> None:
        """Cut off where `node` is not in low..high."""
        known = self._outlook.range(node)
        if self._whole(node):
            low, high = widened(low, high, _ROOM)
            low, high = np.ceil(low), np.floor(high)
        self.failed |= (low > known.high) | (high < known.low)
        tighter = (low > known.low) | (high < known.high)
        rule = _NARROWED.get(type(node))
        if rule is not None and tighter.any():
            rule(
                self, node, (np.maximum(low, known.low), np.minimum(high, known.high)), tighter
            )

    def _hand_down(self, node: Number, bounds: Bounds, rows: Mask) -> None:
        """Narrow a part of what was narrowed in some boxes; NaN is no bound."""
        low, high = bounds
        self._narrow(
            node,
            np.where(rows & ~np.isnan(low), low, -np.inf),
            np.where(rows & ~np.isnan(high), high, np.inf),
        )

    def _variable(self, node: Variable, wanted: Bounds, rows: Mask) -> None:
        del rows
        j = self._problem.places[node.name]
        column = self._problem.columns[j]
        assert not isinstance(column, LabelColumn | OrderColumn)
        boxes = self._outlook.boxes
        self._cut(j, *column.tightened(boxes.lo[j], boxes.hi[j], *wanted))

    def _cut(self, j: int, lo: Floats, hi: Floats) -> None:
        boxes = self._outlook.boxes
        old_lo, old_hi = self.cuts.get(j, (boxes.lo[j], boxes.hi[j]))
        if not ((lo > old_lo) | (hi < old_hi)).any():
            return
        lo, hi = np.maximum(lo, old_lo), np.minimum(hi, old_hi)
        empty = lo > hi
        self.failed |= empty
        # What is computed from an empty box is not used, but it must not be an error.
        self.cuts[j] = np.where(empty, old_lo, lo), np.where(empty, old_hi, hi)

    def _sum(self, node: Sum, wanted: Bounds, rows: Mask) -> None:
        ranges = [self._outlook.range(term) for term in node.terms]
        low, high = signed(node.signs, ranges)
        size = np.maximum(np.abs(low), np.abs(high)).sum(axis=0)
        room = _ROOM * (size + np.maximum(_size(wanted[0]), _size(wanted[1]))) * len(low)
        least = wanted[0] - _others(high) - room
        most = wanted[1] - _others(low) + room
        useful = ((least > low) | (most < high)).any(axis=1)
        for i in np.flatnonzero(useful):
            sign, term = node.signs[i], node.terms[i]
            bounds = (least[i], most[i]) if sign > 0 else (-most[i], -least[i])
            self._hand_down(term, bounds, rows)

    def _power(self, node: Power, wanted: Bounds, rows: Mask) -> None:
        if node.exponent <= 0:
            return
        low, high = (np.sign(end) * np.abs(end) ** (1.0 / node.exponent) for end in wanted)
        low, high = widened(low, high, _WIDE_ROOM)
        if node.exponent % 2 == 0:
            low, high = _unsigned(self._outlook.range(node.base), (low, high))
        self._hand_down(node.base, (low, high), rows)

    def _choose(self, node: Choose, wanted: Bounds, rows: Mask) -> None:
        condition = self._outlook.verdict(node.condition)
        out = []
        for branch, taken in ((node.yes, condition.yes), (node.no, condition.no)):
            known = self._outlook.range(branch)
            out.append((known.low > wanted[1]) | (known.high < wanted[0]) | known.dead)
            self._hand_down(branch, wanted, rows & taken)
        unknown = rows & ~(condition.yes | condition.no)
        self._demand(node.condition, unknown & out[1], unknown & out[0])

    def _apply(self, node: Apply, wanted: Bounds, rows: Mask) -> None:
        ranges = [self._outlook.range(part) for part in node.arguments]
        rule = _INVERSES.get(node.function)
        if rule is not None:
            for part, bounds in zip(node.arguments, rule(wanted, *ranges), strict=True):
                self._hand_down(part, bounds, rows)


def _where(rows: Mask, low: Floats | float, high: Floats | float) -> Bounds:
    """Return bounds that hold for some boxes only."""
    return np.where(rows, low, -np.inf), np.where(rows, high, np.inf)


def _hull(values: Floats, low: Floats, high: Floats) -> Bounds:
    """Return the least and the greatest of ascending `values` in each low..high."""
    first = np.append(values, np.inf)[np.searchsorted(values, low, side="left")]
    last = np.append(-np.inf, values)[np.searchsorted(values, high, side="right")]
    return first, last


def _size(bounds: Floats) -> Floats:
    return np.where(np.isfinite(bounds), np.abs(bounds), 0.0)


def _others(ends: Floats) -> Floats:
    """Return the sum of all rows of `ends` but each."""
    zero = np.zeros((1, ends.shape[1]))
    before = np.concatenate([zero, np.cumsum(ends, axis=0)[:-1]])
    after = np.concatenate([zero, np.cumsum(ends[::-1], axis=0)[:-1]])[::-1]
    return np.asarray(before + after)


def _unsigned(a: Range, size: Bounds) -> Bounds:
    """Return the bounds of a number, known to be `a`, whose magnitude has bounds `size`."""
    low, high = -size[1], size[1]
    low = np.where(a.low > -size[0], np.maximum(low, size[0]), low)
    high = np.where(a.high < size[0], np.minimum(high, -size[0]), high)
    return low, high


def _has_zero(a: Bounds) -> Mask:
    return (a[0] <= 0) & (a[1] >= 0)


def _factors(t: Bounds, a: Range, b: Range) -> tuple[Bounds, Bounds]:
    """Invert t = a * b."""
    t = widened(*t, _ROOM)
    zero = _has_zero(t)
    first = _where(~(zero & _has_zero(b[:2])), *quotient(t, b[:2]))
    return first, _where(~(zero & _has_zero(a[:2])), *quotient(t, a[:2]))


def _parts(t: Bounds, a: Range, b: Range) -> tuple[Bounds, Bounds]:
    """Invert t = a / b."""
    t = widened(*t, _ROOM)
    second = _where(~(_has_zero(t) & _has_zero(a[:2])), *quotient(a[:2], t))
    return widened(*product(t, b[:2]), _ROOM), second


def _whole_parts(t: Bounds, a: Range, b: Range) -> tuple[Bounds, Bounds]:
    """Invert t = a // b."""
    return _parts((t[0], t[1] + 1.0), a, b)


def _remainder_parts(t: Bounds, a: Range, b: Range) -> tuple[Bounds, Bounds]:
    """Invert t = a % b where a >= 0 and b > 0: a is t and a whole number of times b."""
    known = (a.low >= 0) & (b.low > 0)
    least, most = a.low - t[1], a.high - t[0]
    fewest = np.ceil(widened(least / b.high, most, _ROOM)[0])
    times = np.floor(widened(least, most / b.low, _ROOM)[1])
    whole = widened(fewest * b.low + t[0], times * b.high + t[1], _ROOM)
    low, high = widened(least / times, most / fewest, _ROOM)
    low = np.where((times >= 1) & (least > 0), low, -np.inf)
    high = np.where(fewest >= 1, high, np.inf)
    # No number of times will do.
    none = known & (fewest > times)
    divisor = np.where(none, np.inf, np.maximum(low, t[0])), high
    return _where(known, *whole), _where(known, *divisor)


def _powers(t: Bounds, a: Range, b: Range) -> tuple[Bounds, Bounds]:
    """Invert t = a ** b for a constant exponent b > 0, or a constant base a > 1."""
    t = np.maximum(t[0], 0.0), t[1]
    root = (a.low >= 0) & (b.low == b.high) & (b.low > 0)
    logarithm = (a.low == a.high) & (a.low > 1)
    bases = widened(t[0] ** (1.0 / b.low), t[1] ** (1.0 / b.low), _WIDE_ROOM)
    low, high = (np.log(end) / np.log(a.low) for end in t)
    return _where(root, *bases), _where(logarithm, low - 1e-9, high + 1e-9)


def _least(t: Bounds, *parts: Range) -> list[Bounds]:
    """Invert t = min(...): none is less, and the last that can be small enough is."""
    above = [part.low > t[1] for part in parts]
    count = np.sum(above, axis=0)
    only = [(count == len(parts) - 1) & ~out for out in above]
    return [(t[0], np.where(last, t[1], np.inf)) for last in only]


def _greatest(t: Bounds, *parts: Range) -> list[Bounds]:
    below = [part.high < t[0] for part in parts]
    count = np.sum(below, axis=0)
    only = [(count == len(parts) - 1) & ~out for out in below]
    return [(np.where(last, t[0], -np.inf), t[1]) for last in only]


def _floor(t: Bounds, *_: Range) -> list[Bounds]:
    return [(t[0], t[1] + 1.0)]


def _ceil(t: Bounds, *_: Range) -> list[Bounds]:
    return [(t[0] - 1.0, t[1])]


def _rising(inverse: Callable[[Floats], Floats]) -> Callable[..., list[Bounds]]:
    def invert(t: Bounds, *_: Range) -> list[Bounds]:
        return [widened(inverse(t[0]), inverse(t[1]), _WIDE_ROOM)]

    return invert


_INVERSES: Final[Mapping[str, Callable[..., Sequence[Bounds]]]] = {
    "*": _factors,
    "/": _parts,
    "//": _whole_parts,
    "%": _remainder_parts,
    "**": _powers,
    "min": _least,
    "max": _greatest,
    "abs": lambda t, a: [_unsigned(a, t)],
    "floor": _floor,
    "ceil": _ceil,
    "sqrt": _rising(lambda t: np.maximum(t, 0.0) ** 2),
    "exp": _rising(lambda t: np.log(np.maximum(t, 0.0))),
    "expm1": _rising(lambda t: np.log1p(np.maximum(t, -1.0))),
    "log": _rising(np.exp),
    "log10": _rising(lambda t: 10.0**t),
    "log1p": _rising(np.expm1),
}
"""By function: the bounds of each argument, given those of the value and of all arguments."""

_DEMANDS: Final[Mapping[type[Condition], Callable[[Narrowing, Any, Mask, Mask], None]]] = {
    Both: Narrowing._both,
    Either: Narrowing._either,
    Not: Narrowing._not,
    Same: Narrowing._same,
    LabelIn: Narrowing._label_in,
    Member: Narrowing._member,
    Compare: Narrowing._compare,
}

_NARROWED: Final[Mapping[type[Number], Callable[[Narrowing, Any, Bounds, Mask], None]]] = {
    Variable: Narrowing._variable,
    Sum: Narrowing._sum,
    Power: Narrowing._power,
    Choose: Narrowing._choose,
    Apply: Narrowing._apply,
}
