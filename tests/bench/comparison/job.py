"""One run of one peer on one problem with one seed, as an asynchronous pool would have it.

`pending` configurations are out at any time; which of them is answered next is drawn, the same
for every peer. With one pending this is the sequential loop.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from comparison.meter import cpu_seconds, peak_megabytes
from comparison.peers import PEERS
from comparison.peers.peer import Peer, Suggestion, Task
from comparison.problem import Outcome, Problem

CHECKPOINTS = (10, 15, 20, 25, 30, 40, 50, 60, 75, 100, 150, 200)
"""After how many evaluations the regret is recorded."""

Line = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What to run.

    Args:
        problem: Name of the problem.
        peer: Name of the peer.
        seed: Of the peer, of the noise and of the order of the answers.
        pending: How many configurations are out at once.
        budget: How many evaluations.
        label: Tells apart variants of one peer, as ``hmserve@label``.
        options: Entries merged into hmserve's scenario; they need a label.
    """

    problem: str
    peer: str
    seed: int
    pending: int = 1
    budget: int = 100
    label: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.options and not self.label:
            raise ValueError("options need a label: their results are not those of the peer")

    @property
    def name(self) -> str:
        """The name of the peer in results."""
        return f"{self.peer}@{self.label}" if self.label else self.peer


@dataclass
class Cost:
    """CPU seconds of a peer, ask and tell, children included.

    Args:
        start: To make it: imports and all.
        total: From the first ask on.
        mean: A model-based evaluation: one after the initial design.
        last: The last evaluation.
        worst: The dearest one.
    """

    start: float = 0.0
    total: float = 0.0
    mean: float = 0.0
    last: float = 0.0
    worst: float = 0.0


class Run:
    """A job as it goes; `line` is its record at any time.

    Args:
        job: What to run.
        problem: The problem of that name.
        emit: Takes the record after every evaluation.
    """

    def __init__(self, job: Job, problem: Problem, emit: Callable[[Line], None]) -> None:
        self._job, self._problem, self._emit = job, problem, emit
        self._outcomes: list[Outcome] = []
        self._regrets: dict[int, float] = {}
        self._spent: list[float] = []
        self._start, self._begun, self._peak = 0.0, time.monotonic(), 0.0

    def play(self, closing: ExitStack) -> None:
        """Run to the end of the budget, or of what the peer has to suggest.

        Args:
            closing: Takes what the peer has to leave behind.
        """
        job = self._job
        self._emit(self.line())
        before = cpu_seconds()
        task = Task(self._problem, job.seed, job.pending, job.budget, job.options, closing)
        peer = PEERS[job.peer](task)
        self._start = cpu_seconds() - before
        order = Random(f"{job.problem}/{job.seed}/order")
        noise = Random(f"{job.problem}/{job.seed}/noise")
        pending: list[Suggestion] = []
        while len(self._outcomes) < job.budget:
            self._spent.append(0.0)
            self._fill(peer, pending)
            if not pending:
                return
            answered = pending.pop(order.randrange(len(pending)))
            outcome = self._problem.evaluate(answered.configuration, noise.getrandbits(32))
            before = cpu_seconds()
            peer.tell(answered, outcome)
            self._spent[-1] += cpu_seconds() - before
            self._count(outcome)

    def _fill(self, peer: Peer, pending: list[Suggestion]) -> None:
        job, before = self._job, cpu_seconds()
        while len(pending) < min(job.pending, job.budget - len(self._outcomes)):
            suggestion = peer.ask()
            if suggestion is None:
                break
            pending.append(suggestion)
        self._spent[-1] += cpu_seconds() - before

    def _count(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._regrets[len(self._outcomes)] = self._problem.regret(self._outcomes)
        self._peak = max(self._peak, peak_megabytes())
        self._emit(self.line())

    def line(self, error: str | None = None) -> Line:
        """Return the record: plain JSON values."""
        job = self._job
        return {
            "problem": job.problem,
            "class": self._problem.kind,
            "peer": job.name,
            "versions": PEERS[job.peer].versions,
            "python": ".".join(map(str, sys.version_info[:3])),
            "seed": job.seed,
            "pending": job.pending,
            "budget": job.budget,
            **({"options": dict(job.options)} if job.options else {}),
            "evaluations": len(self._outcomes),
            "regret": {str(n): self._regret(n) for n in CHECKPOINTS if n <= job.budget},
            "cpu": {name: significant(x) for name, x in asdict(self._cost()).items()},
            "rss": round(max(self._peak, peak_megabytes()), 1),
            "seconds": significant(time.monotonic() - self._begun),
            "error": error,
        }

    def _regret(self, n: int) -> float | None:
        """Return the regret after `n` evaluations: of the last one, if it never got there."""
        regret = self._regrets.get(min(n, len(self._outcomes)), math.inf)
        return significant(regret) if math.isfinite(regret) else None

    def _cost(self) -> Cost:
        done = self._spent[: len(self._outcomes)]
        if not done:
            return Cost(self._start)
        guided = done[self._problem.initial :]
        mean = sum(guided) / len(guided) if guided else 0.0
        return Cost(self._start, sum(done), mean, done[-1], max(done))


def significant(x: float) -> float:
    """Return `x` with five significant digits."""
    return float(f"{x:.5g}")


def run(job: Job, problem: Problem, emit: Callable[[Line], None], follow: bool = False) -> None:
    """Run `job` and emit its line, whatever happens; `follow`: also after every evaluation.

    Raises:
        BaseException: What the peer raised; the line that was emitted names it.
    """
    going = Run(job, problem, emit if follow else lambda _: None)
    error = None
    try:
        with ExitStack() as closing:
            going.play(closing)
    except BaseException as raised:
        error = described(type(raised).__name__, str(raised))
        raise
    finally:
        emit(going.line(error))


def described(*parts: str) -> str:
    """Return an error on one line, not longer than a reader wants it."""
    return " ".join(": ".join(filter(None, parts)).split())[:300]


def as_text(line: Line) -> str:
    """Return the line of a results file."""
    return json.dumps(line, allow_nan=False) + "\n"
