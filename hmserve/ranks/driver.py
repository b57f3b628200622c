"""The loop of one rank: ask, evaluate, say, hear, learn; until all ranks are done.

MPI and the optimizer have one thread. The loop never waits for longer than the interval of
the scenario, but for a proposal.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from hmserve.exchange.member import Member
from hmserve.exchange.records import Record
from hmserve.exchange.sieve import Sieve
from hmserve.journal.ledger import Row
from hmserve.ranks.others import Others
from hmserve.ranks.part import Part
from hmserve.ranks.tables import Found
from hmserve.ranks.translator import Translator
from hmserve.ranks.union import AT_ONCE, REASONS, Union
from hmserve.run import Evaluator
from hmserve.trial import Evaluation, Results, Trial

_MOST_BYTES: Final = 32_768
"""About how long a message is at most: what MPI sends without asking first."""
_WORTH: Final = 0.02
"""Seconds an evaluation has to take to be worth a random trial while models are loaded."""
_GRACE: Final = 5.0
"""Seconds in which everyone is told what is known, when the job is to end at once."""


class Wire(Protocol):
    """The way to the other ranks, such as `hmserve.ranks.network.Network`."""

    @property
    def idle(self) -> bool:
        """Whether all that was sent has left and all that came was taken."""

    def busy(self, neighbours: Iterable[int]) -> set[int]:
        """Return those of the `neighbours` to whom a frame is still on its way."""

    def send(self, neighbour: int, frame: bytes) -> None:
        """Send `frame` to a neighbour that is not busy."""

    def receive(self) -> list[tuple[int, bytes]]:
        """Return what has come, with the rank it came from."""


class Driver:
    """One rank at work.

    Args:
        part: Asks and records.
        member: Says and hears.
        wire: To the other ranks.
        union: Follows what all ranks find.
        evaluator: Where results come from; `collect` returns after an interval.
        heard: Called after each new result, for progress.

    Attributes:
        signal: A reason to stop, as its number in `REASONS`; set by a handler of signals.
        loading: Tells whether what proposes after the design is not there yet.
    """

    def __init__(
        self,
        part: Part,
        member: Member,
        wire: Wire,
        union: Union,
        evaluator: Evaluator,
        heard: Callable[[Union], None],
    ) -> None:
        self.signal = 0
        self.loading: Callable[[], bool] = lambda: False
        self._optimizer, self._spare = part.optimizer, part.spare()
        self._run, self._began = part.run, part.began
        self._member, self._wire = member, wire
        self._union, self._evaluator, self._heard = union, evaluator, heard
        scenario = part.plan.scenario
        self._scenario, self._options = scenario, scenario.distributed
        self._translator = Translator(scenario)
        self._others = Others(part, self._translator.coordinates)
        self._sieve = Sieve(self._options.memory)
        self._expired: set[int] = set()
        self._dry = self._exhausted = False
        self._in_round = 0

    def drive(self) -> str:
        """Work until all ranks are done; return why they stopped, "done" for the budget.

        Raises:
            EvaluatorError: The evaluator cannot be started, or fails every time.
            ExchangeError: Something else than this run came from another rank.
            JournalError: A file cannot be written.
        """
        while not self._over:
            self._exchange()
            self._stop_early()
            self._propose()
            self._collect()
            self._end_round()
        self._leave()
        return REASONS[self._stopped] if self._stopped else "done"

    # ---- when to end

    @property
    def _stopped(self) -> int:
        """The reason to begin nothing any more; 0 for none."""
        if self._member.stop_heard in AT_ONCE:
            return int(self._member.stop_heard or 0)
        return self._member.stopped or 0

    @property
    def _over(self) -> bool:
        """Whether nothing is evaluated here, and nothing will be."""
        if self._stopped in AT_ONCE:
            return True
        if self._run.optimizer.pending or not self._member.round_complete or self._in_round:
            return False
        return bool(self._stopped) or not self._has_work

    @property
    def _has_work(self) -> bool:
        """Whether something can be begun here, now or later."""
        if not self._member.left:
            return self._member.beg()
        return not self._exhausted and (not self._dry or self._member.seek())

    def _stop_early(self) -> None:
        if self.signal:
            self._member.stop(self.signal)
            return
        if self._member.stop_heard is not None:
            return
        seconds = self._scenario.time_budget
        if seconds is not None and self._run.recorder.elapsed >= seconds:
            self._member.stop(REASONS.index("time"))
        elif self._union.reason is not None:
            self._member.stop(REASONS.index(self._union.reason))

    # ---- asking and evaluating

    def _propose(self) -> None:
        """Ask for as many trials as have a place and a permit, and have them evaluated."""
        wanted = 0 if self._stopped else self._evaluator.free
        if self._options.synchronous:
            wanted = min(wanted, self._options.every - self._in_round)
        permitted = self._member.spend(wanted) if wanted > 0 else 0
        if not permitted:
            self._expire()
            return
        self._bridge(permitted)
        self._run.optimizer.attend(self._others.trials)
        trials = self._run.ask(permitted, quick=self._evaluator.hungry)
        self._member.restore(permitted - len(trials))
        for trial in trials:
            self._announce(trial)
        self._expire()
        self._dry = not trials and not self._run.optimizer.pending
        self._in_round += len(trials) * self._options.synchronous
        if trials:
            self._evaluator.submit(trials)

    def _bridge(self, wanted: int) -> None:
        """Let random trials come first where an evaluator would only wait for the models.

        Not where evaluations are over in no time: they would use up the budget.
        """
        if not self._spare or self._optimizer.designed or not self.loading():
            return
        last = [row.evaluation.details for row in self._run.rows[-3:]]
        times = [d["finished"] - d["started"] for d in last if "finished" in d]
        if times and min(times) > _WORTH:
            spare, self._spare = self._spare[:wanted], self._spare[wanted:]
            self._optimizer.extend_design(spare)

    def _announce(self, trial: Trial) -> None:
        coordinates = self._translator.coordinates.encode(trial.configuration)
        fidelity = math.nan if trial.fidelity is None else trial.fidelity
        self._member.pending(trial.id, coordinates, time.time(), fidelity)

    def _expire(self) -> None:
        """Tell the others of trials that are past their deadline."""
        if self._scenario.trial_deadline is None:
            return
        self._run.ask(0)
        for trial in self._run.optimizer.expired:
            if trial.id not in self._expired:
                self._expired.add(trial.id)
                self._member.withdrawn(trial.id)

    def _collect(self) -> None:
        """Wait for results for no longer than an interval, and tell everyone."""
        if not self._run.optimizer.pending and not self._run.optimizer.expired:
            if self._dry or not self._member.left or not self._member.round_complete:
                time.sleep(max(self._options.interval, 0.001))
            return
        results = self._evaluator.collect()
        if results.evaluations or results.observations or results.abandoned:
            self._take(results)

    def _take(self, results: Results) -> None:
        known = len(self._run.rows)
        self._run.take(results)
        for row in self._run.rows[known:]:
            self._member.result(self._translator.outcome(row.evaluation))
            self._union.add(Found(self._member.rank, row))
        for trial in results.abandoned:
            self._member.withdrawn(trial.id)
        self._exchange_out()
        self._heard(self._union)

    def _end_round(self) -> None:
        """In synchronous mode, end the round when its evaluations are done, and hear of all."""
        if not self._options.synchronous or self._run.optimizer.pending:
            return
        full = self._in_round >= self._options.every
        if full or self._dry or not self._member.left or self._stopped:
            if self._dry and not self._in_round and not self._member.seek():
                self._exhausted = True
                return
            self._member.round()
            while not self._member.round_complete and not self._stopped:
                self._exchange()
                self._stop_early()
                time.sleep(0.001)
            self._exchange()
            self._in_round, self._dry = 0, False

    # ---- saying and hearing

    def _exchange(self) -> None:
        """Take in what has come, learn from it, and send what is to be sent."""
        for source, data in self._wire.receive():
            self._member.receive(source, data)
        self._exchange_out()
        self._learn()

    def _exchange_out(self) -> None:
        neighbours = set(self._member.neighbours)
        free = neighbours - self._wire.busy(neighbours)
        for neighbour, frame in self._member.frames(free, _MOST_BYTES).items():
            self._wire.send(neighbour, frame)

    def _learn(self) -> None:
        news = self._member.news()
        for record in news.pending:
            self._others.begun(record)
        for origin, number in news.withdrawn:
            self._others.ended(origin, number)
        if news.buckets or news.withdrawn or news.permits:
            self._dry = False
        learnt = [self._hear(record) for record in news.results]
        self._run.optimizer.observe([evaluation for evaluation in learnt if evaluation])
        if news.results:
            self._heard(self._union)

    def _hear(self, record: Record) -> Evaluation | None:
        """Take note of the result of another rank; return it if it is to be learnt from."""
        evaluation = self._translator.evaluation(record)
        self._others.ended(record.origin, record.trial, record.coordinates)
        when = time.time() if math.isnan(record.finished) else record.finished
        row = Row(evaluation, when, max(when - self._began, 0.0), asked=True)
        self._union.add(Found(record.origin, row))
        values: Sequence[float] = tuple(evaluation.objectives.values())
        return evaluation if self._sieve.keep(record.origin, record.sequence, values) else None

    def _leave(self) -> None:
        """Say the last that this rank has to say; pass on what others say until all have."""
        for trial in self._run.optimizer.pending:
            self._member.restore(1)
            self._member.withdrawn(trial.id)
        self._member.finish()
        hurried = self._stopped in AT_ONCE
        until = time.monotonic() + _GRACE if hurried else math.inf
        while not (self._member.complete and self._wire.idle):
            self._exchange()
            if self.signal and not hurried:
                hurried, until = True, time.monotonic() + _GRACE
            if time.monotonic() > until:
                return
            time.sleep(0.002)
