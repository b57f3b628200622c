"""Files in PCS, the older text format of parameter spaces, in both of its versions.

name {a, b, c} [a]                        old: a categorical
name [1, 100] [10]il                      old: i an integer, l on a logarithmic scale
name categorical {a, b, c} [a]            new; also ordinal, integer, real
name integer [1, 100] [10] log
child | parent in {a, b} && other > 3     a condition
{parent=a, other=3}                       a forbidden combination
"""

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from hmserve.conversion.configspace import FORM
from hmserve.conversion.draft import Draft
from hmserve.conversion.foreign import ForeignSpace
from hmserve.conversion.logic import compare, conjunction, disjunction
from hmserve.conversion.shapes import Shape, labels, levels, span
from hmserve.conversion.sources import Source, fault, is_number, show

_NAME: Final = r"[^\s{}\[\]|,=!<>&]+"
_LISTED: Final = re.compile(
    rf"({_NAME})\s*(?:\b(categorical|ordinal)\b)?\s*\{{([^{{}}]*)\}}\s*\[([^\[\]]*)\]"
)
_RANGE: Final = re.compile(
    rf"({_NAME})\s*(?:\b(integer|real)\b)?\s*\[([^\[\],]+),([^\[\],]+)\]"
    r"\s*\[([^\[\]]*)\]\s*(il|li|i|l|log)?"
)
_CONDITION: Final = re.compile(rf"({_NAME})\s*\|\s*(.+)")
_CLAUSE: Final = re.compile(rf"({_NAME})\s*(?:in\s*\{{([^{{}}]*)\}}|(==|!=|<|>)\s*({_NAME}))")
_FORBIDDEN: Final = re.compile(rf"({_NAME})\s*=\s*({_NAME})")
_HEADINGS: Final = re.compile(r"(conditionals?|conditions?|forbidden)\s*:?", re.IGNORECASE)
_SIGNS: Final[Mapping[str, type[ast.cmpop]]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    ">": ast.Gt,
}


def read_pcs(source: Source) -> ForeignSpace:
    """Return the space of a file in PCS.

    Raises:
        UsageError: A line is not of the format.
    """
    reader = _Reader(Draft(source.name, FORM))
    for number, raw in enumerate(source.text.split("\n"), 1):
        text = raw.split("#")[0].strip()
        if text and not _HEADINGS.fullmatch(text):
            reader.line(text, source.at(number))
    return reader.finish()


class _Reader:
    """Reads lines; what ties parameters together comes after all of them."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._later: list[Callable[[], None]] = []
        self._texts: dict[str, list[str]] = {}

    def line(self, text: str, place: str) -> None:
        """Read one line."""
        if text.startswith("{"):
            self._later.append(lambda: self._forbid(text, place))
        elif found := _LISTED.fullmatch(text):
            self._listed(found, place)
        elif found := _RANGE.fullmatch(text):
            self._range(found, place)
        elif condition := _CONDITION.fullmatch(text):
            name, rest = condition[1], condition[2]
            self._later.append(lambda: self._condition(name, rest, place))
        else:
            wanted = "name {a, b} [default], name [low, high] [default], a condition or {a=b}"
            raise fault(place, wanted, text)

    def finish(self) -> ForeignSpace:
        """Return the space, of which all lines were read."""
        for read in self._later:
            read()
        return self._draft.finish()

    def _listed(self, found: "re.Match[str]", place: str) -> None:
        name, kind = found[1], found[2]
        texts = _items(found[3])
        default = found[4].strip().strip("\"'")
        self._texts[name] = texts
        self._draft.add(name, lambda: _listed_shape(texts, default, kind), place)
        categorical = self._draft.entry(name)["parameter_type"] == "categorical"
        if kind == "ordinal" and categorical and len(texts) > 1:
            self._draft.note(place, f"{name} has no order here: an ordinal has numbers.")

    def _range(self, found: "re.Match[str]", place: str) -> None:
        name, flags = found[1], found[6] or ""
        integer = found[2] == "integer" or flags in {"i", "il", "li"}
        low, high, default = (_number(text, place) for text in found.group(3, 4, 5))
        log = "l" in flags
        self._draft.add(
            name, lambda: span(low, high, integer=integer, log=log, default=default), place
        )

    def _condition(self, name: str, text: str, place: str) -> None:
        if not self._draft.knows(name):
            raise fault(place, "the condition of a parameter", name)
        parts = []
        for alternative in text.split("||"):
            found = [self._clause(clause.strip(), place) for clause in alternative.split("&&")]
            parts.append(conjunction(found))
        self._draft.condition(name, disjunction(parts), place, text)

    def _clause(self, text: str, place: str) -> ast.expr:
        found = _CLAUSE.fullmatch(text)
        if found is None or not self._draft.knows(found[1]):
            raise fault(place, "parent in {a, b}, or parent == a, with a parameter", text)
        name, listed, sign, value = found.groups()
        if listed is not None:
            return compare(name, ast.In(), [self._value(name, item) for item in _items(listed)])
        texts = self._texts.get(name)
        if sign in "<>" and texts is not None:
            return self._ordered(name, sign, value, texts, place)
        return compare(name, _SIGNS[sign](), self._value(name, value))

    def _ordered(
        self, name: str, sign: str, value: str, texts: list[str], place: str
    ) -> ast.expr:
        """Compare a value of an ordinal by the order of its line."""
        if value not in texts:
            raise fault(place, f"a value of {show(name)}", value)
        at = texts.index(value)
        chosen = texts[:at] if sign == "<" else texts[at + 1 :]
        return compare(name, ast.In(), [self._value(name, item) for item in chosen])

    def _value(self, name: str, text: str) -> Any:
        """Return a value as the parameter has it in its pairs."""
        if name in self._texts:
            return text
        try:
            return _plain(float(text))
        except ValueError:
            return text

    def _forbid(self, text: str, place: str) -> None:
        inner = text[1:-1] if text.endswith("}") else ""
        parts = []
        for item in inner.split(","):
            found = _FORBIDDEN.fullmatch(item.strip())
            if found is None or not self._draft.knows(found[1]):
                raise fault(place, "{parameter=value, other=value}", text)
            parts.append(compare(found[1], ast.Eq(), self._value(found[1], found[2])))
        self._draft.forbid(conjunction(parts), place, text)


def _items(text: str) -> list[str]:
    return [item.strip().strip("\"'") for item in text.split(",") if item.strip()]


def _listed_shape(texts: list[str], default: str, kind: str | None) -> Shape:
    """Return labels; of an ordinal of ascending numbers, numbers."""
    try:
        numbers = [_plain(float(text)) for text in texts]
    except ValueError:
        numbers = []
    if kind != "ordinal" or not numbers or numbers != sorted(set(numbers)):
        return labels(texts, default)
    first = next((n for t, n in zip(texts, numbers, strict=True) if t == default), None)
    shape = levels(numbers, first)
    return Shape(
        shape.entry, tuple(zip(texts, numbers, strict=True)), shape.notes, numeric=False
    )


def _number(text: str, place: str) -> int | float:
    try:
        return _plain(float(text))
    except ValueError:
        raise fault(place, "a number", text.strip()) from None


def _plain(number: float) -> int | float:
    whole = is_number(number) and abs(number) < 2**53 and number == int(number)
    return int(number) if whole else number
