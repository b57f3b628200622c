"""Pieces of the syntax of scripts that describe a space."""

import ast
from collections.abc import Iterator


def is_name(at: ast.expr, name: str) -> bool:
    """Whether `at` is the variable `name`."""
    return isinstance(at, ast.Name) and at.id == name


def pairs_of(value: ast.expr) -> Iterator[tuple[ast.expr | None, ast.expr]]:
    """Yield the keys and values of a dictionary; no key where one is spread out."""
    if isinstance(value, ast.Dict):
        yield from zip(value.keys, value.values, strict=True)
    elif isinstance(value, ast.Call) and _is_dictionary(value.func):
        for argument in value.args[:1]:
            yield from pairs_of(argument)
        for word in value.keywords:
            yield (ast.Constant(word.arg) if word.arg else None), word.value
    elif isinstance(value, ast.List | ast.Tuple) and all(
        isinstance(item, ast.Tuple | ast.List) and len(item.elts) == 2 for item in value.elts
    ):
        for item in value.elts:
            assert isinstance(item, ast.Tuple | ast.List)
            yield item.elts[0], item.elts[1]
    else:
        yield None, value


def _is_dictionary(function: ast.expr) -> bool:
    name = getattr(function, "attr", None) or getattr(function, "id", None)
    return name in {"dict", "OrderedDict"}


def joined_text(value: ast.expr) -> ast.expr:
    """Return a formatted text as the sum of its parts, if they have no format."""
    if not isinstance(value, ast.JoinedStr):
        return value
    total: ast.expr = ast.Constant("")
    for part in value.values:
        if isinstance(part, ast.FormattedValue):
            if part.format_spec is not None or part.conversion != -1:
                return value
            part = ast.Call(ast.Name("str"), [part.value], [])  # noqa: PLW2901 - its text
        total = ast.BinOp(total, ast.Add(), part)
    return total


def body_of(function: ast.FunctionDef) -> ast.expr | None:
    """Return what a function returns that does nothing else."""
    body = [s for s in function.body if not _is_docstring(s)]
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return None
    return freed(function.args, body[0].value)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def freed(arguments: ast.arguments, body: ast.expr) -> ast.expr | None:
    """Return `body` with parameters for p["name"], if the function has one argument p."""
    names = [argument.arg for argument in arguments.args]
    try:
        found = _Freed(names[0]).visit(body) if len(names) == 1 else body
    except RecursionError:
        return None
    return found if isinstance(found, ast.expr) else None


class _Freed(ast.NodeTransformer):
    """Replaces p["name"] by name."""

    def __init__(self, mapping: str) -> None:
        self._mapping = mapping

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if is_name(node.value, self._mapping) and isinstance(node.slice, ast.Constant):
            return ast.copy_location(ast.Name(str(node.slice.value)), node)
        self.generic_visit(node)
        return node
