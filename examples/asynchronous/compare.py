"""Workers that wait for each other against workers that do not, on an uneven function.

Runs for real what Trieste's notebooks on asynchronous optimization run: 3 or 4 processes that
evaluate the scaled Branin function, each evaluation as long as its place says.
"""

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from branin import MINIMUM, evaluate

import hmserve

# A small matrix is multiplied sooner by one thread than by two that meet.
os.environ.setdefault("OMP_NUM_THREADS", "1")

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Kind:
    """One way to run: how many workers, how many of them are waited for, what is changed."""

    workers: int
    batch: int
    changes: dict[str, Any]


LOCAL = {"pending_strategy": "local_penalization"}
JOINT = {
    "pending_strategy": "joint_ei",
    "evaluations_per_optimization_iteration": 2,
    "optimization_iterations": 15,
}
KINDS = {
    "asynchronous": Kind(3, 1, {}),
    "synchronous": Kind(3, 3, {}),
    "asynchronous, local penalization": Kind(3, 1, LOCAL),
    "synchronous, local penalization": Kind(3, 3, LOCAL),
    "hybrid, joint EI": Kind(4, 2, JOINT),
}


@dataclass(frozen=True)
class Measured:
    """What one run took, in seconds, and what it found."""

    regret: float
    wall: float
    ideal: float
    cpu: float
    busy: float


def measure(name: str, seed: int, delay: float, out: Path, executor: Executor) -> Measured:
    kind = KINDS[name]
    scenario = {
        **json.loads((HERE / "asynchronous.json").read_text()),
        **kind.changes,
        "application_name": name,
        "run_directory": str(folder(out, name)),
        "output_data_file": f"seed{seed}.csv",
        "seed": seed,
    }
    workers = hmserve.Workers(kind.workers, batch_size=kind.batch)
    function = functools.partial(evaluate, delay=delay)
    began, spent = time.perf_counter(), time.process_time()
    result = hmserve.optimize(scenario, function, executor=executor, workers=workers)
    wall, cpu = time.perf_counter() - began, time.process_time() - spent
    assert result.best is not None
    delays = [delay * (each["x1"] + each["x2"]) for each in result.records]
    return Measured(
        regret=result.best.objectives["f"] - MINIMUM,
        wall=wall,
        ideal=sum(delays) / kind.workers,
        cpu=cpu / len(result.rows),
        busy=sum(delays) / kind.workers / wall,
    )


def line(name: str, runs: list[Measured]) -> str:
    def median(what: str) -> float:
        return statistics.median(getattr(run, what) for run in runs)

    regrets = [run.regret for run in runs]
    found = f"{min(regrets):.1e} / {median('regret'):.1e} / {max(regrets):.1e}"
    over = statistics.median(run.wall / run.ideal for run in runs)
    return (
        f"| {name} | {found} | {median('wall'):.2f} | {median('ideal'):.2f} | {over:.2f} "
        f"| {100 * median('busy'):.0f} % | {1000 * median('cpu'):.0f} |"
    )


HEADER = """\
| run | regret min / median / max | wall s | ideal s | wall / ideal | busy | CPU ms |
|---|---|---|---|---|---|---|"""


def draw(out: Path, names: list[str], image: str) -> None:
    """Draw the runs of `names`, as a user would."""
    journals = [str(p) for name in names for p in sorted(folder(out, name).glob("*.journal"))]
    command = [sys.executable, "-m", "hmserve", "plot", *journals]
    command += ["--minimum", repr(MINIMUM), "--out", str(out / image)]
    subprocess.run(command, check=True)


def folder(out: Path, name: str) -> Path:
    return out / name.replace(", ", "-").replace(" ", "-")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many runs of each kind")
    parser.add_argument(
        "--delay", type=float, default=0.3, help="seconds times x1 + x2; 3 in the notebooks"
    )
    parser.add_argument("--out", type=Path, default=HERE / "results", help="a directory")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS))
    options = parser.parse_args()
    found: dict[str, list[Measured]] = {name: [] for name in options.only}
    with ProcessPoolExecutor(3) as three, ProcessPoolExecutor(4) as four:
        pools = {3: three, 4: four}
        # The first runs start the processes and load numpy and scipy.
        for name in found:
            measure(name, 0, 0.0, options.out / "first", pools[KINDS[name].workers])
        for seed in range(options.seeds):
            for name, runs in found.items():
                pool = pools[KINDS[name].workers]
                runs.append(measure(name, seed, options.delay, options.out, pool))
    print(HEADER)
    for name, runs in found.items():
        print(line(name, runs), flush=True)
    figures = {
        "asynchronous.png": ["asynchronous", "synchronous"],
        "penalized.png": [
            "asynchronous, local penalization",
            "synchronous, local penalization",
        ],
        "hybrid.png": ["asynchronous", "hybrid, joint EI"],
    }
    for image, names in figures.items():
        if set(names) <= found.keys():
            draw(options.out, names, image)


if __name__ == "__main__":
    main()
