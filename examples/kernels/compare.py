"""Tunes the kernel once a seed and prints the medians, random search beside them.

usage: python3 compare.py [SEEDS]      default: 10
"""

import json
import random
import statistics
import sys
import tempfile
from pathlib import Path

from client import MEASUREMENTS, load, tune


def main() -> None:
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
    table = load(MEASUREMENTS)
    scenario = json.loads(Path(__file__).with_name("convolution.json").read_text())
    size = 1
    for parameter in scenario["input_parameters"].values():
        size *= len(parameter["values"])
    # Random search draws from the same space: configurations that break a rule fail there too.
    times = [float("inf") if time is None else time for time in table.values()]
    times += [float("inf")] * (size - len(times))
    known = min(times)

    found = []
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "convolution.json")
        for seed in seeds:
            file.write_text(json.dumps(scenario | {"run_directory": directory, "seed": seed}))
            command = [sys.executable, "-m", "hmserve", "--config", str(file)]
            history = tune(table, command)
            found.append(min(time for time in history if time is not None) / known)
            print(f"seed {seed}: {found[-1]:.3f} times the best known time", flush=True)
    drawn = [min(random.Random(seed).sample(times, len(history))) for seed in range(1000)]
    print(f"median of {len(found)}: {statistics.median(found):.3f}")
    print(f"random search, median of 1000: {statistics.median(drawn) / known:.3f}")


if __name__ == "__main__":
    main()
