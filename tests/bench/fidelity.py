"""Compares samplers where some evaluations are cheap, and prints the tables of decision 0030.

    python tests/bench/fidelity.py run --seeds 20 --jobs 2 [--problems a,b] [--samplers a,b]
    python tests/bench/fidelity.py table
    python tests/bench/fidelity.py speed

Every evaluation is paid in full, in units of one at the largest fidelity. The regret after a
budget is that of the true value of what was measured best at the largest fidelity, which costs
as much in a run without fidelities. `run` may be stopped and started again.
"""

import argparse
import json
import math
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from fidelity_problems import PROBLEMS, Problem

from hmserve.engine.build import build
from hmserve.scenario import Scenario
from hmserve.trial import Evaluation

RESULTS = Path(__file__).parent / "results" / "fidelity.jsonl"
SAMPLERS = ("auto", "kde", "gp", "random_forest", "random")
GRID = (5, 10, 20, 30, 50)
"""Budgets, in full evaluations."""

BLACKBOXOPT = {
    "hartmann": {"BOHB": (0.60, 0.30, 0.23), "Hyperband": (1.21, 1.07, 1.04)},
    "misleading": {"BOHB": (2.04, 1.59, 1.24), "Hyperband": (1.63, 1.07, 1.07)},
    "counting": {"BOHB": (3.21, 2.59, 2.43), "Hyperband": (4.44, 4.01, 3.91)},
}
"""Medians of ten seeds after 10, 30 and 50: blackboxopt 5.3.8, measured in the same way."""

Job = tuple[str, str, int]


def scenario(problem: Problem, sampler: str) -> Scenario:
    """Return the scenario of a run."""
    low, high, eta = problem.ladder
    return Scenario.parse(
        {
            "optimization_objectives": ["y"],
            "input_parameters": dict(problem.parameters),
            "design_of_experiment": {"number_of_samples": 0},
            "fidelity": {
                "name": "fidelity",
                "min": low,
                "max": high,
                "eta": eta,
                "sampler": sampler,
                "num_iterations": 1000,
            },
        }
    )


def run_one(name: str, sampler: str, seed: int, budget: float) -> dict[str, Any]:
    """Return the line of one run: regrets, and what asks of new configurations cost."""
    problem = PROBLEMS[name]()
    optimizer = build(scenario(problem, sampler), seed)
    rng = np.random.default_rng([seed, 77])
    seen: set[tuple[Any, ...]] = set()
    spent, best, regret, asks = 0.0, math.inf, math.nan, []
    found: dict[str, float] = {}
    high = problem.ladder[1]
    while spent < budget * high:
        start = time.process_time()
        (trial,) = optimizer.ask(1)
        cost = time.process_time() - start
        key = tuple(trial.configuration.values())
        if key not in seen:
            asks.append(1e3 * cost)
        seen.add(key)
        fidelity = high if trial.fidelity is None else trial.fidelity
        y = problem.measure(trial.configuration, fidelity, rng)
        optimizer.tell([Evaluation(trial, {"y": y})])
        before, spent = spent, spent + fidelity
        passed = [g for g in GRID if before <= g * high + 1e-6 < spent]
        found |= {str(g): regret for g in passed}
        if fidelity >= high * (1.0 - 1e-9) and y < best:
            best, regret = y, problem.truth(trial.configuration) - problem.optimum
    found |= {str(g): regret for g in GRID if g <= budget and str(g) not in found}
    cpu = {"mean": statistics.mean(asks), "last": statistics.mean(asks[-50:])}
    line = {"problem": name, "sampler": sampler, "seed": seed, "budget": budget}
    return {**line, "regret": _short(found), "ask_ms": _short(cpu)}


def _short(values: Mapping[str, float]) -> dict[str, float]:
    return {key: float(f"{value:.4g}") for key, value in values.items()}


def load(path: Path) -> list[dict[str, Any]]:
    """Return the lines that are there."""
    return list(map(json.loads, path.read_text().splitlines())) if path.exists() else []


def run(options: argparse.Namespace) -> int:
    """Run what is not in the results yet, by seed: what is there so far is balanced."""
    done = {(line["problem"], line["sampler"], line["seed"]) for line in load(options.results)}
    seeds = range(options.first, options.first + options.seeds)
    jobs = [(p, s, k) for k, p, s in product(seeds, options.problems, options.samplers)]
    left = [(*job, options.budget) for job in jobs if job not in done]
    sys.stderr.write(f"{len(jobs)} jobs, {len(left)} to run\n")
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for line in pool.imap(_job, left):
            with options.results.open("a") as file:
                file.write(json.dumps(line) + "\n")
    return 0


def _job(job: tuple[str, str, int, float]) -> dict[str, Any]:
    return run_one(*job)


def medians(lines: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, float]]:
    """Return by problem and sampler the median regret after each budget."""
    runs: dict[tuple[str, str], list[Mapping[str, float]]] = {}
    for line in lines:
        runs.setdefault((line["problem"], line["sampler"]), []).append(line["regret"])
    return {
        key: {str(g): statistics.median(r[str(g)] for r in regrets) for g in GRID}
        for key, regrets in runs.items()
    }


def table(options: argparse.Namespace) -> int:
    """Print medians by problem, and what an ask costs."""
    lines = load(options.results)
    found = medians(lines)
    for name in dict.fromkeys(problem for problem, _ in found):
        print(f"{name}: median regret after " + ", ".join(map(str, GRID)) + "; ask in ms")
        for sampler in (s for s in SAMPLERS if (name, s) in found):
            mine = [ln for ln in lines if (ln["problem"], ln["sampler"]) == (name, sampler)]
            cost = statistics.mean(line["ask_ms"]["mean"] for line in mine)
            values = "".join(f"{v:>8.3g}" for v in found[name, sampler].values())
            print(f"  {sampler:<14}{values}{cost:>8.1f}  ({len(mine)} seeds)")
        for peer, (ten, thirty, fifty) in BLACKBOXOPT.get(name, {}).items():
            print(f"  {peer:<14}{'':>8}{ten:>8.3g}{'':>8}{thirty:>8.3g}{fifty:>8.3g}")
    return 0


def speed(options: argparse.Namespace) -> int:
    """Print the CPU time of asks for new configurations about the 1,000th evaluation."""
    for name, sampler in product(options.problems, options.samplers):
        line = run_one(name, sampler, options.first, 104)
        print(f"{name:<12}{sampler:<14}{line['ask_ms']['last']:>8.2f} ms", flush=True)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(prog="fidelity.py", description=__doc__)
    parser.add_argument("verb", choices=["run", "table", "speed"])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--budget", type=float, default=50)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--problems", type=_names, default=list(PROBLEMS))
    parser.add_argument("--samplers", type=_names, default=list(SAMPLERS))
    options = parser.parse_args(arguments)
    return {"run": run, "table": table, "speed": speed}[options.verb](options)


def _names(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    sys.exit(main())
