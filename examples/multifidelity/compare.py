"""What cheap evaluations gain: each example, with them and without, for the same cost.

    make heat && python3 compare.py --seeds 5 [digits vectors heat]    # some minutes

"Plain" is hmserve as well, with full evaluations only: as many as the run with cheap ones has
paid for, rounded up, and three times as many. Draws are as many as in the first.
"""

import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import digits
import vectors

import hmserve

HERE = Path(__file__).resolve().parent
RANDOM = {"optimization_method": "random_search"}

Records = Sequence[Mapping[str, Any]]


class Case(NamedTuple):
    """An example.

    Args:
        scenario: With a fidelity.
        records: Runs a scenario and returns one record a result.
    """

    scenario: dict[str, Any]
    records: Callable[[dict[str, Any]], Records]


def called(function: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Records]:
    return lambda scenario: hmserve.optimize(scenario, function, progress=False).records


def piped(scenario: dict[str, Any]) -> Records:
    """Run the client in C, which needs to be told the mesh if no column tells it."""
    command = [str(HERE / "heat")]
    if "fidelity" not in scenario:
        command.append(str(HEAT["fidelity"]["max"]))
    path = Path("heat.json")
    path.write_text(json.dumps({**scenario, "evaluator": {"command": command, "workers": 1}}))
    subprocess.run(
        [sys.executable, "-m", "hmserve", "run", path], stdout=subprocess.DEVNULL, check=True
    )
    with open("results/heat_output_samples.csv", newline="") as file:
        return [{name: float(v) for name, v in row.items()} for row in csv.DictReader(file)]


HEAT: dict[str, Any] = json.loads((HERE / "heat.json").read_text())
CASES = {
    "digits": Case(digits.SCENARIO, called(digits.train)),
    "vectors": Case(vectors.SCENARIO, called(vectors.train)),
    "heat": Case(HEAT, piped),
}


def objective(scenario: Mapping[str, Any]) -> str:
    (entry,) = scenario["optimization_objectives"]
    return str(entry["name"] if isinstance(entry, Mapping) else entry)


def cost(records: Records, fidelity: Mapping[str, Any]) -> float:
    """Return what `records` have cost, in full evaluations, with what resuming saves."""

    def share(value: float) -> float:
        return (value / fidelity["max"]) ** fidelity.get("cost_exponent", 1)

    # A finer mesh is solved anew, from a better guess: that saves little.
    saves = fidelity.get("resumable") and fidelity["name"] != "mesh"
    return math.fsum(
        share(r[fidelity["name"]]) - (share(r["previous"]) if saves else 0.0) for r in records
    )


def best(records: Records, name: str) -> float:
    return min(float(r[name]) for r in records if r[name] is not None)


def one(case: Case, seed: int) -> dict[str, float]:
    """Return the cost of a run with cheap evaluations, and the best of each kind of run."""
    name, fidelity = objective(case.scenario), case.scenario["fidelity"]
    records = case.records({**case.scenario, "seed": seed})
    paid = cost(records, fidelity)
    full = [r for r in records if r[fidelity["name"]] == fidelity["max"]]
    plain = {key: value for key, value in case.scenario.items() if key != "fidelity"}
    kinds = {"plain": (1, {}), "plain, three times": (3, {}), "draws": (1, RANDOM)}
    found = {"cost": paid, "cheap and full": best(full, name)}
    for kind, (times, keys) in kinds.items():
        limit = times * math.ceil(paid)
        found[kind] = best(
            case.records({**plain, **keys, "seed": seed, "max_evaluations": limit}), name
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("examples", nargs="*", default=list(CASES))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        for name in arguments.examples:
            runs = [one(CASES[name], seed) for seed in range(arguments.seeds)]
            for kind in runs[0]:
                values = [run[kind] for run in runs]
                low, middle, high = min(values), statistics.median(values), max(values)
                print(f"{name:8} {kind:20} {low:8.4f} {middle:8.4f} {high:8.4f}", flush=True)
        os.chdir(HERE)


if __name__ == "__main__":
    main()
