"""The log file of a run: free text for people, appended to, never on standard output."""

import contextlib
import time
from types import TracebackType

from hmserve.journal.files import explained


class Log:
    """A text file that grows. Lines go out as they come, so that `tail -f` shows them.

    Args:
        path: Opened for appending.

    Raises:
        JournalError: The file cannot be opened.
    """

    def __init__(self, path: str) -> None:
        with explained("open the log file", path):
            self._file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115

    def __enter__(self) -> "Log":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def say(self, text: str) -> None:
        """Write `text` with the time before its first line."""
        self.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")

    def write(self, text: str) -> None:
        """Write `text` as it is. A full disk does not end a run because of its log."""
        with contextlib.suppress(OSError):
            self._file.write(text)
