"""What a program writes, kept in memory that does not grow. Runs in a warden."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

WINDOW = 2**16
"""How much of the end of an output is kept, in bytes; longer lines are cut."""

STDERR_LIMIT = 2**20
"""How much of its standard error a trial may leave in a file, in bytes."""

_CUT = b"\n[hmserve: the file is full; what came after it is not kept, but for the end]\n"
_STDERR_TAIL = 2**12


class Tail:
    """The end of an output, from the beginning of a line if that is within reach.

    Args:
        patterns: Regular expressions by name; the last match of each is kept too. They see
            every line that is no longer than `WINDOW`, and the end of those that are.
    """

    def __init__(self, patterns: "Mapping[str, str] | None" = None) -> None:
        self.data = b""
        self.cut = False
        self.found: dict[str, str] = {}
        self._patterns = _compiled(patterns or {})

    def add(self, chunk: bytes) -> None:
        """Take what was written next."""
        data = self.data + chunk
        if len(data) > 2 * WINDOW:
            # A line that goes on could match now and not when it is complete.
            self._search(data, data.rfind(b"\n") + 1)
            data = self._shortened(data)
        self.data = data

    def finish(self) -> None:
        """Take note that nothing more will come."""
        self._search(self.data, len(self.data))
        if len(self.data) > WINDOW:
            self.data = self._shortened(self.data)

    def _shortened(self, data: bytes) -> bytes:
        kept = data[-WINDOW:]
        start = kept.find(b"\n", 0, len(kept) - 1) + 1
        self.cut = start == 0
        return kept[start:]

    def _search(self, data: bytes, end: int) -> None:
        """Look for matches that end before `end`; what is seen twice does no harm."""
        if not self._patterns:
            return
        text = data[:end].decode(errors="replace")
        for name, pattern in self._patterns.items():
            for match in pattern.finditer(text):
                self.found[name] = match[1] or ""


def _compiled(patterns: "Mapping[str, str]") -> "dict[str, re.Pattern[str]]":
    if not patterns:
        return {}
    import re

    return {name: re.compile(text, re.MULTILINE) for name, text in patterns.items()}


class StderrFile:
    """A file for the standard error of one program, created by its first byte.

    A file that cannot be written does not end an evaluation: what it lacks is lost.

    Args:
        path: A link there is not followed.
        fresh: Whether the file must be new; else this is appended to it, and a file that is
            too large already is renamed first.
        title: Written before the first byte.
    """

    def __init__(self, path: str, fresh: bool, title: str = "") -> None:
        self.tail = b""
        self._path = path
        self._fresh = fresh
        self._title = title.encode()
        self._file: int | None = None
        self._left = STDERR_LIMIT
        self._lost = False

    def add(self, chunk: bytes) -> None:
        """Take what was written next."""
        self.tail = (self.tail + chunk)[-_STDERR_TAIL:]
        if self._left == STDERR_LIMIT:
            self._open()
        kept = chunk[: self._left]
        self._left -= len(kept)
        self._write(kept)
        self._lost = self._lost or len(kept) < len(chunk)

    def close(self) -> None:
        """Take note that nothing more will come."""
        if self._lost:
            self._write(_CUT + self.tail)
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> None:
        mode = os.O_EXCL if self._fresh else os.O_APPEND
        try:
            if not self._fresh and _size(self._path) > STDERR_LIMIT:
                os.replace(self._path, self._path + ".old")
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | mode
            self._file = os.open(self._path, flags, 0o666)
        except OSError:
            return
        self._write(self._title)

    def _write(self, data: bytes) -> None:
        if self._file is None:
            return
        try:
            os.write(self._file, data)
        except OSError:
            os.close(self._file)
            self._file = None


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
