"""What one rank knows of all of them: what each record changes, and how it is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from hmserve.exchange.buckets import Buckets, Parcel
from hmserve.exchange.permits import Permits
from hmserve.exchange.records import Kind, Record


@dataclass(frozen=True)
class Terms:
    """What all ranks have agreed on; the same on each.

    Args:
        budget: How many evaluations all ranks together may begin; None for no limit.
        finite: Whether nothing is to be evaluated twice, because the space is finite.
        totals: How many configurations each bucket holds (`hmserve.exchange.buckets.totals`);
            None if they are too many to be counted, or the space is not finite.
        synchronous: Whether ranks hear of each other only at the end of a round.
    """

    budget: int | None = None
    finite: bool = False
    totals: Sequence[int] | None = None
    synchronous: bool = False


@dataclass
class News:
    """What was heard since the last look.

    Args:
        results: Of other ranks, those of one origin in order; in synchronous mode whole
            rounds, in the order of origin and sequence.
        pending: Trials that other ranks have begun.
        withdrawn: Trials of other ranks, as (origin, trial), that will have no result.
        permits: How many were given to this rank.
        buckets: How many were given to this rank, that it may use now.
    """

    results: list[Record] = field(default_factory=list)
    pending: list[Record] = field(default_factory=list)
    withdrawn: list[tuple[int, int]] = field(default_factory=list)
    permits: int = 0
    buckets: int = 0


class Answer(NamedTuple):
    """What a rank has to say to a record that it heard."""

    kind: Kind
    fields: Mapping[str, Any]


class Knowledge:
    """The state that records change.

    Args:
        rank: This one.
        size: How many ranks there are.
        terms: What all ranks have agreed on.
    """

    def __init__(self, rank: int, size: int, terms: Terms) -> None:
        self.permits = Permits(rank, size, terms.budget)
        self.buckets = Buckets(rank, size, terms.totals) if terms.finite else None
        self.running: dict[tuple[int, int], tuple[float, ...]] = {}
        """The coordinates of what other ranks evaluate, by (origin, trial)."""
        self.news = News()
        self.asking: set[Kind] = set()
        """Which questions of this rank have no answer yet."""
        self.stopped: int | None = None
        """The reason of the first STOP."""
        self.done: set[int] = set()
        """Who has told everything."""
        self.version = 0
        """Changes with all that is heard."""
        self._rank = rank
        self._size = size
        self._synchronous = terms.synchronous
        self._mine: dict[int, tuple[float, ...]] = {}

    def apply(self, record: Record) -> Answer | None:
        """Take note of a record, of this rank or another one; return what it is to answer."""
        self.version += 1
        ran_out = record.left == 0 != self.permits.known(record.origin)
        self.permits.heard(record.origin, record.left)
        if ran_out and self.buckets is not None:
            self.buckets.relent(record.origin)
        return _APPLY[record.kind](self, record)

    def end_round(self) -> None:
        """Share permits and buckets evenly, as all ranks do who know the same."""
        self.asking.clear()
        active = [rank for rank in range(self._size) if rank not in self.done]
        self.news.permits += self.permits.level(active)
        if self.buckets is not None:
            self.news.buckets += self.buckets.deal(active)

    def generous(self) -> list[int]:
        """Return who needs its own buckets no more, as far as is known."""
        return [r for r in range(self._size) if self.permits.known(r) == 0 or r in self.done]

    def _result(self, record: Record) -> None:
        if self.buckets is not None:
            self.buckets.take(record.coordinates)
        if record.origin == self._rank:
            self._mine.pop(record.trial, None)
        else:
            self.running.pop((record.origin, record.trial), None)
            self.news.results.append(record)

    def _pending(self, record: Record) -> None:
        if self.buckets is not None:
            self.buckets.take(record.coordinates)
        if record.origin == self._rank:
            self._mine[record.trial] = record.coordinates
        else:
            self.running[record.origin, record.trial] = record.coordinates
            self.news.pending.append(record)

    def _withdrawn(self, record: Record) -> None:
        if record.origin == self._rank:
            coordinates = self._mine.pop(record.trial, None)
        else:
            coordinates = self.running.pop((record.origin, record.trial), None)
            self.news.withdrawn.append((record.origin, record.trial))
        if self.buckets is not None and coordinates is not None:
            self.buckets.release(coordinates)

    def _beg(self, record: Record) -> Answer | None:
        self.permits.asked(record.to, 1)
        if record.to != self._rank:
            return None
        return Answer(Kind.GIVE, {"to": record.origin, "amount": self.permits.give()})

    def _give(self, record: Record) -> None:
        self.permits.asked(record.origin, -1)
        self.permits.given(record.to, record.amount)
        if record.to == self._rank:
            self.asking.discard(Kind.BEG)
            self.news.permits += record.amount

    def _seek(self, record: Record) -> Answer | None:
        if self.buckets is None:
            return None
        if self._synchronous:
            self.buckets.exhaust(record.origin)
            return None
        self.buckets.sought(record.origin, record.to)
        if record.to != self._rank:
            return None
        everything = self.permits.left == 0 or self._rank in self.done
        parcel = self.buckets.give(record.origin, everything)
        if parcel is None:
            said = {"turn": self.buckets.free_count(self._rank)}
        else:
            said = {"trial": parcel.group, "amount": parcel.mask, "turn": parcel.turn}
        return Answer(Kind.CEDE, {"to": record.origin, **said})

    def _cede(self, record: Record) -> None:
        if self.buckets is None:
            return
        r = record
        parcel = Parcel(r.origin, r.to, r.trial, r.amount, r.turn)
        self.news.buckets += self.buckets.handed(parcel)
        if r.to == self._rank:
            self.asking.discard(Kind.SEEK)

    def _stop(self, record: Record) -> None:
        if self.stopped is None:
            self.stopped = record.amount

    def _done(self, record: Record) -> None:
        self.done.add(record.origin)
        if self.buckets is not None:
            self.buckets.relent(record.origin)

    def _round(self, record: Record) -> None:
        """Nothing more: `Rounds` has counted it."""


_APPLY: Final = {
    Kind.RESULT: Knowledge._result,
    Kind.PENDING: Knowledge._pending,
    Kind.WITHDRAWN: Knowledge._withdrawn,
    Kind.BEG: Knowledge._beg,
    Kind.GIVE: Knowledge._give,
    Kind.SEEK: Knowledge._seek,
    Kind.CEDE: Knowledge._cede,
    Kind.ROUND: Knowledge._round,
    Kind.STOP: Knowledge._stop,
    Kind.DONE: Knowledge._done,
}
