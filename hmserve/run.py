"""A run: an optimizer, the record of it, and the loop in which it meets an evaluator."""

import contextlib
import itertools
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from hmserve.closing import Closing
from hmserve.engine.build import build
from hmserve.engine.optimizer import Optimizer
from hmserve.errors import JournalError
from hmserve.estimates import with_estimates
from hmserve.journal import store
from hmserve.journal.earlier import read_earlier
from hmserve.journal.jsonl import JournalWriter
from hmserve.journal.ledger import Ledger, Row, begun_with, replay
from hmserve.journal.ranks import directory_of, journals_in
from hmserve.journal.records import (
    Abandon,
    Ask,
    Drop,
    End,
    Expire,
    Observe,
    Record,
    Report,
    Start,
    Tell,
)
from hmserve.journal.samples import read_samples
from hmserve.journal.table import SamplesTable, Table
from hmserve.limits import Limits
from hmserve.profile import Profile
from hmserve.pruning import Pruning
from hmserve.scenario import Scenario
from hmserve.trial import Evaluation, Results, Trial


class Evaluator(Protocol):
    """Where trials get their values: a function, a table, a peer on a pipe."""

    @property
    def free(self) -> int:
        """How many more trials it can take now; `WHOLE` for any number."""

    @property
    def hungry(self) -> bool:
        """Whether evaluations are faster than proposals, so that places stay empty."""

    def submit(self, trials: Sequence[Trial]) -> None:
        """Take trials on; does not wait for results."""

    def collect(self) -> Results:
        """Wait for at least one result, or for the news that one will never come."""


class Recorder:
    """Keeps the journal, the samples file and the ledger of a run in step.

    Args:
        writer: The journal, open.
        ledger: What the journal says so far.
        table: The samples file, holding `ledger.rows`.
        pause: Seconds in which the journal is made safe from a crash of the machine no more
            than once; a crash of this process loses nothing in any case.
    """

    def __init__(
        self, writer: JournalWriter, ledger: Ledger, table: Table, pause: float = 0.0
    ) -> None:
        self.ledger = ledger
        self._writer = writer
        self._table = table
        self._opened = time.monotonic()
        self._began = self._opened - ledger.elapsed
        self._handed: dict[int, float] = {}
        self._pause = pause
        self._synced = -math.inf

    @property
    def elapsed(self) -> float:
        """Seconds this run has been running, pauses before a resume not counted."""
        return time.monotonic() - self._began

    def asked(self, trials: Sequence[Trial], state: Mapping[str, Any]) -> None:
        """Record an ask."""
        self._append(Ask(time.time(), self.elapsed, trials, state))
        self._handed.update({trial.id: time.monotonic() for trial in trials})

    def overdue(self, deadline: float) -> list[Trial]:
        """Return what is pending for more than `deadline` seconds in this process."""
        asked_by = time.monotonic() - deadline
        pending = self.ledger.pending
        for trial in pending:
            self._handed.setdefault(trial.id, self._opened)
        return [trial for trial in pending if self._handed[trial.id] < asked_by]

    def received(self, results: Results) -> None:
        """Record results."""
        if results.evaluations:
            self._append(Tell(time.time(), self.elapsed, results.evaluations))
            self._settle([evaluation.trial.id for evaluation in results.evaluations])
        if results.observations:
            self._append(Observe(time.time(), self.elapsed, results.observations))
        if results.abandoned:
            ids = [trial.id for trial in results.abandoned]
            self._append(Abandon(time.time(), self.elapsed, ids))
            self._settle(ids)

    def reported(self, trial: Trial, fidelity: float, value: float) -> None:
        """Record how an evaluation stands."""
        self._append(Report(time.time(), self.elapsed, trial.id, fidelity, value))

    def dropped(self, trials: Sequence[Trial]) -> None:
        """Record that trials were given back."""
        ids = [trial.id for trial in trials]
        self._append(Drop(time.time(), self.elapsed, ids))
        self._settle(ids)

    def expired(self, trials: Sequence[Trial]) -> None:
        """Record that trials are no longer waited for."""
        ids = [trial.id for trial in trials]
        self._append(Expire(time.time(), self.elapsed, ids))
        self._settle(ids)

    def sync(self) -> None:
        """Make all that was recorded survive a crash of the machine, unless it is too soon."""
        now = time.monotonic()
        if now - self._synced >= self._pause:
            self._synced = now
            self._writer.sync()

    def end(self, reason: str) -> None:
        """Record that this process stops in good order."""
        self._append(End(time.time(), self.elapsed, reason))
        self._writer.sync()

    def close(self) -> None:
        """Let go of the files."""
        self._table.close()
        self._writer.close()

    def _settle(self, ids: Sequence[int]) -> None:
        """Forget since when trials were waited for."""
        for number in ids:
            self._handed.pop(number, None)

    def _append(self, record: Record) -> None:
        known = len(self.ledger.rows)
        # The ledger refuses what cannot follow, so that the journal never holds it.
        self.ledger.apply(record)
        self._writer.append(record)
        self._table.append(self.ledger.rows[known:])


class Run(Closing):
    """A run that is open for work. Use `start` or `resume` to make one.

    Args:
        scenario: What is optimized.
        optimizer: Where the journal left it.
        recorder: The journal and what follows from it.
        profile: Where the time goes; one that is shared with the optimizer.
        pruning: Where the journal left it.
    """

    def __init__(
        self,
        scenario: Scenario,
        optimizer: Optimizer,
        recorder: Recorder,
        profile: Profile | None = None,
        pruning: Pruning | None = None,
    ) -> None:
        self.profile = profile or Profile()
        self._pruning = pruning or Pruning(scenario)
        self.scenario = scenario
        self.optimizer = optimizer
        self.recorder = recorder
        self.expected: Evaluation | None = None
        self._limits = Limits(scenario.stops, scenario.objectives, scenario.fidelity)
        self._reason: str | None = None

    @property
    def rows(self) -> Sequence[Row]:
        """All results so far, in the order they came."""
        return self.recorder.ledger.rows

    def close(self) -> None:
        """Let go of the files."""
        self.recorder.close()

    def drive(self, evaluator: Evaluator, heard: Callable[["Run"], None]) -> None:
        """Let the optimizer and `evaluator` work until the run is over.

        A result is recorded before the optimizer hears of it, and is on disk before the next
        request leaves: that request is what acknowledges it.

        Args:
            evaluator: Where results come from.
            heard: Called after each new result, for progress.
        """
        waiting = self.optimizer.pending
        # Where a crash cut a reply short, all of the reply may come again.
        known = self.strangers
        if waiting:
            evaluator.submit(waiting)
        while not self.optimizer.finished:
            trials = self.ask(evaluator.free, quick=evaluator.hungry)
            if trials:
                known.clear()
                evaluator.submit(trials)
                if evaluator.free:
                    continue
            if self.optimizer.pending or self.optimizer.expired:
                with self.profile.phase("evaluate"):
                    results = evaluator.collect()
                self.take(self._without(known, results))
                heard(self)
        self.end()

    def end(self, reason: str = "done") -> None:
        """Record that this process stops in good order: by a limit, else for this `reason`."""
        self.recorder.end(self._reason or reason)

    def ask(self, n: int, *, quick: bool = False) -> Sequence[Trial]:
        """Return at most `n` new trials, which are on disk (see `Optimizer.ask`)."""
        self._stop_early()
        self._expire()
        with self.profile.phase("propose"):
            trials = self.optimizer.ask(n, quick=quick)
        if trials:
            with self.profile.phase("record"):
                self.recorder.asked(trials, self.optimizer.state)
                self.recorder.sync()
        return trials

    def take(self, results: Results) -> None:
        """Record `results`, then let the optimizer learn from them."""
        with self.profile.phase("record"):
            self.recorder.received(results)
        self._pruning.tell(results.evaluations)
        self.optimizer.tell(results.evaluations)
        self.optimizer.observe(results.observations)
        self.optimizer.abandon(results.abandoned)
        self._stop_early()

    def report(self, trial: Trial, fidelity: float, measured: float) -> bool:
        """Take how the evaluation of `trial` stands; return whether it is to go on.

        Raises:
            UsageError: It cannot have come so far (see `Pruning.heard`).
        """
        value = self._pruning.heard(trial, fidelity, measured)
        if value is None:
            return True
        self.recorder.reported(trial, fidelity, value)
        goes_on = self._pruning.judge(trial, fidelity, value)
        if not goes_on:
            self.recorder.sync()
        return goes_on

    def _without(self, known: Counter[Hashable], results: Results) -> Results:
        """Return `results` without the observations in `known`, which are taken from there."""
        if not known:
            return results
        fresh = []
        for observation in results.observations:
            identity = self.identity(observation)
            if known[identity] > 0:
                known[identity] -= 1
            else:
                fresh.append(observation)
        return replace(results, observations=fresh)

    @property
    def strangers(self) -> Counter[Hashable]:
        """How often each result came that nobody asked for, after the last ask."""
        return Counter(map(self.identity, self.recorder.ledger.strangers))

    def identity(self, evaluation: Evaluation) -> Hashable:
        """Return what two results have in common if one is the other sent again."""
        key = self.scenario.space.key(evaluation.trial.configuration)
        values = (*evaluation.objectives.items(), *evaluation.constraints.items())
        return key, evaluation.trial.fidelity, values, evaluation.feasible

    def _expire(self) -> None:
        """Give up the trials that are past their deadline."""
        deadline = self.scenario.trial_deadline
        if deadline is None:
            return
        late = self.recorder.overdue(deadline)
        if late:
            self.recorder.expired(late)
            self.optimizer.expire(late)

    def _stop_early(self) -> None:
        # The first ask is always made, so that a budget of nothing still runs the design.
        if self._reason is None and self.recorder.ledger.asked:
            seconds = self.scenario.time_budget
            if seconds is not None and self.recorder.elapsed >= seconds:
                self._reason = "time"
            else:
                self._reason = self._limits.reached(self.rows)
            if self._reason:
                self.optimizer.stop()


def start(scenario: Scenario) -> Run:
    """Begin a new run. What is in the way, a journal or samples, is kept under another name.

    Raises:
        ScenarioError: The data to begin with cannot be read.
        JournalError: The files cannot be written, or another process holds them.
    """
    scenario = with_estimates(scenario)
    by_ranks = os.path.lexists(directory_of(scenario.files))
    if by_ranks:
        store.put_aside(directory_of(scenario.files), journals_in(scenario.files).values())
    seed = int.from_bytes(os.urandom(4), "big") if scenario.seed is None else scenario.seed
    known = known_at_start(scenario)
    first = store.start(scenario.document, seed)
    if not by_ranks and not os.path.lexists(scenario.files.journal):
        # Somebody else's, or all that is left of a run: no journal keeps what is in it.
        store.keep_copy(scenario.files.samples)
    writer = store.create(scenario.files.journal, first)
    return _open(scenario, writer, [first], known)


def resume(scenario: Scenario) -> Run:
    """Go on with the run of `scenario`; begin it if there is none.

    Raises:
        ScenarioError: The run was made by a scenario that differs in what matters.
        JournalError: The journal is damaged, cannot be written, or another process holds it.
    """
    scenario = with_estimates(scenario)
    found = store.resume(scenario.files.journal, scenario)
    if found is None:
        if journals_in(scenario.files):
            raise JournalError(
                f"the run in {directory_of(scenario.files)} was made by ranks: resume it with "
                "--mpi; mpiexec -n 1 will do"
            )
        return start(scenario)
    # A crash may have come between the start and the data to begin with.
    begun = any(isinstance(record, Ask | Observe) for record in found.records)
    with contextlib.ExitStack() as stack:
        stack.enter_context(found.writer)
        known = [] if begun else known_at_start(scenario)
        stack.pop_all()
    return _open(scenario, found.writer, found.records, known)


def known_at_start(scenario: Scenario) -> Sequence[Evaluation]:
    """Return the results that `scenario` says to begin with.

    Raises:
        ScenarioError: They cannot be read.
    """
    resumed = read_samples(scenario.resume_data, scenario) if scenario.resume_data else []
    earlier = [read_earlier(path, scenario) for path in scenario.warm_start]
    return [*resumed, *itertools.chain.from_iterable(earlier)]


def _open(
    scenario: Scenario,
    writer: JournalWriter,
    records: Sequence[Record],
    known: Sequence[Evaluation],
) -> Run:
    """Return the run that `records` tell of, with `known` observed on top; or let go of it."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(writer)
        if known:
            # On disk before the samples file is replaced: it may be where they came from.
            observed = Observe(time.time(), records[-1].elapsed, known)
            writer.append(observed)
            writer.sync()
            records = [*records, observed]
        first = records[0]
        assert isinstance(first, Start)
        profile = Profile()
        optimizer = build(scenario, first.seed, begun_with(records), profile.phase)
        ledger = replay(records, optimizer)
        table = SamplesTable(scenario.files.samples, scenario, ledger.rows)
        stack.enter_context(table)
        stack.pop_all()
    recorder = Recorder(writer, ledger, table)
    return Run(scenario, optimizer, recorder, profile, Pruning(scenario, records))
