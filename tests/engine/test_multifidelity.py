"""What is asked where, in what portions; tests/contract has it under any order of calls."""

import subprocess
import sys

import pytest

from hmserve.engine.build import build
from hmserve.engine.multifidelity_build import judge
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, WHOLE, Evaluation, Trial

LEVELS = {"parameter_type": "ordinal", "values": [1, 2, 3, 4, 5]}
REAL = {"parameter_type": "real", "values": [0, 1]}


def scenario(parameter=REAL, **others):
    fidelity = {"name": "epochs", "min": 1, "max": 9, **others.pop("fidelity", {})}
    return Scenario.parse(
        {
            "optimization_objectives": ["y"],
            "input_parameters": {"x": parameter},
            "design_of_experiment": {"number_of_samples": 4},
            "fidelity": fidelity,
            **others,
        }
    )


def told(trials):
    return [Evaluation(trial, {"y": float(trial.configuration["x"])}) for trial in trials]


def rungs(trials):
    return [(trial.stage.bracket, trial.fidelity) for trial in trials]


def test_whole_asks_hold_the_design_then_batches_of_one_rung():
    run = build(scenario(evaluations_per_optimization_iteration=4), 1)
    asked = []
    while not run.finished:
        trials = run.ask(WHOLE)
        asked.append(rungs(trials))
        run.tell(told(trials))
    assert asked[:6] == [
        [(0, 1.0)] * 4,
        [(0, 1.0)] * 4,
        [(0, 1.0)],
        [(0, 3.0)] * 3,
        [(0, 9.0)],
        [(1, 3.0)] * 4,
    ]
    assert sum(map(len, asked)) == run.budget == 22


def test_asked_for_a_number_it_mixes_rungs_and_brackets():
    run = build(scenario(), 1)
    design = run.ask(9)
    assert len(design) == 4
    assert rungs(run.ask(8)) == [(0, 1.0)] * 5 + [(1, 3.0)] * 3
    run.tell(told(run.pending[:9]))
    assert rungs(run.ask(5)) == [(0, 3.0)] * 3 + [(1, 3.0)] * 2


def test_a_promoted_trial_tells_where_it_comes_from():
    run = build(scenario(), 1)
    first = [*run.ask(9), *run.ask(5)]
    run.tell(told(first))
    best = min(first, key=lambda trial: trial.configuration["x"])
    (again,) = run.ask(1)
    assert again.configuration == best.configuration
    assert again.stage == (0, 1, best.id, 1.0)
    assert [trial.stage.root for trial in first] == list(range(9))


def test_what_was_stopped_early_is_not_promoted():
    run = build(scenario(), 1)
    first = [*run.ask(9), *run.ask(5)]
    best = min(first, key=lambda trial: trial.configuration["x"])
    stopped = Trial(best.id, best.configuration, 0.5, best.stage)
    run.tell(told([stopped, *(trial for trial in first if trial is not best)]))
    assert best.id not in [trial.stage.root for trial in run.ask(3)]


def test_without_an_answer_nothing_is_handed_out_once_all_brackets_are_open():
    run = build(scenario(fidelity={"num_iterations": 1}), 1)
    asked = [*run.ask(4), *run.ask(99)]
    assert len(asked) == 9
    assert not run.ask(1)
    assert not run.finished
    run.tell(told(asked))
    assert len(run.ask(9)) == 3


def test_a_space_smaller_than_a_rung_goes_on_with_what_there_is():
    run = build(scenario(LEVELS), 1)
    asked = []
    while not run.finished:
        trials = run.ask(3)
        asked += trials
        run.tell(told(trials))
    assert [trial.fidelity for trial in asked] == [1.0] * 5 + [3.0] * 3 + [9.0]
    assert asked[-1].configuration == {"x": 1}


def test_in_an_exhausted_space_what_is_dropped_is_asked_again():
    run = build(scenario(LEVELS), 1)
    trials = [*run.ask(4), *run.ask(1)]
    assert not run.ask(1)
    run.drop(trials)
    again = [*run.ask(4), *run.ask(1)]
    assert [t.id for t in again] == [5, 6, 7, 8, 9]
    assert sorted(t.configuration["x"] for t in again) == [1, 2, 3, 4, 5]


def test_of_the_design_nothing_is_asked_that_is_known_already():
    run = build(scenario(), 1)
    known = build(scenario(), 1).ask(4)[:2]
    run.observe(Evaluation(Trial(OUTSIDE, t.configuration, 9.0), {"y": 1.0}) for t in known)
    assert len(run.ask(4)) == 2


def test_a_run_without_any_end_but_time_has_no_budget():
    assert build(scenario(time_budget=1), 1).budget == WHOLE
    assert build(scenario(time_budget=1, max_evaluations=30), 1).budget == 30
    assert build(scenario(fidelity={"num_iterations": 2}, time_budget=1), 1).budget == 19


@pytest.mark.parametrize(
    ("g", "feasible", "expected"),
    [
        (0.0, True, ((1.0,), True)),
        (3.0, False, ((), False)),
        (0.0, False, None),
        (None, False, None),
    ],
)
def test_only_what_violates_a_measured_constraint_is_judged_without_being_feasible(
    g, feasible, expected
):
    found = judge(scenario(output_constraints={"g": [-1, 2]}))
    constraints = {} if g is None else {"g": g}
    objectives = {} if g is None else {"y": 1.0}
    outcome = found(Evaluation(Trial(0, {"x": 0.5}), objectives, feasible, constraints))
    assert (outcome and (outcome.values, outcome.feasible)) == expected


def test_the_first_configurations_are_asked_without_numpy():
    document = scenario().document
    code = f"""
import sys
from hmserve.engine.build import build
from hmserve.scenario import Scenario
run = build(Scenario.parse({document!r}), 1)
assert len(run.ask(9)) == 4
assert run.pending[0].fidelity == 1.0
slow = set(sys.modules) & {{"numpy", "scipy", "sklearn", "jsonschema"}}
assert not slow, slow
"""
    subprocess.run([sys.executable, "-c", code], check=True)
