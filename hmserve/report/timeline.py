"""A picture of the workers of a run: a lane each, a bar an evaluation."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.ticker import MaxNLocator

from hmserve.arrays import Mask
from hmserve.report.canvas import COLOURS, INK, literal
from hmserve.report.points import Points, front_of
from hmserve.report.spans import Span, Timeline

_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "feasible": {"facecolor": "#7fb3d5"},
    "infeasible": {"facecolor": "#d4d4d4", "hatch": "...."},
    "failed": {"facecolor": "#f2b58c", "hatch": "////"},
    "still out": {"facecolor": "#ffffff", "hatch": "----"},
}
"""Told apart by shade and pattern, not by colour alone."""

_LABELLED: Final = 16
"""More lanes than that: not each has its name and its idle time."""

_NUMBERED: Final = 0.014
"""The share of the width that the number of a trial needs, by its digits."""


def height_of(timeline: Timeline) -> float:
    """Return the inches that a picture of `timeline` needs."""
    return 1.25 + max(0.26 * min(timeline.lanes, _LABELLED), 0.11 * min(timeline.lanes, 80))


def draw_timeline(
    figure: SubFigure,
    timeline: Timeline,
    points: Points,
    name: str = "",
    latest: float = 0.0,
) -> None:
    """Draw who evaluated what when.

    Args:
        figure: Where, and nothing else is there.
        timeline: Of the run.
        points: Its results.
        name: What the title begins with.
        latest: How far the axis reaches at least, in seconds.
    """
    axes = figure.add_subplot()
    kinds = _kinds(timeline, points)
    high = max(timeline.limits[1], latest)
    scale, unit = time_unit(high)
    axes.set_xlim(0.0, (high if high > 0 else 1.0) / scale)
    axes.set_ylim(timeline.lanes - 0.4, -0.6)
    for kind, look in _LOOKS.items():
        spans = [s for s, k in zip(timeline.spans, kinds, strict=True) if k == kind]
        _draw_bars(axes, spans, {**look, "label": kind}, scale)
    _mark_best(axes, timeline, front_of(points), scale)
    for k, moment in enumerate(timeline.resumed):
        dashes: dict[str, Any] = {"color": INK, "linewidth": 1.2, "linestyle": (0, (4, 3))}
        axes.axvline(moment / scale, **dashes, label="" if k else "resumed after a pause")
    _number(axes, timeline, scale)
    _label_lanes(axes, timeline)
    axes.set_xlabel(f"{unit} of the run")
    axes.set_title(literal(_title(timeline, name)), fontsize=11, fontweight="normal")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=len(labels), fontsize=9.5)


def time_unit(seconds: float) -> tuple[float, str]:
    """Return in what a time of up to `seconds` is shown: how many seconds, and its name."""
    units = [(86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")]
    return next(((s, name) for s, name in units if seconds >= 3 * s), (1.0, "seconds"))


def _kinds(timeline: Timeline, points: Points) -> list[str]:
    failed = np.asarray(np.isnan(points.Y).any(axis=1))

    def kind(row: int | None) -> str:
        if row is None:
            return "still out"
        if points.feasible[row] or points.partial[row]:
            return "feasible"
        return "failed" if failed[row] else "infeasible"

    return [kind(span.row) for span in timeline.spans]


def _draw_bars(axes: Axes, spans: Sequence[Span], look: dict[str, Any], scale: float) -> None:
    if not spans:
        return
    starts = np.array([s.start for s in spans]) / scale
    widths = np.array([s.end for s in spans]) / scale - starts
    axes.barh(
        [s.lane for s in spans],
        widths,
        left=starts,
        height=0.72,
        edgecolor="#4d4d4d",
        linewidth=0.4 if len(spans) < 1000 else 0.0,
        **look,
    )


def _mark_best(axes: Axes, timeline: Timeline, best: Mask, scale: float) -> None:
    spans = [s for s in timeline.spans if s.row is not None and best[s.row]]
    if spans:
        axes.plot(
            [s.end / scale for s in spans],
            [s.lane for s in spans],
            "*",
            color=COLOURS[1],
            markeredgecolor=INK,
            markeredgewidth=0.6,
            markersize=12 if timeline.lanes <= _LABELLED else 8,
            clip_on=False,
            linestyle="none",
            zorder=4,
            label="best" if best.sum() == 1 else "best, or on the front",
        )


def _number(axes: Axes, timeline: Timeline, scale: float) -> None:
    """Write the ids of trials into bars that have room."""
    if timeline.lanes > _LABELLED:
        return
    low, high = axes.get_xlim()
    for span in timeline.spans:
        text, width = str(span.trial), (span.end - span.start) / scale
        if width > _NUMBERED * len(text) * (high - low):
            middle = (span.start + span.end) / 2 / scale
            label = axes.text(middle, span.lane, text, ha="center", va="center", fontsize=7.5)
            # Patterns must not cross it.
            label.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def _label_lanes(axes: Axes, timeline: Timeline) -> None:
    axes.set_ylabel("worker" if timeline.measured else "trials out")
    axes.grid(visible=False, axis="y")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=_LABELLED))
    # Takes room and is not seen: timelines below each other are of one width.
    _beside(axes, 0, "idle 88.8 %").set_alpha(0.0)
    if timeline.lanes > _LABELLED:
        return
    axes.set_yticks(range(timeline.lanes))
    if timeline.measured:
        for lane, busy in enumerate(timeline.busy()):
            _beside(axes, lane, f"idle {_percent(1 - busy)}")


def _beside(axes: Axes, lane: int, text: str) -> Annotation:
    """Write `text` to the right of a lane."""
    return axes.annotate(
        text,
        (1.0, lane),
        xycoords=("axes fraction", "data"),
        xytext=(12, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        annotation_clip=False,
    )


def _title(timeline: Timeline, name: str) -> str:
    shares = timeline.busy()
    low, high = timeline.limits
    count = f"{timeline.lanes} worker{'s' if timeline.lanes > 1 else ''}"
    if not timeline.measured:
        count = f"up to {timeline.lanes} trial{'s' if timeline.lanes > 1 else ''} out at once"
    busy = f"{_percent(sum(shares) / len(shares))} busy" if timeline.measured else ""
    scale, unit = time_unit(high - low)
    texts = [name, count, busy, f"{(high - low) / scale:.3g} {unit}"]
    return ", ".join(text for text in texts if text)


def _percent(share: float) -> str:
    return f"{100 * min(max(share, 0.0), 1.0):.3g} %" if share < 0.9995 else "100 %"
