"""Minimises the Branin function from Python, four configurations a call."""

import json
from pathlib import Path

import numpy as np

import hmserve


def branin(x: dict[str, list[float]]) -> list[float]:
    x1, x2 = np.array(x["x1"]), np.array(x["x2"])
    a = x2 - 5.1 * x1**2 / (4 * np.pi**2) + 5 * x1 / np.pi - 6
    values = a**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x1) + 10
    return list(values)


if __name__ == "__main__":
    scenario = json.loads(Path(__file__).with_name("branin.json").read_text())
    scenario |= {"evaluations_per_optimization_iteration": 4, "optimization_iterations": 10}
    best = hmserve.optimize(scenario, branin).best
    assert best is not None
    value, place = best.objectives["Value"], best.trial.configuration
    print(f"{value:.6f} at {place}; the minimum is 0.397887")
