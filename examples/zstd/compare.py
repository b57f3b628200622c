"""The search beside random search, for the same number of evaluations.

usage: python3 tune.py, and then python3 compare.py [SEEDS]    a minute for each run; 3 seeds
"""

import csv
import json
import statistics
import subprocess
import sys
from pathlib import Path

SCENARIO = json.loads(Path("zstd.json").read_text())
LIMIT = SCENARIO["output_constraints"]["Effort"][1]


def best(method: str, seed: int) -> float:
    """Return the fewest bytes within the limit; a run that is there is not run again."""
    directory = Path("results") / f"{method}-{seed}"
    samples = directory / "zstd_output_samples.csv"
    if not samples.exists():
        changes = {"optimization_method": method, "seed": seed, "run_directory": str(directory)}
        scenario = directory.with_suffix(".json")
        scenario.write_text(json.dumps(SCENARIO | changes))
        subprocess.run(["hmserve", "run", str(scenario)], check=True, stdout=subprocess.DEVNULL)
    with samples.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["Bytes"]]
    return min(float(row["Bytes"]) for row in rows if float(row["Effort"]) <= LIMIT)


def main() -> None:
    seeds = range(1, 1 + int(sys.argv[1] if len(sys.argv) > 1 else 3))
    for method in ("bayesian_optimization", "random_search"):
        sizes = [best(method, seed) for seed in seeds]
        middle = f"{statistics.median(sizes):,.0f}"
        print(f"{method:22} {middle} bytes ({min(sizes):,.0f} to {max(sizes):,.0f})")


if __name__ == "__main__":
    main()
