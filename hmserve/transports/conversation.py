"""An ask-tell conversation over two byte streams."""

from collections.abc import Callable
from typing import Final

from hmserve.errors import RemoteProtocolError
from hmserve.protocol.asktell import AskTellSession
from hmserve.protocol.asktell_messages import Answer, Message
from hmserve.protocol.asktell_states import Phase, State
from hmserve.transports.lines import Lines, PeerLeftError

LINGER: Final = 10.0
"""Seconds for which a client may say nothing after the end line and still be answered."""


def converse(
    session: AskTellSession,
    wire: Lines,
    answer: Callable[[Message], Answer],
    linger: float = LINGER,
) -> None:
    """Answer every message of a client until it leaves, or has nothing to say after the end.

    So several workers that share the conversation all hear the end line, and a client that
    waits for us to exit before it closes its end does not wait for ever.

    Args:
        session: What is said; no one else may use it.
        wire: To the client.
        answer: Does what a message says.
        linger: Seconds to wait after the end line.

    Raises:
        RemoteProtocolError: It left in mid-message, or a stream failed.
    """
    try:
        while (message := _hear(session, wire, linger)) is not None:
            wire.send(session.say(answer(message)))
    except PeerLeftError:
        return
    closed = session.close()
    if not closed.clean:
        raise RemoteProtocolError(
            f"{closed.place}: expected it, but the client closed its stream in mid-message; "
            "nothing of that message was taken"
        )


def _hear(session: AskTellSession, wire: Lines, linger: float) -> Message | None:
    """Return the next message, or None when no other will come."""
    message = None
    while message is None:
        line = wire.take()
        if line is not None:
            message = session.receive_line(line)
        elif wire.ended:
            return session.receive_eof(wire.take_rest())
        elif _is_over(session) and wire.idle(linger):
            return None
        else:
            wire.fill()
    return message


def _is_over(session: AskTellSession) -> bool:
    return session.state is State.OVER and session.phase is Phase.READY
