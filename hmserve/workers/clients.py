"""What a warden does with its orders where the command is a client (kind ``protocol``).

no client --order--> started --request--> busy --complete reply--> idle --request--> busy
busy --it ends, hangs, grows, falls silent--> ended --after a pause--> no client
busy, idle --hmserve found nonsense, talk out of turn--> ended
"""

import time

from hmserve.workers.duties import NEVER, Duty
from hmserve.workers.program import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hmserve.workers.duties import Message

_FAREWELL = 2.0
"""Seconds a client has to end by itself after the end line."""
_LAST_WORDS = 0.5
"""Seconds it has when it has closed its output."""
_BACK_OFF = (0.0, 0.1, 0.2, 0.4, 0.8, 1.0)
"""Seconds before a client is started again, by failures in a row."""
_REPLY_LIMIT = 2**20 + 2**16


class Reply:
    """What a client says: complete with the second line that is not blank."""

    def __init__(self) -> None:
        self.data = b""

    def add(self, chunk: bytes) -> None:
        """Take what it says next; what is beyond all measure is cut."""
        if len(self.data) < _REPLY_LIMIT:
            self.data += chunk

    @property
    def complete(self) -> bool:
        """Whether a header and a row have come, or more than they could be."""
        if len(self.data) >= _REPLY_LIMIT:
            return True
        return sum(1 for line in self.data.split(b"\n")[:-1] if line.strip()) > 1


class Client(Duty):
    """Keeps one program running, and tells it one request after the other."""

    def __init__(self, settings: "Message", report: "Callable[[Message], None]") -> None:
        super().__init__(settings, report)
        self._reply = Reply()
        self._life = 0
        self._replies = 0
        self._bad = 0

    def restart(self, life: int) -> None:
        self._fail()
        if self.program is None or life != self._life:
            return
        if self._order is not None:
            # Not its fault: it comes again, when there is a client to tell.
            self._orders.insert(0, self._order)
            self._order = None
        self.program.end()

    def finish(self) -> None:
        program = self.program
        if program is None or program.ending or self._order is not None:
            self.abandon()
            return
        self._leaving = True
        self._orders = []
        program.write(self._settings["farewell"], last=True)
        self._deadline = time.monotonic() + _FAREWELL

    @property
    def _talks(self) -> bool:
        return True

    def _begin(self) -> bool:
        if self._leaving or not self._orders or time.monotonic() < self._not_before:
            return False
        self._life, self._replies, self._reply = self._life + 1, 0, Reply()
        if not self._start(self._orders[0], self._settings["command"], self._reply):
            self._orders.pop(0)
            self._fail()
        return True

    def _watch(self, program: Program) -> None:
        if self._order is not None and self._reply.complete and self._failure is None:
            self._conclude(program)
        if self._order is None and not program.ending:
            self._go_on(program)
        self._enforce_limits(program)
        if program.status is not None:
            program.end()
        elif program.silent and not self._leaving:
            # It can answer no more; if it ends by itself, its status tells why.
            self._deadline = min(self._deadline, time.monotonic() + _LAST_WORDS)

    def _settle(self, program: Program) -> None:
        if self._order is not None:
            if self._reply.complete and self._failure is None:
                self._conclude(program)
            elif self._left_before(program):
                self._orders.insert(0, self._order)
                self._order = None
            else:
                self._fail()
                self._answer(program, output=self._reply.data, life=self._life)

    def _left_before(self, program: Program) -> bool:
        """Return whether the client had left properly when the request reached its pipe."""
        answered = self._replies > 0 and not self._reply.data
        return answered and program.status == 0 and self._failure is None

    def _conclude(self, program: Program) -> None:
        """Report a reply; how a client ends after that is no concern of it."""
        said, now = self._reply.data, time.time()
        self._answer(program, output=said, life=self._life, status=None, finished=now)
        self._replies += 1
        if self._replies > 1:
            # By now hmserve would have complained of the first one.
            self._bad = 0
        self._reply.data = b""
        self._deadline = NEVER

    def _go_on(self, program: Program) -> None:
        """Tell the client the next request; end it if it talks out of turn."""
        if self._reply.data.strip():
            self._report({"chatter": self._reply.data[:200]})
            self._fail()
            program.end()
        elif self._orders and not self._leaving:
            self._order = self._orders.pop(0)
            self._started, self._failure = time.time(), None
            program.write(self._order["text"])
            self._set_deadline()

    def _fail(self) -> None:
        pause = _BACK_OFF[min(self._bad, len(_BACK_OFF) - 1)]
        self._not_before = time.monotonic() + pause
        self._bad += 1
