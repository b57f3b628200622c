"""A peer at the other end of two byte streams, as an evaluator."""

from collections import deque
from collections.abc import Sequence
from typing import BinaryIO, Final

from hmserve.errors import HmserveError, RemoteProtocolError
from hmserve.protocol.classic import ClassicSession
from hmserve.protocol.events import (
    Complete,
    Evaluated,
    Event,
    LocalProtocolError,
    Observed,
    PeerClosed,
)
from hmserve.transports.lines import Lines, PeerLeftError
from hmserve.trial import WHOLE, Evaluation, Results, Trial

_KINDS: Final = {Evaluated, Observed}


class Streams:
    """Asks a peer for one request at a time.

    Args:
        session: What is said; no one else may use it.
        reader: Where the peer's bytes come from, buffered or not; blocking.
        writer: Where ours go, buffered or not; blocking.
    """

    def __init__(self, session: ClassicSession, reader: BinaryIO, writer: BinaryIO) -> None:
        self._session = session
        self._wire = Lines(reader, writer)
        self._events: deque[Event] = deque()
        self._fault: HmserveError | None = None

    hungry: Final = False

    @property
    def free(self) -> int:
        """How many trials it takes now: any number, or none while a request is outstanding."""
        busy = self._session.waiting or self._events or self._fault
        return 0 if busy else WHOLE

    def submit(self, trials: Sequence[Trial]) -> None:
        """Send `trials` as one request.

        Raises:
            PeerLeftError: The peer closed its end.
            RemoteProtocolError: The stream cannot be written, or a fault is to be reported.
        """
        if self._fault is not None:
            raise self._fault
        if self._wire.ended and not self._wire.heard:
            raise PeerLeftError
        self._wire.send(self._session.request(trials))

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
        self._wire.send(self._session.finish(best, expected))

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
        while self._session.waiting:
            line = self._wire.take()
            if line is not None:
                events += self._session.receive_line(line)
            elif events:
                return
            elif self._wire.ended:
                events += _checked(self._session.receive_eof(self._wire.take_rest()))
            else:
                self._wire.fill()


def _checked(events: Sequence[Event]) -> Sequence[Event]:
    """Return what a peer said before it left, if it left properly and with all answers."""
    closed = events[-1]
    assert isinstance(closed, PeerClosed)
    if not closed.clean:
        raise RemoteProtocolError(
            f"{closed.place}: expected it, but the peer closed its stream in mid-reply"
        )
    if closed.outstanding:
        raise PeerLeftError
    return events


def _results(events: Sequence[Event]) -> Results:
    return Results(
        evaluations=[e.evaluation for e in events if isinstance(e, Evaluated)],
        observations=[e.evaluation for e in events if isinstance(e, Observed)],
        abandoned=[t for e in events if isinstance(e, Complete) for t in e.unanswered],
    )
