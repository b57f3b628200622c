"""A tree of processes with its streams and its limits. Runs in a warden.

    running --end--> asked to end --grace is over--> being killed --nobody is left--> over

It is over only when nobody is left, whatever they do about it.
"""

import os
import select
import time

from hmserve.workers.tail import StderrFile
from hmserve.workers.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Sink(Protocol):
        """Where the standard output of a program goes."""

        def add(self, chunk: bytes) -> None:
            """Take what was written next."""


_CHUNK = 2**16
_LAST = 2**21
"""How much is read at most of what the dead have left in a pipe, in bytes."""
_GRACE = 0.5
"""Seconds between SIGTERM and SIGKILL."""
_LOOK = 0.05
"""Seconds between two looks at the memory; or 20 times what a look takes, if that is more."""
_IN = select.POLLIN | select.POLLHUP


class Program:
    """Follows `tree` until nobody of it is left.

    Args:
        tree: Just started.
        sink: Takes the standard output.
        errors: Takes the standard error.
        memory_limit: In bytes; None for no limit.
    """

    def __init__(
        self, tree: Tree, sink: "Sink", errors: StderrFile, memory_limit: int | None
    ) -> None:
        self.tree = tree
        self.sink = sink
        self.errors = errors
        self.over = False
        self.too_large = False
        self.finished: float | None = None
        self._limit = memory_limit
        self._look_at = time.monotonic() + _LOOK
        self._kill_at: float | None = None
        self._pause = 0.001
        self._due = b""
        self._last = False
        self._open = {tree.stdout, tree.stderr}

    @property
    def status(self) -> int | None:
        """How the program itself ended, as of wait; None while it runs."""
        return self.tree.status

    @property
    def silent(self) -> bool:
        """Whether nobody can write to its standard output any more."""
        return self.tree.stdout not in self._open

    @property
    def ending(self) -> bool:
        """Whether everybody has been asked to end."""
        return self._kill_at is not None

    @property
    def wake_at(self) -> float:
        """When `tick` has something to do, if nothing happens before."""
        if self._kill_at is not None:
            return self._kill_at
        return self._look_at if self._limit else float("inf")

    def interests(self) -> dict[int, int]:
        """Return what to wait for, by descriptor, as of poll."""
        found = dict.fromkeys(self._open, _IN)
        if self._due and self.tree.stdin is not None:
            found[self.tree.stdin] = select.POLLOUT
        return found

    def write(self, data: bytes, last: bool = False) -> None:
        """Write to the standard input of the program, now or as soon as it reads.

        Args:
            data: What it is to read.
            last: Whether nothing comes after that but the end of file.
        """
        self._due += data
        self._last = last
        self._flush()

    def handle(self, descriptor: int) -> None:
        """Do what can be done with a descriptor that is ready."""
        if descriptor == self.tree.stdin:
            self._flush()
        elif descriptor in self._open:
            self._read(descriptor)

    def end(self, grace: float = _GRACE) -> None:
        """Begin to end everybody; killed after `grace` seconds."""
        if self._kill_at is None and not self.over:
            self._kill_at = time.monotonic() + grace
            if not self._reap():
                self.tree.terminate()

    def tick(self) -> None:
        """Take note of who has ended; look after the memory; kill who outstays the grace."""
        if self.over or self._reap():
            return
        now = time.monotonic()
        if self._kill_at is None:
            self._weigh(now)
            return
        if now >= self._kill_at:
            self.tree.kill()
            self._kill_at = now + self._pause
            self._pause = min(2 * self._pause, 0.1)

    def _reap(self) -> bool:
        """Return whether nobody is left; then it is over, if that was wanted."""
        gone = self.tree.reap()
        if self.finished is None and self.tree.status is not None:
            self.finished = time.time()
        if gone and self._kill_at is not None:
            self._close()
        return gone

    def _close(self) -> None:
        self.over = True
        for descriptor in tuple(self._open):
            left = _LAST
            while left > 0 and (n := self._read(descriptor)) > 0:
                left -= n
        self.errors.close()
        self.tree.close()

    def _read(self, descriptor: int) -> int:
        """Read once; return how many bytes came."""
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return 0
        if not chunk:
            self._open.discard(descriptor)
        elif descriptor == self.tree.stdout:
            self.sink.add(chunk)
        else:
            self.errors.add(chunk)
        return len(chunk)

    def _flush(self) -> None:
        try:
            while self._due and self.tree.stdin is not None:
                self._due = self._due[os.write(self.tree.stdin, self._due) :]
        except BlockingIOError:
            pass
        except OSError:
            # It reads no more. What comes of that will be seen.
            self._due = b""
        if self._last and not self._due:
            self.tree.close_stdin()

    def _weigh(self, now: float) -> None:
        if self._limit is not None and now >= self._look_at:
            self.too_large = self.tree.memory() > self._limit
            took = time.monotonic() - now
            self._look_at = now + took + max(_LOOK, 20 * took)
