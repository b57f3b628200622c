"""What may be done to a run, by the dialect and by Python alike."""

import pytest

from hmserve.errors import UnknownTrialError, UsageError
from hmserve.journal.jsonl import read
from hmserve.journal.records import End
from hmserve.trial import Evaluation

AT_ONCE = 1e-9
"""A deadline in seconds that everything is past at the next ask."""


@pytest.fixture
def host(open_host, tmp_path):
    host = open_host(tmp_path)
    yield host
    host.run.close()


@pytest.mark.parametrize(
    ("number", "why"),
    [(0, "it was told before"), (1, "it was given back"), (9, "it was never asked")],
)
def test_refusal_says_why_a_trial_does_not_wait(host, number, why) -> None:
    host.say("Ask 3")
    host.say("Tell 1", "trial,Value", "0,1")
    host.say("Drop 1", "trial", "1")
    for again in (False, True):
        _, error = host.say("Tell 1", "trial,Value", f"{number},1")
        assert error == f"Error 1 trial {number} is not pending: {why}"
        with pytest.raises(UnknownTrialError):
            host.dialogue.trial(number)
        if not again:
            host.kill()


def test_inputs_beside_an_id_have_to_be_those_of_the_trial(open_host, tmp_path) -> None:
    real = {"x": {"parameter_type": "real", "values": [0, 1]}}
    host = open_host(tmp_path, input_parameters=real, design_of_experiment={})
    _, _, row = host.say("Ask")
    x = float(row.split(",")[1])
    _, error = host.say("Tell 1", "trial,x,Value", f"0,{x / 2 + 0.4},1")
    assert error == f"Error 1 trial 0 has x = {x}, not {x / 2 + 0.4}"
    assert host.say("Tell 1", "trial,x,Value", f"0,{x:.6g},1") == ["Ok 1 0"]
    assert host.run.rows[0].evaluation.trial.configuration == {"x": x}
    host.run.close()


def test_observation_has_to_keep_the_constraints(open_host, tmp_path) -> None:
    host = open_host(tmp_path, constraints=["x <= 0.5"])
    _, error = host.say("Tell 2", "trial,x,c,Value", ",1,a,1", ",0.5,a,1")
    assert "the constraint 'x <= 0.5' does not hold" in error
    assert [row.evaluation.trial.configuration["x"] for row in host.run.rows] == [0.5]
    with pytest.raises(UsageError):
        host.dialogue.outsider({"x": 1, "c": "a"})
    host.run.close()


def test_results_that_were_told_together_are_a_record_that_is_on_disk(host) -> None:
    host.say("Ask 3")
    host.say("Tell 3", "trial,x,c,Value", "2,,,1", ",1,a,2", "0,,,3")
    records = read(host.scenario.files.journal).records
    assert [type(record).__name__ for record in records] == ["Start", "Ask", "Tell", "Observe"]
    assert [e.trial.id for e in records[2].evaluations] == [2, 0]


def test_what_comes_again_after_a_crash_counts_once(host) -> None:
    twice = ("Tell 2", "trial,x,c,Value", ",1,a,2", ",1,a,2")
    assert host.say(*twice) == ["Ok 2 0"]
    host.kill()
    assert host.say(*twice) == ["Ok 2 0"]
    assert len(host.run.rows) == 2
    host.say(*twice)
    assert len(host.run.rows) == 4


def test_same_observation_after_a_new_ask_is_another(host) -> None:
    once = ("Tell 1", "trial,x,c,Value", ",1,a,2")
    host.say(*once)
    host.kill()
    host.say("Ask")
    host.say(*once)
    assert len(host.run.rows) == 2


def test_what_is_dropped_after_the_end_is_not_asked_again(open_host, tmp_path) -> None:
    host = open_host(tmp_path, trial_deadline=AT_ONCE)
    host.say("Ask 6")
    assert host.say("Ask") == ["End of HyperMapper"]
    assert host.say("Drop 1", "trial", "3") == ["Ok 1 0"]
    assert host.say("Tell 1", "trial,Value", "4,1") == ["Ok 1 0"]
    assert host.say("Ask") == ["End of HyperMapper"]
    host.run.close()


def test_stop_keeps_back_what_was_to_be_handed_out_again(host) -> None:
    host.say("Ask 2")
    host.kill()
    host.say("Stop")
    assert host.say("Ask") == ["End of HyperMapper"]
    host.kill()
    assert host.say("Ask 9")[0] == "Request 2"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([], "left"),
        ([("Ask 2",), ("Stop",)], "stopped"),
        ([("Ask 6",), ("Tell 6", "trial,Value", *(f"{i},1" for i in range(6)))], "done"),
    ],
)
def test_end_in_good_order_is_on_record(host, said, reason) -> None:
    for message in said:
        host.say(*message)
    host.dialogue.end()
    last = read(host.scenario.files.journal).records[-1]
    assert isinstance(last, End)
    assert last.reason == reason


def test_trials_are_asked_up_to_the_number_whatever_the_batch(open_host, tmp_path) -> None:
    host = open_host(
        tmp_path,
        input_parameters={"x": {"parameter_type": "real", "values": [0, 1]}},
        design_of_experiment={"doe_type": "random sampling", "number_of_samples": 2},
        optimization_method="random_search",
        optimization_iterations=4,
    )
    assert host.say("Ask 5")[0] == "Request 5"
    assert host.say("Ask 5")[0] == "Request 1"
    assert host.say("Ask 5") == ["Wait 6"]
    host.run.close()


def test_time_that_is_up_ends_the_asking(open_host, tmp_path) -> None:
    host = open_host(tmp_path, time_budget=1e-9)
    assert host.say("Ask")[0] == "Request 1"
    assert host.say("Ask") == ["Wait 1"]
    host.say("Tell 1", "trial,Value", "0,1")
    assert host.say("Ask") == ["End of HyperMapper"]
    host.run.close()


def test_best_of_several_objectives_is_the_front_as_the_user_sees_it(
    open_host, tmp_path
) -> None:
    objectives = [{"name": "gain", "goal": "maximize"}, "cost"]
    host = open_host(tmp_path, optimization_objectives=objectives)
    host.say("Ask 3")
    host.say("Tell 3", "trial,gain,cost", "0,1,1", "1,3,2", "2,2,5")
    assert host.say("Best")[0] == "Best 2"
    assert [evaluation.objectives for evaluation in host.dialogue.best()] == [
        {"gain": 1.0, "cost": 1.0},
        {"gain": 3.0, "cost": 2.0},
    ]
    assert host.dialogue.status()["front"] == 2
    host.run.close()


def test_dialogue_takes_evaluations_of_its_own_trials(host) -> None:
    (trial,) = host.dialogue.ask(1)
    host.dialogue.take([Evaluation(trial, {"Value": 1.0})])
    assert host.dialogue.pending == ()
    assert not host.dialogue.finished
