"""A Python function on the workers of any `concurrent.futures.Executor`, several at once."""

import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeAlias

from hmserve.errors import EvaluatorError
from hmserve.executors.pool import Pool, named, shown
from hmserve.executors.task import Numbering, Report, call
from hmserve.scenario import Scenario
from hmserve.transports.callable import arguments_of
from hmserve.transports.outcomes import Outcomes
from hmserve.transports.places import ALONE, Places, Post
from hmserve.trial import Evaluation, Results, Trial

_Future: TypeAlias = Future[Report]
_BREAKING: Final = 1.0
"""Seconds within which all futures of a broken pool hear of it."""


@dataclass(frozen=True, slots=True)
class _Flight:
    """A trial that is out.

    Args:
        trial: The trial.
        given: When it was given to the executor, in Unix seconds.
        until: How long it is waited for, by the monotonic clock.
    """

    trial: Trial
    given: float
    until: float


def _nothing() -> None:
    """Have nothing to do."""


class Pooled:
    """Keeps as many trials out as there are workers, and takes results as they come.

    A call that raises costs one failed evaluation; so does one past its timeout, whose future
    is cancelled, if that is still possible. If not, its place is free again when it ends.
    Trials beyond the places wait here. `Evaluation.details` says who evaluated what when, by
    the clock of this machine.

    Args:
        scenario: Names the outputs.
        pool: Ready for work.
        complain: Called with a text for each failure.
        meanwhile: Called once, while the first trials are out.
        post: How they work where others do, too.
    """

    def __init__(
        self,
        scenario: Scenario,
        pool: Pool,
        complain: Callable[[str], None],
        meanwhile: Callable[[], object] = _nothing,
        post: Post = ALONE,
    ) -> None:
        self._post = post
        self._pool = pool
        self._outcomes = Outcomes(scenario)
        self._fidelity = scenario.fidelity
        self._samples = scenario.files.samples
        self._complain = complain
        self._meanwhile = meanwhile
        self._numbering = Numbering(pool.count)
        self._waiting: deque[Trial] = deque()
        self._out: dict[_Future, _Flight] = {}
        self._overdue: dict[_Future, _Flight] = {}
        self._ended: SimpleQueue[_Future] = SimpleQueue()
        self._cancelled: set[int] = set()
        self._demand = Places(pool.count, pool.workers.batch_size, eager=post.eager)
        self._gathering = True

    @property
    def free(self) -> int:
        if not self._gathering:
            return 0
        # Where calls past their timeout hold every place, one more waits for the first to end.
        least = 0 if self._out or self._waiting else 1
        found = max(self._places - len(self._waiting), least)
        if found:
            self._demand.offered()
        return found

    @property
    def hungry(self) -> bool:
        return self._demand.hungry

    @property
    def _places(self) -> int:
        # A timeout begins when the executor has a trial, so none may have to wait there.
        timed = self._pool.workers.timeout is not None
        most = self._pool.count if timed else self._demand.most
        return max(most - len(self._out) - len(self._overdue), 0)

    def submit(self, trials: Sequence[Trial]) -> None:
        self._waiting.extend(trials)
        for _ in trials:
            self._demand.filled()
        self._give()

    def collect(self) -> Results:
        found: list[Evaluation] = []
        meanwhile, self._meanwhile = self._meanwhile, _nothing
        meanwhile()
        while not found:
            self._give()
            until_late, brief = self._patience(), self._post.patience
            future = self._next(min(until_late, math.inf if brief is None else brief))
            if future is None and brief is not None and brief < until_late:
                break
            found = self._expire() if future is None else self._settle(future)
            while (future := self._next(0.0)) is not None:
                found += self._settle(future)
        self._gathering = self._places >= self._demand.wanted or not self._out
        return Results(evaluations=found)

    def cancel(self) -> None:
        """Let go of what has not begun, so that nobody has to wait for it."""
        for future in [*self._out, *self._overdue]:
            future.cancel()

    def _give(self) -> None:
        """Give waiting trials to the executor while there are places."""
        while self._waiting and self._places:
            trial = self._waiting.popleft()
            given, limit = time.time(), self._pool.workers.timeout
            until = math.inf if limit is None else time.monotonic() + limit
            future = self._started(trial)
            self._out[future] = _Flight(trial, given, until)
            future.add_done_callback(self._ended.put)

    def _started(self, trial: Trial) -> _Future:
        try:
            return self._pool.executor.submit(
                call, self._pool.function, arguments_of(trial, self._fidelity)
            )
        except Exception as error:  # every kind of executor has errors of its own
            raise EvaluatorError(
                f"{named(self._pool.executor)} takes no more trials: {shown(error)}. "
                f"A worker was killed, perhaps for want of memory, or the executor was shut "
                f"down. All results before that are in {self._samples}; go on with a new "
                "executor and resume=True"
            ) from error

    def _next(self, patience: float) -> _Future | None:
        """Return the next future that has ended; None if none does within the patience."""
        with contextlib.suppress(Empty):
            return self._ended.get(timeout=None if patience == math.inf else patience)
        return None

    def _patience(self) -> float:
        """Return how long nothing else has to be done; infinite for ever."""
        flights = self._out or self._overdue
        first = min((flight.until for flight in flights.values()), default=0.0)
        return max(first - time.monotonic(), 0.0)

    def _expire(self) -> list[Evaluation]:
        """Count as failed what is past its time.

        Raises:
            EvaluatorError: Every place is held by calls that do not end.
        """
        now, limit = time.monotonic(), self._pool.workers.timeout
        assert limit is not None
        if not self._out and all(flight.until <= now for flight in self._overdue.values()):
            raise EvaluatorError(
                f"all {len(self._overdue)} places are held by evaluations that do not end, "
                f"twice their timeout of {limit:g} s after they began. An executor cannot end "
                "them: let the function end by itself, or let hmserve start a program "
                f"instead. All results before that are in {self._samples}"
            )
        late = {future: f for future, f in self._out.items() if f.until <= now}
        return [self._give_up(future, flight) for future, flight in late.items()]

    def _give_up(self, future: _Future, flight: _Flight) -> Evaluation:
        del self._out[future]
        limit = self._pool.workers.timeout or 0.0
        if not future.cancel():
            self._overdue[future] = replace(flight, until=flight.until + limit)
        self._complain(f"trial {flight.trial.id} failed: no result within {limit:g} s")
        details = {"started": flight.given, "finished": time.time(), "failure": "timeout"}
        return Evaluation(flight.trial, feasible=False, details=details)

    def _settle(self, future: _Future) -> list[Evaluation]:
        """Return what came of `future`; nothing, if its trial was counted already."""
        late = self._overdue.pop(future, None)
        if late is not None:
            seconds = time.time() - late.given
            self._complain(
                f"trial {late.trial.id} ended after {seconds:.1f} s: its place is free"
            )
        flight = self._out.pop(future, None)
        if flight is None:
            return []
        try:
            report = future.result()
        except CancelledError as error:
            if flight.trial.id not in self._cancelled:
                # Not by us, and it was never evaluated.
                self._cancelled.add(flight.trial.id)
                self._waiting.appendleft(flight.trial)
                return []
            return [self._lost(flight, error)]
        except BrokenExecutor as error:
            return [self._lost(flight, error), *self._break()]
        except Exception as error:  # noqa: BLE001 - every kind of executor has its own
            return [self._lost(flight, error)]
        return [self._read(flight, report)]

    def _break(self) -> list[Evaluation]:
        """Return what a broken executor leaves of all that is out."""
        found: list[Evaluation] = []
        while self._out and (future := self._next(_BREAKING)) is not None:
            found += self._settle(future)
        return found

    def _lost(self, flight: _Flight, error: BaseException) -> Evaluation:
        self._complain(f"trial {flight.trial.id} failed: its worker is lost: {shown(error)}")
        details = {"started": flight.given, "finished": time.time(), "failure": "crash"}
        return Evaluation(flight.trial, feasible=False, details=details)

    def _read(self, flight: _Flight, report: Report) -> Evaluation:
        trial, details = flight.trial, self._details(flight, report)
        failure, reason = "crash", report.error
        if reason is None:
            try:
                (evaluation,) = self._outcomes.read([trial], report.returned)
            except EvaluatorError as error:
                failure, reason = "unparsable", str(error)
            else:
                return replace(evaluation, details=details)
        self._complain(f"trial {trial.id} failed on worker {details['worker']}:\n{reason}")
        return Evaluation(trial, feasible=False, details={**details, "failure": failure})

    def _details(self, flight: _Flight, report: Report) -> dict[str, Any]:
        """Return who evaluated when. A clock that is ahead or behind is set by ours."""
        latest = max(time.time() - report.seconds, flight.given)
        started = min(max(report.started, flight.given), latest)
        finished = started + report.seconds
        number = self._numbering.number(report.worker, started, finished)
        self._demand.vacated(report.seconds)
        number += self._post.first
        return {"worker": number, "started": started, "finished": finished}
