"""Ranks that evaluate and exchange, in one process and in virtual time.

Messages between two ranks keep their order, as in MPI; between different pairs anything may
overtake anything. A rank has one message under way to each neighbour and sends the next when
that one has been taken in. A stalled rank hears and says nothing. A run is decided by its seed.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from hmserve.exchange.buckets import totals
from hmserve.exchange.knowledge import Terms
from hmserve.exchange.member import Member, Outcome
from hmserve.exchange.records import Format, Record, Status

DIGEST = b"the run."


@dataclass
class World:
    """What happens to the ranks.

    Args:
        latency: Seconds until a message arrives.
        duration: Seconds of an evaluation of a rank.
        stalls: When a rank stalls, and for how long: (rank, from, seconds).
        stops: When which rank says STOP: (rank, time).
        withdraws: The share of evaluations that are withdrawn instead.
        most_bytes: Of a message.
        space: All configurations of a finite space; nothing is evaluated twice then.
        counted: Whether the ranks know how many of them there are.
        per_round: Evaluations of a rank a round; asynchronous if 0.
        seed: Decides latencies, durations and what is withdrawn. What is proposed depends on
            the rank, the number of its trial and what it has heard alone.
    """

    latency: Callable[[Random], float] = lambda rng: rng.uniform(1e-6, 1e-3)
    duration: Callable[[int, Random], float] = lambda _, rng: rng.uniform(0.5, 1.5)
    stalls: Sequence[tuple[int, float, float]] = ()
    stops: Sequence[tuple[int, float]] = ()
    withdraws: float = 0.0
    most_bytes: int = 1 << 14
    space: Sequence[tuple[float, ...]] = ()
    counted: bool = True
    per_round: int = 0
    seed: int = 0


@dataclass
class Rank:
    """One rank and what it did.

    Args:
        member: Its side of the exchange.
        heard: The results of others in the order it heard of them.
        evaluated: What it evaluated.
        begun: How many evaluations it began and did not withdraw.
        told: In synchronous mode what it heard at the end of each round.
    """

    member: Member
    heard: list[Record] = field(default_factory=list)
    evaluated: list[tuple[float, ...]] = field(default_factory=list)
    begun: int = 0
    told: list[list[Record]] = field(default_factory=list)
    inbox: "deque[tuple[int, bytes]]" = field(default_factory=deque)
    busy: set[int] = field(default_factory=set)
    running: int | None = None
    stalled_until: float = 0.0
    in_round: int = 0
    taken: set[tuple[float, ...]] = field(default_factory=set)
    trials: "itertools.count[int]" = field(default_factory=itertools.count)


class Network:
    """`size` ranks in `world`, with a budget of evaluations."""

    def __init__(self, size: int, budget: int | None, world: World) -> None:
        self.world = world
        self.rng = Random(world.seed)
        self.now = 0.0
        self.messages = 0
        self.bytes = 0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._ties = itertools.count()
        self._arrival: dict[tuple[int, int], float] = {}
        counts = totals(size, world.space) if world.space and world.counted else None
        terms = Terms(budget, bool(world.space), counts, world.per_round > 0)
        form = Format(len(world.space[0]) if world.space else 1, 1, 0)
        members = (Member(rank, size, form, DIGEST, terms) for rank in range(size))
        self.ranks = [Rank(member) for member in members]

    def run(self, most_events: int = 10_000_000) -> None:
        """Run until nothing happens any more."""
        for rank in self.ranks:
            self._at(0.0, lambda rank=rank: self._wake(rank))
        for number, start, seconds in self.world.stalls:
            self._at(start, lambda n=number, s=seconds: self._stall(self.ranks[n], s))
        for number, time in self.world.stops:
            self._at(time, lambda n=number: self._stop(self.ranks[n]))
        for _ in range(most_events):
            if not self._queue:
                return
            self.now, _, event = heapq.heappop(self._queue)
            event()
        raise AssertionError("it goes on for ever")

    def _at(self, time: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (time, next(self._ties), event))

    def _stall(self, rank: Rank, seconds: float) -> None:
        rank.stalled_until = self.now + seconds
        self._at(rank.stalled_until, lambda: self._wake(rank))

    def _stop(self, rank: Rank) -> None:
        rank.member.stop(1)
        self._wake(rank)

    def _wake(self, rank: Rank) -> None:
        if self.now < rank.stalled_until:
            return
        while rank.inbox:
            source, data = rank.inbox.popleft()
            rank.member.receive(source, data)
            self.ranks[source].busy.discard(rank.member.rank)
            self._at(self.now, lambda source=source: self._send(self.ranks[source]))
        self._listen(rank)
        self._act(rank)
        self._send(rank)

    def _listen(self, rank: Rank) -> None:
        news = rank.member.news()
        rank.heard += news.results
        if news.results:
            rank.told.append(news.results)
        rank.taken |= {record.coordinates for record in news.results}

    def _send(self, rank: Rank) -> None:
        if self.now < rank.stalled_until:
            return
        here = rank.member.rank
        free = [n for n in rank.member.neighbours if n not in rank.busy]
        for neighbour, data in rank.member.frames(free, self.world.most_bytes).items():
            rank.busy.add(neighbour)
            self.messages += 1
            self.bytes += len(data)
            arrival = self.now + self.world.latency(self.rng)
            arrival = max(arrival, self._arrival.get((here, neighbour), 0.0))
            self._arrival[here, neighbour] = arrival
            self._at(arrival, lambda n=neighbour, d=data: self._arrive(here, n, d))

    def _arrive(self, source: int, to: int, data: bytes) -> None:
        self.ranks[to].inbox.append((source, data))
        self._wake(self.ranks[to])

    def _act(self, rank: Rank) -> None:
        """Begin an evaluation, ask for what is missing, or finish."""
        member = rank.member
        if rank.running is not None or not member.round_complete:
            return
        if self.world.per_round and rank.in_round >= self.world.per_round:
            self._end_round(rank)
        elif member.spend(1):
            found = self._propose(rank)
            if found is not None:
                self._begin(rank, found)
                return
            member.restore(1)
            self._go_on(rank, member.seek())
        else:
            self._go_on(rank, member.beg())

    def _go_on(self, rank: Rank, hope: bool) -> None:
        if not hope:
            rank.member.finish()
        elif self.world.per_round:
            self._end_round(rank)

    def _end_round(self, rank: Rank) -> None:
        rank.in_round = 0
        rank.member.round()
        self._listen(rank)
        if rank.member.round_complete:
            self._act(rank)

    def _propose(self, rank: Rank) -> tuple[float, ...] | None:
        if not self.world.space:
            return (Random(f"{rank.member.rank} {rank.begun}").random(),)
        taken = rank.taken.union(rank.member.pending_elsewhere.values())
        free = (c for c in self.world.space if c not in taken and rank.member.mine(c))
        return next(free, None)

    def _begin(self, rank: Rank, coordinates: tuple[float, ...]) -> None:
        rank.running = next(rank.trials)
        rank.taken.add(coordinates)
        rank.begun += 1
        rank.member.pending(rank.running, coordinates, self.now)
        seconds = self.world.duration(rank.member.rank, self.rng)
        started = self.now
        self._at(started + seconds, lambda: self._end(rank, coordinates, started))

    def _end(self, rank: Rank, coordinates: tuple[float, ...], started: float) -> None:
        if self.now < rank.stalled_until:
            self._at(rank.stalled_until, lambda: self._end(rank, coordinates, started))
            return
        trial, rank.running = rank.running, None
        assert trial is not None
        if self.rng.random() < self.world.withdraws:
            rank.begun -= 1
            rank.taken.discard(coordinates)
            rank.member.restore(1)
            rank.member.withdrawn(trial)
        else:
            rank.in_round += 1
            rank.evaluated.append(coordinates)
            times = {"started": started, "finished": self.now}
            told = Outcome(trial, coordinates, (sum(coordinates),), (), Status.OK, **times)
            rank.member.result(told)
        self._wake(rank)
