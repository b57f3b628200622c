"""The states of an ask-tell conversation: three tables, and nothing else decides.

Two rules: each message has exactly one answer, and what is not in a table cannot happen. The
tables are those of docs/ask-tell.md.
"""

import enum
from collections.abc import Mapping
from typing import Final, TypeAlias

from hmserve.protocol.asktell_messages import (
    Answer,
    Ask,
    Best,
    Continue,
    Drop,
    End,
    Error,
    Halt,
    Handed,
    Incumbents,
    Junk,
    Message,
    Ok,
    Report,
    Standing,
    Status,
    Stop,
    Tell,
    Wait,
)


class State(enum.Enum):
    """What a client may expect of the run."""

    OPEN = "open"
    STOPPED = "stopped"
    OVER = "over"


_Answers: TypeAlias = tuple[type[Answer], ...]

_WHENEVER: Final[Mapping[type[Message], _Answers]] = {
    Tell: (Ok,),
    Drop: (Ok,),
    Report: (Continue, Halt, Error),
    Best: (Incumbents,),
    Status: (Standing,),
    Stop: (Ok,),
    Junk: (Error,),
}

# The answers that a message may have in a state. Every worker that shares the conversation
# may ask, so the end line is said as often as somebody does.
ANSWERS: Final[Mapping[State, Mapping[type[Message], _Answers]]] = {
    State.OPEN: {Ask: (Handed, Wait, End), **_WHENEVER},
    State.STOPPED: {Ask: (Wait, End), **_WHENEVER},
    State.OVER: {Ask: (End,), **_WHENEVER},
}

# Where an answer leads; after any other the state is what it was.
LEADS: Final[Mapping[tuple[State, type[Message], type[Answer]], State]] = {
    (State.OPEN, Stop, Ok): State.STOPPED,
    (State.OPEN, Ask, End): State.OVER,
    (State.STOPPED, Ask, End): State.OVER,
}


class Phase(enum.Enum):
    """What is due, and from whom."""

    READY = "a message"
    HEADER = "the header of a message"
    ROWS = "the rows of a message"
    ANSWER = "our answer"
    CLOSED = "nothing: the client closed its stream"
    BROKEN = "nothing: the client closed its stream in mid-message"


class Step(enum.Enum):
    """What can happen next."""

    LINE = "read a message of one line"
    BLOCK = "read the first line of a message of several"
    MORE = "read a line of a message"
    LAST = "read the last line of a message"
    SAY = "answer"
    CLOSE = "read the end of file"


PHASES: Final[Mapping[Phase, Mapping[Step, Phase]]] = {
    Phase.READY: {Step.LINE: Phase.ANSWER, Step.BLOCK: Phase.HEADER, Step.CLOSE: Phase.CLOSED},
    Phase.HEADER: {Step.MORE: Phase.ROWS, Step.LAST: Phase.ANSWER, Step.CLOSE: Phase.BROKEN},
    Phase.ROWS: {Step.MORE: Phase.ROWS, Step.LAST: Phase.ANSWER, Step.CLOSE: Phase.BROKEN},
    Phase.ANSWER: {Step.SAY: Phase.READY},
    Phase.CLOSED: {},
    Phase.BROKEN: {},
}
