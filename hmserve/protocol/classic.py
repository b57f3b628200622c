"""HyperMapper's dialect as a state machine, without I/O.

    IDLE --request--> HEADER --header--> ROWS --row--> ROWS
    ROWS --last row--> IDLE
    IDLE --finish--> FINISHED
    IDLE, HEADER --end of file--> CLOSED --finish--> FINISHED
    any --what the peer may not do--> BROKEN

Two rules: a row counts as soon as it is understood, and nothing the peer says raises anything
but `RemoteProtocolError`. The contract is docs/protocol.md.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Final

from hmserve.errors import RemoteProtocolError
from hmserve.protocol.codec import Codec, Layout, Row, quoted
from hmserve.protocol.events import (
    Complete,
    Evaluated,
    Event,
    LocalProtocolError,
    Observed,
    PeerClosed,
)
from hmserve.protocol.fidelities import reached
from hmserve.protocol.matching import Outstanding, inside
from hmserve.trial import OUTSIDE, Evaluation, Trial

LINE_LIMIT: Final = 2**20
"""The longest line a peer may send, in characters."""


class State(enum.Enum):
    """Where the conversation stands."""

    IDLE = "between two requests"
    HEADER = "waiting for the header of a reply"
    ROWS = "waiting for the rows of a reply"
    FINISHED = "after the end line"
    CLOSED = "after the peer closed its stream"
    BROKEN = "after the peer broke the protocol"


class _Step(enum.Enum):
    REQUEST = "make a request"
    HEADER = "read a header"
    ROW = "read a row"
    LAST_ROW = "read the last row"
    FINISH = "end the run"
    CLOSE = "read the end of file"
    FAULT = "read what is not allowed"


# What is not in this table is a LocalProtocolError.
_NEXT: Final[Mapping[State, Mapping[_Step, State]]] = {
    State.IDLE: {
        _Step.REQUEST: State.HEADER,
        _Step.FINISH: State.FINISHED,
        _Step.CLOSE: State.CLOSED,
        _Step.FAULT: State.BROKEN,
    },
    State.HEADER: {
        _Step.HEADER: State.ROWS,
        _Step.CLOSE: State.CLOSED,
        _Step.FAULT: State.BROKEN,
    },
    State.ROWS: {
        _Step.ROW: State.ROWS,
        _Step.LAST_ROW: State.IDLE,
        _Step.FAULT: State.BROKEN,
    },
    # A peer may stop talking and still listen.
    State.CLOSED: {_Step.FINISH: State.FINISHED},
    State.FINISHED: {},
    State.BROKEN: {},
}


class ClassicSession:
    """One conversation with one peer.

    The caller owns the streams: it writes what `request` and `finish` return, and passes on
    each line it reads.

    Args:
        codec: How the rows of this scenario are read and written.
    """

    def __init__(self, codec: Codec) -> None:
        self.state = State.IDLE
        self._codec = codec
        self._requests = 0
        self._count = 0
        self._rows = 0
        self._outstanding = Outstanding(codec.space, (), codec.fidelity)
        self._layout = Layout(0, (), False, {}, None)

    @property
    def waiting(self) -> bool:
        """Whether a reply, or the rest of one, is due."""
        return self.state in (State.HEADER, State.ROWS)

    def request(self, trials: Sequence[Trial]) -> str:
        """Return the text that asks for `trials`.

        Raises:
            LocalProtocolError: A request is outstanding, the conversation is over, or there
                are no trials.
        """
        if not trials:
            raise LocalProtocolError("a request needs at least one trial")
        self._move(_Step.REQUEST)
        self._requests += 1
        self._count, self._rows = len(trials), 0
        self._outstanding = Outstanding(self._codec.space, trials, self._codec.fidelity)
        return self._codec.request(trials)

    def receive_line(self, line: str) -> tuple[Event, ...]:
        """Take one line, with or without its newline; return what it says.

        Nothing for a header or a blank line, one event for a row, two for the last one.

        Raises:
            RemoteProtocolError: The line breaks the protocol. The session is then BROKEN.
            LocalProtocolError: The conversation is over.
        """
        if _Step.FAULT not in _NEXT[self.state]:
            raise LocalProtocolError(f"cannot take a line {self.state.value}")
        place = self._place
        try:
            return self._receive(line)
        except ValueError as error:
            self._move(_Step.FAULT)
            came = quoted(line.rstrip("\r\n"))
            raise RemoteProtocolError(f"{place}: {error}; the line is {came}") from None

    def receive_eof(self, rest: str = "") -> tuple[Event, ...]:
        """Take the end of file, after `rest` without a newline; `PeerClosed` comes last.

        A last row may lack its newline. Anywhere else `rest` was cut off and is not read.

        Raises:
            RemoteProtocolError: `rest` is the last row and cannot be understood.
            LocalProtocolError: The conversation is over.
        """
        events: tuple[Event, ...] = ()
        if self.state is State.ROWS and self._rows == self._count - 1 and rest.strip():
            events, rest = self.receive_line(rest), ""
        place, unanswered = self._place, self._outstanding.unanswered if self.waiting else ()
        clean = _Step.CLOSE in _NEXT[self.state] and not rest.strip()
        self._move(_Step.CLOSE if clean else _Step.FAULT)
        return (*events, PeerClosed(clean, unanswered, place))

    def finish(self, best: Evaluation | None = None, expected: Evaluation | None = None) -> str:
        """Return the text that ends the run.

        Args:
            best: Told before the end line if given; with several objectives a notice that
                there is no single best point takes its place.
            expected: Where the model expects the minimum; told before that if given.

        Raises:
            LocalProtocolError: A request is outstanding, or the conversation is over.
        """
        self._move(_Step.FINISH)
        return f"{self._codec.expected(expected)}{self._codec.best(best)}End of HyperMapper\n"

    def _move(self, step: _Step) -> None:
        try:
            self.state = _NEXT[self.state][step]
        except KeyError:
            raise LocalProtocolError(f"cannot {step.value} {self.state.value}") from None

    @property
    def _place(self) -> str:
        """What is due, in words."""
        reply = f"the reply to request {self._requests}"
        if self.state is State.HEADER:
            return f"header of {reply}"
        if self.state is State.ROWS:
            return f"row {self._rows + 1} of {self._count} of {reply}"
        return f"after {reply}" if self._requests else "before the first request"

    def _receive(self, line: str) -> tuple[Event, ...]:
        if len(line) > LINE_LIMIT:
            raise ValueError("a line of more than 1 MiB")
        if self.state is State.HEADER:
            line = line.removeprefix("\ufeff")
        if not line.strip():
            return ()
        if self.state is State.IDLE:
            raise ValueError("nothing was asked; a reply has as many rows as its request")
        fields = self._codec.split(line)
        return self._take_row(fields) if self.state is State.ROWS else self._take_header(fields)

    def _take_header(self, names: list[str]) -> tuple[Event, ...]:
        try:
            fidelity = self._codec.fidelity
            echoed = fidelity is not None and not fidelity.assume_requested
            self._layout = self._codec.layout(names, echoed=echoed)
        except ValueError as error:
            if self._requests == 1 or set(names) & set(self._codec.columns):
                raise
            raise ValueError(f"{error}, or one row too many came before") from None
        self._move(_Step.HEADER)
        return ()

    def _take_row(self, fields: list[str]) -> tuple[Event, ...]:
        row = self._codec.row(self._layout, fields)
        trial = self._trial(row)
        evaluation = Evaluation(trial, row.objectives, row.feasible, row.constraints)
        event = Observed(evaluation) if trial.id == OUTSIDE else Evaluated(evaluation)
        self._rows += 1
        if self._rows < self._count:
            self._move(_Step.ROW)
            return (event,)
        self._move(_Step.LAST_ROW)
        return event, Complete(self._outstanding.unanswered)

    def _trial(self, row: Row) -> Trial:
        if not self._layout.complete:
            trial = self._outstanding.take_at(self._rows, row.inputs)
        else:
            found = self._outstanding.take(row.inputs, row.fidelity)
            if found is None:
                return Trial(OUTSIDE, inside(self._codec.space, row.inputs), row.fidelity)
            trial = found
        return reached(self._codec.fidelity, trial, row.fidelity, failed=not row.objectives)
