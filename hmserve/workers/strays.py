"""What is left behind where somebody kills a warden."""

import contextlib
import os
import signal
import time
from collections.abc import Collection
from typing import Final

from hmserve.workers.tree import HAS_PROC, adopt_orphans, descendants, send_to_all

_MARK: Final = b"HMSERVE_WORKER="
_PATIENCE: Final = 2.0


class Strays:
    """Finds processes whose warden was killed, and ends them.

    While it is there, this process is the parent of who loses its own; see `tree.py`.
    """

    def __init__(self) -> None:
        self._adopting = HAS_PROC and adopt_orphans()

    def end(self, wardens: Collection[int]) -> None:
        """End what a worker has started and none of the living `wardens` looks after."""
        until, seen = time.monotonic() + _PATIENCE, set[int]()
        while self._adopting and time.monotonic() < until:
            found = descendants(os.getpid(), but=wardens)
            marked = {pid: group for pid, group in found.items() if _is_marked(pid)}
            # Who has just ended has no mark any more, but perhaps a child that is not seen yet.
            if not marked and found.keys() <= seen:
                return
            seen |= found.keys()
            send_to_all(marked, signal.SIGKILL)
            time.sleep(0.001)
            for pid in marked:
                # Those whose parents live are theirs; they come to us when those are dead.
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)

    def close(self) -> None:
        """Be nobody's parent any more."""
        if self._adopting:
            adopt_orphans(False)
            self._adopting = False


def _is_marked(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return any(name.startswith(_MARK) for name in file.read().split(b"\0"))
    except OSError:
        return False
