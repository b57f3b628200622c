"""Lines on standard output that say how an evaluation stands. Runs in a warden.

A line ``Report 3,0.25`` says that the fidelity 3 is reached and the objective is 0.25 there.
It is no part of the output. What only looks like one stays where it is.
"""

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hmserve.workers.tail import Tail

_WORD = b"Report "
_LONGEST = 200


class Reports:
    """Takes the reports out of an output, and gives the rest to `tail`.

    Args:
        tail: Keeps what is no report.
        tell: Called with the fidelity and the objective of each report, as soon as it is whole.
    """

    def __init__(self, tail: "Tail", tell: "Callable[[float, float], None]") -> None:
        self.tail = tail
        self._tell = tell
        self._held = b""
        self._begun = False

    def add(self, chunk: bytes) -> None:
        """Take what was written next."""
        *lines, rest = (self._held + chunk).split(b"\n")
        kept = b"".join(self._line(line) for line in lines)
        if not self._begun and len(rest) < _LONGEST and _may_begin(rest):
            self._held = rest
        else:
            kept, self._held, self._begun = kept + rest, b"", self._begun or bool(rest)
        if kept:
            self.tail.add(kept)

    def finish(self) -> None:
        """Take note that nothing more will come."""
        if self._held and not self._told(self._held):
            self.tail.add(self._held)
        self._held = b""
        self.tail.finish()

    def _line(self, line: bytes) -> bytes:
        """Return what is left of a line that is whole now, or of its end."""
        begun, self._begun = self._begun, False
        return b"" if not begun and self._told(line) else line + b"\n"

    def _told(self, line: bytes) -> bool:
        """Tell of `line` if it is a report; return whether it is."""
        if not line.startswith(_WORD) or len(line) > _LONGEST:
            return False
        fields = line[len(_WORD) :].split(b",")
        try:
            fidelity, objective = map(float, fields)
        except ValueError:
            return False
        if math.isfinite(fidelity) and math.isfinite(objective):
            self._tell(fidelity, objective)
        return True


def _may_begin(line: bytes) -> bool:
    """Whether `line` may become a report when it is whole."""
    return line.startswith(_WORD) or _WORD.startswith(line)
