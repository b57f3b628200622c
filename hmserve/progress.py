"""One line about how a run stands: in place on a terminal, once a minute elsewhere."""

import contextlib
import time
from collections.abc import Callable
from typing import Generic, TextIO, TypeVar

from hmserve.report.tables import Summary, summary
from hmserve.run import Run
from hmserve.scenario import Scenario, outward
from hmserve.trial import WHOLE

_ON_TERMINAL = 0.2
_ELSEWHERE = 60.0


Subject = TypeVar("Subject")


class Shown(Generic[Subject]):
    """Writes lines to a stream at most as often as a reader wants them.

    Args:
        stream: Standard error.
        line: Says how what is shown stands.
    """

    def __init__(self, stream: TextIO, line: Callable[[Subject], str]) -> None:
        self._stream = stream
        self._line = line
        self._terminal = stream.isatty()
        self._pause = _ON_TERMINAL if self._terminal else _ELSEWHERE
        self._last = time.monotonic() if not self._terminal else 0.0
        self._width = 0

    def __call__(self, subject: Subject) -> None:
        """Show how `subject` stands, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._last >= self._pause:
            self._last = now
            self._show(subject)

    def finish(self, subject: Subject) -> None:
        """Show the last line for good."""
        self._show(subject)
        if self._terminal:
            self._write("\n")

    def _show(self, subject: Subject) -> None:
        text = self._line(subject)
        padded = "\r" + text.ljust(self._width) if self._terminal else text + "\n"
        self._width = len(text)
        self._write(padded)

    def _write(self, text: str) -> None:
        # A terminal that was closed does not end the run.
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()


class Progress(Shown[Run]):
    """How a run stands, on one line.

    Args:
        stream: Standard error.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream, line)


def line(run: Run) -> str:
    """Return how `run` stands: counts, best, seconds, time left."""
    state = summary(run.recorder.ledger, run.scenario)
    seconds, total = run.recorder.elapsed, run.optimizer.budget
    endless = total >= WHOLE
    parts = [f"{state.told}{'' if endless else f'/{total}'} evaluations"]
    if state.failed + state.infeasible:
        parts.append(f"{state.failed + state.infeasible} failed or infeasible")
    parts.append(_best(state, run.scenario))
    parts.append(f"{seconds:.0f} s")
    if 0 < state.told < total and not endless:
        parts.append(f"about {_left(run, state.told, total):.0f} s left")
    return ", ".join(parts)


def _best(state: Summary, scenario: Scenario) -> str:
    if state.front is not None:
        return f"{state.front} on the Pareto front"
    if state.best is None:
        return "nothing feasible yet"
    name = scenario.objectives[0]
    return f"best {name} {outward(scenario, state.best.evaluation).objectives[name]:.6g}"


def _left(run: Run, done: int, total: int) -> float:
    seconds, budget = run.recorder.elapsed, run.scenario.time_budget
    left = seconds / done * (total - done)
    return left if budget is None else min(left, max(budget - seconds, 0.0))
