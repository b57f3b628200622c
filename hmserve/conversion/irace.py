"""Parameter files of irace, after its user guide.

    name  "switch"  type  (values)  [| condition]

and the sections [forbidden] and [global]. Conditions are logical expressions of R, in which
values of types c and o are texts.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hmserve.conversion.bounds import Bounds, extremes
from hmserve.conversion.draft import Draft
from hmserve.conversion.foreign import ForeignSpace
from hmserve.conversion.rlang import RError, parse_r
from hmserve.conversion.shapes import Shape, ShapeError, labels, levels, span
from hmserve.conversion.sources import Source, fault, is_number, show
from hmserve.errors import UsageError

_NAME: Final = re.compile(r"([._A-Za-z0-9]+)\s+")
_SWITCH: Final = re.compile(r"\"[^\"]*\"\s*|'[^']*'\s*")
_TYPE: Final = re.compile(r"([cior])(,\s*log)?\s*(?=\()")
_VALUE: Final = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^,"']+?))\s*(?:,|$)""")
_DIGITS: Final = re.compile(r"digits\s*=\s*(\d+)")
_NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class _Line:
    """A parameter as its line says it."""

    name: str
    switch: str
    kind: str
    log: bool
    values: list[str]
    condition: str


def read_irace(source: Source) -> ForeignSpace:
    """Return the space of a parameter file.

    Raises:
        UsageError: A line is not as irace writes it.
    """
    draft = Draft(source.name, "irace")
    draft.as_text = _text_of
    section = ""
    lines: list[_Line] = []
    dependent: list[tuple[_Line, str]] = []
    for number, raw in enumerate(source.text.split("\n"), 1):
        text, place = _uncommented(raw).strip(), source.at(number)
        if not text:
            continue
        if text.startswith("["):
            section = _section(text, place)
        elif section == "forbidden":
            draft.forbid(_parsed(text, place), place, text)
        elif section == "global":
            _read_global(text, place, draft)
        else:
            line = _line(text, place)
            lines.append(line)
            _take(line, place, draft, dependent)
    for line, place in dependent:
        _take_dependent(line, place, draft)
    if any(line.switch for line in lines):
        words = (f"{line.switch}{{{draft.name_of(line.name)}}}" for line in lines)
        draft.note(source.name, f"with its switches the command has {' '.join(words)}.")
    return draft.finish()


def _uncommented(line: str) -> str:
    """Return `line` without a comment; a # within quotes is none."""
    quote = ""
    for index, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#":
            return line[:index]
    return line


def _section(text: str, place: str) -> str:
    name = text.strip("[] \t").lower()
    if name not in {"forbidden", "global"}:
        raise fault(place, "a parameter, [forbidden] or [global]", text)
    return name


def _line(text: str, place: str) -> _Line:
    name = _NAME.match(text)
    if name is None:
        raise fault(place, 'name "switch" type (values)', text)
    rest = text[name.end() :]
    switch = _SWITCH.match(rest)
    if switch is None:
        raise fault(place, f"the switch of {name[1]} in quotes", rest)
    rest = rest[switch.end() :]
    kind = _TYPE.match(rest)
    if kind is None:
        wanted = f"the type of {name[1]}, one of c, o, i, r, and its values in brackets"
        raise fault(place, wanted, rest)
    values, condition = _bracketed(rest[kind.end() :], name[1], place)
    bare = switch[0].strip()[1:-1]
    return _Line(name[1], bare, kind[1], bool(kind[2]), values, condition)


def _bracketed(rest: str, name: str, place: str) -> tuple[list[str], str]:
    """Return the values in brackets at the start of `rest`, and the condition after them."""
    depth, quote = 0, ""
    end = 0
    for character in rest:
        end += 1
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "()":
            depth += 1 if character == "(" else -1
        if depth == 0:
            break
    else:
        raise fault(place, f"a bracket after the values of {name}", rest)
    after = rest[end:].strip()
    if after and not after.startswith("|"):
        raise fault(place, f"a condition of {name} after |, or the end of the line", after)
    if after and not after[1:].strip():
        raise fault(place, f"a condition of {name} after |", after)
    return _split(rest[1 : end - 1], name, place), after[1:].strip()


def _split(text: str, name: str, place: str) -> list[str]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _VALUE.match(text, at)
        if match is None:
            call = _CALL.match(text, at)
            if call is None:
                raise fault(place, f"values of {name} with commas between them", text)
            found.append(call[1])
            at = call.end()
            continue
        if match[3] is not None and match[3].count("(") != match[3].count(")"):
            call = _CALL.match(text, at)
            if call is not None:
                found.append(call[1])
                at = call.end()
                continue
        found.append(next(group for group in match.groups() if group is not None))
        at = match.end()
    return found


_CALL: Final = re.compile(r"\s*([^\"',(]*\([^()]*\)[^\"',()]*?)\s*(?:,|$)")
"""A bound such as min(a, b) without quotes."""


def _take(line: _Line, place: str, draft: Draft, dependent: list[tuple[_Line, str]]) -> None:
    if draft.knows(line.name) or line.name in {other.name for other, _ in dependent}:
        raise UsageError(f"{place}: expected a new parameter, got {line.name} again")
    if line.kind in "ir" and not all(map(_NUMBER.fullmatch, line.values)):
        dependent.append((line, place))
    else:
        draft.add(line.name, lambda: _shape(line), place)
    if line.kind == "o":
        _note_order(line, place, draft)
    # A parameter that depends on others is added after them.
    if line.condition and (line, place) not in dependent:
        draft.condition(line.name, _parsed(line.condition, place), place, line.condition)


def _note_order(line: _Line, place: str, draft: Draft) -> None:
    if draft.entry(line.name)["parameter_type"] == "categorical" and len(line.values) > 1:
        draft.note(place, f"{line.name} has no order here: an ordinal has numbers.")


def _shape(line: _Line) -> Shape:
    if line.kind in "ir":
        low, high = _ends([_number(value) for value in line.values])
        return span(low, high, integer=line.kind == "i", log=line.log)
    numbers = [_number(v) if _NUMBER.fullmatch(v) else None for v in line.values]
    if line.kind == "o" and None not in numbers and numbers == sorted(set(numbers)):  # type: ignore[type-var]
        return _numbered(line.values, numbers)
    return labels(line.values)


def _numbered(texts: Sequence[str], numbers: Sequence[Any]) -> Shape:
    """Return an ordinal of which the source has the texts."""
    shape = levels(numbers)
    return Shape(
        shape.entry, tuple(zip(texts, numbers, strict=True)), shape.notes, numeric=False
    )


def _ends(values: Sequence[Any]) -> tuple[Any, Any]:
    if len(values) != 2:
        raise ShapeError(f"expected (low, high), got {len(values)} values")
    return values[0], values[1]


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if abs(number) < 2**53 and number == int(number) else number


def _take_dependent(line: _Line, place: str, draft: Draft) -> None:
    """Take over a range with bounds that depend on other parameters."""
    if len(line.values) != 2:
        raise fault(place, f"(low, high) for {line.name}", ", ".join(line.values))
    trees = [_parsed(value, place) for value in line.values]
    ends: list[Bounds] = []
    for tree, text in zip(trees, line.values, strict=True):
        found = extremes(tree, draft)
        if found is None:
            wanted = f"a bound of {line.name} that numeric parameters above give"
            raise fault(place, wanted, text)
        ends.append(found)
    low, high = ends[0][0], ends[1][1]
    integer = line.kind == "i"
    if integer:
        low, high = -int(-low // 1), int(high // 1)
    draft.add(line.name, lambda: span(low, high, integer=integer, log=line.log), place)
    name = ast.Name(line.name)
    signs: list[ast.cmpop] = [ast.GtE(), ast.LtE()]
    for tree, sign, text in zip(trees, signs, line.values, strict=True):
        if not _NUMBER.fullmatch(text):
            shown = f"{line.name} {'>=' if isinstance(sign, ast.GtE) else '<='} {text}"
            draft.demand(ast.Compare(name, [sign], [tree]), place, shown)
            sentence = f"{line.name} has its widest range here, and the constraint {shown}."
            draft.note(place, sentence)
    if line.condition:
        draft.condition(line.name, _parsed(line.condition, place), place, line.condition)


def _read_global(text: str, place: str, draft: Draft) -> None:
    digits = _DIGITS.fullmatch(text)
    if digits is None:
        raise fault(place, "digits = NUMBER in [global]", text)
    draft.note(place, f"reals are not rounded to {digits[1]} digits here.")


def _parsed(text: str, place: str) -> ast.expr:
    try:
        return parse_r(text)
    except RError as error:
        where = f"at column {error.column} of {show(text)}"
        raise UsageError(f"{place}: {error} {where}") from None


def _text_of(value: Any) -> Any:
    """Return a constant as R writes it where a text is compared with it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return f"{value:.15g}" if is_number(value) else value
