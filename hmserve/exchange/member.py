"""One rank among the others: what it says, what it hears, and when all has been said."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from hmserve.exchange.buckets import Buckets
from hmserve.exchange.knowledge import Knowledge, News, Terms
from hmserve.exchange.records import ALL, Format, Kind, Record, Status, frame, unframe
from hmserve.exchange.relay import Relay
from hmserve.exchange.rounds import Rounds

_ASKS: Final = (Kind.BEG, Kind.SEEK)
_UNBOUND: Final = Terms()
_ANSWERS: Final = (Kind.GIVE, Kind.CEDE)


class Outcome(NamedTuple):
    """What came of a trial of this rank; the fields are those of a `Record`."""

    trial: int
    coordinates: tuple[float, ...]
    objectives: tuple[float, ...] = ()
    constraints: tuple[float, ...] = ()
    status: Status = Status.OK
    fidelity: float = math.nan
    started: float = math.nan
    finished: float = math.nan


class Member:
    """One rank. It never waits, and knows neither the time nor how messages travel.

    A trial is to be announced with `pending` as soon as it has been chosen: before this rank
    hears anything else. Then nobody is given the bucket it lies in without hearing of it.

    Args:
        rank: This one.
        size: How many ranks there are.
        form: The layout of the records.
        digest: 8 bytes that tell this run from any other.
        terms: What all ranks have agreed on.
    """

    def __init__(
        self, rank: int, size: int, form: Format, digest: bytes, terms: Terms = _UNBOUND
    ) -> None:
        self.rank = rank
        self.size = size
        self._form = form
        self._digest = digest
        self._relay = Relay(rank, size)
        self._rounds = Rounds(size) if terms.synchronous else None
        self._knowledge = Knowledge(rank, size, terms)
        self._questions = 0
        self._all_told = 0
        self._finished = False
        self._rounds_over = 0
        self._looked_at = -1
        self.stop_heard: int | None = None
        """The reason of the first STOP heard, as soon as it was."""

    # --- What this rank says.

    def pending(
        self,
        trial: int,
        coordinates: tuple[float, ...],
        started: float = math.nan,
        fidelity: float = math.nan,
    ) -> None:
        """Say that `trial` is being evaluated; its permit was taken with `spend`."""
        told = {"coordinates": coordinates, "started": started, "fidelity": fidelity}
        self._say(Kind.PENDING, trial=trial, **told)

    def result(self, outcome: Outcome) -> Record:
        """Say what came of a trial; return the record, which says its number."""
        return self._say(Kind.RESULT, **outcome._asdict())

    def withdrawn(self, trial: int) -> None:
        """Say that `trial`, which was pending, will have no result.

        Its permit stays spent, unless `restore` has put it back before.
        """
        self._say(Kind.WITHDRAWN, trial=trial)

    def stop(self, reason: int) -> None:
        """Say that nobody is to begin anything any more."""
        if self.stop_heard is None:
            self._say(Kind.STOP, amount=reason)

    def round(self) -> None:
        """Say that this rank's round is over: nothing is said before `round_complete`."""
        assert self._rounds is not None
        self._rounds_over += 1
        self._say(Kind.ROUND, turn=self._rounds_over)

    def finish(self) -> None:
        """Say that this rank has told all its results and begins nothing any more.

        Not while `beg` or `seek` say that something may come, unless there was a STOP: what
        is given to a rank that has finished is lost. It still answers and passes on what others
        say until all is `complete`.
        """
        if not self._finished:
            self._finished = True
            self._say(Kind.DONE)

    # --- What this rank may do.

    @property
    def stopped(self) -> int | None:
        """The reason of the first STOP that counts; in synchronous mode at a round's end."""
        return self._knowledge.stopped

    @property
    def left(self) -> int:
        """How many permits this rank holds; `UNLIMITED` without a budget."""
        return self._knowledge.permits.left

    def spend(self, n: int) -> int:
        """Take up to `n` permits; return how many evaluations may begin.

        None after a STOP or `finish`, or while a round of this rank is not complete.
        """
        if self._over or not self.round_complete:
            return 0
        return self._knowledge.permits.spend(n)

    def restore(self, n: int) -> None:
        """Put back `n` permits of evaluations that did not begin, or will have no result."""
        self._knowledge.permits.restore(n)

    def beg(self) -> bool:
        """Ask for permits if there are none here; return whether some may come or are here.

        Call again on news. In synchronous mode they come with the end of a round.
        """
        permits = self._knowledge.permits
        if self._over:
            return False
        if permits.left or Kind.BEG in self._knowledge.asking:
            return True
        if self._rounds is not None:
            return permits.anywhere()
        target = permits.target()
        if target is not None:
            self._ask(Kind.BEG, target)
        return target is not None

    def mine(self, coordinates: Sequence[float]) -> bool:
        """Whether this rank may propose the configuration; not whether it is free."""
        buckets = self._knowledge.buckets
        return buckets is None or buckets.mine(coordinates)

    def bucket(self, coordinates: Sequence[float]) -> int:
        """Return the bucket of a configuration of a finite space."""
        assert self._knowledge.buckets is not None
        return self._knowledge.buckets.of(coordinates)

    @property
    def held(self) -> list[bool]:
        """By bucket, whether this rank may propose what is in it."""
        assert self._knowledge.buckets is not None
        return self._knowledge.buckets.held

    def known(self, coordinates: Sequence[float]) -> None:
        """Note that a configuration was evaluated before this run; all ranks note the same."""
        if self._knowledge.buckets is not None:
            self._knowledge.buckets.take(coordinates)

    def seek(self) -> bool:
        """Say that nothing is free in this rank's buckets; return whether that may change.

        Asks for some if anyone can spare any; else wait for news and call again. In synchronous
        mode they come with the end of a round.
        """
        buckets = self._knowledge.buckets
        if buckets is None or self._over:
            return False
        if Kind.SEEK in self._knowledge.asking or buckets.unclear or not self.round_complete:
            return True
        if self._rounds is not None:
            self._ask(Kind.SEEK, ALL)
            return bool(buckets.free_elsewhere)
        surprising = buckets.exhaust(self.rank)
        if self._looked_at != self._knowledge.version or surprising:
            self._look_for_buckets(buckets, surprising)
        return buckets.free_elsewhere > 0

    # --- What goes to and comes from the other ranks.

    @property
    def neighbours(self) -> tuple[int, ...]:
        """Whom this rank sends to."""
        return self._relay.neighbours

    @property
    def sources(self) -> tuple[int, ...]:
        """Who sends to this rank."""
        return self._relay.sources

    def receive(self, source: int, data: bytes) -> None:
        """Take in a message.

        Args:
            source: The rank that sent it.
            data: One message, whole.

        Raises:
            ExchangeError: It is none of this run, or something was lost on the way.
        """
        for payload in self._relay.receive(source, unframe(self._digest, data)):
            self._hear(self._form.unpack(payload))

    def frames(self, free: Iterable[int], most_bytes: int) -> dict[int, bytes]:
        """Return the messages to be sent now.

        Args:
            free: The neighbours that have taken the last message to them.
            most_bytes: About how long a message may be; at least one record goes.
        """
        ready = set(self._relay.ready)
        taken = {n: self._relay.take(n, most_bytes) for n in free if n in ready}
        return {n: frame(self._digest, payloads) for n, payloads in taken.items()}

    def news(self) -> News:
        """Return what was heard since the last call."""
        news, self._knowledge.news = self._knowledge.news, News()
        return news

    @property
    def pending_elsewhere(self) -> Mapping[tuple[int, int], tuple[float, ...]]:
        """The coordinates of what other ranks are evaluating now, by (origin, trial); live."""
        return self._knowledge.running

    @property
    def round_complete(self) -> bool:
        """Whether everyone has ended the rounds that this rank has ended."""
        return self._rounds is None or self._rounds.released >= self._rounds_over

    @property
    def counts(self) -> Sequence[int]:
        """How many records of each origin were heard or said."""
        return self._relay.counts

    @property
    def waiting(self) -> int:
        """How many records are yet to be sent, each counted once a neighbour."""
        return self._relay.waiting

    @property
    def complete(self) -> bool:
        """Whether all ranks are done, every question is answered, and nothing is to be sent.

        Then nothing will ever come; messages that were returned by `frames` must still arrive.
        """
        all_told = self._all_told == self.size
        return all_told and not self._questions and not self._relay.waiting

    # --- How a record is said and heard.

    @property
    def _over(self) -> bool:
        return self._finished or self.stopped is not None

    def _say(self, kind: Kind, **fields: Any) -> Record:
        number, left = self._relay.counts[self.rank], self._knowledge.permits.left
        record = Record(self.rank, number, kind, left=left, **fields)
        self._relay.publish(self._form.pack(record))
        self._hear(record)
        return record

    def _look_for_buckets(self, buckets: Buckets, surprising: bool) -> None:
        target = buckets.target(self._knowledge.generous())
        if target is not None:
            self._ask(Kind.SEEK, target)
        elif surprising:
            # Who waits for what is here must know that there is nothing.
            self._say(Kind.SEEK)
        self._looked_at = self._knowledge.version

    def _ask(self, kind: Kind, target: int) -> None:
        self._knowledge.asking.add(kind)
        self._say(kind, to=target)

    def _hear(self, record: Record) -> None:
        """Take note of a record, of this rank or another one."""
        if record.to != ALL:
            self._questions += (record.kind in _ASKS) - (record.kind in _ANSWERS)
        self._all_told += record.kind == Kind.DONE
        if record.kind == Kind.STOP and self.stop_heard is None:
            self.stop_heard = record.amount
        if self._rounds is None:
            self._apply(record)
            return
        self._rounds.hear(record)
        while released := self._rounds.release():
            for one in released:
                self._apply(one)
            self._knowledge.end_round()

    def _apply(self, record: Record) -> None:
        answer = self._knowledge.apply(record)
        if answer is not None:
            self._say(answer.kind, **answer.fields)
