"""Figures over evaluations and over time: regret, and the hypervolume indicator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hmserve.arrays import Floats
from hmserve.report.canvas import (
    INK,
    SIZE,
    legend_below,
    line_style,
    literal,
    logarithmic,
    note,
    shortened,
)
from hmserve.report.hvi import Curves
from hmserve.report.regret import Regret


@dataclass(frozen=True, slots=True)
class RegretLook:
    """How a figure of regret looks.

    Args:
        title: Above it.
        x_label: Below it.
        y_label: Beside it; None for a fitting one.
        columns: Of the legend, at most.
        logarithm: Whether the curves are natural logarithms.
        unlogged: Whether the axis then shows the regret itself, on a logarithmic scale.
        design: How many evaluations the design of experiments has, to be marked; None not to.
        expert: The regret of an expert's configuration; None if there is none.
    """

    title: str
    x_label: str = "Number of Evaluations"
    y_label: str | None = None
    columns: int = 4
    logarithm: bool = False
    unlogged: bool = False
    design: int | None = None
    expert: float | None = None


def regret_figure(curves: Sequence[tuple[str, Regret]], look: RegretLook) -> Figure:
    """Return a figure with a curve, and its band, for each label in `curves`."""
    figure = Figure(figsize=SIZE)
    axes = figure.add_subplot()
    raised = look.logarithm and look.unlogged

    def shown(values: Floats) -> Floats:
        return np.asarray(np.exp(values)) if raised else values

    for number, (label, curve) in enumerate(curves):
        evaluations = np.arange(1, len(curve.mean) + 1)
        style = line_style(number)
        # A curve of one point would not be seen.
        marker = "o" if np.isfinite(curve.mean).sum() < 2 else None
        axes.plot(evaluations, shown(curve.mean), **style, marker=marker, label=label)
        if curve.low is not None and curve.high is not None:
            band = (shown(curve.low), shown(curve.high))
            axes.fill_between(evaluations, *band, color=style["color"], alpha=0.18, linewidth=0)
    if look.expert is not None:
        level = np.log(look.expert) if look.logarithm and not raised else look.expert
        axes.axhline(level, color=INK, linewidth=1.5, label="Expert Configuration")
    if look.design is not None:
        axes.axvline(
            look.design, color=INK, linewidth=1.2, linestyle=(0, (5, 3)), label="Initialization"
        )
    if raised:
        logarithmic(axes, "y")
    length = max((len(curve.mean) for _, curve in curves), default=1)
    axes.set_xlim(1, max(length, look.design or 1, 2))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(literal(look.x_label))
    default = "Log Regret" if look.logarithm and not raised else "Regret"
    axes.set_ylabel(literal(default if look.y_label is None else look.y_label))
    axes.set_title(literal(look.title))
    legend_below(axes, look.columns)
    return figure


def hvi_figure(title: str, curves: Mapping[str, Curves]) -> Figure:
    """Return a figure with the mean indicator over time, and its confidence interval."""
    figure = Figure(figsize=SIZE)
    axes = figure.add_subplot()
    for number, (label, found) in enumerate(curves.items()):
        style = line_style(number)
        axes.plot(found.times, found.mean, **style, label=shortened(label))
        axes.fill_between(
            found.times, *found.interval, color=style["color"], alpha=0.18, linewidth=0
        )
    _dress_hvi(axes, title, [found.mean for found in curves.values()])
    legend_below(axes)
    return figure


def hvi_boxes(title: str, found: Curves) -> Figure:
    """Return a figure with a box plot of the indicator for each bin of time."""
    figure = Figure(figsize=SIZE)
    axes = figure.add_subplot()
    if len(found.times):
        colour = line_style(0)["color"]
        axes.boxplot(
            list(found.values),
            positions=found.times,
            widths=0.6 * found.times[0] if found.times[0] > 0 else 0.5,
            manage_ticks=False,
            patch_artist=True,
            boxprops={"facecolor": "#cfe3f1", "edgecolor": colour},
            medianprops={"color": colour, "linewidth": 2},
            whiskerprops={"color": colour},
            capprops={"color": colour},
            flierprops={"marker": "o", "markersize": 3, "markeredgecolor": colour},
        )
    _dress_hvi(axes, title, [found.values])
    return figure


def _dress_hvi(axes: Axes, title: str, values: Sequence[Floats]) -> None:
    shown = np.concatenate([each.ravel() for each in values])
    positive = shown[shown > 0]
    if positive.size:
        # Runs that reached the best front are at 0, which no logarithm has.
        least = 10.0 ** np.floor(np.log10(positive.min()))
        axes.set_yscale("symlog", linthresh=least, linscale=0.5)
        axes.set_ylim(bottom=0.0 if np.any(shown == 0) else least)
    elif not shown.size:
        note(axes, "no feasible result")
    axes.set_xlabel("Time (sec)")
    axes.set_ylabel("HyperVolume Indicator (HVI)")
    axes.set_title(literal(title))
