"""Compares the strategies for pending trials, and prints the table of docs/engine.md.

    python tests/bench/pending.py run --seeds 5 --jobs 2 [--strategies a,b] [--pending 4,16]
    python tests/bench/pending.py table

Each strategy proposes for the same problems, with the same seeds, designs and order of answers
(README.md has the rules). `run` may be stopped and started again. Ranks are those of the median
regrets after the last evaluation, averaged over the problems; 1 is the best.
"""

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from comparison.job import Job
from comparison.results import load
from comparison.runner import Plan, Runner, installed, remaining
from comparison.statistics import mean_ranks, medians

RESULTS = Path(__file__).parent / "results" / "strategies.jsonl"
PROBLEMS = (
    *("branin", "hartmann6", "hartmann6_noisy"),
    *("convolution-rtx3090", "bbob_mixint_f8_d5"),
    *("pressure_vessel", "chankong_haimes"),
)
STRATEGIES = (
    *("believer", "fantasies", "liar_min", "liar_mean", "liar_max"),
    *("local_penalization", "hard_local_penalization", "gibbon"),
    *("thompson", "ignore"),
)
"""Asked for one trial at a time, `joint_ei` is `fantasies`."""

BUDGET = 60


def jobs(strategies: Sequence[str], pending: Sequence[int], seeds: Sequence[int]) -> list[Job]:
    """Return the runs, by seed first: what is there so far is balanced."""
    return [
        Job(problem, "hmserve", seed, q, BUDGET, name, {"pending_strategy": name})
        for seed, q, problem, name in product(seeds, pending, PROBLEMS, strategies)
    ]


def run(options: argparse.Namespace) -> int:
    """Run what is not in the results yet."""
    plan = Plan(options.results, Path("environments"), options.jobs)
    wanted = jobs(options.strategies, options.pending, range(options.seeds))
    left = remaining(wanted, installed(["hmserve"], plan.environments), plan)
    sys.stderr.write(f"{len(wanted)} jobs, {len(left)} to run\n")
    return int(Runner(plan).run(left) > 0)


def table(options: argparse.Namespace) -> int:
    """Print mean ranks by number pending, what an ask costs, and medians of regret."""
    for q in options.pending:
        sys.stdout.write("\n".join(section(options.results, q)) + "\n\n")
    return 0


def section(results: Path, pending: int) -> list[str]:
    """Return the lines of the table with so many pending."""
    found = load([results], pending)
    regrets = found.regrets(BUDGET)
    names = [f"hmserve@{name}" for name in STRATEGIES]
    ranked = mean_ranks(regrets, regrets)
    single = mean_ranks(regrets, regrets, by_seed=True)
    seconds: dict[str, list[float]] = {}
    for line in found.lines:
        seconds.setdefault(line["peer"], []).append(line["cpu"]["mean"])
    seeds = max((len(s) for peers in regrets.values() for s in peers.values()), default=0)
    lines = [
        f"{pending} pending, {BUDGET} evaluations, {seeds} seeds",
        "",
        f"| strategy | rank | of single runs | ask ms | {' | '.join(regrets)} |",
        "|---|---|---|---|" + "---|" * len(regrets),
    ]
    for name in sorted((n for n in names if n in ranked), key=lambda n: ranked[n][0]):
        cost = 1e3 * sum(seconds[name]) / len(seconds[name])
        values = [medians(peers).get(name, float("nan")) for peers in regrets.values()]
        cells = [f"{ranked[name][0]:.1f}", f"{single[name][0]:.1f}", f"{cost:.0f}"]
        cells += [f"{value:.2g}" for value in values]
        lines.append(f"| `{name.partition('@')[2]}` | {' | '.join(cells)} |")
    return lines


def _names(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status."""
    parser = argparse.ArgumentParser(prog="pending.py", description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--strategies", type=_names, default=list(STRATEGIES))
    parser.add_argument("--pending", type=_numbers, default=[4, 16])
    options = parser.parse_args(arguments)
    return run(options) if options.verb == "run" else table(options)


if __name__ == "__main__":
    sys.exit(main())
