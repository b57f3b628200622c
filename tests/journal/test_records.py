import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.journal.records import (
    Abandon,
    Ask,
    Drop,
    End,
    Expire,
    Observe,
    Report,
    Resume,
    Start,
    Tell,
    from_json,
    to_json,
)
from hmserve.trial import OUTSIDE, Evaluation, Stage, Trial

numbers = st.floats(allow_nan=False, allow_infinity=False)
seconds = st.floats(0, 1e12)
ids = st.integers(0, 2**64)
configurations = st.dictionaries(st.text(), numbers | st.integers() | st.text(), min_size=1)
fidelities = st.none() | numbers
stages = st.none() | st.builds(Stage, ids, st.integers(0, 99), ids, numbers)
trials = st.builds(Trial, ids, configurations, fidelities, stages)
objectives = st.dictionaries(st.text(), numbers, min_size=1)
evaluations = st.lists(
    st.builds(Evaluation, trials, objectives, st.booleans())
    | st.builds(Evaluation, trials, st.just({}), st.just(False))
    | st.builds(Evaluation, st.builds(Trial, st.just(OUTSIDE), configurations), objectives)
).map(tuple)
states = st.dictionaries(st.text(), st.lists(numbers | st.booleans() | st.none() | st.text()))
pids = st.integers(1, 2**22)
records = st.one_of(
    st.builds(Start, st.just(1), st.text(), states, st.integers(), seconds, pids, st.text()),
    st.builds(Resume, seconds, seconds, pids, st.text()),
    st.builds(Ask, seconds, seconds, st.lists(trials).map(tuple), states),
    st.builds(Report, seconds, seconds, ids, numbers, numbers),
    st.builds(Tell, seconds, seconds, evaluations),
    st.builds(Observe, seconds, seconds, evaluations),
    st.builds(Drop, seconds, seconds, st.lists(ids).map(tuple)),
    st.builds(Abandon, seconds, seconds, st.lists(ids).map(tuple)),
    st.builds(Expire, seconds, seconds, st.lists(ids).map(tuple)),
    st.builds(End, seconds, seconds, st.text()),
)


@given(records)
def test_a_record_comes_back_from_json_as_it_was(record):
    assert from_json(json.loads(json.dumps(to_json(record)))) == record


@given(numbers)
def test_a_float_comes_back_to_the_last_bit(value):
    record = Tell(0.0, 0.0, (Evaluation(Trial(0, {"x": value}), {"y": value}),))
    back = from_json(json.loads(json.dumps(to_json(record)))).evaluations[0]
    for number in (back.trial.configuration["x"], back.objectives["y"]):
        assert type(number) is float
        assert math.copysign(1, number) == math.copysign(1, value)
        assert number == value


def test_integers_stay_integers():
    record = Ask(0.0, 0.0, (Trial(3, {"n": 2}),), {})
    back = from_json(json.loads(json.dumps(to_json(record))))
    assert type(back.trials[0].configuration["n"]) is int


def test_an_unknown_type_is_refused_with_the_version():
    with pytest.raises(ValueError, match=r"type 'rumour' is unknown to version 1"):
        from_json({"type": "rumour", "time": 1.0})


@pytest.mark.parametrize("data", [{}, {"type": 3}, {"type": ["end"]}, {"type": None}])
def test_what_has_no_type_is_refused(data):
    with pytest.raises(ValueError, match="unknown to version 1"):
        from_json(data)


def test_a_newer_format_is_refused_with_its_version_and_program(records):
    data = {**to_json(records[0]), "version": 2, "program": "hmserve 9.1"}
    with pytest.raises(ValueError, match=r"version 2 .* hmserve 9\.1.* reads version 1"):
        from_json(data)


def test_a_missing_member_is_named():
    with pytest.raises(ValueError, match="a resume record lacks the member 'pid'"):
        from_json({"type": "resume", "time": 1.0, "elapsed": 0.0, "host": "h"})


@pytest.mark.parametrize(
    "members", [{"trials": 5, "state": {}}, {"trials": [5], "state": {}}, {"trials": None}]
)
def test_a_member_of_another_kind_is_refused(members):
    with pytest.raises(ValueError, match="ask record"):
        from_json({"type": "ask", "time": 1.0, "elapsed": 0.0, "state": {}, **members})


@given(st.dictionaries(st.sampled_from(["worker", "started", "failure"]), numbers, min_size=1))
def test_how_a_trial_was_evaluated_comes_back(details):
    record = Tell(0.0, 0.0, (Evaluation(Trial(0, {"x": 1}), {"y": 1.0}, details=details),))
    back = from_json(json.loads(json.dumps(to_json(record))))
    assert back.evaluations[0].details == details


def test_a_result_of_which_nothing_more_is_known_says_no_more():
    record = Tell(0.0, 0.0, (Evaluation(Trial(0, {"x": 1}), {"y": 1.0}),))
    assert set(to_json(record)["evaluations"][0]) == {
        "id",
        "configuration",
        "objectives",
        "feasible",
    }
