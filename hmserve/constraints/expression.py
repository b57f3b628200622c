"""Expressions as the author of a scenario writes them, compiled through Python's syntax tree.

Nothing of the text is ever executed: what is not in the grammar below is refused.

    condition   number compared with number, also in chains: 1 < a <= b
                label compared with label by == and !=; `in` and `not in` a list of constants
                and, or, not; & | ~ between conditions; == and != between conditions
                where(condition, condition, condition); True, False
    number      + - * / // % **, where(condition, number, number), and the functions of
                `hmserve.constraints.tree.FUNCTIONS`
    names       parameters; of a permutation p: p_2, the element at position 2, and
                p_i2, the position of element 2
    label       the text of a label in quotes, or a categorical parameter

All numbers are doubles, so ``a * b == 0.3`` asks for the very double 0.3. A comparison with an
undefined number (divided by zero, the logarithm of a negative one, too large) does not hold.
"""

import ast
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hmserve.constraints.compiler import Compiler
from hmserve.constraints.symbols import ExpressionError, Names, Symbol, symbol_of
from hmserve.constraints.tree import Condition
from hmserve.space.parameters import Value

__all__ = ["Expression", "ExpressionError", "Symbol", "compile_expression", "symbol_of"]

LONGEST: Final = 4000
"""Characters in an expression."""

_HINTS: Final = (
    ("&&", ": write 'and' or & for &&"),
    ("||", ": write 'or' or | for ||"),
    ("=>", ": write >= for =>"),
    ("=<", ": write <= for =<"),
    ("<>", ": write != for <>"),
    ("!", ": write 'not' for !"),
    ("=", ": compare with =="),
)


@dataclass(frozen=True)
class Expression:
    """A condition over parameters.

    Args:
        text: As its author wrote it.
        parameters: The names of those that it reads, in the order of appearance.
        tree: What it means.
    """

    text: str
    parameters: tuple[str, ...]
    tree: Condition

    def holds(self, configuration: Mapping[str, Value]) -> bool:
        """Whether `configuration` satisfies it; so it does if a parameter of it is inactive."""
        if any(configuration[name] is None for name in self.parameters):
            return True
        return self.tree.holds(configuration)


def compile_expression(text: str, symbols: Mapping[str, Symbol]) -> Expression:
    """Return the condition that `text` means.

    Args:
        text: One expression.
        symbols: The parameters by their names; `symbol_of` makes them.

    Raises:
        ExpressionError: `text` is no condition over these parameters.
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"expected at most {LONGEST} characters, got {len(text)}")
    known = Names(symbols)
    readable, meanings = known.replace(text)
    margin = len(readable) - len(readable.lstrip())
    parsed = _parse(readable[margin:], text, margin)
    compiler = Compiler(known, meanings, readable[margin:], margin)
    tree = compiler.condition(parsed)
    read = tree.names()
    if not read:
        raise ExpressionError(f"expected a condition over parameters, got {text.strip()!r}")
    return Expression(text, read, tree)


def _parse(readable: str, text: str, margin: int) -> ast.expr:
    if not readable.strip():
        raise ExpressionError("expected a condition such as 'a * b <= 64', got nothing")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(readable, mode="eval").body
    except SyntaxError as error:
        # Python tells the end of the text by 0, or by a column beyond it.
        column = (error.offset or len(readable) + 1) + margin
        got = repr(text[column - 1 :][:20]) if text[column - 1 :].strip() else "the end"
        hint = _hint(readable)
        raise ExpressionError(
            f"expected an expression, got {got} at column {column}{hint}"
        ) from None
    except (ValueError, MemoryError, RecursionError):
        raise ExpressionError(
            "expected an expression, got too deep or too long a one"
        ) from None


def _hint(readable: str) -> str:
    """Return what an author used to another language may want to write."""
    bare = readable
    for operator in ("==", "!=", "<=", ">="):
        if not any(wrong in readable for wrong in ("=>", "=<")):
            bare = bare.replace(operator, " ")
    return next((hint for sign, hint in _HINTS if sign in bare), "")
