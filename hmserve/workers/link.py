"""Messages between hmserve and a warden: values of `marshal`, each after its length.

Both ends are the same Python, so `marshal` will do; nothing it needs has to be imported. What
does not fit into the pipe waits here: neither end ever waits for the other.
"""

import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK = 2**16
_HEAD = 4


class Link:
    """One end of the conversation.

    Args:
        source: Descriptor that is read; becomes non-blocking.
        sink: Descriptor that is written; becomes non-blocking.
    """

    def __init__(self, source: int, sink: int) -> None:
        self.source = source
        self.sink = sink
        self.ended = False
        self._came = bytearray()
        self._due = bytearray()
        for descriptor in (source, sink):
            os.set_blocking(descriptor, False)

    @property
    def unsent(self) -> bool:
        """Whether something waits until the other end reads."""
        return bool(self._due) and not self.ended

    def send(self, message: "dict[str, Any]") -> None:
        """Send `message`, or as much of it as goes now; `flush` sends the rest."""
        data = marshal.dumps(message)
        self._due += len(data).to_bytes(_HEAD, "little") + data
        self.flush()

    def flush(self) -> None:
        """Send what can be sent. The link is at its end if the other one is gone."""
        try:
            while self._due:
                del self._due[: os.write(self.sink, self._due[: 4 * _CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True

    def receive(self) -> "list[dict[str, Any]]":
        """Return the messages that have arrived; `ended` tells whether others can come."""
        try:
            while chunk := os.read(self.source, _CHUNK):
                self._came += chunk
            self.ended = True
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True
        return self._messages()

    def close(self) -> None:
        """Let go of both descriptors; the other end sees it."""
        self.ended = True
        for descriptor in (self.source, self.sink):
            os.close(descriptor)

    def _messages(self) -> "list[dict[str, Any]]":
        found = []
        while len(self._came) >= _HEAD:
            end = _HEAD + int.from_bytes(self._came[:_HEAD], "little")
            if len(self._came) < end:
                break
            found.append(marshal.loads(self._came[_HEAD:end]))
            del self._came[:end]
        return found
