"""Lines over two byte streams: whole ones in, whole messages out."""

import io
import os
import select
from collections import deque
from typing import BinaryIO, Final

from hmserve.errors import HmserveError, RemoteProtocolError
from hmserve.protocol.classic import LINE_LIMIT

_CHUNK: Final = 2**16
_PIPE_SIZE: Final = 2**16
_LINES_AHEAD: Final = 100_000


class PeerLeftError(HmserveError):
    """The peer closed its stream between two complete messages. Nothing is lost."""

    status = 0

    def __init__(self, text: str = "the peer closed its stream between two messages") -> None:
        super().__init__(text)


class Lines:
    """Reads lines and writes text; a line without an end takes no more than its limit.

    Args:
        reader: Where the peer's bytes come from, buffered or not; blocking.
        writer: Where ours go, buffered or not; blocking.
    """

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader = reader
        self._writer = writer
        # read() of a buffered stream waits until it has all it was asked for; read1() does not.
        self._read = getattr(reader, "read1", reader.read)
        self._lines: deque[bytes] = deque()
        self._rest = b""
        self._skipping = False
        self.ended = False

    @property
    def heard(self) -> bool:
        """Whether something has arrived that was not taken."""
        return bool(self._lines) or bool(self._rest.strip())

    def take(self) -> str | None:
        """Return the next line that has arrived, without its newline; None if none has."""
        return _decoded(self._lines.popleft()) if self._lines else None

    def take_rest(self) -> str:
        """Return what came after the last newline."""
        rest, self._rest = self._rest, b""
        return _decoded(rest)

    def fill(self) -> None:
        """Wait for bytes or the end of file.

        Raises:
            RemoteProtocolError: The stream cannot be read.
        """
        try:
            chunk = self._read(_CHUNK)
        except ConnectionResetError:
            chunk = b""
        except OSError as error:
            raise RemoteProtocolError(f"cannot read from the peer: {error.strerror}") from None
        self.ended = not chunk
        if self._skipping:
            _, newline, chunk = chunk.partition(b"\n")
            self._skipping = not newline
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LINE_LIMIT:
            # Too long already, whatever follows: who takes it refuses it.
            lines, self._rest, self._skipping = [*lines, self._rest], b"", True
        self._lines += lines

    def idle(self, seconds: float) -> bool:
        """Wait for the peer; return whether nothing came of it for so many seconds."""
        if self.heard or self.ended:
            return False
        try:
            source = self._reader.fileno()
        except io.UnsupportedOperation:
            return False
        poll = select.poll()
        poll.register(source, select.POLLIN)
        return not poll.poll(seconds * 1000)

    def send(self, text: str) -> None:
        """Write `text` at once, and flush.

        Raises:
            PeerLeftError: The peer closed its end, and nothing that it said is left to take.
            RemoteProtocolError: The stream cannot be written.
        """
        data = memoryview(text.encode())
        try:
            if len(data) > _PIPE_SIZE:
                data = self._send_and_listen(data)
            while data:
                data = data[self._writer.write(data) :]
            self._writer.flush()
        except (BrokenPipeError, ConnectionResetError):
            # What has arrived is for the reader to take, and to judge.
            if not self.heard:
                raise PeerLeftError from None
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
                self.fill()
            if self.ended or len(self._lines) > _LINES_AHEAD:
                return data
            if sink in ready:
                # So many bytes never block after poll.
                data = data[os.write(sink, data[: select.PIPE_BUF]) :]
        return data


def _decoded(line: bytes) -> str:
    # A byte that is not UTF-8 shows as \xff in the error message.
    return line.decode(errors="backslashreplace")
