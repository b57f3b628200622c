"""The names that an expression may use, and how they are found in its text.

Parameters may have names that Python does not read as one: ``tile-x``, ``3d``, ``lambda``.
Before the text is parsed, each is replaced by an identifier of the same length, so that columns
stay what they are. A name in backticks is always a name.
"""

import functools
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from hmserve.space.fixed import Fixed
from hmserve.space.parameters import Categorical, Parameter
from hmserve.space.permutation import Permutation

_TOKEN: Final = re.compile(
    r"""(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"|(?P<quoted>`[^`]*`)|(?P<run>[0-9A-Za-z_.-]+)|(?P<other>.)",
    re.DOTALL,
)
_NUMBER: Final = re.compile(r"(\d+\.?\d*|\.\d+)([eE]-?\d+)?|0[xX][0-9a-fA-F]+")
_PART: Final = re.compile(r"(.+)_(i?)(\d+)", re.DOTALL)
_WORDS: Final = frozenset({"and", "or", "not", "in", "True", "False"})
_FIRST_STAND_IN: Final = 0x4E00
"""A letter that no name of a parameter has, the first of thousands."""


class ExpressionError(ValueError):
    """An expression cannot be used; the message says why, for its author."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """What an expression may know of a parameter.

    Args:
        kind: What its values are.
        labels: All labels of a categorical one, in their order.
        n: How many elements a permutation has.
    """

    kind: Literal["number", "label", "permutation"]
    labels: tuple[str, ...] = ()
    n: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """What ``p_3`` and ``p_i3`` mean: element 3 of a permutation, or where element 3 is."""

    name: str
    index: int
    inverse: bool


def symbol_of(parameter: Parameter) -> Symbol:
    """Return what expressions may know of `parameter`."""
    inner = parameter.parameter if isinstance(parameter, Fixed) else parameter
    if isinstance(inner, Permutation):
        return Symbol("permutation", n=inner.n)
    if isinstance(inner, Categorical):
        return Symbol("label", labels=inner.values)
    return Symbol("number")


class Names:
    """The names that `symbols` define."""

    def __init__(self, symbols: Mapping[str, Symbol]) -> None:
        self.symbols = symbols
        self._longest = max((name.count("-") for name in symbols), default=0) + 2

    def find(self, name: str) -> str | Part | None:
        """Return the parameter or the part of a permutation that `name` means, if any."""
        if name in self.symbols:
            return name
        part = _PART.fullmatch(name)
        if part is None:
            return None
        whole = self.symbols.get(part[1])
        if whole is None or whole.kind != "permutation":
            return None
        return Part(part[1], int(part[3][:9]), bool(part[2]))

    def nearest(self, name: str) -> str:
        """Return ``; did you mean ...?`` with the name most like `name`, or nothing."""
        return nearest(name, self.symbols)

    def replace(self, text: str) -> tuple[str, dict[str, str]]:
        """Return text that Python can read, and what each stand-in in it means.

        Raises:
            ExpressionError: A character that no expression has, or a name that may be two
                things.
        """
        meanings: dict[str, str] = {}
        pieces = []
        for token in _TOKEN.finditer(text):
            match token.lastgroup:
                case "quoted":
                    name = token[0][1:-1]
                    if self.find(name) is None:
                        raise ExpressionError(
                            f"expected a parameter in backticks, got {name!r} "
                            f"at column {token.start() + 1}{self.nearest(name)}"
                        )
                    pieces.append(_stand_in(token[0], name, meanings))
                case "run":
                    pieces.append(self._read_run(token, meanings))
                case "other":
                    pieces.append(_checked(token))
                case _:
                    pieces.append(token[0])
        return "".join(pieces), meanings

    def _read_run(self, run: "re.Match[str]", meanings: dict[str, str]) -> str:
        """Return one run of letters, digits and minus signs with stand-ins for odd names."""
        pieces = run[0].split("-")
        if not any(map(self._is_odd, self._joined(pieces))):
            return run[0]
        readings = self._readings(tuple(pieces))
        if len(readings) > 1:
            odd = next(filter(self._is_odd, [p for r in readings for p in r]))
            raise ExpressionError(
                f"{run[0]!r} at column {run.start() + 1} can be read in two ways: put "
                f"the parameter in backticks, `{odd}`, or blanks around an operator"
            )
        return "-".join(
            _stand_in(piece, piece, meanings) if self._is_odd(piece) else piece
            for piece in (readings or [pieces])[0]
        )

    def _joined(self, pieces: list[str]) -> list[str]:
        """Return all that a few neighbouring `pieces` may be as one name."""
        return [
            "-".join(pieces[i:j])
            for i in range(len(pieces))
            for j in range(i + 1, min(i + self._longest, len(pieces)) + 1)
        ]

    def _readings(self, pieces: tuple[str, ...]) -> list[list[str]]:
        """Return the ways, two at most, to read `pieces` as names and numbers."""

        @functools.cache
        def rest(start: int) -> list[list[str]]:
            if start == len(pieces):
                return [[]]
            found: list[list[str]] = []
            for end in range(start + 1, min(start + self._longest, len(pieces)) + 1):
                word = "-".join(pieces[start:end])
                found += [[word, *more] for more in rest(end)] * self._meanings(word)
            return found[:2]

        return rest(0)

    def _meanings(self, word: str) -> int:
        """Return how many things `word` may be."""
        return (
            (word == "")
            + (self.find(word) is not None)
            + (_NUMBER.fullmatch(word) is not None)
            + (word in _WORDS)
        )

    def _is_odd(self, name: str) -> bool:
        plain = name.isidentifier() and not keyword.iskeyword(name)
        return not plain and self.find(name) is not None


def nearest(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """Return ``; did you mean ...?`` with what is most like `name`, or nothing."""
    import difflib

    lowered = {word.lower(): word for word in known}
    close = difflib.get_close_matches(name.lower(), lowered, 1)
    longer = [word for word in lowered if len(name) > 1 and word.startswith(name.lower())]
    return f"; did you mean {lowered[(close or longer)[0]]!r}?" if close or longer else ""


def _stand_in(text: str, name: str, meanings: dict[str, str]) -> str:
    """Return an identifier as long as `text`, and note that it means `name`."""
    identifier = chr(_FIRST_STAND_IN + len(meanings)) + "_" * (len(text) - 1)
    meanings[identifier] = name
    return identifier


def _checked(token: "re.Match[str]") -> str:
    if token[0].isspace():
        return " "
    if not token[0].isascii() or token[0] in "#\\`@$?;\0":
        raise ExpressionError(
            f"expected an expression, got {token[0]!r} at column {token.start() + 1}"
        )
    return token[0]
