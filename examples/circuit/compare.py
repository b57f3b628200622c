"""The search against random search: python3 compare.py --seeds 3

Runs both with the budget of opamp.json, and prints what tune.sh calls the least power and the
widest band, and how many circuits met the specifications.
"""

import argparse
import csv
import json
import subprocess
import tempfile
from pathlib import Path

from report import SCENARIO, cheapest, fastest, hand_design, meets, numbers

METHODS = ["bayesian_optimization", "random_search"]


def results(method: str, seed: int) -> list[dict[str, float]]:
    """Run a search, with its files in a directory that is removed."""
    with tempfile.TemporaryDirectory() as directory:
        changed = {"optimization_method": method, "seed": seed, "run_directory": directory}
        path = Path(directory) / "opamp.json"
        path.write_text(json.dumps({**SCENARIO, **changed}))
        subprocess.run(["hmserve", "run", str(path)], stdout=subprocess.DEVNULL, check=True)
        with (Path(directory) / "opamp_output_samples.csv").open(newline="") as file:
            return numbers(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    print("method                 seed  power   band  meet the specifications")
    for method in METHODS:
        for seed in range(1, seeds + 1):
            rows = results(method, seed)
            hand = hand_design(rows)
            power, band = cheapest(rows, hand)["power"], fastest(rows, hand)["gbw"]
            met = sum(map(meets, rows))
            print(f"{method:21}{seed:6}{power:7.1f}{band:7.1f}{met:10}", flush=True)


if __name__ == "__main__":
    main()
