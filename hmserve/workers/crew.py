"""Commands that hmserve starts itself, several side by side, as one evaluator.

Each worker is a warden, a process that runs the command and leaves nothing of it behind
(`warden.py`). What comes back is judged here: as a result, as something to be tried again, or
as a failed evaluation.
"""

import contextlib
import itertools
import os
import select
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hmserve.closing import Closing
from hmserve.errors import EvaluatorError, UsageError
from hmserve.options import EvaluatorOptions
from hmserve.protocol.codec import Codec
from hmserve.scenario import Scenario
from hmserve.transports.places import ALONE, Places, Post
from hmserve.trial import Results, Trial
from hmserve.workers.judge import Judge, Verdict
from hmserve.workers.orders import Orders
from hmserve.workers.strays import Strays
from hmserve.workers.worker import Attempt, Message, Worker

_END: Final = 10.0
"""Seconds to end everything: what is not gone by then cannot be ended."""
_CLOCK: Final = 1.0
"""Seconds between two looks at the clock of a run that has one to look at."""


class CommandWorkers(Closing):
    """Evaluates by commands, on several workers.

    To be closed: no process of any worker is left after that. They also end when this
    process dies, however it does.

    Args:
        scenario: Of the run.
        options: What is started, and how it is looked after.
        codec: Reads and writes the rows.
        complain: Called with a text for each failure.
        environment: Of the commands; None for ours.
        post: What they have to know of those around them.

    Raises:
        UsageError: The command has a placeholder for something that does not exist.
        EvaluatorError: No process can be started.
        JournalError: The directory for the trials cannot be created.
    """

    def __init__(
        self,
        scenario: Scenario,
        options: EvaluatorOptions,
        codec: Codec,
        complain: Callable[[str], None],
        environment: Mapping[str, str] | None = None,
        post: Post = ALONE,
    ) -> None:
        given = dict(os.environ if environment is None else environment)
        self._options = options
        self._samples = scenario.files.samples
        self._complain = complain
        timed = scenario.trial_deadline is not None or scenario.time_budget is not None
        self._clock = _CLOCK if timed and post.patience is None else post.patience
        self._heed, rank = post.heed, {"HMSERVE_RANK": "0"}
        heeded = post.heed is not None
        self._orders = Orders(scenario, options, codec, rank | given, heeded=heeded)
        self._judge = Judge(codec, options)
        self._places = Places(options.workers, options.batch_size, eager=post.eager)
        self._numbers = itertools.count()
        self._queue: deque[Attempt] = deque()
        self._ready: list[Results] = []
        self._bad = 0
        self._worked = False
        self._fault: EvaluatorError | None = None
        self._poll = select.poll()
        self._workers: list[Worker] = []
        self._by_source: dict[int, Worker] = {}
        self._strays = Strays()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self)
            for number in range(options.workers):
                worker = Worker(post.first + number, self._orders.settings)
                self._workers.append(worker)
                self._start(self._workers[-1])
            stack.pop_all()

    @property
    def free(self) -> int:
        """How many more trials it can take now; none while results wait to be collected.

        Raises:
            EvaluatorError: The command cannot be started, or fails every time.
        """
        self._hear(0.0)
        if self._ready:
            return 0
        self._raise_fault()
        return self._places.free(self._held)

    @property
    def hungry(self) -> bool:
        """Whether proposals are slower than evaluations."""
        return self._places.hungry

    def submit(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._places.filled()
            self._queue.append(Attempt(trial))
        self._hear(0.0)
        self._give()

    def collect(self) -> Results:
        """Wait for results; return all that have come.

        Nothing, now and then, where the run has a clock to look at, or none is to be had.

        Raises:
            EvaluatorError: The command cannot be started, or fails every time.
        """
        self._give()
        self._hear(0.0)
        while not self._ready:
            self._raise_fault()
            brief = self._clock is not None or not self._held
            self._hear((self._clock or _CLOCK) if brief else None)
            if brief:
                break
        ready, self._ready = self._ready, []
        return Results(
            [e for results in ready for e in results.evaluations],
            [e for results in ready for e in results.observations],
            [t for results in ready for t in results.abandoned],
        )

    def finish(self, *, complete: bool = False) -> None:
        """Let clients hear the end line, and end by themselves if they do.

        Args:
            complete: Whether no evaluation will go on from another.
        """
        for worker in self._workers:
            worker.tell(finish=True)
        self._wait()
        if complete:
            self._orders.clear()

    def close(self) -> None:
        """End every process."""
        for worker in self._workers:
            worker.close()
        self._wait()
        self._strays.close()
        self._orders.close()

    def _wait(self) -> None:
        until = time.monotonic() + _END
        for worker in self._workers:
            if not worker.wait(until):
                self._complain(f"worker {worker.number}: a process cannot be ended")

    @property
    def _held(self) -> int:
        return len(self._queue) + sum(len(worker.orders) for worker in self._workers)

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    # ---- giving trials to workers

    def _give(self) -> None:
        while self._queue and (worker := self._taker()) is not None:
            attempt = self._queue.popleft()
            if not worker.alive:
                self._start(worker)
            order = self._orders.order(attempt, worker.number)
            worker.order(next(self._numbers), attempt, order)
        if not self._queue:
            self._call_back()

    def _taker(self) -> Worker | None:
        """Return the worker that is to have the next trial: idle, or the first to be."""
        able = [worker for worker in self._workers if not worker.dying]
        idle = [worker for worker in able if not worker.orders]
        if idle:
            return min(idle, key=lambda worker: worker.bad)
        single = [worker for worker in able if len(worker.orders) == 1]
        if not single or not self._places.ahead:
            return None
        return min(single, key=lambda worker: worker.since)

    def _call_back(self) -> None:
        """Ask for trials that wait behind others, where somebody could begin them now."""
        idle = sum(not worker.orders for worker in self._workers)
        if idle:
            loaded = [worker for worker in self._workers if len(worker.orders) > 1]
            for worker in loaded[:idle]:
                worker.call_back()

    # ---- hearing from them

    def _start(self, worker: Worker) -> None:
        try:
            worker.start()
        except OSError as error:
            reason = error.strerror or str(error)
            raise EvaluatorError(f"cannot start worker {worker.number}: {reason}") from error
        self._by_source[worker.link.source] = worker
        self._poll.register(worker.link.source, select.POLLIN)

    def _mourn(self, worker: Worker) -> None:
        """Go on without a warden that somebody has killed; it is replaced when needed."""
        self._poll.unregister(worker.link.source)
        del self._by_source[worker.link.source]
        lost = worker.bury()
        self._strays.end([other.pid for other in self._workers if other.alive])
        self._queue.extendleft(reversed(lost[1:]))
        if lost:
            now = time.time()
            report = {
                "failure": "crash",
                "error": "the process that looks after it was killed",
                "started": now - (time.monotonic() - worker.since),
                "finished": now,
            }
            self._settle(worker, report, lost[0])

    def _hear(self, seconds: float | None) -> None:
        """Take what comes within so many seconds; None: as long as it takes."""
        unsent = [worker for worker in self._workers if worker.alive and worker.link.unsent]
        for worker in unsent:
            self._poll.register(worker.link.sink, select.POLLOUT)
        ready = self._poll.poll(None if seconds is None else seconds * 1000)
        for worker in unsent:
            self._poll.unregister(worker.link.sink)
            worker.link.flush()
        for descriptor, _ in ready:
            if descriptor in self._by_source:
                self._take_all(self._by_source[descriptor])
        if ready:
            self._give()

    def _take_all(self, worker: Worker) -> None:
        for message in worker.link.receive():
            self._take(worker, message)
        if not worker.alive:
            self._mourn(worker)

    def _take(self, worker: Worker, message: Message) -> None:
        if "done" in message:
            self._settle(worker, message, worker.orders.pop(message["done"]))
        elif "stands" in message:
            self._consider(worker, message)
        elif "undone" in message:
            attempt = worker.orders.pop(message["undone"])
            if attempt.directory:
                worker.tell(remove=attempt.directory)
            self._queue.appendleft(Attempt(attempt.trial, attempt.number))
        else:
            said = message["chatter"].decode(errors="backslashreplace")
            self._complain(f"worker {worker.number} talked out of turn, restarted: {said!r}")

    def _consider(self, worker: Worker, message: Message) -> None:
        """Take how an evaluation stands, and end it if it is not to go on."""
        attempt = worker.orders[message["stands"]]
        stands = message["fidelity"], message["objective"]
        try:
            goes_on = self._heed is None or self._heed(attempt.trial, *stands)
        except UsageError as error:
            if not attempt.odd:
                self._complain(f"{_named(attempt, worker)}: a report is not used: {error}")
            attempt.odd = True
            return
        attempt.stands = stands
        if not goes_on:
            worker.tell(stop=message["stands"])

    def _settle(self, worker: Worker, report: Message, attempt: Attempt) -> None:
        """Judge what came of `attempt`, and let that have its consequences."""
        worker.since = time.monotonic()
        verdict = self._judge.verdict(attempt, report, self._details(worker, attempt, report))
        worker.bad = worker.bad + 1 if verdict.failure else 0
        if verdict.nonsense and "life" in report:
            worker.tell(restart=report["life"])
        if attempt.directory and not verdict.kept:
            worker.tell(remove=attempt.directory)
        self._worked = self._worked or verdict.failure != "start"
        if not verdict.failure:
            self._bad = 0
            self._deliver(verdict, report, attempt, worker)
            return
        if verdict.hopeless and not self._worked and not self._orders.program_varies:
            command = " ".join(self._options.command)
            self._fault = EvaluatorError(f"{verdict.text}: {command:.200}")
            return
        self._complain(f"{_named(attempt, worker)} failed: {verdict.text}")
        if attempt.number <= self._options.retries:
            self._queue.appendleft(Attempt(attempt.trial, attempt.number + 1))
        else:
            self._deliver(verdict, report, attempt, worker)
            self._count(verdict, attempt, worker)

    def _deliver(
        self, verdict: Verdict, report: Message, attempt: Attempt, worker: Worker
    ) -> None:
        for evaluation in verdict.results.evaluations:
            if (path := self._orders.settled(attempt, evaluation)) is not None:
                worker.tell(remove=path)
        self._ready.append(verdict.results)
        self._places.vacated(report["finished"] - report["started"])

    def _count(self, verdict: Verdict, attempt: Attempt, worker: Worker) -> None:
        self._bad += 1
        most = self._options.max_consecutive_failures
        if most is not None and self._bad >= most:
            self._fault = EvaluatorError(
                f"{self._bad} evaluations failed in a row, the last of them "
                f"{_named(attempt, worker)}: {verdict.text}\n"
                f"All results are in {self._samples}; --resume goes on from there"
            )

    def _details(self, worker: Worker, attempt: Attempt, report: Message) -> dict[str, Any]:
        details = {
            "worker": worker.number,
            "started": report["started"],
            "finished": report["finished"],
        }
        if attempt.number > 1:
            details["attempts"] = attempt.number
        return details


def _named(attempt: Attempt, worker: Worker) -> str:
    again = f" (attempt {attempt.number})" if attempt.number > 1 else ""
    return f"trial {attempt.trial.id}{again} on worker {worker.number}"
