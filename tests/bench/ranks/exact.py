"""The whole exchange of some ranks, record by record, on the very `Member` that runs."""

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable
from random import Random

from hmserve.exchange.member import Member, Outcome
from hmserve.exchange.records import Format, Status
from ranks.model import Costs, Findings, Load, quantile

_DIGEST = b"the run."
_MOST_BYTES = 1 << 15


class _Rank:
    def __init__(self, member: Member, phase: float) -> None:
        self.member = member
        self.inbox: deque[tuple[int, bytes]] = deque()
        self.busy: set[int] = set()
        self.ends: deque[tuple[float, float]] = deque()
        self.evaluator_free = 0.0
        self.turn_at = math.inf
        self.tick = phase
        self.trials = itertools.count()


class Simulation:
    """Asynchronous ranks that choose the next trial while one is evaluated.

    A thread takes in messages and passes them on, tells, asks, then waits for the end of an
    evaluation or for the interval. A message to a neighbour blocks the next one to it until
    it has arrived.
    """

    def __init__(self, load: Load, costs: Costs, seed: int = 0) -> None:
        self._load, self._costs = load, costs
        self._rng = Random(seed)
        parameters = (costs.record - Format(0, 1, 0).size) // 8
        form = Format(parameters, 1, 0)
        self._coordinates = (0.5,) * parameters
        assert form.size == costs.record
        members = (Member(r, load.size, form, _DIGEST) for r in range(load.size))
        self._ranks = [_Rank(m, self._rng.random() * costs.interval) for m in members]
        self._queue: list[tuple[float, int, Callable[[float], None]]] = []
        self._ties = itertools.count()
        self._ages: list[float] = []
        self._idle = self._thread = 0.0
        self._messages = self._bytes = 0

    def run(self, seconds: float) -> Findings:
        """Simulate so many seconds after as many again to warm up."""
        for rank in self._ranks:
            for _ in range(2):
                self._begin(rank, 0.0)
            self._turn_at(rank, rank.tick)
        start = 2.0 * self._load.evaluation
        self._advance(start)
        self._ages.clear()
        self._idle = self._thread = 0.0
        self._messages = self._bytes = 0
        self._advance(start + seconds)
        whole = seconds * len(self._ranks)
        return Findings(
            1.0 - self._idle / whole,
            quantile(self._ages, 0.5),
            quantile(self._ages, 0.99),
            self._messages / whole,
            self._bytes / whole,
            self._thread / whole,
        )

    def _advance(self, until: float) -> None:
        while self._queue[0][0] <= until:
            now, _, event = heapq.heappop(self._queue)
            event(now)

    def _at(self, time: float, event: Callable[[float], None]) -> None:
        heapq.heappush(self._queue, (time, next(self._ties), event))

    def _turn_at(self, rank: _Rank, time: float) -> None:
        if time < rank.turn_at:
            rank.turn_at = time
            self._at(time, lambda now: self._turn(rank, now) if rank.turn_at == now else None)

    def _begin(self, rank: _Rank, now: float) -> None:
        """Give the evaluator one more trial; it begins when the last one has ended."""
        begun = max(now, rank.evaluator_free) + self._costs.handover
        self._idle += begun - rank.evaluator_free
        seconds = self._load.duration(self._rng)
        rank.evaluator_free = begun + seconds
        rank.ends.append((rank.evaluator_free, seconds))

    def _turn(self, rank: _Rank, now: float) -> None:
        costs, member = self._costs, rank.member
        rank.turn_at = math.inf
        time = now
        while rank.inbox:
            source, data = rank.inbox.popleft()
            heard = sum(member.counts)
            member.receive(source, data)
            time += costs.take + costs.hear * (sum(member.counts) - heard)
        results = member.news().results
        time += costs.learn * len(results)
        self._ages += [time - record.finished for record in results]
        time = self._send(rank, time)
        self._thread += time - now
        while rank.ends and rank.ends[0][0] <= time:
            time = self._answer(rank, time)
        rank.tick = time
        rest = rank.ends[0][0] if rank.ends else math.inf
        if rank.inbox or member.waiting:
            rest = min(rest, time + costs.interval)
        self._turn_at(rank, rest)

    def _answer(self, rank: _Rank, time: float) -> float:
        """Tell a result, and choose the trial after the next one."""
        costs, start = self._costs, time
        ended, seconds = rank.ends.popleft()
        told = Outcome(next(rank.trials), self._coordinates, (1.0,), (), Status.OK)
        rank.member.result(told._replace(started=ended - seconds, finished=ended))
        time = self._send(rank, time + costs.say)
        self._thread += time - start
        time += costs.ask(self._load.known) * self._rng.uniform(0.5, 1.5)
        rank.member.pending(told.trial + 2, self._coordinates, time)
        self._begin(rank, time)
        self._thread += costs.say
        return self._send(rank, time + costs.say)

    def _send(self, rank: _Rank, time: float) -> float:
        free = [n for n in rank.member.neighbours if n not in rank.busy]
        for neighbour, data in rank.member.frames(free, _MOST_BYTES).items():
            time += self._costs.send
            self._messages += 1
            self._bytes += len(data)
            rank.busy.add(neighbour)
            arrival = time + self._costs.latency
            self._at(arrival, lambda now, n=neighbour, d=data: self._arrive(rank, n, d, now))
        return time

    def _arrive(self, source: _Rank, to: int, data: bytes, now: float) -> None:
        rank = self._ranks[to]
        source.busy.discard(to)
        rank.inbox.append((source.member.rank, data))
        self._turn_at(rank, max(now, self._next_look(rank, now)))
        if source.member.waiting and source.turn_at == math.inf:
            self._turn_at(source, self._next_look(source, now))

    def _next_look(self, rank: _Rank, now: float) -> float:
        """Return when the thread looks for messages next: it does so at every interval."""
        if now <= rank.tick:
            return rank.tick
        passed = math.ceil((now - rank.tick) / self._costs.interval)
        return rank.tick + passed * self._costs.interval
