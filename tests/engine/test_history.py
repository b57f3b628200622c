import tracemalloc

import pytest

from hmserve.engine.history import History
from hmserve.errors import UnknownTrialError
from hmserve.space.parameters import Integer, Real
from hmserve.space.space import Space
from hmserve.trial import OUTSIDE, Evaluation, Trial


def history(*values):
    """A history of the integers 0 to 3 in which these are pending, numbered from 0."""
    empty = History(Space([Integer("i", 0, 3)]))
    empty.ask([Trial(k, {"i": value}) for k, value in enumerate(values)])
    return empty


def told(trial, y=1.0):
    return Evaluation(trial, {"y": y})


def outside(value):
    return Evaluation(Trial(OUTSIDE, {"i": value}), {"y": 0.0})


def test_a_trial_is_pending_from_the_ask_to_the_answer():
    known = history(0, 1, 2)
    a, b, c = known.pending
    known.tell([told(b)])
    assert known.pending == (a, c)
    assert known.evaluations == [told(b)]
    assert all(known.has({"i": value}) for value in (0, 1, 2))
    assert not known.has({"i": 3})


def test_results_of_one_call_are_entered_in_the_order_of_the_asks():
    known = history(3, 2, 1)
    a, b, c = known.pending
    known.tell([told(c), told(a)])
    known.tell([told(b)])
    assert known.evaluations == [told(a), told(c), told(b)]


@pytest.mark.parametrize("verb", ["tell", "drop", "abandon"])
@pytest.mark.parametrize("numbers", [[0, 7], [7, 0], [0, 0], [OUTSIDE]])
def test_an_unknown_or_repeated_trial_is_refused_and_changes_nothing(verb, numbers):
    known = history(0, 1)
    before = known.pending
    trials = [Trial(number, {"i": 0}) for number in numbers]
    given = [told(trial) for trial in trials] if verb == "tell" else trials
    with pytest.raises(UnknownTrialError, match="is not pending"):
        getattr(known, verb)(given)
    assert known.pending == before
    assert known.evaluations == []
    assert known.abandoned == []
    assert known.has({"i": 0})


def test_what_is_dropped_was_never_asked_and_what_is_abandoned_was():
    known = history(0, 1)
    dropped, abandoned = known.pending
    known.drop([dropped])
    known.abandon([abandoned])
    assert known.pending == ()
    assert known.abandoned == [abandoned]
    assert not known.has({"i": 0})
    assert known.has({"i": 1})


def test_dropping_one_of_two_trials_of_a_configuration_leaves_the_other():
    known = history(0, 0)
    first, second = known.pending
    known.drop([first])
    assert known.has({"i": 0})
    known.drop([second])
    assert not known.has({"i": 0})


def test_dropping_what_was_observed_too_does_not_make_it_new():
    known = history(0)
    known.observe([outside(0)])
    known.drop(known.pending)
    assert known.has({"i": 0})


def test_a_trial_goes_by_its_number():
    known = history(0, 1)
    known.drop([Trial(0, {"i": 3})])
    assert not known.has({"i": 0})
    assert known.has({"i": 1})


def test_a_finite_space_is_exhausted_when_each_configuration_was_asked_or_observed():
    known = history(0, 1)
    known.observe([outside(2), outside(2.0)])
    assert not known.exhausted
    known.observe([outside(3)])
    assert known.exhausted
    known.abandon(known.pending[:1])
    assert known.exhausted
    known.drop(known.pending)
    assert not known.exhausted


def test_a_space_with_a_real_is_never_exhausted():
    known = History(Space([Real("x", 0.0, 1.0)]))
    known.observe([Evaluation(Trial(OUTSIDE, {"x": k / 9}), {"y": 0.0}) for k in range(10)])
    assert not known.exhausted


@pytest.mark.parametrize("verb", ["tell", "drop", "abandon"])
def test_one_answer_does_not_cost_more_where_many_are_pending(verb):
    known = History(Space([Integer("i", 0, 20_000)]))
    known.ask([Trial(k, {"i": k}) for k in range(20_000)])
    trial = known.pending[0]
    tracemalloc.start()
    getattr(known, verb)([told(trial)] if verb == "tell" else [trial])
    assert known.waiting
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A list of them all would have 160 kB.
    assert peak < 20_000


def test_it_waits_while_any_trial_is_pending():
    known = history(0, 1)
    assert known.waiting
    known.tell([told(trial) for trial in known.pending])
    assert not known.waiting
    assert not history().waiting
