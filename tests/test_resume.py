"""What a resumed run asks does not depend on when it was interrupted."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hmserve import AskTell

OUTSIDE = {"x": 1.5, "n": 2}


def cost(configuration: Mapping[str, Any]) -> float:
    return configuration["x"] ** 2 + configuration["n"]


@pytest.fixture
def scenario(tmp_path: Path) -> dict[str, Any]:
    return {
        "optimization_objectives": ["cost"],
        "run_directory": str(tmp_path),
        "seed": 1,
        "design_of_experiment": {
            "doe_type": "standard latin hypercube",
            "number_of_samples": 5,
        },
        "optimization_iterations": 2,
        "input_parameters": {
            "x": {"parameter_type": "real", "values": [-5, 5]},
            "n": {"parameter_type": "integer", "values": [1, 4]},
        },
    }


def finish(run: AskTell, most: int = 100) -> list[Mapping[str, Any]]:
    """Answer at most so many trials; return their configurations."""
    seen: list[Mapping[str, Any]] = []
    while not run.finished and len(seen) < most:
        for trial in run.ask():
            run.tell(trial, cost(trial.configuration))
            seen.append(trial.configuration)
    return seen


def test_an_observation_before_the_first_ask_survives_a_resume(
    scenario: dict[str, Any],
) -> None:
    with AskTell(scenario) as run:
        run.observe(OUTSIDE, cost(OUTSIDE))
        uninterrupted = finish(run)
    with AskTell(scenario) as run:
        run.observe(OUTSIDE, cost(OUTSIDE))
        before = finish(run, 2)
    with AskTell(scenario, resume=True) as run:
        assert before + finish(run) == uninterrupted
    assert len(uninterrupted) == 7


@pytest.mark.parametrize("cut", [0, 1, 3])
def test_a_run_that_began_with_data_is_resumed_with_its_shorter_design(
    scenario: dict[str, Any], tmp_path: Path, cut: int
) -> None:
    data = tmp_path / "data.csv"
    with data.open("w", newline="") as file:
        csv.writer(file).writerows([["x", "n", "cost"], [1.5, 2, 4.25], [0, 3, 3]])
    scenario |= {"resume_optimization": True, "resume_optimization_data": str(data)}
    with AskTell(scenario) as run:
        uninterrupted = finish(run)
    with AskTell(scenario) as run:
        before = finish(run, cut)
    with AskTell(scenario, resume=True) as run:
        assert before + finish(run) == uninterrupted
    assert len(uninterrupted) == 3 + 2
