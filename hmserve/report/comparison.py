"""Several runs on one page: how they converge, and what their workers did."""

import itertools
from collections.abc import Sequence
from typing import Any, Final

from matplotlib.figure import Figure, SubFigure

from hmserve.errors import UsageError
from hmserve.report.canvas import line_style, literal, save, shortened, style
from hmserve.report.convergence import Progress, draw_group, dress, has_seconds, progress_of
from hmserve.report.overview import target
from hmserve.report.sources import Found
from hmserve.report.timeline import draw_timeline, height_of

_WIDTH: Final = 12.5
_TIMELINES: Final = 4
"""More of them would make a page that nobody can print."""


def plot_comparison(
    runs: Sequence[Found], out: str | None, minimum: float | None = None
) -> str:
    """Draw `runs` on one page.

    Args:
        runs: Of the same objectives. Those of one name are one curve.
        out: A directory, or a file to write; None for the run directory of the first.
        minimum: The best value there is, to draw the regret; None not to.

    Returns:
        The path that was written.

    Raises:
        UsageError: `out` is a file of a kind we do not draw, the objectives differ, or there
            are several and a minimum.
        JournalError: The file cannot be written.
    """
    path = target(runs[0].scenario, out, "comparison")
    with style():
        save(comparison_figure(runs, minimum), path)
    return path


def comparison_figure(runs: Sequence[Found], minimum: float | None = None) -> Figure:
    """Return the page."""
    _require_alike(runs)
    groups: dict[str, list[Found]] = {}
    for run in runs:
        groups.setdefault(run.scenario.application_name, []).append(run)
    shown = [(name, found[0]) for name, found in groups.items() if found[0].timeline]
    shown = shown[:_TIMELINES]
    heights = [4.2, *(height_of(run.timeline) for _, run in shown if run.timeline)]
    figure = Figure(figsize=(_WIDTH, sum(heights) + 0.2), layout="constrained")
    parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    measured = iter(progress_of(runs[0].scenario, _by_group(groups), minimum))
    curves = {name: list(itertools.islice(measured, len(g))) for name, g in groups.items()}
    _draw_curves(parts[0], curves)
    _share_time(shown, parts[1:])
    return figure


def _require_alike(runs: Sequence[Found]) -> None:
    first = runs[0].scenario
    for run in runs[1:]:
        other = run.scenario
        if (other.objectives, other.maximised) != (first.objectives, first.maximised):
            raise UsageError(
                f"{other.source} has the objectives {', '.join(other.objectives)}, "
                f"{first.source} has {', '.join(first.objectives)}: only runs of the same "
                "objectives, with the same goals, can be compared"
            )


def _by_group(groups: dict[str, list[Found]]) -> list[Any]:
    return [run.points for found in groups.values() for run in found]


def _draw_curves(figure: SubFigure, curves: dict[str, list[Progress]]) -> None:
    """Draw a curve a group, over evaluations and, if all know them, over seconds."""
    every = [run for runs in curves.values() for run in runs]
    timed = [False, True] if has_seconds(every) else [False]
    first: Any = None
    for place, over_time in enumerate(timed, 1):
        axes = figure.add_subplot(1, len(timed), place, sharey=first)
        first = first or axes
        longest = max(run.end for run in every) if over_time else None
        for number, (name, runs) in enumerate(curves.items()):
            label = literal(shortened(name)) + (f" ({len(runs)} runs)" if len(runs) > 1 else "")
            look = {**line_style(number), "label": label}
            draw_group(axes, runs, look, longest)
        dress(axes, every, longest)
        if place > 1:
            axes.set_ylabel("")
    if any(len(runs) > 1 for runs in curves.values()):
        first.set_title("median, and from best to worst", fontsize=11, fontweight="normal")
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=min(len(labels), 4))


def _share_time(shown: Sequence[tuple[str, Found]], parts: Sequence[SubFigure]) -> None:
    """Draw the timelines below each other, on one scale of time."""
    latest = max((run.timeline.limits[1] for _, run in shown if run.timeline), default=0.0)
    for (name, run), part in zip(shown, parts, strict=True):
        if run.timeline is not None:
            draw_timeline(part, run.timeline, run.points, name, latest)
