"""Minimises the Branin function from Python, one configuration a call."""

import math
from pathlib import Path

import hmserve


def branin(x: dict[str, float]) -> float:
    a = x["x2"] - 5.1 * x["x1"] ** 2 / (4 * math.pi**2) + 5 * x["x1"] / math.pi - 6
    return a**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x["x1"]) + 10


if __name__ == "__main__":
    best = hmserve.optimize(Path(__file__).with_name("branin.json"), branin).best
    assert best is not None
    value, place = best.objectives["Value"], best.trial.configuration
    print(f"{value:.6f} at {place}; the minimum is 0.397887")
