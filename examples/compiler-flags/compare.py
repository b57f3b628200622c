"""The search beside random search, for the same number of evaluations.

usage: sh tune.sh, and then python3 compare.py [SEEDS]     a minute or so for each run; 3 seeds
"""

import csv
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SCENARIO = json.loads(Path("flags.json").read_text())
METHODS = ("bayesian_optimization", "random_search")
GAINS = {
    "fewest instructions in no more bytes": lambda size, work: work if size <= 1 else 1,
    "fewest bytes, no slower": lambda size, work: size if work <= 1 else 1,
    "fewest bytes": lambda size, _: size,
}


def tune(method: str, seed: int) -> Path:
    """Run the scenario in a directory of its own; a run that is there is not run again."""
    directory = Path("results") / f"{method}-{seed}"
    samples = directory / "flags_output_samples.csv"
    if not samples.exists():
        changes = {"optimization_method": method, "seed": seed, "run_directory": str(directory)}
        scenario = directory.with_suffix(".json")
        scenario.parent.mkdir(exist_ok=True)
        scenario.write_text(json.dumps(SCENARIO | changes))
        subprocess.run(["hmserve", "run", str(scenario)], check=True, stdout=subprocess.DEVNULL)
    return samples


def is_default(row: Mapping[str, str]) -> bool:
    parameters = SCENARIO["input_parameters"].items()
    return all(row[name] in {"", str(entry["parameter_default"])} for name, entry in parameters)


def points(samples: Path) -> list[tuple[float, float]]:
    """Return (size, work) of each valid row, in units of the default, which is -O2."""
    with samples.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    sizes = [(float(r["Bytes"]), float(r["Instructions"])) for r in rows if r["Bytes"]]
    ((size, work),) = (
        (float(r["Bytes"]), float(r["Instructions"])) for r in rows if is_default(r)
    )
    return [(s / size, w / work) for s, w in sizes]


def dominated(front: Sequence[tuple[float, float]]) -> float:
    """Return the share of [0.5, 1.2] x [0.9, 1.3] that the points dominate."""
    area, top = 0.0, 1.3
    for size, work in sorted(front):
        area += max(1.2 - size, 0) * max(top - work, 0)
        top = min(top, max(work, 0.9))
    return area / (0.7 * 0.4)


def show(what: str, values: Sequence[float]) -> None:
    middle = f"{statistics.median(values):.3f}"
    print(f"    {what:38} {middle}  ({min(values):.3f} to {max(values):.3f})")


def main() -> None:
    seeds = range(1, 1 + int(sys.argv[1] if len(sys.argv) > 1 else 3))
    for method in METHODS:
        runs = [points(tune(method, seed)) for seed in seeds]
        print(f"{method}, median of {len(seeds)} seeds; -O2 is 1")
        for what, gain in GAINS.items():
            show(what, [min(gain(*point) for point in run) for run in runs])
        show("share of a rectangle dominated", [dominated(run) for run in runs])


if __name__ == "__main__":
    main()
