"""Conditions of other tools, as syntax trees of Python, in the language of `constraints`.

The trees say what Python would mean by them: a number alone holds if it is not zero, True is 1.
"""

import ast
import functools
import keyword
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hmserve.conversion.arithmetic import LOGICAL, Arithmetic, Untranslatable
from hmserve.conversion.logic import conjunction, disjunction, negation
from hmserve.conversion.sources import unparsed
from hmserve.conversion.statics import NotStaticError, static

__all__ = ["Symbol", "Translator", "Untranslatable"]

_CONSTANT_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A parameter as conditions see it.

    Args:
        name: Its name here.
        pairs: Each value of the source with the one here; none of a range.
        numeric: Whether its values here are the numbers of the source.
    """

    name: str
    pairs: Sequence[tuple[Any, Any]]
    numeric: bool

    @property
    def node(self) -> ast.expr:
        """The name as an expression has it."""
        plain = self.name.isidentifier() and not keyword.iskeyword(self.name)
        return ast.Name(self.name if plain else f"`{self.name}`")

    def where(self, holds: Callable[[Any], Any]) -> ast.expr:
        """Return the condition that the value is one of those for which `holds`."""
        chosen = [ours for theirs, ours in self.pairs if holds(theirs)]
        if len(chosen) in {0, len(self.pairs)}:
            return ast.Constant(bool(chosen))
        if len(chosen) == 1:
            return ast.Compare(self.node, [ast.Eq()], [ast.Constant(chosen[0])])
        items: list[ast.expr] = [ast.Constant(value) for value in chosen]
        return ast.Compare(self.node, [ast.In()], [ast.Tuple(items)])


def _plainly(value: Any) -> Any:
    return value


class Translator(Arithmetic):
    """Translates conditions over some parameters.

    Args:
        symbols: The parameters, by their names in the source.
        constants: What other names stand for.
        as_text: How a constant is written where a label is compared with it, if the tool
            compares texts.
    """

    def __init__(
        self,
        symbols: Mapping[str, Symbol],
        constants: Mapping[str, Any] | None = None,
        as_text: Callable[[Any], Any] = _plainly,
    ) -> None:
        self._symbols = symbols
        known = (constants or {}).items()
        self._constants = {name: value for name, value in known if name not in symbols}
        self._as_text = as_text

    def text(self, at: ast.expr) -> str | None:
        """Return what `at` means; None if it always holds.

        Raises:
            Untranslatable: It means nothing here.
        """
        try:
            found = self.truth(at)
            text = ast.unparse(ast.fix_missing_locations(ast.Expression(found)))
        except RecursionError:
            raise Untranslatable("it is nested too deep") from None
        if not isinstance(found, ast.Constant):
            return text
        if found.value:
            return None
        raise Untranslatable("nothing satisfies it")

    def truth(self, at: ast.expr) -> ast.expr:
        """Return the condition that `at` is true, or a constant."""
        if isinstance(at, ast.BoolOp):
            return _joined(isinstance(at.op, ast.And), [self.truth(part) for part in at.values])
        if isinstance(at, ast.UnaryOp) and isinstance(at.op, ast.Not):
            return _denied(self.truth(at.operand))
        if isinstance(at, ast.BinOp) and isinstance(at.op, ast.BitAnd | ast.BitOr):
            return self._bitwise(at)
        if isinstance(at, ast.Compare):
            return self._compare(at)
        if isinstance(at, ast.Call) and _called(at) in LOGICAL:
            return self._quantified(at)
        return self._alone(at)

    def symbol_of(self, at: ast.expr) -> Symbol | None:
        """Return the parameter that `at` is, if it is one."""
        return self._symbols.get(at.id) if isinstance(at, ast.Name) else None

    def constant_of(self, at: ast.expr) -> Any:
        """Return the constant that `at` is.

        Raises:
            NotStaticError: It is none.
        """
        return static(at, self._constants)

    def _compare(self, at: ast.Compare) -> ast.expr:
        sides = [at.left, *at.comparators]
        return _joined(True, list(map(self._compared, at.ops, sides[:-1], sides[1:])))

    def _alone(self, at: ast.expr) -> ast.expr:
        """Return the condition that a value without a comparison is true."""
        symbol = self.symbol_of(at)
        if symbol is not None and symbol.pairs:
            return symbol.where(bool)
        if isinstance(at, ast.IfExp):
            test, body, other = (self.truth(part) for part in (at.test, at.body, at.orelse))
            return _joined(
                False, [_joined(True, [test, body]), _joined(True, [_denied(test), other])]
            )
        try:
            return ast.Constant(bool(self.constant_of(at)))
        except NotStaticError:
            return ast.Compare(self.number(at), [ast.NotEq()], [ast.Constant(0)])

    def _bitwise(self, at: ast.BinOp) -> ast.expr:
        sides = [at.left, at.right]
        if not all(self.is_condition(side) for side in sides):
            raise Untranslatable(f"{unparsed(at)} reckons with bits")
        return _joined(isinstance(at.op, ast.BitAnd), [self.truth(side) for side in sides])

    def _quantified(self, at: ast.Call) -> ast.expr:
        name = _called(at)
        if len(at.args) != 1 or at.keywords:
            raise Untranslatable(f"{name} has not one argument")
        if name == "bool":
            return self.truth(at.args[0])
        if not isinstance(at.args[0], ast.List | ast.Tuple):
            raise Untranslatable(f"{name} is not of a list")
        return _joined(name == "all", [self.truth(item) for item in at.args[0].elts])

    def _compared(self, sign: ast.cmpop, left: ast.expr, right: ast.expr) -> ast.expr:
        if isinstance(sign, ast.In | ast.NotIn):
            found = self._member(left, right)
            return found if isinstance(sign, ast.In) else _denied(found)
        if isinstance(sign, ast.Is | ast.IsNot):
            sign = ast.Eq() if isinstance(sign, ast.Is) else ast.NotEq()
        if isinstance(sign, ast.NotEq):
            return _denied(self._equal(left, right))
        if isinstance(sign, ast.Eq):
            return self._equal(left, right)
        known = self._both_constant(sign, left, right)
        return known or ast.Compare(self.number(left), [sign], [self.number(right)])

    def _both_constant(
        self, sign: ast.cmpop, left: ast.expr, right: ast.expr
    ) -> ast.Constant | None:
        try:
            values = self.constant_of(left), self.constant_of(right)
            return ast.Constant(bool(_CONSTANT_COMPARISONS[type(sign)](*values)))
        except (NotStaticError, TypeError):
            return None

    def _equal(self, left: ast.expr, right: ast.expr) -> ast.expr:
        known = self._both_constant(ast.Eq(), left, right)
        if known is not None:
            return known
        for side, other in ((left, right), (right, left)):
            try:
                value = self.constant_of(other)
            except NotStaticError:
                continue
            return self._equals_constant(side, value)
        first, second = self.symbol_of(left), self.symbol_of(right)
        if first and second and not (first.numeric or second.numeric):
            return self._same_label(first, second)
        return ast.Compare(self.number(left), [ast.Eq()], [self.number(right)])

    def _equals_constant(self, side: ast.expr, value: Any) -> ast.expr:
        symbol = self.symbol_of(side)
        if symbol is not None and not symbol.numeric:
            wanted = self._as_text(value)
            return symbol.where(lambda theirs: theirs == wanted)
        if isinstance(value, str) and self._as_text is not _plainly:
            value = _number_in(value)
        if not isinstance(value, int | float):
            self.number(side)
            return ast.Constant(False)
        return ast.Compare(self.number(side), [ast.Eq()], [ast.Constant(_plain(value))])

    def _same_label(self, first: Symbol, second: Symbol) -> ast.expr:
        """Return the condition that two categorical parameters have the same value."""
        if all(theirs == ours for s in (first, second) for theirs, ours in s.pairs):
            return ast.Compare(first.node, [ast.Eq()], [second.node])
        each = [functools.partial(operator.eq, value) for value, _ in first.pairs]
        both = [_joined(True, [first.where(is_it), second.where(is_it)]) for is_it in each]
        return _joined(False, both)

    def _member(self, left: ast.expr, right: ast.expr) -> ast.expr:
        try:
            items = [ast.Constant(value) for value in self.constant_of(right)]
        except (NotStaticError, TypeError):
            if not isinstance(right, ast.List | ast.Tuple | ast.Set):
                raise Untranslatable(f"{unparsed(right)} is no list") from None
            found = [self._equal(left, item) for item in right.elts]
            return _joined(False, found)
        symbol = self.symbol_of(left)
        if symbol is not None and not symbol.numeric:
            wanted = [self._as_text(item.value) for item in items]
            return symbol.where(lambda theirs: theirs in wanted)
        return self._number_in(left, [item.value for item in items])

    def _number_in(self, left: ast.expr, values: Sequence[Any]) -> ast.expr:
        numbers = [_plain(value) for value in values if isinstance(value, int | float)]
        if not numbers:
            return ast.Constant(False)
        number = self.number(left)
        if len(numbers) == 1:
            return ast.Compare(number, [ast.Eq()], [ast.Constant(numbers[0])])
        items: list[ast.expr] = [ast.Constant(value) for value in numbers]
        return ast.Compare(number, [ast.In()], [ast.Tuple(items)])


def _joined(every: bool, parts: Sequence[ast.expr]) -> ast.expr:
    """Return the conjunction or the disjunction of `parts` without its constants."""
    left = [part for part in parts if not isinstance(part, ast.Constant)]
    if any(isinstance(part, ast.Constant) and bool(part.value) != every for part in parts):
        return ast.Constant(not every)
    if not left:
        return ast.Constant(every)
    return (conjunction if every else disjunction)(left)


_OPPOSITES: Final[Mapping[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def _denied(part: ast.expr) -> ast.expr:
    if isinstance(part, ast.Constant):
        return ast.Constant(not part.value)
    if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not):
        return part.operand
    # An order has no opposite where a side is undefined.
    if isinstance(part, ast.Compare) and isinstance(part.left, ast.Name) and len(part.ops) == 1:
        opposite = _OPPOSITES.get(type(part.ops[0]))
        if opposite is not None and isinstance(part.comparators[0], ast.Constant | ast.Tuple):
            return ast.Compare(part.left, [opposite()], part.comparators)
    return negation(part)


def _called(at: ast.Call) -> str:
    return at.func.id if isinstance(at.func, ast.Name) else ""


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _number_in(text: str) -> Any:
    """Return the number that `text` is, or the text."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
