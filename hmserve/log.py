"""The log file of a run: free text for people, appended to, never on standard output."""

import contextlib
import os
import time

from hmserve.closing import Closing
from hmserve.journal.files import explained, make_directory


class Log(Closing):
    """A text file that grows. Lines go out as they come, so that `tail -f` shows them.

    Args:
        path: Opened for appending; its directory is created if it is missing.

    Attributes:
        path: As given.

    Raises:
        JournalError: The file cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        make_directory(os.path.dirname(path))
        with explained("open the log file", path):
            # Unbuffered: what a full disk does not take is not tried again at the end.
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def say(self, text: str) -> None:
        """Write `text` with the time before its first line."""
        self.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")

    def write(self, text: str) -> None:
        """Write `text` as it is. A full disk does not end a run because of its log."""
        with contextlib.suppress(OSError):
            self._file.write(text.encode(errors="backslashreplace"))
