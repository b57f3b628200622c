"""The search against random search: python3 compare.py --seeds 3    (some minutes)

Runs both with the budget of sat.json on the formulas that tune.sh has made, and prints the work
with the best options, for the formulas that were tuned for and for the others.
"""

import argparse
import csv
import io
import json
import subprocess
import tempfile
from pathlib import Path

from evaluate import solve_all, total_work
from report import SCENARIO, SETS, changed

METHODS = ["bayesian_optimization", "random_search"]


def best(method: str, seed: int) -> list[str]:
    """Run a search, with its files in a directory that is removed; return its best options."""
    with tempfile.TemporaryDirectory() as directory:
        keys = {"optimization_method": method, "seed": seed, "run_directory": directory}
        path = Path(directory) / "sat.json"
        path.write_text(json.dumps({**json.loads(SCENARIO.read_text()), **keys}))
        command = ["hmserve", "run", str(path)]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return changed(next(csv.DictReader(io.StringIO(said))))


def line(name: str, options: list[str]) -> str:
    work = [total_work(solve_all(folder, options)) for folder in SETS.values()]
    return f"{name:27}" + "".join(f"{value:10.0f}" for value in work)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    print(f"{'method':21}{'seed':>6}" + "".join(f"{name:>10}" for name in SETS))
    print(line("CaDiCaL's defaults", []))
    for method in METHODS:
        for seed in range(1, seeds + 1):
            print(line(f"{method:21}{seed:6}", best(method, seed)), flush=True)


if __name__ == "__main__":
    main()
