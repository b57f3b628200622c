"""What an expression of Python is, found without executing anything."""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

MOST_ITEMS: Final = 100_000
LARGEST_POWER: Final = 4096


class NotStaticError(ValueError):
    """The value of an expression cannot be known without running it."""


_BINARY: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_UNARY: Final[Mapping[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_COMPARE: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_CALLS: Final[Mapping[str, Callable[..., Any]]] = {
    "range": range,
    "list": list,
    "tuple": tuple,
    "dict": dict,
    "OrderedDict": dict,
    "sorted": sorted,
    "reversed": lambda items: list(reversed(items)),
    "set": lambda items: sorted(set(items)),
    "len": len,
    "int": int,
    "float": float,
    "str": str,
    "min": min,
    "max": max,
    "abs": abs,
}


def static(at: ast.expr, names: Mapping[str, Any]) -> Any:
    """Return the value of `at`.

    Args:
        at: Literals, arithmetic, range(), comprehensions, and `names`.
        names: What names stand for.

    Raises:
        NotStaticError: It is anything else, or too large.
    """
    reader = _READERS.get(type(at))
    if reader is None:
        raise NotStaticError(type(at).__name__)
    try:
        value = reader(at, names)
    except (ArithmeticError, TypeError, ValueError, LookupError, RecursionError) as error:
        raise NotStaticError(str(error)) from None
    if isinstance(value, Sequence | dict) and len(value) > MOST_ITEMS:
        raise NotStaticError(f"more than {MOST_ITEMS} items")
    return list(value) if isinstance(value, range) else value


def _name(at: ast.Name, names: Mapping[str, Any]) -> Any:
    return names[at.id]


def _constant(at: ast.Constant, names: Mapping[str, Any]) -> Any:
    del names
    if at.value is not None and not isinstance(at.value, bool | int | float | str):
        raise NotStaticError(type(at.value).__name__)
    return at.value


def _items(at: ast.List | ast.Tuple | ast.Set, names: Mapping[str, Any]) -> Any:
    found: list[Any] = []
    for item in at.elts:
        if isinstance(item, ast.Starred):
            found += static(item.value, names)
        else:
            found.append(static(item, names))
    return tuple(found) if isinstance(at, ast.Tuple) else found


def _mapping(at: ast.Dict, names: Mapping[str, Any]) -> Any:
    found: dict[Any, Any] = {}
    for key, value in zip(at.keys, at.values, strict=True):
        if key is None:
            found.update(static(value, names))
        else:
            found[static(key, names)] = static(value, names)
    return found


def _binary(at: ast.BinOp, names: Mapping[str, Any]) -> Any:
    left, right = static(at.left, names), static(at.right, names)
    _check_size(at.op, left, right)
    return _BINARY[type(at.op)](left, right)


def _check_size(sign: ast.operator, left: Any, right: Any) -> None:
    """Refuse what would take long or fill the memory."""
    if isinstance(sign, ast.Pow | ast.LShift):
        if abs(right) > LARGEST_POWER or abs(left) > 2**64:
            raise NotStaticError("a number is too large")
    elif isinstance(sign, ast.Mult):
        for many, times in ((left, right), (right, left)):
            if isinstance(many, Sequence) and len(many) * times > MOST_ITEMS:
                raise NotStaticError(f"more than {MOST_ITEMS} items")
        if all(isinstance(n, int) and abs(n) > 2**4096 for n in (left, right)):
            raise NotStaticError("a number is too large")
    elif isinstance(sign, ast.Mod) and isinstance(left, str):
        raise NotStaticError("a text is formatted")


def _unary(at: ast.UnaryOp, names: Mapping[str, Any]) -> Any:
    return _UNARY[type(at.op)](static(at.operand, names))


def _bool_op(at: ast.BoolOp, names: Mapping[str, Any]) -> Any:
    every = isinstance(at.op, ast.And)
    value: Any = every
    for part in at.values:
        value = static(part, names)
        if bool(value) != every:
            return value
    return value


def _compared(at: ast.Compare, names: Mapping[str, Any]) -> Any:
    sides = [static(side, names) for side in (at.left, *at.comparators)]
    return all(
        _COMPARE[type(sign)](a, b)
        for sign, a, b in zip(at.ops, sides[:-1], sides[1:], strict=True)
    )


def _conditional(at: ast.IfExp, names: Mapping[str, Any]) -> Any:
    return static(at.body if static(at.test, names) else at.orelse, names)


def _subscript(at: ast.Subscript, names: Mapping[str, Any]) -> Any:
    return static(at.value, names)[static(at.slice, names)]


def _call(at: ast.Call, names: Mapping[str, Any]) -> Any:
    name = at.func.id if isinstance(at.func, ast.Name) else ""
    if isinstance(at.func, ast.Attribute) and at.func.attr == "OrderedDict":
        name = "OrderedDict"
    if name in names or name not in _CALLS:
        raise NotStaticError(f"a call of {name or 'a method'}")
    given = [static(argument, names) for argument in at.args]
    named = {word.arg: static(word.value, names) for word in at.keywords if word.arg}
    if name == "range" and len(range(*given)) > MOST_ITEMS:
        raise NotStaticError(f"more than {MOST_ITEMS} items")
    return _CALLS[name](*given, **named)


def _comprehension(
    at: ast.ListComp | ast.SetComp | ast.GeneratorExp, names: Mapping[str, Any]
) -> Any:
    if len(at.generators) != 1:
        raise NotStaticError("two loops in one list")
    loop = at.generators[0]
    found = []
    for item in static(loop.iter, names):
        inner = {**names, **_bound(loop.target, item)}
        if all(static(test, inner) for test in loop.ifs):
            found.append(static(at.elt, inner))
    return found


def _bound(target: ast.expr, item: Any) -> dict[str, Any]:
    if isinstance(target, ast.Name):
        return {target.id: item}
    if isinstance(target, ast.Tuple) and all(isinstance(t, ast.Name) for t in target.elts):
        names = [t.id for t in target.elts if isinstance(t, ast.Name)]
        return dict(zip(names, item, strict=True))
    raise NotStaticError("a target of a loop")


_READERS: Final[Mapping[type[ast.expr], Callable[[Any, Mapping[str, Any]], Any]]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.List: _items,
    ast.Tuple: _items,
    ast.Set: _items,
    ast.Dict: _mapping,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _bool_op,
    ast.Compare: _compared,
    ast.IfExp: _conditional,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
}
