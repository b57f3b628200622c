import pytest

from hmserve.errors import JournalError, UnknownTrialError
from hmserve.journal.ledger import Ledger, replay
from hmserve.journal.records import Abandon, Ask, Drop, End, Expire, Report, Resume, Start, Tell
from hmserve.trial import Evaluation, Trial

FIRST = Start(1, "hmserve 0.0", {}, 7, 1.0, 1, "h")


class Listener:
    """Writes down the calls it gets, as an optimizer would hear them."""

    def __init__(self):
        self.calls = []

    def replay(self, trials, state):
        self.calls.append(("replay", list(trials), state))

    def tell(self, evaluations):
        self.calls.append(("tell", list(evaluations)))

    def observe(self, evaluations):
        self.calls.append(("observe", list(evaluations)))

    def drop(self, trials):
        self.calls.append(("drop", list(trials)))

    def abandon(self, trials):
        self.calls.append(("abandon", list(trials)))

    def expire(self, trials):
        self.calls.append(("expire", list(trials)))


def trial(number):
    return Trial(number, {"x": float(number)})


def ask(*numbers):
    return Ask(2.0, 1.0, [trial(number) for number in numbers], {})


def tell(*numbers):
    return Tell(3.0, 2.0, [Evaluation(trial(number), {"y": 0.0}) for number in numbers])


def test_rows_are_in_the_order_they_came_with_their_times(records):
    ledger = Ledger.of(records)
    assert [row.evaluation.trial.id for row in ledger.rows] == [1, 0, -1, 2]
    assert [row.asked for row in ledger.rows] == [True, True, False, True]
    assert [row.elapsed for row in ledger.rows] == [1.25, 1.25, 1.75, 4.25]
    assert ledger.rows[2].time == 1_700_000_002.0
    assert ledger.rows[0].evaluation == records[2].evaluations[0]


def test_counts_and_clock(records):
    ledger = Ledger.of(records)
    assert (ledger.asked, ledger.dropped, ledger.abandoned) == (5, 1, 1)
    assert ledger.elapsed == 6.25
    assert ledger.start is records[0]
    assert ledger.end is records[-1]


def test_a_run_that_goes_on_has_not_ended(records):
    resumed = Ledger.of([*records, Resume(9.0, 6.25, 1, "h")])
    assert resumed.end is None


def test_pending_trials_are_those_without_an_answer_in_the_order_of_the_asks(records):
    assert [[t.id for t in Ledger.of(records[:n]).pending] for n in range(1, 10)] == [
        [],
        [0, 1, 2, 3],
        [2, 3],
        [2, 3],
        [2],
        [2, 4],
        [2, 4],
        [4],
        [],
    ]


def test_a_dropped_trial_may_be_asked_again():
    ledger = Ledger.of([FIRST, ask(0, 1), Drop(2.0, 1.0, [1]), ask(1), tell(1)])
    assert [t.id for t in ledger.pending] == [0]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (tell(0, 5), "trial 5 is not pending"),
        (tell(2), "trial 2 is not pending"),
        (tell(0, 0), "names a trial twice"),
        (Drop(1.0, 1.0, [9]), "trial 9 is not pending"),
        (Abandon(1.0, 1.0, [1, 1]), "names a trial twice"),
        (ask(3, 0), r"asks for trials that are pending: \[0\]"),
        (ask(3, 3), "asks for trials that are pending"),
        (FIRST, "a second start"),
    ],
)
def test_a_record_that_cannot_follow_changes_nothing(record, message):
    ledger = Ledger.of([FIRST, ask(0, 1, 2), tell(2)])
    with pytest.raises(ValueError, match=message):
        ledger.apply(record)
    assert [t.id for t in ledger.pending] == [0, 1]
    assert (len(ledger.rows), ledger.asked, ledger.dropped, ledger.abandoned) == (1, 3, 0, 0)
    assert ledger.elapsed == 2.0


def test_a_journal_that_contradicts_itself_is_refused_with_the_line():
    with pytest.raises(JournalError, match=r"line 3 .*trial 7 is not pending.*hmserve 0\.0"):
        Ledger.of([FIRST, ask(0), tell(7)])


@pytest.mark.parametrize("records", [[], [End(1.0, 1.0, "")]])
def test_a_journal_without_a_start_is_refused(records):
    with pytest.raises(JournalError, match="does not begin with the start"):
        Ledger.of(records)


def test_an_optimizer_hears_the_calls_of_the_run_in_their_order(records):
    optimizer = Listener()
    ledger = replay(records, optimizer)
    assert optimizer.calls == [
        ("replay", list(records[1].trials), {}),
        ("tell", list(records[2].evaluations)),
        ("observe", list(records[3].evaluations)),
        ("drop", [records[1].trials[3]]),
        ("replay", list(records[5].trials), {"length scales": [0.1, 1e300]}),
        ("tell", list(records[7].evaluations)),
        ("abandon", [records[5].trials[0]]),
    ]
    assert ledger.rows == Ledger.of(records).rows


@pytest.mark.parametrize("error", [ValueError("not the next one"), UnknownTrialError("3")])
def test_an_optimizer_that_objects_is_reported_with_the_line(error):
    class Objector(Listener):
        def tell(self, _):
            raise error

    with pytest.raises(JournalError, match=rf"line 3 .*{error}"):
        replay([FIRST, ask(0), tell(0)], Objector())


def test_a_report_is_of_a_trial_that_waits_and_changes_nothing_else():
    listener = Listener()
    records = [FIRST, ask(0, 1), Report(2.0, 1.5, 1, 3.0, 0.5), tell(0)]
    ledger = replay(records, listener)
    assert [name for name, _ in listener.calls[1:]] == ["tell"]
    assert [t.id for t in ledger.pending] == [1]
    with pytest.raises(ValueError, match="trial 0 is not pending"):
        ledger.apply(Report(4.0, 3.0, 0, 3.0, 0.5))


def test_an_expired_trial_is_not_awaited_and_can_still_be_told_once():
    records = [FIRST, ask(0, 1, 2), Expire(2.0, 1.5, [0, 2])]
    ledger = Ledger.of(records)
    assert [t.id for t in ledger.pending] == [1]
    listener = Listener()
    ledger = replay([*records, tell(0)], listener)
    assert listener.calls[1:] == [
        ("expire", [trial(0), trial(2)]),
        ("tell", tell(0).evaluations),
    ]
    assert [row.evaluation.trial.id for row in ledger.rows] == [0]
    with pytest.raises(ValueError, match="trial 0 is not pending"):
        ledger.apply(tell(0))
    with pytest.raises(ValueError, match="trial 2 has expired before"):
        ledger.apply(Expire(4.0, 3.0, [1, 2]))
    assert [t.id for t in ledger.pending] == [1]
