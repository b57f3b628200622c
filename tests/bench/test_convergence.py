"""How much better than random search: median regret of ten seeds at equal numbers of trials."""

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from hmserve.engine.build import build
from hmserve.scenario import Scenario
from hmserve.trial import Evaluation

Function = Callable[[Mapping[str, Any]], float | None]
SEEDS = range(10)


@dataclass(frozen=True)
class Problem:
    """A function, None where it fails, with its minimum and what is asked of a median regret.

    Args:
        regret: At most this.
        factor: And this many times smaller than that of random search.
    """

    function: Function
    parameters: dict[str, Any]
    minimum: float
    iterations: int
    regret: float
    factor: float


def real(low: float, high: float) -> dict[str, Any]:
    return {"parameter_type": "real", "values": [low, high]}


def branin(c: Mapping[str, Any]) -> float:
    x, y = c["x"], c["y"]
    valley = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


HARTMANN = [
    (1.0, [10, 3, 17, 3.5, 1.7, 8], [1312, 1696, 5569, 124, 8283, 5886]),
    (1.2, [0.05, 10, 17, 0.1, 8, 14], [2329, 4135, 8307, 3736, 1004, 9991]),
    (3.0, [3, 3.5, 1.7, 10, 17, 8], [2348, 1451, 3522, 2883, 3047, 6650]),
    (3.2, [17, 8, 0.05, 10, 0.1, 14], [4047, 8828, 8732, 5743, 1091, 381]),
]


def hartmann(c: Mapping[str, Any]) -> float:
    total = 0.0
    for height, widths, centre in HARTMANN:
        away = zip(widths, c.values(), centre, strict=True)
        total -= height * math.exp(-sum(w * (x - m / 1e4) ** 2 for w, x, m in away))
    return total


def mixed(c: Mapping[str, Any]) -> float:
    """A valley that lies elsewhere for every label, with a term for each kind of number."""
    place, height = {"a": (0.2, 0.0), "b": (0.5, 0.3), "c": (0.8, 0.2), "d": (0.4, 0.6)}[
        c["label"]
    ]
    steps = math.log2(c["size"]) - 4.0
    return (
        4.0 * (c["x"] - place) ** 2
        + (c["y"] - c["x"]) ** 2
        + 0.02 * (c["count"] - 17) ** 2
        + 0.1 * steps * steps
        + height
    )


def disc(c: Mapping[str, Any]) -> float | None:
    """Branin where it works: inside a circle (Gelbart et al. 2014)."""
    return branin(c) if (c["x"] - 2.5) ** 2 + (c["y"] - 7.5) ** 2 <= 50 else None


def wall(c: Mapping[str, Any]) -> float | None:
    """A bowl whose lowest point that works lies on the edge of what fails."""
    away = [x - 0.2 for x in c.values()]
    return sum(x * x for x in away) if sum(away) >= 0.9 else None


PROBLEMS = {
    "branin": Problem(
        branin, {"x": real(-5, 10), "y": real(0, 15)}, 0.39788735772973816, 40, 1e-3, 500.0
    ),
    "hartmann": Problem(
        hartmann, {f"x{k}": real(0, 1) for k in range(6)}, -3.322368011391339, 50, 0.05, 20.0
    ),
    "mixed": Problem(
        mixed,
        {
            "x": real(0, 1),
            "y": real(0, 1),
            "count": {"parameter_type": "integer", "values": [0, 40]},
            "size": {"parameter_type": "ordinal", "values": [2**k for k in range(9)]},
            "label": {"parameter_type": "categorical", "values": ["a", "b", "c", "d"]},
        },
        0.0,
        40,
        0.01,
        50.0,
    ),
    "disc": Problem(
        disc, {"x": real(-5, 10), "y": real(0, 15)}, 0.39788735772973816, 40, 1e-3, 500.0
    ),
    "wall": Problem(wall, {f"x{k}": real(0, 1) for k in range(3)}, 0.27, 40, 0.01, 15.0),
}


def tune(problem: Problem, seed: int) -> float:
    scenario = Scenario.parse(
        {
            "optimization_objectives": ["value"],
            "input_parameters": problem.parameters,
            "design_of_experiment": {"number_of_samples": 10},
            "optimization_iterations": problem.iterations,
        }
    )
    optimizer, best = build(scenario, seed), math.inf
    while not optimizer.finished:
        for trial in optimizer.ask(1):
            value = problem.function(trial.configuration)
            best = min(best, math.inf if value is None else value)
            objectives = {} if value is None else {"value": value}
            optimizer.tell([Evaluation(trial, objectives, feasible=value is not None)])
    return best - problem.minimum


def draw(problem: Problem, seed: int) -> float:
    space = Scenario.parse(
        {"optimization_objectives": ["value"], "input_parameters": problem.parameters}
    ).space
    rng = Random(f"random search/{seed}")
    drawn = (
        problem.function(space.draw([rng.random() for _ in space.names]))
        for _ in range(10 + problem.iterations)
    )
    return min(value for value in drawn if value is not None) - problem.minimum


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_median_regret_is_far_below_that_of_random_search(name: str) -> None:
    problem = PROBLEMS[name]
    found = statistics.median(tune(problem, seed) for seed in SEEDS)
    random = statistics.median(draw(problem, seed) for seed in SEEDS)
    assert found < problem.regret
    assert found * problem.factor < random
