"""Boxes that can be completed in the same ways, however they came about.

After x and y, whether x + y + z <= 9 holds depends on their sum only. What is left to choose,
and the values that constraints will still read of what was chosen, are the key of a box; boxes
with equal keys become one, so that a sum of a hundred parameters has few (a decision diagram,
as in Bergman et al. 2016, "Decision Diagrams for Optimization").
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hmserve.arrays import Floats, Ints, Mask
from hmserve.constraints.boxes import Boxes
from hmserve.constraints.outlook import Outlook, Problem
from hmserve.constraints.tree import (
    Apply,
    Condition,
    Constant,
    Element,
    Node,
    Number,
    Place,
    SameLabel,
    Sum,
    Variable,
)

_SAMPLE: Final = 2048
"""Boxes among which equals are looked for before all are compared."""

_EXACT: Final = 2.0**53
"""Integers up to here can be added in any order."""

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)


def alike(problem: Problem, boxes: Boxes, yes: Mask) -> tuple[Ints, Ints] | None:
    """Return the first of each kind of boxes and the kind of each; None if all differ.

    Args:
        problem: The constraints.
        boxes: The boxes, m of them.
        yes: Which constraint is certain, shape (constraints, m).
    """
    if boxes.m > 2 * _SAMPLE:
        some = np.arange(0, boxes.m, boxes.m // _SAMPLE)
        if _kinds(problem, boxes.take(some), yes[:, some]) is None:
            return None
    return _kinds(problem, boxes, yes)


def _kinds(problem: Problem, boxes: Boxes, yes: Mask) -> tuple[Ints, Ints] | None:
    with np.errstate(all="ignore"):
        keys = [*_choices_left(boxes), *_Frontier(problem, boxes).values(yes)]
    _, first, kind = np.unique(_hashed(keys), return_index=True, return_inverse=True)
    if len(first) == boxes.m:
        return None
    if not all((key == key[first[kind]]).all() for key in keys):
        # Two keys with one hash, once in a billion times: nothing is lost but speed.
        return None
    return first, kind


def _hashed(keys: Sequence[Floats]) -> NDArray[np.uint64]:
    mixed = np.zeros(len(keys[0]), dtype=np.uint64)
    for key in keys:
        # + 0.0 makes one zero of two.
        mixed = (mixed ^ (key + 0.0).view(np.uint64)) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _choices_left(boxes: Boxes) -> Iterator[Floats]:
    """Yield what can still be chosen in each box."""
    for j in range(len(boxes.lo)):
        if j in boxes.prefixes:
            left = boxes.prefixes[j].places < 0
            yield (2.0 ** np.arange(len(left)) @ left).astype(float)
        else:
            yield np.where(boxes.done[j], -1.0, boxes.lo[j])
            yield np.where(boxes.done[j], -1.0, boxes.hi[j])


class _Frontier:
    """The values that uncertain constraints will read of what is already chosen."""

    def __init__(self, problem: Problem, boxes: Boxes) -> None:
        self._problem = problem
        self._boxes = boxes
        self._outlook = Outlook(problem, boxes)
        self._keys: list[Floats] = []
        self._chosen: dict[int, Mask] = {}

    def values(self, yes: Mask) -> list[Floats]:
        """Return columns of values, zero where they do not matter, each of shape (m,)."""
        for constraint, sure in zip(self._problem.constraints, yes, strict=True):
            self._visit(constraint, ~sure)
        return self._keys

    def _visit(self, node: Node, live: Mask) -> None:
        """Note what of `node` is known in the boxes `live`, where its value will be read."""
        if not live.any():
            return
        if isinstance(node, Condition):
            verdict = self._outlook.verdict(node)
            self._keys.append(np.where(live, 1.0 + verdict.yes + 2.0 * verdict.no, 0.0))
            live = live & ~(verdict.yes | verdict.no)
            if isinstance(node, SameLabel):
                self._note_codes(node, live)
            self._visit_all(node.children(), live)
        else:
            assert isinstance(node, Number)
            self._visit_number(node, live)

    def _visit_all(self, nodes: Sequence[Node], live: Mask) -> None:
        for node in nodes:
            self._visit(node, live)

    def _visit_number(self, node: Number, live: Mask) -> None:
        """Note the number where it is known, and what is known of it where it is not."""
        chosen = self._is_chosen(node)
        if not isinstance(node, Constant):
            self._note(node, live & chosen)
        live = live & ~chosen
        parts, combine = self._interchangeable(node) if live.any() else ([], None)
        if combine is None:
            self._visit_all(node.children(), live)
            return
        known = [live & self._is_chosen(part) for _, part in parts]
        some = [
            np.where(rows, sign * self._outlook.range(part).low, _NEUTRAL[combine])
            for rows, (sign, part) in zip(known, parts, strict=True)
        ]
        self._keys.append(_REDUCED[combine](np.stack(some), axis=0))
        for rows, (_, part) in zip(known, parts, strict=True):
            self._visit(part, live & ~rows)

    def _interchangeable(self, node: Number) -> tuple[list[tuple[float, Number]], str | None]:
        """Return the parts of `node` that can be combined in any order, and how."""
        match node:
            case Apply("min" | "max" as function, parts):
                return [(1.0, part) for part in parts], function
            case Sum() if self._problem.whole(node):
                terms = list(_terms(node, 1.0))
                size = sum((self._size(term) for _, term in terms), np.zeros(1))
                return (terms, "+") if (size < _EXACT).all() else ([], None)
            case Apply("*") if self._problem.whole(node):
                factors = list(_factors(node))
                size = np.ones(1)
                for factor in factors:
                    size = size * np.maximum(self._size(factor), 1.0)
                parts_of = [(1.0, factor) for factor in factors]
                return (parts_of, "*") if (size < _EXACT).all() else ([], None)
        return [], None

    def _size(self, node: Number) -> Floats:
        known = self._outlook.range(node)
        return np.maximum(np.abs(known.low), np.abs(known.high))

    def _note(self, node: Number, rows: Mask) -> None:
        known = self._outlook.range(node)
        self._keys.append(np.where(rows, np.where(known.dead, np.inf, known.low), 0.0))

    def _note_codes(self, node: SameLabel, rows: Mask) -> None:
        for name in node.names():
            j = self._problem.places[name]
            self._keys.append(np.where(rows & self._boxes.done[j], self._boxes.lo[j], -1.0))

    def _is_chosen(self, node: Node) -> Mask:
        """Tell in which boxes all that `node` reads has been chosen."""
        found = self._chosen.get(id(node))
        if found is None:
            found = self._chosen[id(node)] = self._read_chosen(node)
        return found

    def _read_chosen(self, node: Node) -> Mask:
        match node:
            case Variable(name):
                return np.asarray(self._boxes.done[self._problem.places[name]])
            case Element(name, position):
                known = self._boxes.prefixes[self._problem.places[name]].elements[position]
                return np.asarray(known >= 0)
            case Place(name, element):
                known = self._boxes.prefixes[self._problem.places[name]].places[element]
                return np.asarray(known >= 0)
        done = np.ones(self._boxes.m, dtype=bool)
        for name in node.names() if isinstance(node, Condition) else ():
            done &= self._is_done(name)
        for child in node.children():
            done = done & self._is_chosen(child)
        return done

    def _is_done(self, name: str) -> Mask:
        j = self._problem.places[name]
        if j in self._boxes.prefixes:
            return np.asarray(self._boxes.lo[j] == self._boxes.hi[j])
        return np.asarray(self._boxes.done[j])


def _terms(node: Number, sign: float) -> Iterator[tuple[float, Number]]:
    if isinstance(node, Sum):
        for inner, term in zip(node.signs, node.terms, strict=True):
            yield from _terms(term, sign * inner)
    else:
        yield sign, node


def _factors(node: Number) -> Iterator[Number]:
    if isinstance(node, Apply) and node.function == "*":
        for factor in node.arguments:
            yield from _factors(factor)
    else:
        yield node


_NEUTRAL: Final = {"+": 0.0, "*": 1.0, "min": np.inf, "max": -np.inf}
_REDUCED: Final[Mapping[str, Callable[..., Floats]]] = {
    "+": np.add.reduce,
    "*": np.multiply.reduce,
    "min": np.minimum.reduce,
    "max": np.maximum.reduce,
}
