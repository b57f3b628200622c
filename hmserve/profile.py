"""Where the time of a run goes: a table with a line for each phase."""

import contextlib
import os
import time
from collections.abc import Iterator

from hmserve.journal.files import explained, make_directory
from hmserve.journal.table import to_csv


class Profile:
    """Adds up the seconds spent in phases; inner phases are not counted in outer ones."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._calls: dict[str, int] = {}
        self._open: list[str] = []
        self._since = 0.0

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time in the block as `name`."""
        self._count()
        self._open.append(name)
        self._calls[name] = self._calls.get(name, 0) + 1
        try:
            yield
        finally:
            self._count()
            self._open.pop()

    def rows(self) -> list[list[str]]:
        """Return phase, calls, seconds, share of all seconds; the longest phase first."""
        total = sum(self._seconds.values()) or 1.0
        phases = sorted(self._seconds.items(), key=lambda item: -item[1])
        return [
            [name, str(self._calls[name]), f"{seconds:.6f}", f"{seconds / total:.4f}"]
            for name, seconds in phases
        ]

    def _count(self) -> None:
        now = time.perf_counter()
        if self._open:
            name = self._open[-1]
            self._seconds[name] = self._seconds.get(name, 0.0) + now - self._since
        self._since = now


def write_profile(profile: Profile, path: str, append: bool) -> None:
    """Write the table of `profile` as CSV, below an earlier one if `append` says so.

    Raises:
        JournalError: The file cannot be written.
    """
    make_directory(os.path.dirname(path))
    header = ["phase", "calls", "seconds", "share"]
    with explained("write", path), open(path, "a" if append else "w", newline="") as file:
        file.write(to_csv([header, *profile.rows()]))
