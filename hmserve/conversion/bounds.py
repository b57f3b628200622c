"""The least and the largest value that arithmetic over parameters can have."""

import ast
import itertools
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from hmserve.conversion.draft import Draft
from hmserve.conversion.sources import is_number

Bounds: TypeAlias = tuple[float, float]

_OPERATORS: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: Final[Mapping[str, Callable[..., float]]] = {
    "min": min,
    "max": max,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "int": int,
    "trunc": math.trunc,
}


def extremes(at: ast.expr, draft: Draft) -> Bounds | None:
    """Return the least and the largest value of `at`; None if that is not known."""
    if isinstance(at, ast.Constant):
        return (at.value, at.value) if is_number(at.value) else None  # type: ignore[return-value]
    if isinstance(at, ast.Name):
        return _range_of(at.id, draft)
    if isinstance(at, ast.UnaryOp) and isinstance(at.op, ast.USub):
        return extremes(ast.BinOp(ast.Constant(-1), ast.Mult(), at.operand), draft)
    if isinstance(at, ast.BinOp) and type(at.op) in _OPERATORS:
        return _combined(at, draft)
    return _applied(at, draft) if isinstance(at, ast.Call) else None


def _applied(at: ast.Call, draft: Draft) -> Bounds | None:
    """Return the same for a function, which grows with each argument."""
    apply = _FUNCTIONS.get(at.func.id) if isinstance(at.func, ast.Name) else None
    found = [extremes(argument, draft) for argument in at.args]
    known = [bounds for bounds in found if bounds is not None]
    if apply is None or len(known) < len(found) or not known:
        return None
    try:
        lows, highs = zip(*known, strict=True)
        return apply(*lows), apply(*highs)
    except TypeError:
        return None


def _range_of(name: str, draft: Draft) -> Bounds | None:
    values: Any = draft.entry(name)["values"] if draft.knows(name) else ()
    numbers = [value for value in values if is_number(value)]
    return (min(numbers), max(numbers)) if numbers else None


def _combined(at: ast.BinOp, draft: Draft) -> Bounds | None:
    left, right = extremes(at.left, draft), extremes(at.right, draft)
    if left is None or right is None:
        return None
    if isinstance(at.op, ast.Div) and right[0] <= 0 <= right[1]:
        return None
    # Sums, products and quotients by what is not zero are monotonic in each side.
    corners = [_OPERATORS[type(at.op)](a, b) for a, b in itertools.product(left, right)]
    return min(corners), max(corners)
