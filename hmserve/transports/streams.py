"""A peer at the other end of two byte streams, as an evaluator."""

import io
import os
import select
import sys
from collections import deque
from collections.abc import Sequence
from typing import BinaryIO, Final

from hmserve.errors import HmserveError, RemoteProtocolError
from hmserve.protocol.classic import LINE_LIMIT, ClassicSession
from hmserve.protocol.events import (
    Complete,
    Evaluated,
    Event,
    LocalProtocolError,
    Observed,
    PeerClosed,
)
from hmserve.trial import Evaluation, Results, Trial

_CHUNK: Final = 2**16
_PIPE_SIZE: Final = 2**16
_LINES_AHEAD: Final = 100_000
_KINDS: Final = {Evaluated, Observed}
_LEFT: Final = "the peer closed its stream between two messages"


class PeerLeftError(HmserveError):
    """The peer closed its stream between two complete messages. Nothing is lost."""

    status = 0


class Streams:
    """Asks a peer for one request at a time.

    Args:
        session: What is said; no one else may use it.
        reader: Where the peer's bytes come from, buffered or not; blocking.
        writer: Where ours go, buffered or not; blocking.
    """

    def __init__(self, session: ClassicSession, reader: BinaryIO, writer: BinaryIO) -> None:
        self._session = session
        self._reader = reader
        self._writer = writer
        # read() of a buffered stream waits until it has all it was asked for; read1() does not.
        self._read = getattr(reader, "read1", reader.read)
        self._lines: deque[bytes] = deque()
        self._events: deque[Event] = deque()
        self._rest = b""
        self._ended = False
        self._fault: HmserveError | None = None

    @property
    def free(self) -> int:
        """How many trials it takes now: any number, or none while a request is outstanding."""
        busy = self._session.waiting or self._events or self._fault
        return 0 if busy else sys.maxsize

    def submit(self, trials: Sequence[Trial]) -> None:
        """Send `trials` as one request.

        Raises:
            PeerLeftError: The peer closed its end.
            RemoteProtocolError: The stream cannot be written, or a fault is to be reported.
        """
        if self._fault is not None:
            raise self._fault
        if self._ended and not self._heard:
            raise PeerLeftError(_LEFT)
        self._send(self._session.request(trials))

    def collect(self) -> Results:
        """Wait for a row; return it with all others of its kind that have arrived after it.

        So results come in the order of their rows, those nobody asked for among them. What was
        understood before a fault is returned first; a later call raises it.

        Raises:
            PeerLeftError: The peer closed its end before its reply began.
            RemoteProtocolError: It said something else than a reply, or left within one.
        """
        if not self._events:
            self._hear()
        events = [self._events.popleft()]
        while self._events and {type(events[0]), type(self._events[0])} != _KINDS:
            events.append(self._events.popleft())
        return _results(events)

    def finish(
        self, best: Evaluation | None = None, expected: Evaluation | None = None
    ) -> None:
        """Tell the peer that the run is over.

        Args:
            best: The best point, if the peer is to hear it.
            expected: Where the model expects the minimum, if the peer is to hear it.

        Raises:
            PeerLeftError: The peer closed its end.
            RemoteProtocolError: The stream cannot be written.
        """
        self._send(self._session.finish(best, expected))

    @property
    def _heard(self) -> bool:
        """Whether something has arrived that is not yet understood."""
        return bool(self._lines) or bool(self._rest.strip())

    def _hear(self) -> None:
        """Wait for a row, and understand all that has arrived."""
        if self._fault is not None:
            raise self._fault
        if not self._session.waiting:
            raise LocalProtocolError("nothing was submitted")
        events: list[Event] = []
        try:
            self._receive(events)
        except HmserveError as fault:
            if not events:
                raise
            self._fault = fault
        self._events.extend(events)

    def _receive(self, events: list[Event]) -> None:
        """Append what the peer says, until there is something and no line is left."""
        while self._session.waiting and (self._lines or not events):
            if self._lines:
                events += self._session.receive_line(_decoded(self._lines.popleft()))
            elif self._ended:
                rest, self._rest = self._rest, b""
                events += _checked(self._session.receive_eof(_decoded(rest)))
            else:
                self._fill()

    def _fill(self) -> None:
        """Wait for bytes or the end of file."""
        try:
            chunk = self._read(_CHUNK)
        except ConnectionResetError:
            chunk = b""
        except OSError as error:
            raise RemoteProtocolError(f"cannot read from the peer: {error.strerror}") from None
        self._ended = not chunk
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LINE_LIMIT:
            # Too long already: the session refuses it.
            lines, self._rest = [*lines, self._rest], b""
        self._lines += lines

    def _send(self, text: str) -> None:
        data = memoryview(text.encode())
        try:
            if len(data) > _PIPE_SIZE:
                data = self._send_and_listen(data)
            while data:
                data = data[self._writer.write(data) :]
            self._writer.flush()
        except (BrokenPipeError, ConnectionResetError):
            # A reply that has begun is for `collect` to read, and to judge.
            if not self._heard:
                raise PeerLeftError(_LEFT) from None
        except OSError as error:
            raise RemoteProtocolError(f"cannot write to the peer: {error.strerror}") from None

    def _send_and_listen(self, data: memoryview) -> memoryview:
        """Write what a pipe may not hold, reading meanwhile; return what is left to write.

        A peer that answers each row before it reads the next would wait for us to read while
        we wait for it to read.
        """
        try:
            source, sink = self._reader.fileno(), self._writer.fileno()
        except io.UnsupportedOperation:
            return data
        self._writer.flush()
        poll = select.poll()
        poll.register(sink, select.POLLOUT)
        poll.register(source, select.POLLIN)
        while data:
            ready = dict(poll.poll())
            if source in ready:
                self._fill()
            if self._ended or len(self._lines) > _LINES_AHEAD:
                return data
            if sink in ready:
                # So many bytes never block after poll.
                data = data[os.write(sink, data[: select.PIPE_BUF]) :]
        return data


def _checked(events: Sequence[Event]) -> Sequence[Event]:
    """Return what a peer said before it left, if it left properly and with all answers."""
    closed = events[-1]
    assert isinstance(closed, PeerClosed)
    if not closed.clean:
        raise RemoteProtocolError(
            f"{closed.place}: expected it, but the peer closed its stream in mid-reply"
        )
    if closed.outstanding:
        raise PeerLeftError(_LEFT)
    return events


def _results(events: Sequence[Event]) -> Results:
    return Results(
        evaluations=[e.evaluation for e in events if isinstance(e, Evaluated)],
        observations=[e.evaluation for e in events if isinstance(e, Observed)],
        abandoned=[t for e in events if isinstance(e, Complete) for t in e.unanswered],
    )


def _decoded(line: bytes) -> str:
    # A byte that is not UTF-8 shows as \xff in the error message.
    return line.decode(errors="backslashreplace")
