import math
import subprocess
import sys

import pytest

from hmserve.engine.build import build
from hmserve.scenario import Scenario
from hmserve.trial import Evaluation

REAL = {"parameter_type": "real", "values": [0, 1]}
ORDINAL = {"parameter_type": "ordinal", "values": [1, 2, 3]}


def scenario(samples=5, **others):
    return Scenario.parse(
        {
            "optimization_objectives": ["y"],
            "input_parameters": {"a": REAL, "b": ORDINAL},
            "design_of_experiment": {"number_of_samples": samples},
            "optimization_iterations": 6,
            **others,
        }
    )


def valley(c):
    return (c["a"] - 0.37) ** 2 * c["b"] + 0.1 * math.sin(20.0 * c["a"])


def run(optimizer):
    """Let it run on a plain function; return the configurations it asked for."""
    asked = []
    while not optimizer.finished:
        trials = optimizer.ask(3)
        asked += [trial.configuration for trial in trials]
        optimizer.tell([Evaluation(t, {"y": valley(t.configuration)}) for t in trials])
    return asked


def test_the_budget_is_the_design_and_the_batches():
    assert build(scenario(), 1).budget == 11
    assert build(scenario(evaluations_per_optimization_iteration=4), 1).budget == 29
    assert build(scenario(0), 1).budget == 6


@pytest.mark.parametrize(("known", "budget"), [(0, 11), (2, 9), (5, 6), (100, 6)])
def test_what_is_known_shortens_the_design_and_nothing_else(known, budget):
    assert build(scenario(), 1, known).budget == budget


def test_a_grid_is_asked_whole_whatever_is_known():
    found = scenario(design_of_experiment={"doe_type": "grid_search"})
    optimizer = build(found, 1, known=3)
    assert optimizer.budget == 30
    assert len(run(optimizer)) == 30


@pytest.mark.parametrize(
    "others",
    [
        {"acquisition_function": "UCB"},
        {"models": {"model": "random_forest", "number_of_trees": 5}},
        {"noise": False},
    ],
)
def test_each_option_has_an_effect_after_the_design(others):
    usual, other = run(build(scenario(), 1)), run(build(scenario(**others), 1))
    assert usual[:5] == other[:5]
    assert usual[5:] != other[5:]


def test_auto_and_the_gaussian_process_are_the_same_here():
    named = scenario(models={"model": "gaussian_process"})
    assert run(build(named, 1)) == run(build(scenario(), 1))


PROGRAM = """
import sys
from hmserve.engine.build import build
from hmserve.scenario import Scenario
from hmserve.trial import Evaluation
optimizer = build(Scenario.parse({{
    "optimization_objectives": ["y"],
    "input_parameters": {{"a": {{"parameter_type": "real", "values": [0, 1]}}}},
    "design_of_experiment": {{"number_of_samples": 3}},
    "models": {{"model": "{model}"}},
}}), 1)
trials = optimizer.ask(3)
assert not {{"numpy", "scipy", "sklearn"}} & set(sys.modules), "before the design"
optimizer.tell([Evaluation(t, {{"y": t.configuration["a"]}}) for t in trials])
assert len(optimizer.ask(1)) == 1
print("sklearn" in sys.modules)
"""


@pytest.mark.parametrize(("model", "needs"), [("auto", "False"), ("random_forest", "True")])
def test_libraries_are_imported_when_they_are_needed(model, needs):
    program = PROGRAM.format(model=model)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.strip() == needs


def test_only_the_shares_of_the_weights_of_objectives_matter():
    several = {"optimization_objectives": ["y", "z"], "optimization_method": "local_search"}
    asked = []
    for weights in ([3, 1], [1.5e308, 0.5e308], [3e-308, 1e-308]):
        found = scenario(**several, local_search_scalarization_weights=weights)
        optimizer, trials = build(found, 1), []
        while not optimizer.finished:
            trials += optimizer.ask(1)
            c = trials[-1].configuration
            optimizer.tell([Evaluation(trials[-1], {"y": valley(c), "z": -c["a"]})])
        asked.append(trials)
    assert asked[0] == asked[1] == asked[2]
