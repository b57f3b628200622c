"""Who evaluated what when: the trials of a journal as spans of time on lanes."""

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hmserve.journal.records import Abandon, Ask, Drop, Observe, Record, Resume, Tell
from hmserve.trial import Evaluation

_MOST: Final = 10_000
"""A worker of a higher number is none."""


@dataclass(frozen=True, slots=True)
class Span:
    """A trial on its way.

    Args:
        trial: Its id.
        row: Which result it has, from 0; None if it is still out.
        start: In seconds since the run began, pauses before a resume not counted.
        end: Likewise; the last record, if it is still out.
        lane: Who has it; -1 where nobody says.
    """

    trial: int
    row: int | None
    start: float
    end: float
    lane: int = -1


@dataclass(frozen=True, slots=True)
class Timeline:
    """The trials of a run.

    Args:
        spans: In the order of their results, then what is still out.
        lanes: How many workers there are, or trials out side by side.
        measured: Whether the workers tell when they were busy; if not, a span is from ask to
            tell.
        resumed: When the run was resumed, in its own seconds.
    """

    spans: Sequence[Span]
    lanes: int
    measured: bool
    resumed: Sequence[float]

    @property
    def limits(self) -> tuple[float, float]:
        """The first start and the last end."""
        return min(s.start for s in self.spans), max(s.end for s in self.spans)

    def busy(self) -> list[float]:
        """Return by lane the share of the time between the limits in which it is busy."""
        low, high = self.limits
        return [_covered(self.on(lane)) / ((high - low) or 1.0) for lane in range(self.lanes)]

    def on(self, lane: int) -> list[Span]:
        """Return the spans of `lane` in the order of time."""
        return sorted((s for s in self.spans if s.lane == lane), key=lambda s: s.start)


def timeline_of(records: Sequence[Record]) -> Timeline | None:
    """Return when the trials in `records`, the `Start` first, were evaluated.

    Spans are what `Evaluation.details` tells; without them they are from ask to tell, on as
    few lanes as hold them side by side. None if nothing was measured and every request was
    answered before the next.
    """
    reader = _Reader(records)
    spans, measured = reader.spans, reader.measured
    if not spans or not (measured or _overtaking(spans)):
        return None
    placed = _placed(spans)
    lanes = max(span.lane for span in placed) + 1
    return Timeline(placed, lanes, measured, reader.resumed)


class _Reader:
    """Reads the spans off the records of a run."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.spans: list[Span] = []
        self.measured = False
        self.resumed: list[float] = []
        self._out: dict[int, float] = {}
        self._rows = 0
        for record in records:
            self._read(record)
        last = max((record.elapsed for record in records), default=0.0)
        self.spans += [
            Span(trial, None, began, max(last, began)) for trial, began in self._out.items()
        ]

    def _read(self, record: Record) -> None:
        match record:
            case Resume():
                self.resumed.append(record.elapsed)
                # What was out when the process ended is given out again.
                self._out = dict.fromkeys(self._out, record.elapsed)
            case Ask():
                self._out.update({trial.id: record.elapsed for trial in record.trials})
            case Tell():
                for evaluation in record.evaluations:
                    self._tell(evaluation, record)
            case Observe():
                self._rows += len(record.evaluations)
            case Drop() | Abandon():
                for trial in record.ids:
                    self._out.pop(trial, None)
            case _:
                pass

    def _tell(self, evaluation: Evaluation, record: Tell) -> None:
        told = record.elapsed
        span = Span(
            evaluation.trial.id, self._rows, self._out.pop(evaluation.trial.id, told), told
        )
        times = _times(evaluation.details)
        if times is not None:
            self.measured = True
            # The clock of the run stands still in a pause; that of the machine does not.
            start, end = (max(told - (record.time - moment), 0.0) for moment in times)
            lane = _lane(evaluation.details.get("worker"))
            span = replace(span, start=start, end=max(start, end), lane=lane)
        self.spans.append(span)
        self._rows += 1


def _times(details: Any) -> tuple[float, float] | None:
    times = details.get("started"), details.get("finished")
    if all(isinstance(t, int | float) and math.isfinite(t) for t in times):
        return times
    return None


def _lane(worker: object) -> int:
    return worker if isinstance(worker, int) and 0 <= worker < _MOST else -1


def _overtaking(spans: Sequence[Span]) -> bool:
    """Whether a trial was asked while another was out."""
    ordered = sorted(spans, key=lambda span: span.start)
    latest = -math.inf
    for first, second in itertools.pairwise(ordered):
        latest = max(latest, first.end)
        if first.start < second.start < latest:
            return True
    return False


def _placed(spans: Sequence[Span]) -> list[Span]:
    """Return `spans` on lanes; those of nobody where there is room, lowest first."""
    taken: dict[int, list[Span]] = {}
    for span in spans:
        if span.lane >= 0:
            taken.setdefault(span.lane, []).append(span)
    lanes = [taken.get(lane, []) for lane in range(max(taken, default=-1) + 1)]
    room = [_Room(lane) for lane in lanes]
    places: dict[int, int] = {}
    for number in sorted(range(len(spans)), key=lambda n: (spans[n].start, spans[n].trial)):
        span = spans[number]
        if span.lane >= 0:
            continue
        lane = next((k for k, r in enumerate(room) if r.holds(span)), len(room))
        if lane == len(room):
            room.append(_Room([]))
        room[lane].take(span)
        places[number] = lane
    return [replace(s, lane=places.get(k, s.lane)) for k, s in enumerate(spans)]


class _Room:
    """What of a lane is not taken.

    Args:
        spans: What has its place there.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        # Apart from each other, so that neighbours are all there is to look at.
        self._taken: list[tuple[float, float]] = []
        for span in sorted(spans, key=lambda span: span.start):
            if self._taken and span.start <= self._taken[-1][1]:
                start, end = self._taken.pop()
                self._taken.append((start, max(end, span.end)))
            else:
                self._taken.append((span.start, span.end))

    def holds(self, span: Span) -> bool:
        """Whether `span` overlaps nothing."""
        place = bisect.bisect_left(self._taken, (span.start, span.end))
        before = self._taken[place - 1][1] if place else -math.inf
        after = self._taken[place][0] if place < len(self._taken) else math.inf
        return before <= span.start and span.end <= after

    def take(self, span: Span) -> None:
        """Let `span`, which overlaps nothing, have its place."""
        bisect.insort(self._taken, (span.start, span.end))


def _covered(spans: Sequence[Span]) -> float:
    """Return how many seconds at least one of `spans`, in the order of time, covers."""
    total, until = 0.0, -math.inf
    for span in spans:
        total += max(span.end - max(span.start, until), 0.0)
        until = max(until, span.end)
    return total
