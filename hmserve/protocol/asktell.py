"""The ask-tell dialect, without I/O: lines in, messages out; answers in, text out.

The client speaks, hmserve answers, once a message. What may be answered in which state, and
what may come next, is said by the tables of `hmserve.protocol.asktell_states` alone. Nothing
the client says raises anything: what cannot be understood is a message too (`Junk`), and a
row that cannot be understood is a `Refusal` in its message. The contract is docs/ask-tell.md.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from hmserve.cells import parse_float
from hmserve.protocol.asktell_blocks import DropBlock, TellBlock, check_length, id_of
from hmserve.protocol.asktell_messages import (
    Answer,
    Ask,
    Best,
    Junk,
    Message,
    Report,
    Status,
    Stop,
)
from hmserve.protocol.asktell_states import ANSWERS, LEADS, PHASES, Phase, State, Step
from hmserve.protocol.asktell_texts import Texts
from hmserve.protocol.codec import Codec, quoted
from hmserve.protocol.events import LocalProtocolError, PeerClosed

_Block: TypeAlias = TellBlock | DropBlock
_Parse: TypeAlias = Callable[[str], Message | _Block]

_COUNT: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class AskTellSession:
    """One conversation with one client.

    The caller owns the streams: it passes on each line it reads, and writes what `say`
    returns for the answer to each message.

    Args:
        codec: How the rows of this scenario are read and written.
    """

    def __init__(self, codec: Codec) -> None:
        self.state = State.OPEN
        self.phase = Phase.READY
        self._texts = Texts(codec)
        self._block: _Block | None = None
        self._kind: type[Message] = Junk
        self._verbs: Mapping[str, _Parse] = {
            "ask": _ask,
            "tell": lambda rest: TellBlock(codec, "Tell", _count_of("Tell", rest)),
            "drop": lambda rest: DropBlock(codec, "Drop", _count_of("Drop", rest)),
            "report": _report,
            "best": lambda rest: _alone("Best", rest, Best()),
            "status": lambda rest: _alone("Status", rest, Status()),
            "stop": lambda rest: _alone("Stop", rest, Stop()),
        }

    def receive_line(self, line: str) -> Message | None:
        """Take one line, with or without its newline; return the message that it completes.

        Raises:
            LocalProtocolError: The last message is not answered, or the client has left.
        """
        return self._receive(line, cut=False)

    def receive_eof(self, rest: str = "") -> Message | None:
        """Take the end of file, after `rest` without a newline; `close` comes next.

        Returns:
            The message that `rest` completes; it is to be answered before `close`.

        Raises:
            LocalProtocolError: The last message is not answered, or the client has left.
        """
        return self._receive(rest, cut=True)

    def close(self) -> PeerClosed:
        """Tell whether the client left between two messages, and what was due if it did not.

        Raises:
            LocalProtocolError: The last message is not answered, or the client has left.
        """
        place = self._place
        self._move(Step.CLOSE)
        return PeerClosed(self.phase is Phase.CLOSED, (), place)

    def say(self, answer: Answer) -> str:
        """Return the text that answers the last message.

        Raises:
            LocalProtocolError: There is none, or in this state it has another answer.
        """
        allowed = ANSWERS[self.state][self._kind] if self.phase is Phase.ANSWER else ()
        if type(answer) not in allowed:
            raise LocalProtocolError(
                f"{type(answer).__name__} is no answer to {self._kind.__name__} "
                f"when {self.state.value}, due is {self.phase.value}"
            )
        self._move(Step.SAY)
        self.state = LEADS.get((self.state, self._kind, type(answer)), self.state)
        self._block = None
        return self._texts.of(answer)

    def _receive(self, line: str, cut: bool) -> Message | None:
        if Step.CLOSE not in PHASES[self.phase]:
            raise LocalProtocolError(f"cannot take a line, due is {self.phase.value}")
        if not line.strip():
            return None
        if self._block is None:
            return self._begin(line.removeprefix("\ufeff"), cut)
        return self._go_on(self._block, line)

    def _begin(self, line: str, cut: bool) -> Message | None:
        """Read the first line of a message; nonsense that was cut off has only begun."""
        try:
            parsed = self._parse(line)
        except ValueError as error:
            parsed = Junk(str(error))
        if isinstance(parsed, TellBlock | DropBlock):
            self._block = parsed
        elif not (cut and isinstance(parsed, Junk)):
            return self._complete(Step.LINE, parsed)
        self._move(Step.BLOCK)
        return None

    def _parse(self, line: str) -> Message | _Block:
        check_length(line)
        verb, *rest = line.split(None, 1)
        parse = self._verbs.get(verb.lower())
        if parse is None:
            raise ValueError(
                "expected Ask, Tell, Drop, Report, Best, Status or Stop, "
                f"came {quoted(line.strip())}"
            )
        return parse(rest[0].strip() if rest else "")

    def _go_on(self, block: _Block, line: str) -> Message | None:
        """Read a later line of a message."""
        if self.phase is Phase.HEADER:
            block.take_header(line)
        else:
            block.take_row(line)
        if block.complete:
            return self._complete(Step.LAST, block.message())
        self._move(Step.MORE)
        return None

    def _complete(self, step: Step, message: Message) -> Message:
        self._move(step)
        self._kind = type(message)
        return message

    def _move(self, step: Step) -> None:
        try:
            self.phase = PHASES[self.phase][step]
        except KeyError:
            raise LocalProtocolError(
                f"cannot {step.value}, due is {self.phase.value}"
            ) from None

    @property
    def _place(self) -> str:
        """What is due, in words."""
        block = self._block
        if block is None:
            return "the rest of a message"
        if self.phase is Phase.HEADER:
            return f"header of {block.verb} {block.count}"
        return f"row {block.seen + 1} of {block.verb} {block.count}"


def _alone(verb: str, rest: str, message: Message) -> Message:
    if rest:
        raise ValueError(f"{verb}: expected nothing after it, came {quoted(rest)}")
    return message


def _ask(rest: str) -> Ask:
    count = _count_of("Ask", rest or "1")
    if not count:
        raise ValueError("Ask: expected a count of at least 1, came '0'")
    return Ask(count)


def _count_of(verb: str, text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise ValueError(f"{verb}: expected a count, came {quoted(text)}")
    return int(text)


def _report(rest: str) -> Report:
    fields = [field.strip() for field in rest.split(",")]
    if len(fields) != 3:
        raise ValueError(
            f"Report: expected a trial, a fidelity and an objective, came {quoted(rest)}"
        )
    trial, *others = fields
    return Report(id_of(trial), *map(_finite, ("fidelity", "objective"), others))


def _finite(name: str, text: str) -> float:
    value = parse_float(text)
    if value is None or not math.isfinite(value):
        raise ValueError(f"Report: {name}: expected a finite number, came {quoted(text)}")
    return value
