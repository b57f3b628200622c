"""How a run converges, over its evaluations and over its seconds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hmserve.arrays import Floats
from hmserve.errors import UsageError
from hmserve.multiobjective.hypervolume import hypervolumes
from hmserve.report.canvas import COLOURS, INK, PALE, literal, logarithmic, note
from hmserve.report.points import Points
from hmserve.report.regret import best_so_far
from hmserve.report.timeline import time_unit
from hmserve.scenario import Scenario

_WIDE = 100.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come after each of its results.

    Args:
        name: What is measured.
        values: What each result is worth, as it is written, shape (n,); nan where it does not
            count. None where that is no number: of several objectives.
        curve: The best so far, shape (n,); nan before there is one.
        seconds: When each result came, shape (n,); None if nobody knows.
        logarithmic: Whether a logarithmic axis suits it.
        floor: What a logarithmic axis shows of what is not positive: the regret of a run that
            is beyond the known minimum by rounding.
    """

    name: str
    values: Floats | None
    curve: Floats
    seconds: Floats | None
    logarithmic: bool = False
    floor: float = -math.inf

    @property
    def end(self) -> float:
        """When the last result came, in seconds."""
        return 0.0 if self.seconds is None else float(self.seconds.max(initial=0.0))


def progress_of(
    scenario: Scenario, runs: Sequence[Points], minimum: float | None = None
) -> list[Progress]:
    """Return how `runs` converge, all measured alike.

    Args:
        scenario: Of the runs.
        runs: Their results.
        minimum: The best value there is: what is measured is the regret.

    Returns:
        One objective: the best value so far, or the regret; several: the hypervolume as a
        share of the box that holds all feasible results.

    Raises:
        UsageError: There is a minimum, and several objectives.
    """
    if len(scenario.objectives) > 1:
        if minimum is not None:
            raise UsageError(
                f"{scenario.source}: a minimum is of one objective, and there are "
                f"{len(scenario.objectives)}"
            )
        return _volumes(runs)
    sign = float(runs[0].signs[0])
    found = []
    for points in runs:
        least = points.minimised[:, 0]
        values = sign * least if minimum is None else least - sign * minimum
        curve = best_so_far(least if minimum is None else values)
        curve = sign * curve if minimum is None else curve
        found.append((points, values, curve))
    name = scenario.objectives[0]
    name = name if minimum is None else f"regret: {name} less {minimum:g}"
    known = np.concatenate([values for _, values, _ in found])
    wide, floor = is_wide(known), -math.inf
    if minimum is not None:
        positive = known[known > 0]
        wide, floor = positive.size > 0, float(positive.min(initial=math.inf))
    return [Progress(name, v, curve, p.seconds, wide, floor) for p, v, curve in found]


def _volumes(runs: Sequence[Points]) -> list[Progress]:
    counted = np.concatenate([p.minimised[p.feasible] for p in runs])
    if len(counted) == 0:
        return [Progress("hypervolume", None, np.full(len(p), np.nan), p.seconds) for p in runs]
    low, high = counted.min(axis=0), counted.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    reference = (high - low) / width
    curves = [hypervolumes((p.minimised - low) / width, reference) for p in runs]
    return [
        Progress("hypervolume", None, curve, p.seconds)
        for p, curve in zip(runs, curves, strict=True)
    ]


def is_wide(values: Floats) -> bool:
    """Whether a logarithmic axis suits `values`: all positive, and far apart."""
    known = values[np.isfinite(values)]
    return bool(known.size and known.min() > 0 and known.max() >= _WIDE * known.min())


def has_seconds(runs: Sequence[Progress]) -> bool:
    """Whether there is a time to draw over."""
    return all(r.seconds is not None and r.seconds.size > 0 for r in runs)


def draw_run(axes: Axes, run: Progress, timed: bool) -> None:
    """Draw one run: each result a dot, the best so far a line."""
    longest = run.end if timed else None
    x = _places(run, longest)
    if run.values is not None:
        axes.plot(x, _shown(run.values, run), "o", color=PALE, markersize=3, alpha=0.7)
    axes.step(x, _shown(run.curve, run), where="post", color=COLOURS[0])
    dress(axes, [run], longest)


def dress(axes: Axes, runs: Sequence[Progress], longest: float | None) -> None:
    """Label `axes`, which are over time of up to `longest` seconds, or over evaluations."""
    if runs[0].logarithmic:
        logarithmic(axes, "y")
    if not any(np.isfinite(run.curve).any() for run in runs):
        note(axes, "no feasible result")
    axes.set_ylabel(literal(runs[0].name))
    if longest is None:
        axes.set_xlabel("evaluations")
        axes.set_xlim(0.5, max(1, *(len(run.curve) for run in runs)) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    else:
        scale, unit = time_unit(longest)
        axes.set_xlabel(f"{unit} of the run")
        axes.set_xlim(0.0, 1.01 * longest / scale or 1.0)


def mark_design(axes: Axes, count: int) -> None:
    """Mark where the design of experiments ends, over evaluations."""
    axes.axvline(count + 0.5, color=INK, linewidth=1, linestyle=(0, (5, 3)))
    axes.set_xlabel("evaluations (dashed: the design ends)")


def draw_group(
    axes: Axes, runs: Sequence[Progress], look: dict[str, Any], longest: float | None
) -> None:
    """Draw runs as one curve, their median, with a band from the best to the worst.

    Over evaluations up to the shortest run; over time a run that has ended stays where it is.

    Args:
        axes: Where.
        runs: Of one kind.
        look: Colour, dashes and label of the curve.
        longest: Over time, of up to so many seconds; None: over evaluations.
    """
    places = [_places(run, longest) for run in runs]
    if longest is not None:
        x = np.unique(np.concatenate(places))
        values = [_held(x, at, run.curve) for at, run in zip(places, runs, strict=True)]
    else:
        length = min(len(run.curve) for run in runs)
        x, values = places[0][:length], [run.curve[:length] for run in runs]
    table = _shown(np.array(values), runs[0])
    # As long as one of them has nothing yet, there is no median.
    median = np.median(table, axis=0)
    # A curve of one point would not be seen.
    marker = "o" if np.isfinite(median).sum() < 2 else None
    axes.step(x, median, where="post", marker=marker, **look)
    if len(runs) > 1:
        band = {"step": "post", "color": look["color"], "alpha": 0.16, "linewidth": 0}
        axes.fill_between(x, table.min(axis=0), table.max(axis=0), **band)


def _places(run: Progress, longest: float | None) -> Floats:
    """Return where the results of `run` are on the axis."""
    if longest is None or run.seconds is None:
        return np.arange(1.0, len(run.curve) + 1)
    return run.seconds / time_unit(longest)[0]


def _held(x: Floats, places: Floats, curve: Floats) -> Floats:
    """Return the value of the step function `curve` at `x`; nan before it begins."""
    found = np.searchsorted(places, x, side="right") - 1
    return np.where(found >= 0, np.append(curve, np.nan)[found], np.nan)


def _shown(values: Floats, run: Progress) -> Floats:
    """Return what the axis can show."""
    return np.maximum(values, run.floor) if run.logarithmic else values
