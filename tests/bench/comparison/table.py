"""The results as markdown: mean ranks, medians of each class, cost, runs that died."""

import math
from collections.abc import Iterable, Mapping, Sequence

from comparison.results import Regrets, Results
from comparison.statistics import (
    FLOOR,
    Comparison,
    by_class,
    by_problem,
    mean_ranks,
    quantile,
)

_LEGEND = """\
Regret: median [quartiles] over the seeds, smaller is better, best in bold. Rank: the mean over
the class's problems of the rank of the medians (in brackets of single runs); a peer that did
not run all has the mean over those it ran, with their number. Last column: how {ours} does
against the peer, by Wilcoxon's signed-rank test over problems and seeds, Holm-corrected in the
class. ▲ significantly better than {ours} on the problem, ▼ significantly worse."""

_COST = """\
CPU seconds, children included, medians over the runs: to make the optimizer; ask and tell of an
evaluation after the initial design, of the last one of a run, of the dearest. Peak memory."""

_NOTHING = "-"

_MARKS = {"better": " ▼", "worse": " ▲", "undecided": ""}


def table(results: Results, at: Sequence[int], ours: str) -> str:
    """Return every table.

    Args:
        results: Of one number pending.
        at: After how many evaluations; those that nothing was run to are left out.
        ours: The peer that the others are tested against.
    """
    there = [n for n in at if n in results.checkpoints]
    parts = [_overview(results, there), _LEGEND.format(ours=ours)]
    for n in there:
        parts.append(f"## After {n} evaluations")
        regrets = results.regrets(n)
        parts += [
            f"### {kind}\n\n{_class(regrets, problems, ours)}"
            for kind, problems in results.classes.items()
            if any(problem in regrets for problem in problems)
        ]
    parts += [_cost(results), _errors(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; every row is as long as the header."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(x: float) -> str:
    """Return a regret with two digits."""
    return "inf" if math.isinf(x) else f"{x:.2g}"


def _overview(results: Results, at: Sequence[int]) -> str:
    """Return the mean ranks over all problems, by number of evaluations."""
    problems = [problem for each in results.classes.values() for problem in each]
    columns = {n: mean_ranks(results.regrets(n), problems) for n in at}
    peers = sorted(results.peers, key=lambda peer: _order(columns, peer))
    most = {n: max((count for _, count in c.values()), default=0) for n, c in columns.items()}
    rows = [[peer, *(_rank(columns[n].get(peer), most[n]) for n in at)] for peer in peers]
    header = ["peer", *(f"{n} evaluations" for n in at)]
    return f"## Mean rank over {len(problems)} problems\n\n{markdown(header, rows)}"


def _order(columns: Mapping[int, Mapping[str, tuple[float, int]]], peer: str) -> float:
    """Return the mean of a peer's ranks: the order of the rows."""
    found = [column[peer][0] for column in columns.values() if peer in column]
    return sum(found) / len(found) if found else math.inf


def _rank(rank: tuple[float, int] | None, problems: int) -> str:
    if rank is None:
        return _NOTHING
    mean, count = rank
    return f"{mean:.2f}" if count == problems else f"{mean:.2f} of {count}"


def _class(regrets: Regrets, problems: Sequence[str], ours: str) -> str:
    """Return a row for each peer, best mean rank first."""
    ran = [problem for problem in problems if problem in regrets]
    ranked = mean_ranks(regrets, ran)
    single = mean_ranks(regrets, ran, by_seed=True)
    tested = by_class(regrets, ran, ours)
    marked = by_problem(regrets, ran, ours)
    rows = []
    everyone = {peer for problem in ran for peer in regrets[problem]}
    for peer in sorted(everyone, key=lambda peer: (*ranked.get(peer, (math.inf,)), peer)):
        cells = [_cell(regrets[problem], peer, marked.get((problem, peer))) for problem in ran]
        rank = f"{_rank(ranked.get(peer), len(ran))} ({_rank(single.get(peer), len(ran))})"
        rows.append([peer, *cells, rank, _verdict(tested.get(peer))])
    return markdown(["peer", *ran, "rank", f"{ours} against it"], rows)


def _cell(
    seeds: Mapping[str, Mapping[int, float]], peer: str, comparison: Comparison | None
) -> str:
    if peer not in seeds:
        return _NOTHING
    low, middle, high = (quantile(seeds[peer].values(), q) for q in (0.25, 0.5, 0.75))
    best = min(quantile(values.values(), 0.5) for values in seeds.values())
    first = middle <= max(best, FLOOR) and not math.isinf(middle)
    median = f"**{number(middle)}**" if first else number(middle)
    mark = _MARKS[comparison.verdict] if comparison else ""
    return f"{median} [{number(low)}, {number(high)}]{mark}"


def _verdict(comparison: Comparison | None) -> str:
    if comparison is None:
        return _NOTHING
    return f"{comparison.verdict} (p {comparison.p:.2g}, {comparison.pairs} pairs)"


def _cost(results: Results) -> str:
    """Return CPU seconds and memory, medians over all runs of a peer."""
    rows = []
    for peer in results.peers:
        lines = [line for line in results.lines if line["peer"] == peer]
        cpu = (
            quantile((line["cpu"][key] for line in lines), 0.5)
            for key in ("start", "mean", "last", "worst")
        )
        rss = quantile((line["rss"] for line in lines), 0.5)
        versions = ", ".join(
            sorted({f"{name} {v}" for line in lines for name, v in line["versions"].items()})
        )
        rows.append([peer, *(f"{x:.3g}" for x in cpu), f"{rss:.0f}", str(len(lines)), versions])
    header = ["peer", "start", "mean", "last", "dearest", "MB", "runs", "versions"]
    return f"## Cost\n\n{markdown(header, rows)}\n\n{_COST}"


def _errors(results: Results) -> str:
    """Return the runs that died; their last regret counts to the end."""
    rows = [
        [
            line["peer"],
            line["problem"],
            str(line["seed"]),
            str(line["evaluations"]),
            line["error"],
        ]
        for line in results.errors
    ]
    if not rows:
        return ""
    header = ["peer", "problem", "seed", "evaluations", "error"]
    return f"## Runs that ended early\n\n{markdown(header, rows)}"
