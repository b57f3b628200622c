import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.journal.records import Abandon, Ask, Drop, Observe, Record, Resume, Start, Tell
from hmserve.report.spans import timeline_of
from hmserve.trial import OUTSIDE, Evaluation, Trial

BEGAN = 1_700_000_000.0
START = Start(1, "hmserve", {}, 0, BEGAN, 1, "here")


def ask(at: float, *ids: int) -> Ask:
    return Ask(BEGAN + at, at, [Trial(k, {}) for k in ids], {})


def tell(at: float, *ids: int, pause: float = 0.0, **details: Any) -> Tell:
    evaluations = [Evaluation(Trial(k, {}), {"f": 1.0}, details=details) for k in ids]
    return Tell(BEGAN + at + pause, at, evaluations)


def shown(records: list[Record]) -> list[tuple[int, float, float, int]]:
    timeline = timeline_of([START, *records])
    assert timeline is not None
    return [(s.trial, s.start, s.end, s.lane) for s in timeline.spans]


def measured(worker: Any, started: float, finished: float) -> dict[str, Any]:
    return {"worker": worker, "started": BEGAN + started, "finished": BEGAN + finished}


def test_spans_are_what_the_workers_measured() -> None:
    records = [
        ask(0, 0, 1),
        tell(2, 0, **measured(1, 0.5, 1.75)),
        tell(3, 1, **measured(0, 0.25, 2.5)),
    ]
    assert shown(records) == [(0, 0.5, 1.75, 1), (1, 0.25, 2.5, 0)]


def test_without_workers_spans_are_from_ask_to_tell_on_as_few_lanes_as_hold_them() -> None:
    records = [ask(0, 0, 1), tell(2, 1), ask(3, 2), tell(4, 2), tell(6, 0)]
    assert shown(records) == [(1, 0, 2, 1), (2, 3, 4, 1), (0, 0, 6, 0)]


def test_requests_answered_one_after_the_other_have_no_timeline() -> None:
    batches = [ask(0, 0, 1), tell(1, 0, 1), ask(1.5, 2, 3), tell(2, 2, 3)]
    assert timeline_of([START, *batches]) is None
    assert timeline_of([START]) is None


def test_a_pause_before_a_resume_takes_no_time() -> None:
    records = [
        ask(0, 0, 1),
        tell(2, 0, **measured(0, 0.5, 1.5)),
        Resume(BEGAN + 1000, 2.0, 1, "here"),
        tell(5, 1, pause=998, **measured(0, 1000.5, 1002.5)),
    ]
    assert shown(records) == [(0, 0.5, 1.5, 0), (1, 2.5, 4.5, 0)]
    timeline = timeline_of([START, *records])
    assert timeline is not None
    assert timeline.resumed == [2.0]


def test_trials_of_no_worker_are_where_there_is_room() -> None:
    nobody = {"started": BEGAN + 2, "finished": BEGAN + 3}
    records = [
        ask(0, 0, 1, 2),
        tell(2, 0, **measured(0, 0, 2)),
        tell(4, 1, **measured(1, 0, 4)),
        tell(4, 2, **nobody),
    ]
    assert shown(records)[2] == (2, 2, 3, 0)


def test_what_is_still_out_reaches_to_the_last_record() -> None:
    records = [ask(0, 0, 1), ask(1, 2, 3), tell(2, 0), Drop(0.0, 3, [1]), Abandon(0.0, 4, [2])]
    assert [s[:3] for s in shown(records)] == [(0, 0, 2), (3, 1, 4)]


def test_rows_are_counted_with_those_nobody_asked_for() -> None:
    outside = Observe(BEGAN, 0.0, [Evaluation(Trial(OUTSIDE, {}), {"f": 1.0})] * 3)
    timeline = timeline_of([START, outside, ask(0, 0), tell(1, 0, **measured(0, 0, 1))])
    assert timeline is not None
    assert [span.row for span in timeline.spans] == [3]


@pytest.mark.parametrize(
    "details",
    [
        {"worker": "a", "started": BEGAN, "finished": BEGAN + 1},
        {"worker": -1, "started": BEGAN, "finished": BEGAN + 1},
        {"worker": 10**9, "started": BEGAN, "finished": BEGAN + 1},
        {"worker": 0, "started": BEGAN + 1, "finished": BEGAN},
        {"worker": 0, "started": -1e300, "finished": BEGAN},
    ],
)
def test_odd_details_do_no_harm(details: dict[str, Any]) -> None:
    timeline = timeline_of([START, ask(0, 0), tell(2, 0, **details)])
    assert timeline is not None
    (span,) = timeline.spans
    assert span.lane == 0
    assert 0 <= span.start <= span.end < 10


@pytest.mark.parametrize("started", [math.nan, math.inf, None, "now", True])
def test_times_that_are_none_are_not_measured(started: Any) -> None:
    records = [ask(0, 0), tell(2, 0, worker=3, started=started, finished=BEGAN)]
    timeline = timeline_of([START, *records])
    assert timeline is None or not timeline.measured or started is True


def test_busy_is_the_share_between_the_first_start_and_the_last_end() -> None:
    records = [
        ask(0, 0, 1, 2),
        tell(4, 0, **measured(0, 1, 2)),
        tell(4, 1, **measured(0, 3, 4)),
        tell(5, 2, **measured(1, 1, 5)),
    ]
    timeline = timeline_of([START, *records])
    assert timeline is not None
    assert timeline.busy() == [0.5, 1.0]


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 9), st.none() | st.integers(0, 3)),
        min_size=1,
        max_size=30,
    )
)
def test_trials_of_nobody_never_overlap_on_a_lane(runs: list[tuple[int, int, Any]]) -> None:
    records: list[Record] = [ask(0, *range(len(runs)))]
    for number, (start, length, worker) in enumerate(runs):
        records.append(tell(50, number, **measured(worker, start, start + length)))
    timeline = timeline_of([START, *records])
    assert timeline is not None
    placed = timeline.spans
    for one, (_, _, worker) in zip(placed, runs, strict=True):
        assert one.lane == worker or worker is None
        overlapping = [s for s in placed if s.start < one.end and one.start < s.end]
        if worker is None:
            assert [s for s in overlapping if s.lane == one.lane and s is not one] == []
    assert timeline.lanes == 1 + max(span.lane for span in placed)
