"""Files of other tools as text, and what is said of those that cannot be used."""

import ast
import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hmserve.document import parse_json, quote
from hmserve.errors import ScenarioError, UsageError

LARGEST: Final = 256 * 2**20
"""Bytes of a file that is read."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text with a name.

    Args:
        name: What messages call it.
        text: All of it.
    """

    name: str
    text: str

    def at(self, line: int) -> str:
        """Return the place of a line, the first of which is 1."""
        return f"{self.name}:{line}"

    def json(self) -> Any:
        """Return what the text says as JSON.

        Raises:
            UsageError: It is no JSON.
        """
        try:
            return parse_json(self.text, self.name)[0]
        except ScenarioError as error:
            raise UsageError(str(error)) from None


def read_bytes(path: Path) -> bytes:
    """Return what the file has.

    Raises:
        UsageError: It cannot be read, is no file, is empty or too large.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UsageError(f"{path}: expected a file, got a directory")
        if status.st_size > LARGEST:
            raise UsageError(f"{path}: expected at most {LARGEST // 2**20} MB, got more")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be read: {why}") from None
    if not data.strip():
        raise UsageError(f"{path}: expected a parameter space, got an empty file")
    return data


def decode(data: bytes, name: str) -> Source:
    """Return the text that `data` is.

    Raises:
        UsageError: It is no UTF-8, or no text at all.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{name}:{line}: expected UTF-8, got the byte 0x{data[error.start]:02x}; "
            "save the file as UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UsageError(f"{name}:{line}: expected text, got a zero byte; is it a binary file?")
    return Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))


def fault(place: str, expected: str, got: object) -> UsageError:
    """Return the error that something else was `expected` at `place`."""
    return UsageError(f"{place}: expected {expected}, got {quote(got)}")


def show(value: object) -> str:
    """Return `value` as a note quotes it, on one line."""
    text = value if isinstance(value, str) else json.dumps(value, default=repr)
    text = " ".join(text.split())
    return text if len(text) <= 200 else text[:200] + "..."


def unparsed(tree: ast.expr) -> str:
    """Return `tree` as Python, for a note."""
    try:
        return show(ast.unparse(ast.fix_missing_locations(ast.Expression(tree))))
    except RecursionError:
        return "an expression that is nested too deep"


def is_number(value: object) -> bool:
    """Whether `value` is a number, which a truth value is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
