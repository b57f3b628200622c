"""The results as a picture: mean rank over the evaluations, and one panel for each class."""

import math
from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from comparison.results import Regrets, Results
from comparison.statistics import FLOOR, mean_ranks, medians

_COLUMNS = 4

_STYLES = [(mark, line) for line in ("-", "--", ":") for mark in "osv^D<"]


def figure(results: Results, path: Path) -> None:
    """Draw into `path`, whose suffix says the format."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = 1 + len(results.classes)
    rows = math.ceil(panels / _COLUMNS)
    drawn = Figure(figsize=(4.2 * min(panels, _COLUMNS), 3.4 * rows), layout="constrained")
    FigureCanvasAgg(drawn)
    axes = [drawn.add_subplot(rows, min(panels, _COLUMNS), k + 1) for k in range(panels)]
    everything = [problem for each in results.classes.values() for problem in each]
    _curves(axes[0], results, mean_rank_curves(results, everything))
    axes[0].set(title="all problems", ylabel="mean rank", xlabel="evaluations")
    for panel, (kind, problems) in zip(axes[1:], results.classes.items(), strict=True):
        _curves(panel, results, regret_curves(results, problems))
        panel.set(title=kind, ylabel="relative regret", xlabel="evaluations", yscale="log")
    handles, labels = axes[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False)
    drawn.savefig(path)


def mean_rank_curves(results: Results, problems: Sequence[str]) -> dict[str, list[float]]:
    """Return by peer the mean rank at each checkpoint; NaN where it ran nothing so far."""
    found = [mean_ranks(results.regrets(n), problems) for n in results.checkpoints]
    none = (math.nan, 0)
    return {peer: [at.get(peer, none)[0] for at in found] for peer in results.peers}


def regret_curves(results: Results, problems: Sequence[str]) -> dict[str, list[float]]:
    """Return by peer the geometric mean over the problems of relative regret.

    Relative to the largest finite median of any peer at the first checkpoint that has one, so
    that no unit matters. NaN while a median of the peer is not finite or missing.
    """
    at = [results.regrets(n) for n in results.checkpoints]
    units = {problem: _unit(at, problem) for problem in problems}
    return {
        peer: [_geometric_mean(_relative(here, peer, units)) for here in at]
        for peer in results.peers
    }


def _unit(at: Iterable[Regrets], problem: str) -> float:
    for regrets in at:
        found = medians(regrets.get(problem, {})).values()
        finite = [median for median in found if math.isfinite(median)]
        if finite:
            return max(*finite, FLOOR)
    return 1.0


def _relative(regrets: Regrets, peer: str, units: dict[str, float]) -> list[float]:
    found = []
    for problem, unit in units.items():
        seeds = regrets.get(problem, {})
        if peer in seeds:
            found.append(max(medians({peer: seeds[peer]})[peer], FLOOR) / unit)
    return found


def _geometric_mean(values: Sequence[float]) -> float:
    if not values or not all(map(math.isfinite, values)):
        return math.nan
    return math.exp(sum(map(math.log, values)) / len(values))


def _curves(panel: Any, results: Results, curves: dict[str, list[float]]) -> None:
    for peer, (marker, line) in zip(results.peers, cycle(_STYLES), strict=False):
        panel.plot(
            results.checkpoints, curves[peer], line, marker=marker, markersize=3, label=peer
        )
