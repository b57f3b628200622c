"""Prints what an ask, a tell and memory cost as histories and spaces grow, and what is gained.

    python tests/bench/scale.py costs [--only WORDS]
    python tests/bench/scale.py gains [--only WORDS] [--seeds 5]

Costs are CPU seconds of one thread: the first ask, which imports and fits; the median of five
that follow; a tell; and the peak memory of a process that does nothing else. Ratios are to the
case with 1,000 observations. Gains are medians over seeds of what is left to gain after as
many evaluations by hmserve and by random search.
"""

import argparse
import math
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from hmserve.engine.build import build
from hmserve.engine.staged import StagedOptimizer
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Evaluation, Trial

Function = Callable[[np.ndarray], list[float]]
REAL = {"parameter_type": "real", "values": [0, 1]}
LEVELS = {"parameter_type": "ordinal", "values": list(range(1, 1001))}
LABELS = {"parameter_type": "categorical", "values": [f"v{k}" for k in range(64)]}
FAILURES = 0.3
ENDLESS = 10**6


def several(*kinds: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """Parameters by name: so many of each kind."""
    every = [kind for count, kind in kinds for _ in range(count)]
    return {f"x{j}": kind for j, kind in enumerate(every)}


def ackley(u: np.ndarray) -> list[float]:
    """Ackley's function, its minimum of 0 away from the middle; rugged all over."""
    z = 20.0 * (u - 0.37)
    rough = float(np.exp(np.mean(np.cos(2.0 * np.pi * z))))
    return [20.0 - 20.0 * math.exp(-0.2 * math.sqrt(np.mean(z * z))) + math.e - rough]


def decaying(u: np.ndarray) -> list[float]:
    """A bowl in which the tenth parameter matters a tenth as much as the first, and so on."""
    return [float(((u - 0.37) ** 2 / np.arange(1, len(u) + 1)).sum())]


def chain(u: np.ndarray) -> list[float]:
    """Labels that should be one thing, and pairs of neighbours that get in the way."""
    table = np.random.default_rng(7).random((len(u), 64))
    labels = np.floor(u * 64).astype(int)
    own = table[np.arange(len(u)), labels] - table.min(1)
    pairs = (labels[1:] * 31 + labels[:-1] * 17) % 5 / 4.0
    return [float(own.sum() + 0.2 * pairs.sum())]


def spheres(u: np.ndarray) -> list[float]:
    """Five objectives: the distances from five corners; what lies among them is best."""
    corners = 0.2 + 0.6 * np.eye(5, len(u))
    return [float(((u - corner) ** 2).sum()) for corner in corners]


@dataclass(frozen=True)
class Case:
    """A run of some size.

    Args:
        observed: How many results are known before the first ask.
        pending: How many trials are out at every ask.
        failures: The share of results that failed.
        evaluations: How many more to make where gains are measured; 0: they are not.
    """

    parameters: dict[str, Any]
    observed: int
    function: Function = decaying
    objectives: int = 1
    pending: int = 0
    failures: float = 0.0
    evaluations: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    def scenario(self) -> Scenario:
        return Scenario.parse(
            {
                "optimization_objectives": [f"y{k}" for k in range(self.objectives)],
                "input_parameters": self.parameters,
                "design_of_experiment": {"number_of_samples": 0 if self.observed else 20},
                "optimization_iterations": ENDLESS,
                **self.options,
            }
        )


SIX, TWENTY = several((6, REAL)), several((20, REAL))
MIXED = several((50, REAL), (25, LEVELS), (25, LABELS))
CASES = {
    "1,000 observations": Case(SIX, 1000, ackley),
    "100 observations": Case(SIX, 100, ackley),
    "10,000 observations": Case(SIX, 10_000, ackley, evaluations=30),
    "100,000 observations": Case(SIX, 100_000, ackley, evaluations=30),
    "1,000 observations of 20": Case(TWENTY, 1000),
    "10,000 observations of 20": Case(TWENTY, 10_000),
    "1,000 observations with failures": Case(SIX, 1000, ackley, failures=FAILURES),
    "10,000 observations with failures": Case(SIX, 10_000, ackley, failures=FAILURES),
    "100 parameters": Case(several((100, REAL)), 200),
    "100 parameters from nothing": Case(several((100, REAL)), 0, evaluations=150),
    "100 parameters of three kinds": Case(MIXED, 200),
    "1,000 levels": Case(several((6, LEVELS)), 200, ackley),
    "1,000 levels from nothing": Case(several((6, LEVELS)), 0, ackley, evaluations=100),
    "20 categoricals": Case(several((20, LABELS)), 200, chain),
    "20 categoricals from nothing": Case(several((20, LABELS)), 0, chain, evaluations=300),
    "20 categoricals, 1,000 observations": Case(several((20, LABELS)), 1000, chain),
    "no pending": Case(SIX, 200, ackley),
    "64 pending": Case(SIX, 200, ackley, pending=64),
    "64 pending from nothing": Case(SIX, 0, ackley, pending=64, evaluations=320),
    "5 objectives": Case(SIX, 200, spheres, objectives=5),
    "5 objectives from nothing": Case(SIX, 0, spheres, objectives=5, evaluations=100),
    "5 objectives, 10,000 observations": Case(SIX, 10_000, spheres, objectives=5),
}


class Run:
    """One optimizer, and everything that was measured."""

    def __init__(self, case: Case, seed: int) -> None:
        self.case, self.scenario = case, case.scenario()
        self.space, self.rng = self.scenario.space, Random(f"scale/{seed}")
        self.optimizer: StagedOptimizer = build(self.scenario, seed)
        self.found: list[list[float]] = []

    def measure(self, trial: Trial) -> Evaluation:
        if self.rng.random() < self.case.failures:
            return Evaluation(trial, {}, feasible=False)
        values = self.case.function(np.array(self.space.encode(trial.configuration)))
        self.found.append(values)
        return Evaluation(trial, dict(zip(self.scenario.objectives, values, strict=True)))

    def drawn(self, n: int) -> list[Evaluation]:
        """Results of `n` configurations drawn at random."""
        variates = ([self.rng.random() for _ in self.space.names] for _ in range(n))
        return [self.measure(Trial(OUTSIDE, self.space.draw(row))) for row in variates]

    def ask(self) -> list[float]:
        """Ask for trials until enough are out; return the CPU seconds of each."""
        spent = []
        while len(self.optimizer.pending) <= self.case.pending:
            before = time.process_time()
            self.optimizer.ask(1)
            spent.append(time.process_time() - before)
        return spent

    def tell(self) -> float:
        """Tell what is out the longest; return the CPU seconds."""
        result = self.measure(self.optimizer.pending[0])
        before = time.process_time()
        self.optimizer.tell([result])
        return time.process_time() - before


@dataclass(frozen=True)
class Cost:
    """CPU seconds, and megabytes."""

    first: float
    ask: float
    tell: float
    megabytes: float


def cost(name: str) -> Cost:
    """Return what the case called `name` costs; call it in a process of its own."""
    run = Run(CASES[name], seed=1)
    run.optimizer.observe(run.drawn(run.case.observed))
    first, asks, tells = run.ask()[0], [], []
    for _ in range(5):
        tells.append(run.tell())
        asks += run.ask()
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    return Cost(first, statistics.median(asks), statistics.median(tells), peak)


def volume(Y: np.ndarray, rng: np.random.Generator) -> float:
    """Return which share of [0, 1.5]^m no row of `Y` dominates, by Monte Carlo."""
    points = 1.5 * rng.random((20_000, Y.shape[1]))
    free = np.ones(len(points), dtype=bool)
    for y in Y:
        free[free] = (points[free] < y).any(1)
    return float(free.mean())


def left(found: Sequence[Sequence[float]]) -> float:
    """Return what is left to gain: the least value, or the volume not dominated."""
    Y = np.array(found)
    return float(Y.min()) if Y.shape[1] == 1 else volume(Y, np.random.default_rng(3))


def gain(name: str, seed: int) -> tuple[float, float, float]:
    """Return what is left by hmserve, by as many random draws, and by ten times as many."""
    case = CASES[name]
    run, others = Run(case, seed), Run(case, seed + 1000)
    known = run.drawn(case.observed)
    run.optimizer.observe(known)
    others.found = list(run.found)
    while len(run.found) < case.observed + case.evaluations:
        run.ask()
        run.tell()
    others.drawn(case.evaluations)
    equal = left(others.found)
    others.drawn(9 * case.evaluations)
    return left(run.found), equal, left(others.found)


def chosen(words: str) -> Iterator[str]:
    return (name for name in CASES if words in name)


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `function` returns in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def say(*cells: object) -> None:
    widths = (36, *[11] * (len(cells) - 1))
    line = "".join(f"{cell!s:>{w}}" for cell, w in zip(cells[1:], widths[1:], strict=True))
    sys.stdout.write(f"{cells[0]!s:<36}{line}\n")
    sys.stdout.flush()


def print_costs(words: str) -> None:
    say("case", "first ask", "ask", "ratio", "tell (ms)", "peak (MB)")
    unit = alone(cost, "1,000 observations").ask
    for name in (name for name in chosen(words) if CASES[name].observed):
        c = alone(cost, name)
        numbers = (f"{1e3 * c.tell:.3f}", f"{c.megabytes:.0f}")
        say(name, f"{c.first:.3f}", f"{c.ask:.3f}", f"{c.ask / unit:.1f}", *numbers)


def print_gains(words: str, seeds: int) -> None:
    say("case", "hmserve", "random", "10 x random", "ratio", "won")
    for name in chosen(words):
        if CASES[name].evaluations:
            rows = [alone(gain, name, seed) for seed in range(seeds)]
            ours, equal, more = (
                statistics.median(column) for column in zip(*rows, strict=True)
            )
            won = sum(row[0] < row[1] for row in rows)
            say(
                name, *(f"{x:.4g}" for x in (ours, equal, more, equal / ours)), f"{won}/{seeds}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("verb", choices=["costs", "gains"])
    parser.add_argument("--only", default="", help="cases whose names contain this")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.verb == "costs":
        print_costs(arguments.only)
    else:
        print_gains(arguments.only, arguments.seeds)


if __name__ == "__main__":
    main()
