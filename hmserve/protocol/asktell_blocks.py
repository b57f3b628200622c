"""Messages of several lines of the ask-tell dialect, read line by line: `Tell` and `Drop`.

A row is judged when it comes, so a message takes no more memory than what it says. What is
raised here is ValueError, in words that continue "header of Tell: ".
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Generic, TypeVar

from hmserve.protocol.asktell_messages import Drop, Given, Junk, Refusal, Tell, Told
from hmserve.protocol.classic import LINE_LIMIT
from hmserve.protocol.codec import Codec, Layout, quoted, shown

TRIAL: Final = "trial"
"""The column of the ids."""

ROOT: Final = "root"
"""The column of the trial with which a configuration began; in other dialects it has the
name that is the ids' here."""

ROW_LIMIT: Final = 100_000
"""The most rows of a message that are kept; one with more is read, and refused as a whole."""

# A table whose column of ids has gaps is often written with 3.0 for 3.
_ID: Final = re.compile(r"([0-9]{1,18})(?:\.0*)?", re.ASCII)

_RowT = TypeVar("_RowT", Told, Given)
_MessageT = TypeVar("_MessageT", Tell, Drop)


class Block(Generic[_RowT, _MessageT]):
    """A message that is being read: its header, then its rows.

    Args:
        codec: How rows are read.
        verb: Its first word.
        count: How many rows it has.
    """

    def __init__(self, codec: Codec, verb: str, count: int) -> None:
        self.verb = verb
        self.count = count
        self.seen = 0
        self._codec = codec
        self._at = 0
        self._rows: list[_RowT] = []
        self._refused: list[Refusal] = []
        self._fault: str | None = None
        if count > ROW_LIMIT:
            self._fault = f"{verb}: expected at most {ROW_LIMIT} rows, came {count}"

    @property
    def complete(self) -> bool:
        """Whether every row has been read."""
        return self.seen >= self.count

    def take_header(self, line: str) -> None:
        """Read the header. One that is a row is taken for that: the header was forgotten."""
        try:
            names = self._split(line)
            if not {TRIAL, *self._codec.columns} & set(names):
                self.seen = 1
                raise self._stranger(names)
            self._read_header(names)
        except ValueError as error:
            self._fault = self._fault or f"header of {self.verb}: {error}"

    def take_row(self, line: str) -> None:
        """Read a row, or find out why it cannot be read."""
        self.seen += 1
        if self._fault is None:
            try:
                self._rows.append(self._read_row(self._split(line)))
            except ValueError as error:
                self._refused.append(Refusal(self.seen, str(error)))

    def message(self) -> _MessageT | Junk:
        """Return what was said."""
        return Junk(self._fault) if self._fault else self._message()

    def _split(self, line: str) -> Sequence[str]:
        check_length(line)
        return self._codec.split(line)

    def _read_header(self, names: Sequence[str]) -> None:
        if TRIAL not in names:
            raise ValueError(
                f"column {TRIAL!r} is missing; expected {shown(self._expected)} in any order"
            )
        self._at = names.index(TRIAL)

    def _stranger(self, names: Sequence[str]) -> ValueError:
        return ValueError(
            f"expected {shown(self._expected)} in any order, came {quoted(','.join(names))}"
        )

    @property
    def _expected(self) -> Sequence[str]:
        raise NotImplementedError

    def _read_row(self, fields: Sequence[str]) -> _RowT:
        raise NotImplementedError

    def _message(self) -> _MessageT:
        raise NotImplementedError


class TellBlock(Block[Told, Tell]):
    """Results; see `Block`."""

    _layout: Layout

    @property
    def _expected(self) -> Sequence[str]:
        return (TRIAL, *self._codec.columns)

    def _read_header(self, names: Sequence[str]) -> None:
        super()._read_header(names)
        if not set(self._codec.columns) & set(names):
            raise self._stranger(names)
        self._layout = self._codec.layout(names)

    def _read_row(self, fields: Sequence[str]) -> Told:
        layout = self._layout
        text = fields[self._at] if self._at < len(fields) else ""
        if not text:
            found = self._codec.row(layout, fields)
            if not layout.complete:
                raise ValueError(
                    f"{TRIAL}: expected a number; an observation from outside has no number, "
                    "but a column for every input"
                )
            return Told(self.seen, None, found)
        trial = id_of(text)
        # What the id says already may be left out.
        there = tuple((p, i) for p, i in layout.inputs if i >= len(fields) or fields[i])
        return Told(self.seen, trial, self._codec.row(replace(layout, inputs=there), fields))

    def _message(self) -> Tell:
        return Tell(self._rows, self._refused)


class DropBlock(Block[Given, Drop]):
    """Trials that are given back; see `Block`."""

    @property
    def _expected(self) -> Sequence[str]:
        return (TRIAL,)

    def _read_row(self, fields: Sequence[str]) -> Given:
        if self._at >= len(fields):
            raise ValueError(f"expected {self._at + 1} fields, came {len(fields)}")
        return Given(self.seen, id_of(fields[self._at]))

    def _message(self) -> Drop:
        return Drop(self._rows, self._refused)


def check_length(line: str) -> None:
    """Raise ValueError if `line` is longer than a line may be."""
    if len(line) > LINE_LIMIT:
        raise ValueError("a line of more than 1 MiB")


def id_of(text: str) -> int:
    """Return the id of a trial.

    Raises:
        ValueError: `text` is none.
    """
    match = _ID.fullmatch(text)
    if match is None:
        raise ValueError(f"{TRIAL}: expected the number of a trial, came {quoted(text)}")
    return int(match[1])
