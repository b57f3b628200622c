"""A scenario file as a JSON document: reading, places, and the report of what is wrong.

Beyond JSON it may have comments, and a comma after a last entry. Places (lines) cost a second
pass over the text; it is made only when there is something to report.
"""

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from hmserve.errors import ScenarioError

Path: TypeAlias = tuple[str | int, ...]


class Problem(NamedTuple):
    """One thing that is wrong, and where.

    Args:
        path: Keys and indices from the root of the document.
        message: What was expected and what came.
        line: Line of the text, if it is not the one where `path` begins.
    """

    path: Path
    message: str
    line: int | None = None


@dataclass(slots=True)
class Findings:
    """What the checks of one document found so far."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def refuse(self, path: Path, message: str) -> None:
        """Note that the document cannot be used."""
        self.problems.append(Problem(path, message))

    def warn(self, path: Path, message: str) -> None:
        """Note something odd that can be used."""
        self.warnings.append(f"{show_path(path)}: {message}")


def show_path(path: Path) -> str:
    """Return `path` as a JSON path: ``$.input_parameters.x1.values[0]``."""
    parts = ["$"]
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif re.fullmatch(r"[\w$-]+", step):
            parts.append(f".{step}")
        else:
            parts.append(f"[{quote(step)}]")
    return "".join(parts)


def quote(value: object) -> str:
    """Return `value` as JSON on one line, cut at 200 characters."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    if not text.isprintable():
        text = json.dumps(value, default=repr)
    return text if len(text) <= 200 else text[:200] + "..."


def report(source: str, problems: Sequence[Problem], text: str | None = None) -> str:
    """Return the message of a ScenarioError, in the order of the file.

    Args:
        source: What to call the document.
        problems: At least one.
        text: The document, if it came as text; gives the line numbers.
    """
    places: dict[Path, int] = {}
    for path, line in _places(text) if text else ():
        places.setdefault(path, line)

    def line_of(problem: Problem) -> int:
        path = problem.path
        while path and path not in places:
            path = path[:-1]
        return problem.line or places.get(path, 0)

    count = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
    rows = [f"{source}: {count}"]
    for problem in sorted(problems, key=line_of):
        place = f"{source}:{line_of(problem)}: " if text else ""
        rows.append(f"  {place}{show_path(problem.path)}: {problem.message}")
    return "\n".join(rows)


def read_text(source: str) -> str:
    """Return the text of the file `source`, without a byte order mark.

    Raises:
        ScenarioError: It cannot be opened, or is no UTF-8.
    """
    try:
        with open(source, "rb") as file:
            return file.read().decode("utf-8-sig")
    except OSError as error:
        raise ScenarioError(f"{source}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise ScenarioError(
            f"{source}: expected UTF-8, got the byte 0x{byte:02x} at offset {error.start}; "
            "save the file as UTF-8"
        ) from None


def parse_json(text: str, source: str) -> tuple[Any, list[Problem]]:
    """Return the document and its repeated keys, of which the last value was taken.

    A key that comes again with the same value leaves no doubt, and is none of them. What is
    plain JSON is read once; only what is not is searched for comments (see `blanked`).

    Raises:
        ScenarioError: `text` is no JSON, not even without comments.
    """
    repeated = False

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        mapping = dict(pairs)
        if len(mapping) < len(pairs):
            # As text: in Python True equals 1.
            last = {key: json.dumps(value) for key, value in mapping.items()}
            repeated = repeated or any(json.dumps(v) != last[key] for key, v in pairs)
        return mapping

    try:
        try:
            tree = json.loads(text, object_pairs_hook=collect)
        except json.JSONDecodeError:
            tree = json.loads(blanked(text), object_pairs_hook=collect)
    except json.JSONDecodeError as error:
        raise ScenarioError(_syntax_error(text, source, error)) from None
    except ValueError:
        raise ScenarioError(f"{source}: a number has more digits than can be read") from None
    except RecursionError:
        raise ScenarioError(f"{source}: nested too deep for a scenario") from None
    return tree, list(_repeated_keys(text)) if repeated else []


def plain(tree: object, path: Path = ()) -> tuple[Any, list[Problem]]:
    """Return a copy of `tree` in JSON types, and what in it is no JSON.

    Mappings become dicts, tuples become lists. NaN and the infinities are no JSON, although
    Python reads and writes them; nor, here, are numbers that no double can hold.
    """
    problems: list[Problem] = []
    if isinstance(tree, Mapping):
        branches: dict[str, Any] = {}
        for key, value in tree.items():
            branches[str(key)], found = plain(value, (*path, str(key)))
            problems += found
            if not isinstance(key, str):
                problems.append(Problem(path, f"expected text as a key, got {quote(key)}"))
        return branches, problems
    if isinstance(tree, list | tuple):
        items = []
        for index, value in enumerate(tree):
            item, found = plain(value, (*path, index))
            items.append(item)
            problems += found
        return items, problems
    if isinstance(tree, float):
        if not math.isfinite(tree):
            problems.append(Problem(path, f"expected a finite number, got {quote(tree)}"))
        return float(tree), problems
    if isinstance(tree, int) and abs(tree) > sys.float_info.max:
        problems.append(Problem(path, f"expected a number up to 1e308, got {quote(tree)}"))
        return 0, problems
    if tree is not None and not isinstance(tree, bool | int | str):
        kind = type(tree).__name__
        problems.append(Problem(path, f"expected a JSON value, got {tree!r:.200} ({kind})"))
        return None, problems
    return tree, problems


_PIECE = re.compile(r'"(?:[^"\\\r\n]|\\[^\r\n])*"?|//[^\r\n]*|/\*(?s:.*?)(?:\*/|\Z)|\S')


def blanked(text: str) -> str:
    """Return `text` with blanks for its comments and for commas after a last entry.

    Comments are those of C: from ``//`` to the end of the line, and between ``/*`` and ``*/``.
    Every other character stays in its line and column; JSON stays as it is.
    """
    pieces: list[str] = []
    end = 0
    before, last = "", ""
    comma = 0  # where in `pieces` the last one is
    for match in _PIECE.finditer(text):
        token = match.group()
        pieces.append(text[end : match.start()])
        end = match.end()
        if token.startswith("//") or (token[:2] == "/*" and token[2:].endswith("*/")):
            pieces.append(re.sub(r"[^\r\n]", " ", token))
            continue
        if token in ("}", "]") and last == "," and before not in ("", "{", "[", ",", ":"):
            pieces[comma] = " "
        if token == ",":
            comma = len(pieces)
        pieces.append(token)
        before, last = last, token
    return "".join([*pieces, text[end:]])


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line, end = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", end, match.start())
        end = match.start()
        yield match.group(), line


def _places(text: str) -> Iterator[tuple[Path, int]]:
    """Yield the path and the line of everything in `text`, which has been read."""
    tokens = _tokens(blanked(text))
    token, line = next(tokens)
    return _places_below((), token, line, tokens)


def _places_below(
    path: Path, token: str, line: int, tokens: Iterator[tuple[str, int]]
) -> Iterator[tuple[Path, int]]:
    yield path, line
    closing = {"{": "}", "[": "]"}.get(token)
    index = 0
    while closing:
        following, line = next(tokens)
        if following == closing:
            return
        if following == ",":
            index += 1
            continue
        step: str | int = index
        if closing == "}":
            step = json.loads(following)
            next(tokens)  # the colon
            following, _ = next(tokens)
        yield from _places_below((*path, step), following, line, tokens)


def _repeated_keys(text: str) -> Iterator[Problem]:
    first: dict[Path, int] = {}
    again: set[Path] = set()
    for path, line in _places(text):
        if path not in first:
            first[path] = line
        elif path[:-1] in again:
            again.add(path)  # inside a repeated object everything may come twice
        else:
            again.add(path)
            message = f"the same key is in line {first[path]} already"
            yield Problem(path, message, line)


def _syntax_error(text: str, source: str, error: json.JSONDecodeError) -> str:
    line = text.split("\n")[error.lineno - 1].rstrip("\r")
    begin = max(error.colno - 100, 0)
    shown = "".join(c if c.isprintable() else " " for c in line[begin : begin + 200])
    pointer = " " * (error.colno - 1 - begin) + "^"
    place = f"{source}:{error.lineno}:{error.colno}"
    return f"{source}: 1 error\n  {place}: {_advice(error)}\n    {shown}\n    {pointer}"


def _advice(error: json.JSONDecodeError) -> str:
    """Return what is wrong, in words that are the same in every version of Python."""
    text = error.doc
    rest = text[error.pos :].lstrip(", \t\r\n")
    if not rest:
        return "the file ends before the JSON does"
    before = text[: text.index(rest, error.pos)].rstrip()
    if rest[0] in "}]" and before.endswith(","):
        return "a comma follows an entry"
    hints = {
        "'": "JSON puts text in double quotes",
        "/*": "a comment that begins with /* ends with */",
        "/": "a comment begins with // or stands between /* and */",
        "#": "a comment begins with //",
    }
    for begin, hint in hints.items():
        if rest.startswith(begin):
            return hint
    if rest.startswith(("True", "False", "None")):
        return "JSON writes true, false and null"
    if error.msg.startswith(("Invalid control character", "Unterminated string")):
        return "a text must end on the line where it begins, and hold no bare tab"
    return f"{error.msg[0].lower()}{error.msg[1:]}"
