"""What becomes of a run that has settled in a place that is not the best."""

import math

import pytest

from hmserve.engine.build import build
from hmserve.scenario import Scenario
from hmserve.trial import Evaluation


def branin(x, y):
    a = y - 5.1 * x * x / (4 * math.pi**2) + 5 * x / math.pi - 6
    return a * a + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


SCENARIO = Scenario.parse(
    {
        "optimization_objectives": ["y"],
        "design_of_experiment": {"number_of_samples": 10},
        "optimization_iterations": 40,
        "noise": False,
        "input_parameters": {
            "x1": {"parameter_type": "real", "values": [-5, 10], "parameter_default": 0},
            "x2": {"parameter_type": "real", "values": [0, 15], "parameter_default": 0},
        },
    }
)


# Seeds with which all of the run went on in the local minimum at (10, 3), 1.943.
@pytest.mark.parametrize("seed", [1044, 1091, 1161, 1224])
def test_a_run_that_has_settled_in_a_local_minimum_leaves_it(seed):
    optimizer, values = build(SCENARIO, seed), []
    while not optimizer.finished:
        for trial in optimizer.ask(1):
            values.append(branin(*trial.configuration.values()))
            optimizer.tell([Evaluation(trial, {"y": values[-1]})])
    assert min(values) < 0.41
