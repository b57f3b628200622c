"""A warden: starts programs for one worker of hmserve and leaves nothing of them behind.

It is a process of its own with a session of its own, so that no signal meant for others hits
it, and outlives hmserve by as long as it takes to end what it has started. Orders come on
standard input, reports go to standard output (`link.py`). The next order begins the moment
one is done: hmserve may be busy then.

    first message   the settings: kind, environment, limits, patterns, command of a client
    {do, ...}       evaluate; reported when all processes are gone (kind ``once``), or when
                    the reply is complete (kind ``protocol``)
    {undo}          forget it, unless it has begun; answered by {undone}
    {stop}          end the program of this order early (kind ``once``)
    {remove}        remove a directory
    {restart}       the client has talked nonsense: end it
    {finish}        nothing more will come: say good-bye to the client, and end
    end of file     hmserve is gone: end everything

This module and those it imports have to load within milliseconds: no typing, no subprocess.
"""

import os
import select
import signal
import time

from hmserve.workers.clients import Client
from hmserve.workers.duties import Duty, Once
from hmserve.workers.link import Link
from hmserve.workers.removal import remove
from hmserve.workers.tree import adopt_orphans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Message = dict[str, Any]

_LOOK = 2.0
"""Seconds between two looks whether hmserve is still there: somebody may hold our input."""


def main() -> None:
    """Serve the hmserve at standard input and output until it has no more to do."""
    # Nothing but the death of hmserve ends a warden: it has others to end first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    adopt_orphans()
    _Loop(Link(0, 1), _bell()).run()


def _bell() -> int:
    """Return a descriptor that is readable when a child has ended."""
    source, sink = os.pipe()
    for descriptor in (source, sink):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(sink, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return source


class _Loop:
    """Waits for whatever comes first, and lets the duty act on it."""

    def __init__(self, link: Link, bell: int) -> None:
        self._link = link
        self._bell = bell
        self._parent = os.getppid()
        self._duty: Duty | None = None

    def run(self) -> None:
        """Serve until nothing is left to do, and nobody."""
        while self._duty is None or not self._duty.over:
            self._wait()
            for message in self._link.receive():
                self._take(message)
            if self._link.ended or os.getppid() != self._parent:
                if self._duty is None:
                    return
                self._duty.abandon()
            if self._duty is not None:
                self._duty.advance()

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        if not self._link.ended:
            poll.register(self._link.source, select.POLLIN)
            if self._link.unsent:
                poll.register(self._link.sink, select.POLLOUT)
        program = self._duty.program if self._duty else None
        for descriptor, events in (program.interests() if program else {}).items():
            poll.register(descriptor, events)
        for descriptor, _ in poll.poll(self._patience()):
            if descriptor == self._bell:
                os.read(self._bell, 512)
            elif descriptor == self._link.sink:
                self._link.flush()
            elif program is not None:
                program.handle(descriptor)

    def _patience(self) -> int:
        """Return how long nothing has to be done, in milliseconds, rounded up."""
        left = self._duty.wake_at - time.monotonic() if self._duty else _LOOK
        return max(int(min(left, _LOOK) * 1000) + 1, 0)

    def _take(self, message: "Message") -> None:
        duty = self._duty
        if duty is None:
            kind = Once if message["kind"] == "once" else Client
            self._duty = kind(message, self._link.send)
        elif "do" in message:
            duty.add(message)
        elif "remove" in message:
            remove(message["remove"])
        else:
            calls: dict[str, Callable[..., None]] = {
                "undo": duty.undo,
                "restart": duty.restart,
                "stop": duty.stop,
            }
            (name, value), *_ = message.items()
            duty.finish() if name == "finish" else calls[name](value)
