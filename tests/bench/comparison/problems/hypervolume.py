"""Hypervolume of two or three objectives, exact, and the regret made of it.

The hypervolume of a set of points is the measure of what they dominate and a reference point
bounds (Zitzler & Thiele 1998). Everything is minimised.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from comparison.problem import Outcome

Floats = NDArray[np.float64]


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Return the measure dominated by `points`, shape (n, m), m 2 or 3, below `reference`."""
    r = np.asarray(reference, float)
    P = np.asarray(points, float).reshape(-1, len(r))
    P = P[(r - P > 0).all(axis=1)]
    if not len(P):
        return 0.0
    return _area(P, r) if len(r) == 2 else _volume(P, r)


def _area(P: Floats, r: Floats) -> float:
    # After sorting by f1 every point that lowers the staircase adds a rectangle.
    P = P[np.lexsort((P[:, 1], P[:, 0]))]
    stairs = np.minimum.accumulate(np.concatenate(([r[1]], P[:, 1])))
    return float(np.sum((r[0] - P[:, 0]) * (stairs[:-1] - stairs[1:])))


def _volume(P: Floats, r: Floats) -> float:
    # Slices between neighbouring f3: each has the area of the points at or below it.
    P = P[np.argsort(P[:, 2])]
    depths = np.diff(np.append(P[:, 2], r[2]))
    areas = (_area(P[: k + 1, :2], r[:2]) if h > 0 else 0.0 for k, h in enumerate(depths))
    return float(sum(h * area for h, area in zip(depths, areas, strict=True)))


def missed_hypervolume(
    full: float, reference: ArrayLike
) -> Callable[[Sequence[Outcome]], float]:
    """Return the regret: the share of `full`, the true front's hypervolume, that is missed.

    Only feasible outcomes count; 1 while none of them dominates the reference point.
    """

    def regret(outcomes: Sequence[Outcome]) -> float:
        found = [outcome.true or outcome.values for outcome in outcomes if outcome.feasible]
        if not found:
            return math.inf
        return max(1.0 - hypervolume(found, reference) / full, 0.0)

    return regret
