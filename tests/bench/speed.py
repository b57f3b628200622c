"""What an ask and a tell cost beside the linear algebra that they cannot do without.

The floor F(n) is one Cholesky factor of n x n, the kernel between 1,000 candidates and n points
and the triangular solve with it, measured in the same process. CPU time, one BLAS thread.

    python tests/bench/speed.py [--sizes 20,100,1000] [--dimensions 6,20] [--repeats 5]
"""

import argparse
import functools
import itertools
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from random import Random
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
from scipy import linalg

from hmserve.engine.build import build
from hmserve.engine.optimizer import Optimizer
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Evaluation, Trial

CANDIDATES = 1000


def milliseconds(block: Callable[[], Any]) -> float:
    """Return the CPU time of one call."""
    start = time.process_time()
    block()
    return 1e3 * (time.process_time() - start)


def floor(n: int, d: int) -> float:
    """Return F(n) in milliseconds, the best of several."""
    rng = np.random.default_rng(0)
    X, C = rng.random((n, d)), rng.random((CANDIDATES, d))

    def kernel(A: Any, B: Any) -> Any:
        R2 = (A * A).sum(1)[:, None] + (B * B).sum(1) - 2.0 * A @ B.T
        s = np.sqrt(np.maximum(5.0 * R2, 0.0))
        return (1.0 + s + s * s / 3.0) * np.exp(-s)

    K = kernel(X, X) + 0.1 * np.eye(n)

    def work() -> None:
        L = linalg.cholesky(K, lower=True, check_finite=False)
        linalg.solve_triangular(L, kernel(X, C), lower=True, check_finite=False)

    work()
    return min(milliseconds(work) for _ in range(9))


def value(x: dict[str, float]) -> float:
    """A valley with waves: nothing that a model sees through at once."""
    numbers = list(x.values())
    bowl = sum((a - 0.3 - 0.02 * k) ** 2 for k, a in enumerate(numbers))
    return bowl + 0.1 * sum(math.sin(9.0 * a * b) for a, b in itertools.pairwise(numbers))


def prepared(n: int, d: int) -> Optimizer:
    """Return an optimizer of `d` reals that knows `n` evaluations."""
    scenario = Scenario.parse(
        {
            "optimization_objectives": ["value"],
            "input_parameters": {
                f"x{k}": {"parameter_type": "real", "values": [0, 1]} for k in range(d)
            },
            "design_of_experiment": {"number_of_samples": 1},
            "optimization_iterations": 10**6,
        }
    )
    optimizer, random = build(scenario, 0), Random(n)
    points = ({f"x{k}": random.random() for k in range(d)} for _ in range(n))
    optimizer.observe([_known(point) for point in points])
    answer(optimizer)
    return optimizer


def _known(x: dict[str, float]) -> Evaluation:
    return Evaluation(Trial(OUTSIDE, x), {"value": value(x)})


def answer(optimizer: Optimizer) -> None:
    """Ask once and tell."""
    for trial in optimizer.ask(1):
        optimizer.tell([Evaluation(trial, {"value": value(trial.configuration)})])


def measure(n: int, d: int, repeats: int) -> dict[str, float]:
    """Return medians in milliseconds: first ask, later asks, tells, asks with 15 pending."""
    optimizer = prepared(n, d)
    asks, tells, trials = [], [], []
    first = milliseconds(lambda: trials.extend(optimizer.ask(1)))
    for _ in range(repeats):
        (trial,) = trials
        evaluation = Evaluation(trial, {"value": value(trial.configuration)})
        tells.append(milliseconds(functools.partial(optimizer.tell, [evaluation])))
        trials.clear()
        asks.append(milliseconds(lambda: trials.extend(optimizer.ask(1))))
    for _ in range(14):
        optimizer.ask(1)
    pending = [milliseconds(lambda: optimizer.ask(1)) for _ in range(repeats)]
    return {
        "first": first,
        "ask": statistics.median(asks),
        "worst": max(asks),
        "tell": statistics.median(tells),
        "pending": statistics.median(pending),
    }


def main() -> None:
    """Print a row for every size and dimension."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="20,100,1000,10000,100000")
    parser.add_argument("--dimensions", default="6,20")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    head = ("d", "n", "F ms", "ask ms", "ask/F", "worst", "first", "tell", "15 pending/ask")
    print("".join(f"{name:>15}" for name in head))
    for d in map(int, options.dimensions.split(",")):
        for n in map(int, options.sizes.split(",")):
            F = floor(min(n, 1000), d)
            found = measure(n, d, options.repeats)
            ask = found["ask"]
            cells = (
                F,
                ask,
                ask / F,
                found["worst"],
                found["first"],
                found["tell"],
                found["pending"] / ask,
            )
            print(f"{d:>15}{n:>15}" + "".join(f"{cell:>15.3g}" for cell in cells))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
