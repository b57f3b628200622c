"""The problems by which a change to the engine is judged, each one run with one seed.

Run as a program it prints the medians: python tests/bench/problems.py [SEEDS [PROBLEM ...]]
"""

import csv
import gzip
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from comparison.problems.tables import kernel_table

import hmserve

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
BRANIN_MINIMUM = 0.39788735772973816

Function = Callable[[Mapping[str, Any]], Any]


def run(scenario: dict[str, Any], function: Function | None, seed: int) -> hmserve.Result:
    """Optimize in a directory of its own."""
    with tempfile.TemporaryDirectory() as directory:
        scenario = {**scenario, "seed": seed, "run_directory": directory}
        return hmserve.optimize(scenario, function, progress=False)


def branin(c: Mapping[str, Any]) -> float:
    x, y = c["x1"], c["x2"]
    valley = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def branin_regret(seed: int) -> float:
    """Return the regret after 10 + 40 evaluations."""
    scenario = {
        "optimization_objectives": ["value"],
        "design_of_experiment": {"number_of_samples": 10},
        "optimization_iterations": 40,
        "input_parameters": {
            "x1": {"parameter_type": "real", "values": [-5, 10]},
            "x2": {"parameter_type": "real", "values": [0, 15]},
        },
    }
    best = run(scenario, branin, seed).best
    assert best is not None
    return best.objectives["value"] - BRANIN_MINIMUM


def kernel_ratio(name: str, seed: int) -> float:
    """Return time found over best time known after 20 + 130 evaluations, many of which fail."""
    levels, times = kernel_table(name)
    scenario = {
        "optimization_objectives": ["time_ms"],
        "design_of_experiment": {"number_of_samples": 20},
        "optimization_iterations": 130,
        "input_parameters": {
            key: {"parameter_type": "ordinal", "values": values}
            for key, values in levels.items()
        },
    }
    result = run(scenario, lambda c: times.get(tuple(c[n] for n in levels)), seed)
    assert result.best is not None
    return result.best.objectives["time_ms"] / min(times.values())


def blackscholes_loss(seed: int) -> float:
    """Return the share of the true front's hypervolume missed after 100 + 100 evaluations."""
    folder = EXAMPLES / "blackscholes"
    scenario = json.loads((folder / "blackscholes.json").read_text())
    table = folder / "exhaustive.csv.gz"
    scenario["hypermapper_mode"]["exhaustive_search_file"] = str(table)
    found = [tuple(e.objectives.values()) for e in run(scenario, None, seed).front]
    with gzip.open(table, "rt", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Valid"] == "true"]
    valid = [(float(row["ALMs"]), float(row["Cycles"])) for row in rows]
    return 1.0 - _hypervolume(found, valid) / _hypervolume(valid, valid)


def _hypervolume(points: list[Any], valid: list[tuple[float, float]]) -> float:
    """Return the area dominated by `points`, objectives scaled to [0, 1] over `valid`."""
    low, high = (tuple(map(f, zip(*valid, strict=True))) for f in (min, max))
    scaled = sorted(tuple((p[k] - low[k]) / (high[k] - low[k]) for k in (0, 1)) for p in points)
    volume, top = 0.0, 1.0
    for x, y in scaled:
        volume += (1 - x) * max(top - y, 0.0)
        top = min(top, y)
    return volume


PROBLEMS: dict[str, tuple[Callable[[int], float], float]] = {
    "branin": (branin_regret, 1e-3),
    "blackscholes": (blackscholes_loss, 0.01),
    "convolution-rtx3090": (lambda seed: kernel_ratio("convolution-rtx3090", seed), 1.02),
    "dedispersion-mi250x": (lambda seed: kernel_ratio("dedispersion-mi250x", seed), 1.02),
    "pnpoly-rtx3090": (lambda seed: kernel_ratio("pnpoly-rtx3090", seed), 1.01),
    "convolution-a100": (lambda seed: kernel_ratio("convolution-a100", seed), 1.15),
}
"""By name: one run with a seed, and what the median of ten may be at most."""


def main() -> None:
    """Print, for each problem, median and worst of the seeds, and the bound."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    print(f"{'problem':<22}{'median':>12}{'worst':>12}{'bound':>8}  ({seeds} seeds)")
    for name in sys.argv[2:] or PROBLEMS:
        function, bound = PROBLEMS[name]
        found = [function(seed) for seed in range(seeds)]
        middle, worst = statistics.median(found), max(found)
        print(f"{name:<22}{middle:>12.4g}{worst:>12.4g}{bound:>8}", flush=True)


if __name__ == "__main__":
    main()
