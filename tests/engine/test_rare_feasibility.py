"""A small feasible region is found and then kept to, however few examples the design has."""

import pytest

from hmserve.engine.build import build
from hmserve.scenario import Scenario
from hmserve.trial import Evaluation

SCENARIO = Scenario.parse(
    {
        "optimization_objectives": ["f1", "f2"],
        "design_of_experiment": {"number_of_samples": 20},
        "optimization_iterations": 50,
        "input_parameters": {
            name: {"parameter_type": "real", "values": [-20, 20], "parameter_default": 0}
            for name in ("x1", "x2")
        },
    }
)


def chakong_haimes(trial):
    """Two objectives; about one configuration in nine is feasible."""
    x, y = trial.configuration["x1"], trial.configuration["x2"]
    if x * x + y * y > 225 or x - 3 * y + 10 > 0:
        return Evaluation(trial, feasible=False)
    return Evaluation(
        trial, {"f1": 2 + (x - 2) ** 2 + (y - 1) ** 2, "f2": 9 * x - (y - 1) ** 2}
    )


@pytest.mark.parametrize("seed", [0, 3])
def test_most_proposals_are_feasible_although_the_design_hardly_was(seed):
    optimizer = build(SCENARIO, seed)
    evaluations = []
    while not optimizer.finished:
        told = [chakong_haimes(trial) for trial in optimizer.ask(20)]
        optimizer.tell(told)
        evaluations += told
    assert sum(e.feasible for e in evaluations[:20]) <= 2, "an easy design shows nothing"
    assert sum(e.feasible for e in evaluations[20:]) >= 20
