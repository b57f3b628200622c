"""How good several ranks are after so many evaluations in all, against one optimizer alone.

    python tests/bench/teamwork.py run --problems hartmann6,ackley10 --ranks 1,4,16 --seeds 5
    python tests/bench/teamwork.py table

Time is simulated: an evaluation takes 0.8 to 1.2 seconds, a result is heard by the others a
twentieth of a second later, proposals take no time. Each rank is an optimizer of its own, as
in an MPI job; nothing is shared but what is heard. One rank is the ordinary optimizer. Regrets
are medians over seeds; `worst` is the largest after the last evaluation.
"""

import argparse
import heapq
import itertools
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from comparison.problem import Outcome, Problem
from comparison.problems import get as problem_named

from hmserve.engine.build import build_ranked, shared_design
from hmserve.engine.rank import Rank
from hmserve.engine.ranked import RankedOptimizer
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Evaluation, Trial

RESULTS = Path(__file__).parent / "results" / "teamwork.jsonl"
LATENCY = 0.05
CHECKPOINTS = (25, 50, 75, 100, 150, 200)
SHOWN = ("50", "100", "200")


class Event(NamedTuple):
    """Something that happens at a time: a result is there, or is heard by a rank."""

    time: float
    turn: int
    rank: int
    evaluation: Evaluation
    own: bool


class Team:
    """Ranks that work on one problem in simulated time.

    Args:
        problem: What is minimised.
        scenario: What hmserve is told of it.
        size: How many ranks.
        seed: Of the run.
    """

    def __init__(self, problem: Problem, scenario: Scenario, size: int, seed: int) -> None:
        self.outcomes: list[Outcome] = []
        self._problem = problem
        self._turn = itertools.count()
        self._delays, self._noise = Random(f"delays/{seed}"), Random(f"noise/{seed}")
        design = shared_design(scenario, seed, size)
        self._ranks = [
            build_ranked(scenario, seed, Rank(r, size), design[r::size]) for r in range(size)
        ]
        self._out: list[dict[int, Trial]] = [{} for _ in range(size)]
        self._events: list[Event] = []

    def run(self, evaluations: int) -> None:
        """Evaluate so many configurations."""
        for r in range(len(self._ranks)):
            self._propose(r, 0.0)
        while self._events and len(self.outcomes) < evaluations:
            event = heapq.heappop(self._events)
            if event.own:
                self._finish(event)
            else:
                self._ranks[event.rank].observe([event.evaluation])

    def _finish(self, event: Event) -> None:
        r, evaluation = event.rank, event.evaluation
        self._ranks[r].tell([evaluation])
        del self._out[r][evaluation.trial.id]
        self._evaluated(evaluation)
        stranger = replace(evaluation, trial=replace(evaluation.trial, id=OUTSIDE))
        for other in range(len(self._ranks)):
            if other != r:
                when = event.time + LATENCY
                heapq.heappush(
                    self._events, Event(when, next(self._turn), other, stranger, own=False)
                )
        self._propose(r, event.time)

    def _evaluated(self, evaluation: Evaluation) -> None:
        details = evaluation.details
        self.outcomes.append(Outcome(*details["outcome"]))

    def _propose(self, r: int, now: float) -> None:
        optimizer: RankedOptimizer = self._ranks[r]
        others = [t for other in self._out if other is not self._out[r] for t in other.values()]
        optimizer.attend(others)
        for trial in optimizer.ask(1):
            self._out[r][trial.id] = trial
            outcome = self._problem.evaluate(trial.configuration, self._noise.getrandbits(32))
            values = dict(zip(self._problem.names, outcome.values, strict=False))
            evaluation = Evaluation(
                trial, values, outcome.feasible, details={"outcome": tuple(outcome)}
            )
            when = now + self._delays.uniform(0.8, 1.2)
            heapq.heappush(self._events, Event(when, next(self._turn), r, evaluation, own=True))


def run_one(name: str, size: int, seed: int, budget: int, diversity: str) -> dict[str, Any]:
    """Return the line of one run."""
    problem = problem_named(name)
    with tempfile.TemporaryDirectory() as directory:
        scenario = Scenario.parse(
            {
                "application_name": "team",
                "optimization_objectives": list(problem.names),
                "input_parameters": {k: dict(v) for k, v in problem.parameters.items()},
                "design_of_experiment": {"number_of_samples": problem.initial},
                "distributed": {"diversity": diversity},
                "run_directory": directory,
                "seed": seed,
            }
        )
        team = Team(problem, scenario, size, seed)
        team.run(budget)
    regrets = {str(n): problem.regret(team.outcomes[:n]) for n in CHECKPOINTS if n <= budget}
    return {
        "problem": name,
        "ranks": size,
        "seed": seed,
        "diversity": diversity,
        "regret": regrets,
    }


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Return the results at `path`."""
    if path.exists():
        yield from map(json.loads, path.read_text().splitlines())


def run(options: argparse.Namespace) -> int:
    """Run what is not in the results yet."""
    known = {
        (x["problem"], x["ranks"], x["seed"], x["diversity"]) for x in lines(options.results)
    }
    for seed in range(options.first, options.first + options.seeds):
        for name, size, diversity in itertools.product(
            options.problems, options.ranks, options.diversity
        ):
            # Alone there is nothing to keep apart.
            chosen = diversity if size > 1 else "auto"
            if (name, size, seed, chosen) in known:
                continue
            known.add((name, size, seed, chosen))
            line = run_one(name, size, seed, options.budget, chosen)
            with options.results.open("a") as file:
                file.write(json.dumps(line) + "\n")
            sys.stderr.write(f"{name} {size} {seed} {chosen}: {line['regret']}\n")
    return 0


def table(options: argparse.Namespace) -> int:
    """Print the medians, and the worst."""
    cells: dict[tuple[str, int, str], dict[str, list[float]]] = {}
    for line in lines(options.results):
        key = line["problem"], line["ranks"], line["diversity"]
        for n, regret in line["regret"].items():
            cells.setdefault(key, {}).setdefault(n, []).append(regret)
    head = ["problem", "ranks", "diversity", "seeds", "50", "100", "200", "worst"]
    sys.stdout.write(_row(head) + _row(["---"] * len(head)))
    for (name, size, diversity), found in sorted(cells.items()):
        last = found[max(found, key=int)]
        medians = [f"{statistics.median(found[n]):.2g}" if n in found else "" for n in SHOWN]
        counts = [str(size), diversity, str(len(last))]
        sys.stdout.write(_row([name, *counts, *medians, f"{max(last):.2g}"]))
    return 0


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _names(text: str) -> list[str]:
    return text.split(",")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status."""
    parser = argparse.ArgumentParser(prog="teamwork.py", description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--problems", type=_names, default=["branin", "hartmann6", "ackley10"])
    parser.add_argument("--ranks", type=_numbers, default=[1, 4, 16])
    parser.add_argument("--diversity", type=_names, default=["auto"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--budget", type=int, default=100)
    options = parser.parse_args(arguments)
    return run(options) if options.verb == "run" else table(options)


if __name__ == "__main__":
    sys.exit(main())
