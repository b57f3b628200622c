"""L-BFGS-B, for functions that return a value and a gradient."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hmserve.arrays import Floats


class Minimum(NamedTuple):
    """Where a descent ended."""

    x: Floats
    value: float


def descend(
    function: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    bounds: Sequence[tuple[float, float]],
    iterations: int,
) -> Minimum:
    """Return the minimum that L-BFGS-B reaches from `start` within `bounds`.

    Args:
        function: Returns the value at x, shape (k,), and the gradient, shape (k,).
        start: Shape (k,); moved into the bounds.
        bounds: Lowest and highest value of each coordinate.
        iterations: The most to take.
    """
    from scipy import optimize

    low, high = np.array(bounds).T
    found: Any = optimize.minimize(
        function,
        np.clip(start, low, high),
        jac=True,
        method="L-BFGS-B",
        bounds=list(bounds),
        options={"maxiter": iterations},
    )
    return Minimum(np.clip(found.x, low, high), float(found.fun))


def descend_from_each(
    function: Callable[[Floats], tuple[float, Floats]],
    starts: Sequence[Floats],
    bounds: Sequence[tuple[float, float]],
    iterations: int,
) -> Floats:
    """Return the best of the minima reached from `starts`; ties: the first."""
    found = [descend(function, start, bounds, iterations) for start in starts]
    return min(found, key=lambda minimum: minimum.value).x
