"""What a worker of an executor runs: one call of the user's function, and what came of it.

Picklable, and of the standard library alone: it is imported where the workers are.
"""

import os
import socket
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Identity: TypeAlias = tuple[str, int, int]
"""A worker: its machine, its process, its thread."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one call.

    Args:
        returned: What the function returned; None if it raised.
        error: The traceback of what it raised; None if it returned.
        started: Unix seconds, by the clock of the worker.
        seconds: How long it took.
        worker: Who called it.
    """

    returned: Any
    error: str | None
    started: float
    seconds: float
    worker: Identity


def call(function: Callable[[dict[str, Any]], Any], values: dict[str, Any]) -> Report:
    """Return what comes of `function` with `values`, whatever it raises."""
    returned, error = None, None
    started, begun = time.time(), time.perf_counter()
    try:
        returned = function(values)
    except KeyboardInterrupt:
        # That is for the whole run.
        raise
    except BaseException:  # noqa: BLE001 - a user's function may even want to exit
        error = traceback.format_exc()
    seconds = time.perf_counter() - begun
    worker = (socket.gethostname(), os.getpid(), threading.get_ident())
    return Report(returned, error, started, seconds, worker)


def arrive(function: Callable[..., Any]) -> bool:
    """Return whether `function` is one: that it got here is what matters."""
    return callable(function)


class Numbering:
    """Numbers workers 0, 1, 2, ... in the order in which they are first heard of.

    One that is new when all are known takes the number of one that has ended: processes that
    are replaced after so many calls stay as many as there are places.

    Args:
        count: How many work side by side.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._numbers: dict[Identity, int] = {}
        self._busy_until: list[float] = []

    def number(self, worker: Identity, started: float, finished: float) -> int:
        """Return the number of `worker`, who was busy from `started` to `finished`."""
        if worker not in self._numbers:
            self._numbers[worker] = self._vacant(started)
        number = self._numbers[worker]
        self._busy_until[number] = max(self._busy_until[number], finished)
        return number

    def _vacant(self, started: float) -> int:
        idle = [n for n, until in enumerate(self._busy_until) if until <= started]
        if len(self._busy_until) < self._count or not idle:
            self._busy_until.append(started)
            return len(self._busy_until) - 1
        number = min(idle, key=lambda n: self._busy_until[n])
        self._numbers = {who: n for who, n in self._numbers.items() if n != number}
        return number
