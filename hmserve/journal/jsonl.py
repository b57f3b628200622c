"""The journal as a file: one JSON object a line, each with a checksum.

A line is the JSON text of a record with one more member at its end, the CRC-32 of the bytes
before it in hexadecimal::

    {"type":"drop","time":1700000000.0,"elapsed":2.5,"ids":[3],"crc":"9597295f"}

A line is acknowledged only after the file was flushed to the disk, so a line that a crash
left incomplete at the end of the file was never promised to anyone: a reader leaves it out.
A damaged line anywhere else is damage to something promised, and is refused.
"""

import fcntl
import json
import os
import re
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from hmserve.closing import Closing
from hmserve.errors import JournalError
from hmserve.journal.files import reason, write_all
from hmserve.journal.records import Record, Start, from_json, to_json

_CRC: Final = re.compile(rb',"crc":"([0-9a-f]{8})"}')
_CRC_LENGTH: Final = len(',"crc":"89abcdef"}')


def to_line(record: Record) -> bytes:
    """Return the line of `record`, its end included.

    Raises:
        ValueError: The record holds a number that is not finite.
    """
    # ASCII alone: no character of a label can be taken for the end of a line.
    text = json.dumps(to_json(record), allow_nan=False, separators=(",", ":"))
    body = text[:-1].encode("ascii")
    return b'%s,"crc":"%08x"}\n' % (body, zlib.crc32(body))


def is_intact(line: bytes) -> bool:
    """Whether `line`, without its end, has the checksum it names."""
    match = _CRC.fullmatch(line, max(len(line) - _CRC_LENGTH, 0))
    return match is not None and int(match[1], 16) == zlib.crc32(line[: match.start()])


@dataclass(frozen=True, slots=True)
class Contents:
    """What a journal holds.

    Args:
        records: All of them; the first is the `Start`. Empty if no line is complete.
        length: How many bytes they take: where the next record goes.
        torn: How many bytes follow that a crash left incomplete.
    """

    records: Sequence[Record]
    length: int
    torn: int


def read(path: str) -> Contents:
    """Read the journal at `path`; it is not altered, and another process may be writing it.

    Raises:
        JournalError: There is none, it is damaged before its last line, it is of a newer
            format, or it is no journal at all.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise JournalError(f"cannot read the journal {path}: {reason(error)}") from error
    return parse(data, path)


def parse(data: bytes, path: str) -> Contents:
    """Read `data`, the content of the journal at `path`.

    Raises:
        JournalError: As for `read`.
    """
    # After a loss of power a file may end in blocks that were never written.
    *lines, rest = data.rstrip(b"\0").split(b"\n")
    if lines and not rest and not is_intact(lines[-1]):
        rest = lines.pop()
    if _hides_record(rest):
        lines.append(rest)
    records = [_parse_line(line, number, path) for number, line in enumerate(lines, 1)]
    if records and not isinstance(records[0], Start):
        raise JournalError(f"{path} is no whole journal: its first line is no start record")
    length = sum(map(len, lines)) + len(lines)
    return Contents(tuple(records), length, len(data) - length)


def _hides_record(torn: bytes) -> bool:
    """Whether `torn` is a whole record and more: damage has taken the end of its line."""
    ends = [match.end() for match in _CRC.finditer(torn)]
    return any(end + 1 < len(torn) and is_intact(torn[:end]) for end in ends)


def _parse_line(line: bytes, number: int, path: str) -> Record:
    if not is_intact(line):
        cure = f"keep a copy of it and cut it after line {number - 1}; what follows is lost"
        raise JournalError(
            f"{path} is damaged at line {number}: its checksum is missing or wrong. "
            "Nothing was altered. "
            + (f"To go on, {cure}" if number > 1 else "Perhaps it is no journal at all")
        )
    try:
        return from_json(json.loads(line))
    except ValueError as error:
        raise JournalError(f"cannot read {path}, line {number}: {error}") from None


class JournalWriter(Closing):
    """Appends records to a journal.

    After a write or a flush that failed nobody knows what the disk holds; from then on every
    call but `close` fails. Only a new process, by reading the file, can tell.

    Args:
        descriptor: Open for appending, at the end of the last whole line; owned from here on.
        path: For messages.
    """

    def __init__(self, descriptor: int, path: str) -> None:
        self.path = path
        self._descriptor = descriptor
        self._failure: str | None = None

    def append(self, record: Record) -> None:
        """Write `record`; it is durable after the next `sync`.

        Raises:
            JournalError: It could not be written, or an earlier call has failed.
            ValueError: The record holds a number that is not finite. Nothing was written.
        """
        self._check()
        line = to_line(record)
        # Stays if anything ends the write in mid-line, an interrupt from the keyboard too.
        self._failure = "a write was interrupted"
        try:
            write_all(self._descriptor, line)
        except OSError as error:
            raise self._failed("write", error) from error
        self._failure = None

    def sync(self) -> None:
        """Return when everything appended has reached the disk.

        Raises:
            JournalError: It could not be flushed, or an earlier call has failed.
        """
        self._check()
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._failed("flush", error) from error

    def close(self) -> None:
        """Let go of the file and its lock; what was not flushed is not promised."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._failure = "it is closed"
            # A child forked meanwhile has the file too; the lock must not stay with it.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def _check(self) -> None:
        if self._failure is not None:
            raise JournalError(f"the journal {self.path} cannot be used: {self._failure}")

    def _failed(self, verb: str, error: OSError) -> JournalError:
        self._failure = f"an earlier {verb} failed: {reason(error)}"
        return JournalError(
            f"cannot {verb} the journal {self.path}: {reason(error)}. Every result "
            "acknowledged so far is in it; when the cause is mended, resume the run"
        )
