"""Conditions as syntax trees of Python: negations pushed inward, alternatives apart."""

import ast
import itertools
from collections.abc import Iterator, Sequence
from typing import Final

MOST_ALTERNATIVES: Final = 64


def conjunction(parts: Sequence[ast.expr]) -> ast.expr:
    """Return the condition that all `parts` hold."""
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), list(parts))


def disjunction(parts: Sequence[ast.expr]) -> ast.expr:
    """Return the condition that one of `parts` holds."""
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.Or(), list(parts))


def negation(part: ast.expr) -> ast.expr:
    """Return the condition that `part` does not hold."""
    return ast.UnaryOp(ast.Not(), part)


def compare(name: str, operator: ast.cmpop, value: object) -> ast.expr:
    """Return the comparison of a parameter with a constant, or a list of them."""
    items = [ast.Constant(v) for v in value] if isinstance(value, list | tuple) else None
    right = ast.List(list(items)) if items is not None else ast.Constant(value)  # type: ignore[arg-type]
    return ast.Compare(ast.Name(name), [operator], [right])


def inward(at: ast.expr, positive: bool = True) -> ast.expr:
    """Return `at`, or its negation, with `not` in front of comparisons alone."""
    if isinstance(at, ast.UnaryOp) and isinstance(at.op, ast.Not):
        return inward(at.operand, not positive)
    if isinstance(at, ast.BoolOp):
        parts = [inward(part, positive) for part in at.values]
        return (conjunction if isinstance(at.op, ast.And) == positive else disjunction)(parts)
    return at if positive else negation(at)


def alternatives(at: ast.expr) -> list[list[ast.expr]] | None:
    """Return comparisons, or negated ones, all of a list of which make `at` hold.

    None if there are too many lists.
    """
    return _alternatives(inward(at))


def _alternatives(at: ast.expr) -> list[list[ast.expr]] | None:
    if not isinstance(at, ast.BoolOp):
        return [[at]]
    parts = [_alternatives(part) for part in at.values]
    if isinstance(at.op, ast.Or):
        found = [item for part in parts for item in part or ()]
    else:
        count = 1
        for part in parts:
            count *= len(part or ())
        if count > MOST_ALTERNATIVES:
            return None
        products = itertools.product(*(part or () for part in parts))
        found = [list(itertools.chain(*chosen)) for chosen in products]
    return None if None in parts or len(found) > MOST_ALTERNATIVES else found


def conjuncts(at: ast.expr) -> Iterator[ast.expr]:
    """Yield what `at`, with negations inside, joins by `and`."""
    if isinstance(at, ast.BoolOp) and isinstance(at.op, ast.And):
        for part in at.values:
            yield from conjuncts(part)
    else:
        yield at


def literals(at: ast.expr) -> Iterator[ast.expr]:
    """Yield the comparisons, or negated ones, of `at` with negations inside."""
    if isinstance(at, ast.BoolOp):
        for part in at.values:
            yield from literals(part)
    else:
        yield at


def names_of(at: ast.expr) -> list[str]:
    """Return the names in `at`, each once."""
    found = (node.id for node in ast.walk(at) if isinstance(node, ast.Name))
    return list(dict.fromkeys(found))
