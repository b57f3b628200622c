"""How much of the true front's hypervolume a run reached, random search beside it.

usage: python3 hypervolume.py [SAMPLES.csv ...]   default: those of the run in results/
       python3 hypervolume.py --seeds N           tunes once for each of N seeds, by itself

Both objectives are scaled to [0, 1] over the valid designs; the reference point is (1, 1).
"""

import csv
import gzip
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
DEFAULT = "results/blackscholes_output_samples.csv"

Point = tuple[float, float]


def read(path: Path) -> list[Point | None]:
    """Return (ALMs, Cycles) of each row; None for a design that is not valid."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as file:
        return [
            (float(row["ALMs"]), float(row["Cycles"])) if row["Valid"] == "true" else None
            for row in csv.DictReader(file)
        ]


def share_of(designs: Sequence[Point | None]) -> Callable[[Iterable[Point | None]], float]:
    """Return the function that measures a sample against the front of all `designs`."""
    valid = [design for design in designs if design is not None]
    low = [min(column) for column in zip(*valid, strict=True)]
    high = [max(column) for column in zip(*valid, strict=True)]

    def hypervolume(points: Iterable[Point | None]) -> float:
        volume, top = 0.0, 1.0
        scaled = [
            [(p[d] - low[d]) / (high[d] - low[d]) for d in (0, 1)]
            for p in points
            if p is not None
        ]
        for x, y in sorted(scaled):
            volume += (1 - x) * max(top - y, 0)
            top = min(top, y)
        return volume

    whole = hypervolume(valid)
    return lambda points: hypervolume(points) / whole


def tune(seed: int) -> list[Point | None]:
    """Run the scenario with `seed` in a directory of its own and return its samples."""
    import hmserve

    scenario = json.loads((HERE / "blackscholes.json").read_text())
    scenario["hypermapper_mode"]["exhaustive_search_file"] = str(HERE / "exhaustive.csv.gz")
    with tempfile.TemporaryDirectory() as directory:
        hmserve.optimize(
            scenario | {"run_directory": directory, "seed": seed, "print_best": False}
        )
        return read(Path(directory, "blackscholes_output_samples.csv"))


def main(arguments: Sequence[str]) -> None:
    designs = read(HERE / "exhaustive.csv.gz")
    share = share_of(designs)
    if arguments[:1] == ["--seeds"]:
        runs = {f"seed {seed}": tune(seed) for seed in range(int(arguments[1]))}
    else:
        runs = {name: read(Path(name)) for name in arguments or [DEFAULT]}
    for name, samples in runs.items():
        valid = sum(point is not None for point in samples)
        print(f"{name}: {len(samples)} designs, {valid} valid, {share(samples):.2%}")
    size = len(next(iter(runs.values())))
    drawn = [share(random.Random(seed).sample(designs, size)) for seed in range(1000)]
    print(f"median of {len(runs)}: {statistics.median(map(share, runs.values())):.2%}")
    print(f"random search, {size} designs, median of 1000: {statistics.median(drawn):.2%}")


if __name__ == "__main__":
    main(sys.argv[1:])
