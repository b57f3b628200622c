"""Logical expressions of R, as irace reads them, as syntax trees of Python.

From the loosest to the tightest: | ||, & &&, !, comparisons, + -, * /, %in% %% %/%, unary -, ^.
"""

import ast
import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)L?(?![\w.])"""
    r"""|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<name>`[^`]+`|(?:[A-Za-z]|\.(?!\d))[\w.]*)"""
    r"""|(?P<sign>%[^%\s]*%|&&|\|\||[=!<>]=|[-+*/^&|!<>(),:]))"""
)
_WORDS: Final[Mapping[str, bool]] = {"TRUE": True, "FALSE": False, "T": True, "F": False}
_COMPARISONS: Final[Mapping[str, type[ast.cmpop]]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}
_SUMS: Final[Mapping[str, type[ast.operator]]] = {"+": ast.Add, "-": ast.Sub}
_PRODUCTS: Final[Mapping[str, type[ast.operator]]] = {"*": ast.Mult, "/": ast.Div}
_SPECIAL: Final[Mapping[str, type[ast.operator]]] = {"%%": ast.Mod, "%/%": ast.FloorDiv}
_RENAMED: Final = {"ceiling": "ceil", "as.integer": "int", "as.numeric": "float"}
_DEEPEST: Final = 60


class RError(ValueError):
    """A text is no expression of R that can be read.

    Args:
        message: What was expected.
        column: Where, from 1.
    """

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def parse_r(text: str) -> ast.expr:
    """Return the tree of an expression.

    Raises:
        RError: It is none, or uses what is not known here.
    """
    parser = _Parser(_tokens(text))
    tree = parser.either()
    parser.expect("end")
    return tree


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            column = at + len(text[at:]) - len(text[at:].lstrip())
            raise RError(f"expected an expression of R, got {text[column:][:20]!r}", column + 1)
        kind = found.lastgroup or ""
        tokens.append(_Token(kind, found[kind], found.start(kind) + 1))
        at = found.end()
    return [*tokens, _Token("end", "", len(text) + 1)]


class _Parser:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def expect(self, text: str) -> _Token:
        """Step over the sign `text`, or the end."""
        token = self._tokens[self._at]
        if token.kind == "end" and text == "end":
            return token
        if token.kind not in {"sign", "end"} or token.text != text:
            wanted = "the end" if text == "end" else repr(text)
            raise RError(f"expected {wanted}, got {_got(token)}", token.column)
        self._at += 1
        return token

    def either(self) -> ast.expr:
        """Read conditions joined by | or ||."""
        return self._logical(("|", "||"), ast.Or, self._every)

    def _every(self) -> ast.expr:
        return self._logical(("&", "&&"), ast.And, self._denial)

    def _logical(
        self, signs: tuple[str, ...], operator: type[ast.boolop], inner: Callable[[], ast.expr]
    ) -> ast.expr:
        parts = [inner()]
        while self._take(*signs):
            parts.append(inner())
        return parts[0] if len(parts) == 1 else ast.BoolOp(operator(), parts)

    def _denial(self) -> ast.expr:
        count = 0
        while self._take("!"):
            count += 1
        found = self._comparison()
        return ast.UnaryOp(ast.Not(), found) if count % 2 else found

    def _comparison(self) -> ast.expr:
        left = self._chain(_SUMS, self._product)
        sign = self._take(*_COMPARISONS)
        if sign is None:
            return left
        right = self._chain(_SUMS, self._product)
        again = self._tokens[self._at]
        if again.text in _COMPARISONS and again.kind == "sign":
            raise RError("expected one comparison: R has no chains of them", again.column)
        return ast.Compare(left, [_COMPARISONS[sign]()], [right])

    def _product(self) -> ast.expr:
        return self._chain(_PRODUCTS, self._special)

    def _chain(
        self, signs: Mapping[str, type[ast.operator]], inner: Callable[[], ast.expr]
    ) -> ast.expr:
        left = inner()
        while sign := self._take(*signs):
            left = ast.BinOp(left, signs[sign](), inner())
        return left

    def _special(self) -> ast.expr:
        left = self._signed()
        while sign := self._take("%in%", *_SPECIAL):
            right = self._signed()
            if sign != "%in%":
                left = ast.BinOp(left, _SPECIAL[sign](), right)
                continue
            if not isinstance(right, ast.List):
                right = ast.List([right])
            left = ast.Compare(left, [ast.In()], [right])
        return left

    def _signed(self) -> ast.expr:
        if self._take("-"):
            return ast.UnaryOp(ast.USub(), self._nested(self._signed))
        if self._take("+"):
            return self._nested(self._signed)
        base = self._atom()
        if self._take("^"):
            return ast.BinOp(base, ast.Pow(), self._nested(self._signed))
        return base

    def _atom(self) -> ast.expr:
        token = self._tokens[self._at]
        if token.kind == "sign" and token.text == "(":
            self._at += 1
            inner = self._nested(self.either)
            self.expect(")")
            return inner
        if token.kind in {"sign", "end"}:
            wanted = "a parameter, a number, a text or brackets"
            raise RError(f"expected {wanted}, got {_got(token)}", token.column)
        self._at += 1
        if token.kind == "number":
            number = float(token.text)
            return ast.Constant(int(number) if number == int(number) else number)
        if token.kind == "text":
            return ast.Constant(re.sub(r"\\(.)", r"\1", token.text[1:-1]))
        if self._take("("):
            return self._call(token)
        if token.text in _WORDS:
            return ast.Constant(_WORDS[token.text])
        return ast.Name(token.text.strip("`"))

    def _call(self, function: _Token) -> ast.expr:
        arguments = [self._nested(self.either)]
        while self._take(","):
            arguments.append(self._nested(self.either))
        self.expect(")")
        if function.text == "c":
            return ast.List(arguments)
        return ast.Call(ast.Name(_RENAMED.get(function.text, function.text)), arguments, [])

    def _nested(self, inner: Callable[[], ast.expr]) -> ast.expr:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RError(f"expected at most {_DEEPEST} levels of brackets, got more", 1)
        found = inner()
        self._depth -= 1
        return found

    def _take(self, *signs: str) -> str | None:
        """Step over one of `signs` if it comes next."""
        token = self._tokens[self._at]
        if token.kind == "sign" and token.text in signs:
            self._at += 1
            return token.text
        return None


def _got(token: _Token) -> str:
    return "the end" if token.kind == "end" else repr(token.text)
