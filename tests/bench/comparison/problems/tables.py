"""Recorded measurements: GPU kernels and an FPGA design, every configuration looked up.

Kernels: benchmark_hub (Schoonhoven et al. 2022; Torring et al. 2023), MIT. BlackScholes: the
example of HyperMapper (Nardi et al. 2019), MIT. See the NOTICE beside each file.
"""

import csv
import gzip
import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from comparison.problem import Configuration, Outcome, Problem
from comparison.problems.hypervolume import hypervolume, missed_hypervolume
from comparison.problems.spaces import ordinal, relative_regret

BENCH = Path(__file__).parents[2]
EXAMPLES = BENCH.parents[1] / "examples"
KERNELS = {
    "convolution-rtx3090": EXAMPLES / "kernels",
    "convolution-a100": BENCH / "data",
    "dedispersion-mi250x": BENCH / "data",
    "pnpoly-rtx3090": BENCH / "data",
}

Times = dict[tuple[int, ...], float]


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


@cache
def kernel_table(name: str) -> tuple[dict[str, list[int]], Times]:
    """Return the levels of each parameter and the time of each configuration that works."""
    rows = _rows(KERNELS[name] / f"{name}.csv.gz")
    names = [key for key in rows[0] if key not in {"time_ms", "status"}]
    levels = {key: sorted({int(row[key]) for row in rows}) for key in names}
    good = [row for row in rows if row["status"] == "ok"]
    return levels, {
        tuple(int(row[key]) for key in names): float(row["time_ms"]) for row in good
    }


def kernel(name: str) -> Problem:
    """Return the run time of a GPU kernel by its tuning parameters.

    Every parameter is ordinal. What is not in the table fails: it broke a rule of the kernel,
    did not compile or did not run. The optimum is the least time in the table; regret is
    time / optimum - 1.
    """
    levels, times = kernel_table(name)

    def evaluate(configuration: Configuration, _: int) -> Outcome:
        time = times.get(tuple(int(configuration[key]) for key in levels))
        return Outcome(() if time is None else (time,))

    return Problem(
        name=name,
        kind="discrete",
        parameters={key: ordinal(*values) for key, values in levels.items()},
        evaluate=evaluate,
        regret=relative_regret(min(times.values())),
        penalty=(float(np.quantile(list(times.values()), 0.9)),),
        initial=20,
    )


@cache
def _designs() -> tuple[dict[str, Any], Mapping[tuple[str, ...], tuple[float, float]]]:
    folder = EXAMPLES / "blackscholes"
    parameters = json.loads((folder / "blackscholes.json").read_text())["input_parameters"]
    designs = {
        tuple(row[key] for key in parameters): (float(row["ALMs"]), float(row["Cycles"]))
        for row in _rows(folder / "exhaustive.csv.gz")
        if row["Valid"] == "true"
    }
    return parameters, designs


def blackscholes() -> Problem:
    """Return the area (ALMs) and time (cycles) of an FPGA design of BlackScholes.

    4 % of the 76 800 designs are valid; the others fail. Regret is the share of the
    hypervolume of the valid designs that is missed, against the worst of either objective.
    """
    parameters, designs = _designs()

    def evaluate(configuration: Configuration, _: int) -> Outcome:
        return Outcome(designs.get(tuple(str(configuration[key]) for key in parameters), ()))

    points = np.array(list(designs.values()))
    worst = points.max(axis=0)
    return Problem(
        name="blackscholes",
        kind="objectives",
        parameters=parameters,
        evaluate=evaluate,
        regret=missed_hypervolume(hypervolume(points, worst), worst),
        objectives=2,
        penalty=tuple(map(float, np.quantile(points, 0.9, axis=0))),
        initial=20,
    )


MAKERS: dict[str, Callable[[], Problem]] = {
    **{name: partial(kernel, name) for name in KERNELS},
    "blackscholes": blackscholes,
}
