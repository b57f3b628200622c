"""L-BFGS-B, for functions that return a value and a gradient."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hmserve.arrays import Floats

_HEAT = 12
"""Iterations after which a start has to lead."""


class Minimum(NamedTuple):
    """Where a descent ended."""

    x: Floats
    value: float


class Stop(NamedTuple):
    """When a descent ends.

    Args:
        iterations: After so many.
        gain: When a step gains less than this share of the value.
        slope: When no entry of the projected gradient is larger.
    """

    iterations: int
    gain: float = 2.2e-9
    slope: float = 1e-5


def descend(
    function: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    bounds: Sequence[tuple[float, float]],
    stop: Stop,
) -> Minimum:
    """Return the minimum that L-BFGS-B reaches from `start` within `bounds`.

    Args:
        function: Returns the value at x, shape (k,), and the gradient, shape (k,).
        start: Shape (k,); moved into the bounds.
        bounds: Lowest and highest value of each coordinate.
        stop: When it is good enough.
    """
    from scipy import optimize

    low, high = np.array(bounds).T
    found: Any = optimize.minimize(
        function,
        np.clip(start, low, high),
        jac=True,
        method="L-BFGS-B",
        bounds=list(bounds),
        options={"maxiter": stop.iterations, "ftol": stop.gain, "gtol": stop.slope},
    )
    return Minimum(np.clip(found.x, low, high), float(found.fun))


def race(
    function: Callable[[Floats], tuple[float, Floats]],
    starts: Sequence[Floats],
    bounds: Sequence[tuple[float, float]],
    stop: Stop,
) -> Floats:
    """Return the best of the minima reached from `starts`; ties: the first.

    Those after the first are given up if they do not lead after a few iterations: mostly
    they are on their way to where the first already is.
    """
    best = descend(function, starts[0], bounds, stop)
    for start in starts[1:]:
        found = descend(function, start, bounds, stop._replace(iterations=_HEAT))
        if found.value < best.value:
            best = descend(function, found.x, bounds, stop)
    return best.x
