"""One worker: a warden, seen from hmserve, and what it has been ordered to do."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hmserve.trial import Trial
from hmserve.workers.link import Link

# The package itself would import typing, which takes longer than all of the warden.
_BOOT: Final = """
import sys, types
for name, path in zip(("hmserve", "hmserve.workers"), sys.argv[1:]):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
from hmserve.workers.warden import main
main()
"""
Message = dict[str, Any]


@dataclass(slots=True)
class Attempt:
    """An evaluation of a trial, once.

    Args:
        trial: What is evaluated.
        number: Which attempt at it this is, from 1.
        directory: Made for it; empty if none was.
        stands: The fidelity and the objective that it has told last.
        odd: Whether it has told something that cannot be.
    """

    trial: Trial
    number: int = 1
    directory: str = ""
    stands: tuple[float, float] | None = None
    odd: bool = False


class Worker:
    """A warden and its orders. It is to be started; and again, if somebody kills it.

    Args:
        number: From 0.
        settings: The first message to the warden.
    """

    def __init__(self, number: int, settings: Mapping[str, Any]) -> None:
        self.number = number
        self.orders: dict[int, Attempt] = {}
        self.since = time.monotonic()
        self.bad = 0
        self._settings = dict(settings)
        self._link: Link | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._called_back = -1

    @property
    def alive(self) -> bool:
        """Whether there is a warden to talk to."""
        return self._link is not None and not self._link.ended

    @property
    def dying(self) -> bool:
        """Whether the warden was killed and is not buried yet."""
        return self._link is not None and self._link.ended

    @property
    def link(self) -> Link:
        """The way to the warden."""
        assert self._link is not None
        return self._link

    @property
    def pid(self) -> int:
        """The process of the warden."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start a warden.

        Raises:
            OSError: There is no room for another process.
        """
        here = os.path.dirname(os.path.abspath(__file__))
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _BOOT, os.path.dirname(here), here],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What the terminal sends to us is not for the evaluations.
            start_new_session=True,
            cwd="/",
            # A copy: a thread of ours that loads libraries may move the variables meanwhile,
            # and the new process would look for them where they were (EFAULT).
            env=dict(os.environ),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._process.stdin as sink, self._process.stdout as source:
            self._link = Link(os.dup(source.fileno()), os.dup(sink.fileno()))
        self._link.send(self._settings)

    def order(self, number: int, attempt: Attempt, order: Mapping[str, Any]) -> None:
        """Order an evaluation."""
        if not self.orders:
            self.since = time.monotonic()
        self.orders[number] = attempt
        self.link.send({"do": number, **order})

    def call_back(self) -> None:
        """Ask the warden to give the last order back, once."""
        last = next(reversed(self.orders))
        if last != self._called_back:
            self._called_back = last
            self.link.send({"undo": last})

    def tell(self, **message: Any) -> None:
        """Send any other message, if there is a warden."""
        if self.alive:
            self.link.send(message)

    def bury(self) -> list[Attempt]:
        """Let go of a warden that was killed; return what it was to do."""
        self.close()
        self.wait(time.monotonic())
        lost = list(self.orders.values())
        self.orders.clear()
        return lost

    def close(self) -> None:
        """Let the warden end everything. `wait` waits for that."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def wait(self, until: float) -> bool:
        """Wait until everything has ended; return whether it has.

        Args:
            until: As of the monotonic clock; a warden that is still there then is killed.
        """
        if self._process is None:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(until - time.monotonic(), 0.0))
            return True
        self._process.kill()
        self._process.wait()
        return False
