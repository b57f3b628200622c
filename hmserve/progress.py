"""One line about how a run stands: in place on a terminal, once a minute elsewhere."""

import contextlib
import time
from typing import TextIO

from hmserve.report.tables import Summary, summary
from hmserve.run import Run
from hmserve.scenario import Scenario, outward

_ON_TERMINAL = 0.2
_ELSEWHERE = 60.0


class Progress:
    """Writes to a stream at most as often as a reader wants it.

    Args:
        stream: Standard error.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._pause = _ON_TERMINAL if self._terminal else _ELSEWHERE
        self._last = time.monotonic() if not self._terminal else 0.0
        self._width = 0

    def __call__(self, run: Run) -> None:
        """Show how `run` stands, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._last >= self._pause:
            self._last = now
            self._show(run)

    def finish(self, run: Run) -> None:
        """Show the last line for good."""
        self._show(run)
        if self._terminal:
            self._write("\n")

    def _show(self, run: Run) -> None:
        text = line(run)
        padded = "\r" + text.ljust(self._width) if self._terminal else text + "\n"
        self._width = len(text)
        self._write(padded)

    def _write(self, text: str) -> None:
        # A terminal that was closed does not end the run.
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()


def line(run: Run) -> str:
    """Return how `run` stands: counts, best, seconds, time left."""
    state = summary(run.recorder.ledger, run.scenario)
    seconds, total = run.recorder.elapsed, run.optimizer.budget
    parts = [f"{state.told}/{total} evaluations"]
    if state.failed + state.infeasible:
        parts.append(f"{state.failed + state.infeasible} failed or infeasible")
    parts.append(_best(state, run.scenario))
    parts.append(f"{seconds:.0f} s")
    if 0 < state.told < total:
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
