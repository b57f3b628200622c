"""From Python's syntax tree to ours: names found, kinds checked, constants folded."""

import ast
import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from hmserve.constraints.kinds import Label, LabelOf, Meaning, compared, describe, member_of
from hmserve.constraints.symbols import ExpressionError, Names, Part
from hmserve.constraints.tree import (
    FUNCTIONS,
    Apply,
    Both,
    Choose,
    Condition,
    Constant,
    Either,
    Element,
    Not,
    Number,
    Place,
    Power,
    Sum,
    Truth,
    Variable,
)

DEEPEST: Final = 80
"""Levels of operators, brackets and functions in one another; a sum is one level."""

LARGEST_EXPONENT: Final = 64

_ARITHMETIC: Final[Mapping[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
_COMPARE: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_CALLABLE: Final = tuple(sorted({*FUNCTIONS, "where"} - {*_ARITHMETIC.values()}))


class Compiler:
    """Compiles one expression.

    Args:
        names: The parameters.
        meanings: The names that stand-ins in the text stand for.
        text: What was parsed, for quotes of it.
        margin: Characters cut off before it.
    """

    def __init__(
        self, names: Names, meanings: Mapping[str, str], text: str, margin: int
    ) -> None:
        self._names = names
        self._meanings = meanings
        self._bytes = text.encode()
        self._margin = margin
        self._depth = 0
        self._readers: Mapping[type[ast.expr], Callable[..., Meaning]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._binary,
            ast.BoolOp: self._joined,
            ast.Compare: self._comparisons,
            ast.Call: self._call,
        }

    def condition(self, at: ast.expr) -> Condition:
        """Return the condition that `at` is.

        Raises:
            ExpressionError: It is none.
        """
        found = self._read(at)
        if isinstance(found, Condition):
            return found
        raise self._fault(at, f"expected a condition such as a > 1, got {describe(found)}")

    def _number(self, at: ast.expr) -> Number:
        found = self._read(at)
        if isinstance(found, Number):
            return found
        hint = ": write where(condition, 1, 0)" if isinstance(found, Condition) else ""
        raise self._fault(at, f"expected a number, got {describe(found)}", hint)

    def _read(self, at: ast.expr) -> Meaning:
        reader = self._readers.get(type(at))
        if reader is None:
            wanted = "expected a parameter, a number, a label or a function"
            raise self._fault(at, f"{wanted}, got {self._quote(at)}")
        with self._deeper(at, 1):
            return reader(at)

    @contextlib.contextmanager
    def _deeper(self, at: ast.expr, levels: int) -> Iterator[None]:
        self._depth += levels
        if self._depth > DEEPEST:
            raise self._fault(at, f"expected at most {DEEPEST} levels of brackets, got more")
        yield
        self._depth -= levels

    def _constant(self, at: ast.Constant) -> Meaning:
        if isinstance(at.value, bool):
            return Truth(at.value)
        if isinstance(at.value, str):
            return Label(at.value)
        if not isinstance(at.value, int | float):
            raise self._fault(at, f"expected a number or a label, got {self._quote(at)}")
        try:
            return Constant(self._finite(at, float(at.value)))
        except OverflowError:
            raise self._fault(at, "expected a number, got one too large") from None

    def _name(self, at: ast.Name) -> Meaning:
        name = self._meanings.get(at.id, at.id)
        found = self._names.find(name)
        if found is None:
            if name in _CALLABLE:
                raise self._fault(at, f"expected brackets after the function {name}")
            guess = self._names.nearest(name)
            raise self._fault(at, f"expected a parameter, got {name!r:.60}", guess)
        if isinstance(found, Part):
            return self._part(at, found)
        symbol = self._names.symbols[found]
        if symbol.kind == "label":
            return LabelOf(found, symbol.labels)
        if symbol.kind == "permutation":
            hint = (
                f": {name}_0 is its element at position 0, {name}_i0 the position of element 0"
            )
            wanted = "expected a number or a label"
            raise self._fault(at, f"{wanted}, got the permutation {name!r}", hint)
        return Variable(found)

    def _part(self, at: ast.expr, part: Part) -> Number:
        n = self._names.symbols[part.name].n
        if part.index >= n:
            wanted = f"expected an index of {part.name!r} from 0 to {n - 1}"
            raise self._fault(at, f"{wanted}, got {part.index}")
        return (Place if part.inverse else Element)(part.name, part.index)

    def _unary(self, at: ast.UnaryOp) -> Meaning:
        if isinstance(at.op, ast.Not):
            return Not(self._operand("not", at.operand))
        if isinstance(at.op, ast.Invert):
            return Not(self._operand("~", at.operand))
        operand = self._number(at.operand)
        return operand if isinstance(at.op, ast.UAdd) else self._sum(at, [(-1.0, operand)])

    def _binary(self, at: ast.BinOp) -> Meaning:
        return self._joined(at) if _is(at, ast.BitAnd, ast.BitOr) else self._arithmetic(at)

    def _joined(self, at: ast.BinOp | ast.BoolOp) -> Condition:
        """Compile conditions joined by one kind of joint, however many."""
        if isinstance(at, ast.BoolOp):
            sign, parts = "and and or", at.values
        else:
            chain = _chain(at, type(at.op))
            sign, parts = "& and |", [chain[0].left, *(link.right for link in chain)]
        found = tuple(self._operand(sign, part) for part in parts)
        return Both(found) if isinstance(at.op, ast.And | ast.BitAnd) else Either(found)

    def _operand(self, sign: str, at: ast.expr) -> Condition:
        """Return one operand of and, or, not, & | ~, which must be a condition."""
        found = self._read(at)
        if isinstance(found, Condition):
            return found
        hint = ""
        if sign in {"& and |", "~"}:
            hint = ": & | ~ bind tighter than comparisons; put the comparison in parentheses"
            hint += ", as in (a > 1) & (b < 2)"
        raise self._fault(at, f"expected conditions beside {sign}, got {describe(found)}", hint)

    def _arithmetic(self, at: ast.BinOp) -> Number:
        if type(at.op) not in _ARITHMETIC:
            hint = ": a power is written **" if _is(at, ast.BitXor) else ""
            raise self._fault(at, "expected arithmetic, & or |", hint)
        if _is(at, ast.Add, ast.Sub):
            terms = _terms(_chain(at, ast.Add, ast.Sub))
            return self._sum(at, [(sign, self._number(term)) for sign, term in terms])
        if _is(at, ast.Pow):
            return self._power(at, self._number(at.left), self._number(at.right))
        chain = _chain(at, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
        with self._deeper(at, len(chain)):
            product = self._number(chain[0].left)
        for link in chain:
            factors = (product, self._number(link.right))
            product = self._apply(link, _ARITHMETIC[type(link.op)], factors)
        return product

    def _sum(self, at: ast.expr, terms: Sequence[tuple[float, Number]]) -> Number:
        found = Sum(tuple(sign for sign, _ in terms), tuple(term for _, term in terms))
        return self._folded(at, found, found.terms)

    def _power(self, at: ast.BinOp, base: Number, exponent: Number) -> Number:
        if not isinstance(exponent, Constant):
            return self._apply(at, "**", (base, exponent))
        power = exponent.number
        if abs(power) > LARGEST_EXPONENT:
            wanted = f"expected an exponent from -{LARGEST_EXPONENT} to {LARGEST_EXPONENT}"
            raise self._fault(at.right, f"{wanted}, got {power:g}")
        if power != int(power):
            return self._apply(at, "**", (base, exponent))
        return self._folded(at, Power(base, int(power)), (base,))

    def _apply(self, at: ast.expr, function: str, arguments: tuple[Number, ...]) -> Number:
        return self._folded(at, Apply(function, arguments), arguments)

    def _folded(self, at: ast.expr, found: Number, parts: tuple[Number, ...]) -> Number:
        """Return the constant that `found` is, if all its parts are."""
        if not all(isinstance(part, Constant) for part in parts):
            return found
        return Constant(self._finite(at, found.value({})))

    def _finite(self, at: ast.expr, value: float) -> float:
        if not math.isfinite(value):
            raise self._fault(at, "expected a number, got one that is undefined or too large")
        return value

    def _comparisons(self, at: ast.Compare) -> Condition:
        sides = [at.left, *at.comparators]
        found = tuple(map(self._comparison, at.ops, sides[:-1], sides[1:]))
        return found[0] if len(found) == 1 else Both(found)

    def _comparison(self, operator: ast.cmpop, left: ast.expr, right: ast.expr) -> Condition:
        sign = _COMPARE.get(type(operator))
        if sign is None:
            raise self._fault(right, "expected == or !=, got 'is'")
        if "in" not in sign:
            sides = (left, self._read(left)), (right, self._read(right))
            return compared(sign, *sides, self._fault)
        if not isinstance(right, ast.List | ast.Tuple | ast.Set) or not right.elts:
            raise self._fault(right, "expected a list of constants after 'in', as in (1, 2, 4)")
        items = [self._read(item) for item in right.elts]
        found = member_of(right, self._read(left), items, self._fault)
        return found if sign == "in" else Not(found)

    def _call(self, at: ast.Call) -> Meaning:
        function = at.func.id if isinstance(at.func, ast.Name) else ""
        if function not in _CALLABLE:
            known = ", ".join(_CALLABLE)
            got = self._quote(at.func)
            raise self._fault(at.func, f"expected a function, one of {known}, got {got}")
        if at.keywords or any(isinstance(item, ast.Starred) for item in at.args):
            raise self._fault(at, f"expected plain arguments of {function}")
        if function == "where":
            return self._where(at)
        several = function in {"min", "max"}
        if len(at.args) < 2 if several else len(at.args) != 1:
            wanted = "two arguments or more" if several else "one argument"
            raise self._fault(at, f"expected {wanted} of {function}, got {len(at.args)}")
        return self._apply(at, function, tuple(map(self._number, at.args)))

    def _where(self, at: ast.Call) -> Meaning:
        if len(at.args) != 3:
            raise self._fault(at, f"expected three arguments of where, got {len(at.args)}")
        condition = self.condition(at.args[0])
        yes, no = (self._read(item) for item in at.args[1:])
        if isinstance(yes, Number) and isinstance(no, Number):
            return Choose(condition, yes, no)
        if isinstance(yes, Condition) and isinstance(no, Condition):
            return Either((Both((condition, yes)), Both((Not(condition), no))))
        got = f"got {describe(yes)} and {describe(no)}"
        raise self._fault(at, f"expected two numbers or two conditions in where, {got}")

    def _fault(self, at: ast.expr, message: str, hint: str = "") -> ExpressionError:
        column = len(self._bytes[: at.col_offset].decode()) + self._margin + 1
        return ExpressionError(f"{message} at column {column}{hint}")

    def _quote(self, at: ast.expr) -> str:
        """Return what stands at `at`, as its author wrote it."""
        text = self._bytes[at.col_offset : at.end_col_offset].decode()
        for stand_in, name in self._meanings.items():
            text = text.replace(stand_in, name)
        return repr(text[:60])


def _is(at: ast.BinOp, *operators: type[ast.operator]) -> bool:
    return isinstance(at.op, operators)


def _chain(at: ast.BinOp, *operators: type[ast.operator]) -> list[ast.BinOp]:
    """Return the chain of operators that ends with `at`, the first to be applied first.

    A sum of hundreds of terms is deep in Python's tree and shall not be so in ours.
    """
    chain = [at]
    while isinstance(chain[-1].left, ast.BinOp) and isinstance(chain[-1].left.op, operators):
        chain.append(chain[-1].left)
    return chain[::-1]


def _terms(chain: Sequence[ast.BinOp]) -> Iterator[tuple[float, ast.expr]]:
    yield 1.0, chain[0].left
    for link in chain:
        yield (1.0 if isinstance(link.op, ast.Add) else -1.0), link.right
