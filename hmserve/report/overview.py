"""A run on one page.

How it converged, its front, who evaluated what when, each parameter against the objectives.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from hmserve.arrays import Floats, Mask
from hmserve.cells import parse_float
from hmserve.report.canvas import (
    COLOURS,
    PALE,
    check_image,
    ending_of,
    literal,
    logarithmic,
    save,
    style,
)
from hmserve.report.convergence import (
    draw_run,
    has_seconds,
    is_wide,
    mark_design,
    progress_of,
)
from hmserve.report.fronts import Front, draw_front
from hmserve.report.plots import objective_axes
from hmserve.report.points import Points, front_of
from hmserve.report.sources import Found
from hmserve.report.timeline import draw_timeline, height_of
from hmserve.scenario import Scenario

_WIDTH: Final = 12.5
_ACROSS: Final = 4
_MOST: Final = 48
"""More panels would make a page that nobody can print."""

_LABELLED: Final = 12
_LONGEST: Final = 14
_CHARACTERS: Final = 22
"""More do not fit below a panel side by side."""

_SHADES: Final = "cividis_r"
_INACTIVE: Final = "inactive"
_KEY: Final = "Each dot is an evaluation, the later the darker. Ring: best. Cross: infeasible."


def plot_run(found: Found, out: str | None, minimum: float | None = None) -> str:
    """Draw a run on one page.

    Args:
        found: The run.
        out: A directory, or a file to write; None for the run directory.
        minimum: The best value there is, to draw the regret; None not to.

    Returns:
        The path that was written.

    Raises:
        UsageError: `out` is a file of a kind we do not draw, or there are several objectives
            and a minimum.
        JournalError: The file cannot be written.
    """
    path = target(found.scenario, out, "plot")
    with style():
        save(run_figure(found, minimum), path)
    return path


def target(scenario: Scenario, out: str | None, what: str) -> str:
    """Return which file to write: `out`, or the page `what` in that directory."""
    if out is not None and ending_of(out) and not os.path.isdir(out):
        return check_image(out)
    name = f"{scenario.application_name}_{what}.pdf"
    return os.path.join(scenario.files.run_directory if out is None else out, name)


def run_figure(found: Found, minimum: float | None = None) -> Figure:
    """Return the page."""
    scenario, points, timeline = found
    names = scenario.space.names[: max(_MOST // len(scenario.objectives), 1)]
    rows = math.ceil(len(names) / _ACROSS)
    heights = [3.6, 2.5 * rows * len(scenario.objectives) + 0.3]
    if timeline is not None:
        heights.insert(1, height_of(timeline))
    figure = Figure(figsize=(_WIDTH, sum(heights) + 0.3), layout="constrained")
    parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
    _draw_top(parts[0], found, minimum)
    if timeline is not None:
        draw_timeline(parts[1], timeline, points)
    _draw_parameters(parts[-1], found, names, rows)
    figure.suptitle(literal(scenario.application_name), x=0.01, ha="left", fontweight="bold")
    return figure


def _draw_parameters(figure: SubFigure, found: Found, names: Sequence[str], rows: int) -> None:
    scenario, points, _ = found
    columns = math.ceil(len(names) / rows)
    best = front_of(points)
    for k, objective in enumerate(scenario.objectives):
        first: Axes | None = None
        for number, name in enumerate(names):
            place = (rows * len(scenario.objectives), columns, k * rows * columns + number + 1)
            panel = figure.add_subplot(*place, sharey=first)
            first = first or panel
            _draw_parameter(panel, _column(scenario, points, name), points, best, k)
            panel.set_ylabel(literal(objective) if number % columns == 0 else "")
    figure.suptitle(_KEY, x=0.01, ha="left", fontsize=10, color="#555555")


def _draw_top(figure: SubFigure, found: Found, minimum: float | None) -> None:
    """Draw the convergence over evaluations and seconds, and the front of two objectives."""
    scenario, points, _ = found
    two = len(scenario.objectives) == 2
    (run,) = progress_of(scenario, [points], minimum)
    timed = has_seconds([run])
    panels = 1 + timed + two
    axes = figure.add_subplot(1, panels, 1)
    draw_run(axes, run, timed=False)
    if scenario.design.samples < len(points):
        mark_design(axes, scenario.design.samples)
    axes.set_title(literal(_summary(scenario, points)), fontsize=11, fontweight="normal")
    if timed:
        beside = figure.add_subplot(1, panels, 2, sharey=axes)
        draw_run(beside, run, timed=True)
        beside.set_ylabel("")
    if two:
        _draw_front(figure.add_subplot(1, panels, panels), found)


def _draw_front(axes: Axes, found: Found) -> None:
    scenario, points, _ = found
    front = Front("", COLOURS[1], replace(points, feasible=front_of(points)), points)
    axes_of = zip(objective_axes(scenario), points.Y.T, strict=True)
    wide = [replace(a, logarithmic=a.logarithmic or is_wide(y)) for a, y in axes_of]
    draw_front(axes, wide, (0, 1), front)
    axes.set_title("Pareto front", fontsize=11, fontweight="normal")


def _summary(scenario: Scenario, points: Points) -> str:
    failed = int(np.isnan(points.Y).any(axis=1).sum())
    partial = int(points.partial.sum())
    infeasible = len(points) - failed - partial - int(points.feasible.sum())
    counts = [f"{len(points)} evaluation{'' if len(points) == 1 else 's'}"]
    counts += [f"{failed} failed"] if failed else []
    counts += [f"{infeasible} infeasible"] if infeasible else []
    counts += [f"{partial} of lower fidelity"] if partial else []
    if len(scenario.objectives) > 1:
        return ", ".join([*counts, f"{int(front_of(points).sum())} on the Pareto front"])
    if points.feasible.any():
        best = points.signs[0] * np.nanmin(points.minimised[:, 0])
        counts.append(f"best {scenario.objectives[0]} {best:.6g}")
    return ", ".join(counts)


@dataclass(frozen=True, slots=True)
class _Column:
    """The values of one parameter as places on an axis.

    Args:
        name: The parameter.
        places: One a result; nan where it has no value.
        labels: What stands at the places 0, 1, 2, ...; None if the places are the values.
    """

    name: str
    places: Floats
    labels: Sequence[str] | None


def _column(scenario: Scenario, points: Points, name: str) -> _Column:
    """Return the values of parameter `name`.

    Numbers have their own places, levels of ordinals and labels the same distance.
    """
    cells = points.column(name)
    entry = scenario.document["input_parameters"][name]
    kind, numbers = entry["parameter_type"], [parse_float(cell) for cell in cells]
    if kind in ("real", "integer"):
        return _Column(name, np.array(numbers, dtype=float), None)
    if kind == "ordinal":
        levels = sorted({float(value) for value in entry["values"]})
        places = [levels.index(n) if n in levels else math.nan for n in numbers]
        return _Column(name, np.array(places), [f"{level:g}" for level in levels])
    known = [str(value) for value in entry["values"]] if kind == "categorical" else []
    cells = [cell or _INACTIVE for cell in cells]
    labels = list(dict.fromkeys([*known, *cells]))
    return _Column(name, np.array([labels.index(cell) for cell in cells], dtype=float), labels)


def _draw_parameter(axes: Axes, column: _Column, points: Points, best: Mask, k: int) -> None:
    """Draw objective `k` over the values of one parameter."""
    x, y = column.places, points.Y[:, k]
    feasible = points.feasible
    crossed = ~feasible & ~points.partial
    axes.plot(x[crossed], y[crossed], "x", color=PALE, markersize=4, alpha=0.7)
    axes.scatter(
        x[feasible],
        y[feasible],
        c=np.flatnonzero(feasible),
        cmap=_SHADES,
        vmin=0,
        vmax=max(len(points) - 1, 1),
        s=14,
        linewidths=0,
    )
    axes.plot(
        x[best],
        y[best],
        "o",
        markersize=7.5,
        markerfacecolor="none",
        markeredgecolor=COLOURS[1],
    )
    if is_wide(y[feasible]):
        logarithmic(axes, "y")
    axes.set_xlabel(literal(column.name))
    axes.tick_params(labelsize=9)
    if column.labels is not None:
        _label_places(axes, column.labels)
    elif is_wide(x):
        logarithmic(axes, "x")
    elif len(np.unique(x[np.isfinite(x)])) == 1:
        axes.set_xticks([float(np.nanmin(x))])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))


def _label_places(axes: Axes, labels: Sequence[str]) -> None:
    """Write `labels` at the places 0, 1, 2, ...; of many, some."""
    step = math.ceil(len(labels) / _LABELLED)
    shown = range(0, len(labels), step)
    texts = [literal(_cut(labels[place])) for place in shown]
    crowded = sum(map(len, texts)) + len(texts) > _CHARACTERS
    axes.set_xticks(list(shown), texts)
    if crowded:
        for label in axes.get_xticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.5, len(labels) - 0.5)


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
