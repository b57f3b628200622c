"""The numbers in the conditions of other tools."""

import ast
import functools
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from hmserve.conversion.sources import show, unparsed
from hmserve.conversion.statics import NotStaticError

_OPERATORS: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)

_FUNCTIONS: Final = frozenset(
    {"min", "max", "abs", "floor", "ceil", "sqrt", "exp", "log", "log10", "sin", "cos", "tan"}
)
LOGICAL: Final = frozenset({"all", "any", "bool"})
"""Functions of which the value is true or false."""

_MODULES: Final = frozenset({"math", "np", "numpy"})


class Untranslatable(ValueError):  # noqa: N818 - said of a condition, as in a note
    """A condition cannot be written here; the message says why."""


class SymbolLike(Protocol):
    """A parameter as arithmetic sees it."""

    @property
    def numeric(self) -> bool:
        """Whether its values here are the numbers of the source."""

    @property
    def pairs(self) -> Any:
        """Each value of the source with the one here."""

    @property
    def node(self) -> ast.expr:
        """The name as an expression has it."""

    def where(self, holds: Callable[[Any], Any]) -> ast.expr:
        """Return the condition that the value is one of those for which `holds`."""


class Arithmetic:
    """Translates numbers; conditions are for those who derive from it."""

    def truth(self, at: ast.expr) -> ast.expr:
        """Return the condition that `at` is true, or a constant."""
        raise NotImplementedError

    def symbol_of(self, at: ast.expr) -> SymbolLike | None:
        """Return the parameter that `at` is, if it is one."""
        raise NotImplementedError

    def constant_of(self, at: ast.expr) -> Any:
        """Return the constant that `at` is, or raise NotStaticError."""
        raise NotImplementedError

    def number(self, at: ast.expr) -> ast.expr:
        """Return the number that `at` is.

        Raises:
            Untranslatable: It is none that can be written here.
        """
        symbol = self.symbol_of(at)
        if symbol is not None:
            return symbol.node if symbol.numeric else _counted(symbol)
        try:
            return _constant(self.constant_of(at))
        except NotStaticError:
            pass
        if self.is_condition(at):
            return _chosen(self.truth(at), ast.Constant(1), ast.Constant(0))
        reader = _READERS.get(type(at))
        if reader is None:
            raise Untranslatable(_unknown(at))
        return reader(self, at)

    def is_condition(self, at: ast.expr) -> bool:
        """Whether `at` is true or false, and nothing else."""
        if isinstance(at, ast.BoolOp):
            return all(map(self.is_condition, at.values))
        if isinstance(at, ast.BinOp) and isinstance(at.op, ast.BitAnd | ast.BitOr):
            return self.is_condition(at.left) and self.is_condition(at.right)
        denied = isinstance(at, ast.UnaryOp) and isinstance(at.op, ast.Not)
        if isinstance(at, ast.Call):
            return isinstance(at.func, ast.Name) and at.func.id in LOGICAL
        symbol = self.symbol_of(at)
        flag = (
            symbol is not None
            and bool(symbol.pairs)
            and all(isinstance(theirs, bool) for theirs, _ in symbol.pairs)
        )
        return denied or flag or isinstance(at, ast.Compare)

    def _binary(self, at: ast.BinOp) -> ast.expr:
        if not isinstance(at.op, _OPERATORS):
            raise Untranslatable(f"{unparsed(at)} reckons with bits")
        return ast.BinOp(self.number(at.left), at.op, self.number(at.right))

    def _unary(self, at: ast.UnaryOp) -> ast.expr:
        if isinstance(at.op, ast.Invert):
            raise Untranslatable(f"{unparsed(at)} reckons with bits")
        return ast.UnaryOp(at.op, self.number(at.operand))

    def _conditional(self, at: ast.IfExp) -> ast.expr:
        return _chosen(self.truth(at.test), self.number(at.body), self.number(at.orelse))

    def _call(self, at: ast.Call) -> ast.expr:
        name = _function(at)
        given = at.args
        if len(given) == 1 and isinstance(given[0], ast.List | ast.Tuple):
            given = given[0].elts
        if at.keywords or not given or any(isinstance(a, ast.Starred) for a in given):
            raise Untranslatable(_unknown(at))
        if name in _FUNCTIONS:
            return _applied(name, [self.number(argument) for argument in given], at)
        if name == "pow" and len(given) == 2:
            return ast.BinOp(self.number(given[0]), ast.Pow(), self.number(given[1]))
        if name == "float" and len(given) == 1:
            return self.number(given[0])
        if name in {"int", "trunc"} and len(given) == 1:
            return _truncated(self.number(given[0]))
        raise Untranslatable(_unknown(at))


_READERS: Final[Mapping[type[ast.expr], Callable[[Arithmetic, Any], ast.expr]]] = {
    ast.BinOp: Arithmetic._binary,
    ast.UnaryOp: Arithmetic._unary,
    ast.IfExp: Arithmetic._conditional,
    ast.Call: Arithmetic._call,
}


def _function(at: ast.Call) -> str:
    """Return the name of the function, without the module `math`."""
    if isinstance(at.func, ast.Name):
        return at.func.id
    if isinstance(at.func, ast.Attribute) and isinstance(at.func.value, ast.Name):
        return at.func.attr if at.func.value.id in _MODULES else ""
    return ""


def _applied(name: str, arguments: list[ast.expr], at: ast.Call) -> ast.expr:
    several = name in {"min", "max"}
    if several and len(arguments) == 1:
        return arguments[0]
    if not several and len(arguments) != 1:
        raise Untranslatable(_unknown(at))
    return ast.Call(ast.Name(name), arguments, [])


def _chosen(condition: ast.expr, yes: ast.expr, no: ast.expr) -> ast.expr:
    if isinstance(condition, ast.Constant):
        return yes if condition.value else no
    return ast.Call(ast.Name("where"), [condition, yes, no], [])


def _truncated(number: ast.expr) -> ast.expr:
    positive = ast.Compare(number, [ast.GtE()], [ast.Constant(0)])
    down, up = (ast.Call(ast.Name(name), [number], []) for name in ("floor", "ceil"))
    return _chosen(positive, down, up)


def _counted(symbol: SymbolLike) -> ast.expr:
    """Return the number that a label stands for."""
    if not all(isinstance(theirs, int | float) for theirs, _ in symbol.pairs):
        name = ast.unparse(symbol.node).strip("`")
        raise Untranslatable(f"it reckons with {name}, whose values are no numbers here")
    *others, (last, _) = symbol.pairs
    found = _constant(last)
    for theirs, _ in reversed(others):
        is_this = symbol.where(functools.partial(operator.eq, theirs))
        found = _chosen(is_this, _constant(theirs), found)
    return found


def _constant(value: Any) -> ast.expr:
    if not isinstance(value, int | float):
        raise Untranslatable(f"{show(repr(value))} is no number")
    if isinstance(value, float) and not math.isfinite(value):
        raise Untranslatable(f"{value} is no finite number")
    number = int(value) if isinstance(value, bool) else value
    if number < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-number))
    return ast.Constant(number)


def _unknown(at: ast.expr) -> str:
    if isinstance(at, ast.Name):
        return f"{at.id.strip('`')} is no parameter"
    return f"{unparsed(at)} has no counterpart"
