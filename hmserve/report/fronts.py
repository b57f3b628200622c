"""The figure of Pareto fronts: a panel for each pair of objectives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmserve.arrays import Floats
from hmserve.multiobjective.pareto import non_dominated
from hmserve.report.canvas import (
    PALE,
    SIZE,
    legend_aside,
    legend_below,
    literal,
    logarithmic,
    note,
)
from hmserve.report.points import Points

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Axis:
    """How an objective is shown.

    Args:
        label: Its name, or what the scenario calls it in images.
        logarithmic: Whether its axis is.
        whole: What 100 % is; None to show plain values.
    """

    label: str
    logarithmic: bool = False
    whole: float | None = None

    @property
    def title(self) -> str:
        """The label, with its unit if that is percent."""
        percent = self.whole is not None and "%" not in self.label
        return f"{self.label} (%)" if percent else self.label

    def shown(self, values: Floats) -> Floats:
        """Return `values` as they are shown."""
        return values if self.whole is None else 100.0 * values / self.whole


@dataclass(frozen=True, slots=True)
class Front:
    """A front, and how it is shown.

    Args:
        label: What the legend calls it; nothing keeps it out of there.
        colour: Of all its points.
        points: Those of it that are feasible are drawn.
        samples: All that was evaluated; None not to show it.
    """

    label: str
    colour: str
    points: Points
    samples: Points | None


def front_figure(title: str, axes: Sequence[Axis], fronts: Sequence[Front]) -> Figure:
    """Return a figure with a panel for each pair of objectives.

    Without samples, percentages go from 0 to 100.

    Args:
        title: Above all.
        axes: One an objective; at least two.
        fronts: What is compared.
    """
    side = len(axes) - 1
    size = SIZE if side == 1 else (3.6 * side + 0.6, 3.1 * side + 0.5)
    figure = Figure(figsize=size, layout="tight")
    for row in range(side):
        for column in range(row + 1):
            panel = figure.add_subplot(side, side, row * side + column + 1)
            _draw_panel(panel, axes, (column, row + 1), fronts)
    figure.axes[0].set_title(literal(title))
    if side == 1:
        legend_below(figure.axes[0], columns=2)
    else:
        legend_aside(figure.axes[0])
    return figure


def _draw_panel(panel: Axes, axes: Sequence[Axis], pair: Pair, fronts: Sequence[Front]) -> None:
    for front in fronts:
        draw_front(panel, axes, pair, front)
    if not any(front.points.feasible.any() for front in fronts):
        note(panel, "no feasible point")
    samples = [front.samples for front in fronts if front.samples is not None]
    crossed = [each.Y[~each.feasible & ~each.partial] for each in samples]
    if any(np.isfinite(Y).all(axis=1).any() for Y in crossed):
        panel.plot([], [], "x", color=PALE, markersize=4, label="infeasible")
    if samples:
        return
    across, up = (axes[k] for k in pair)
    if across.whole is not None:
        panel.set_xlim(None if across.logarithmic else 0, 100)
    if up.whole is not None:
        panel.set_ylim(None if up.logarithmic else 0, 100)


def draw_front(panel: Axes, axes: Sequence[Axis], pair: Pair, front: Front) -> None:
    """Draw `front` as seen by two of its objectives.

    A front of two objectives has its staircase. Of more, a panel shows the shadow.
    """
    across, up = (axes[k] for k in pair)

    def draw(Y: Floats, marks: str, **look: Any) -> None:
        panel.plot(across.shown(Y[:, 0]), up.shown(Y[:, 1]), marks, **look)

    if front.samples is not None:
        Y, feasible = front.samples.Y[:, pair], front.samples.feasible
        draw(Y[~feasible & ~front.samples.partial], "x", color=PALE, markersize=4, alpha=0.6)
        draw(Y[feasible], "o", color=front.colour, markersize=3.5, alpha=0.3)
    line = "-o" if len(axes) == 2 else "o"
    panel.plot([], [], line, color=front.colour, markersize=5, label=front.label or None)
    if len(axes) == 2:
        edge = _stairs(front.points, front.samples)
        draw(edge, "-", color=front.colour, linewidth=1.6)
    draw(front.points.Y[front.points.feasible][:, pair], "o", color=front.colour, markersize=5)
    for which, shown in (("x", across), ("y", up)):
        if shown.logarithmic:
            logarithmic(panel, which)
        panel.set(**{f"{which}label": literal(shown.title)})


def _stairs(points: Points, samples: Points | None) -> Floats:
    """Return the edge of what a front of two objectives dominates, as corners of a line.

    It ends at the worst values that are shown.
    """
    Y = points.minimised[points.feasible]
    if len(Y) == 0:
        return Y
    shown = Y if samples is None else samples.minimised[samples.feasible]
    worst = np.vstack([Y, shown]).max(axis=0)
    Y = Y[non_dominated(Y)]
    Y = Y[np.lexsort(Y.T[::-1])]
    x = np.append(np.repeat(Y[:, 0], 2), worst[0])
    y = np.insert(np.repeat(Y[:, 1], 2), 0, worst[1])
    return np.column_stack([x, y]) * points.signs
