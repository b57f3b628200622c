"""Synthetic functions over boxes: smooth, multimodal and noisy ones.

Definitions and minima after Surjanovic & Bingham, "Virtual library of simulation experiments"
(sfu.ca/~ssurjano). Where the textbook optimum is at or near the centre of its box, which
flatters whoever starts there, the function is shifted; the shifts were drawn at random once.
"""

import math
from collections.abc import Callable

import numpy as np

from comparison.problem import Problem
from comparison.problems.spaces import Function, Vector, noisy, over_box

BRANIN_BOX = ((-5.0, 10.0), (0.0, 15.0))
BRANIN_MINIMUM = 0.39788735772973816
HARTMANN6_MINIMUM = -3.3223680114155156

ROSENBROCK4_AT = (-2.1, 3.7, 2.9, -1.3)
ACKLEY10_AT = (-14.9, 8.3, 17.2, -6.1, -19.4, 11.7, -9.8, 15.5, 4.6, -12.3)
LEVY8_AT = (-5.3, 3.9, 6.2, -2.7, -6.6, 4.8, 7.1, -3.4)
RASTRIGIN5_AT = (1.83, -2.41, 3.07, -1.26, -3.34)
ACKLEY5_AT = (1.7, -2.2, 2.9, -0.8, -3.1)
LEVY4_AT = (6.1, -4.4, -7.3, 3.2)
GRIEWANK6_AT = (3.1, -5.8, 4.4, -2.6, 6.7, -3.9)

_HARTMANN_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_HARTMANN_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def branin_function(x: Vector) -> float:
    """Return Branin's function; three equal minima, one of them at (pi, 2.275)."""
    valley = x[1] - 5.1 / (4 * math.pi**2) * x[0] ** 2 + 5 / math.pi * x[0] - 6
    return float(valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x[0]) + 10)


def hartmann6_function(x: Vector) -> float:
    """Return Hartmann's function of six variables in [0, 1]; six local minima."""
    exponents = (_HARTMANN_A * (x - _HARTMANN_P) ** 2).sum(axis=1)
    return float(-_HARTMANN_ALPHA @ np.exp(-exponents))


def rosenbrock_function(z: Vector) -> float:
    """Return Rosenbrock's function, a bent valley; minimum 0 at (1, ..., 1)."""
    return float(np.sum(100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2))


def ackley_function(z: Vector) -> float:
    """Return Ackley's function, a funnel in a plain of ripples; minimum 0 at 0."""
    root = math.sqrt(np.mean(z**2))
    ripples = math.exp(np.mean(np.cos(2 * math.pi * z)))
    return -20 * math.exp(-0.2 * root) - ripples + 20 + math.e


def levy_function(z: Vector) -> float:
    """Return Levy's function, waves on a bowl; minimum 0 at (1, ..., 1)."""
    w = 1 + (z - 1) / 4
    waves = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)
    ends = math.sin(math.pi * w[0]) ** 2
    ends += (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)
    return float(ends + np.sum(waves))


def rastrigin_function(z: Vector) -> float:
    """Return Rastrigin's function, a grid of pits in a bowl; minimum 0 at 0."""
    return float(10 * len(z) + np.sum(z**2 - 10 * np.cos(2 * math.pi * z)))


def griewank_function(z: Vector) -> float:
    """Return Griewank's function, ripples on a wide bowl; minimum 0 at 0."""
    waves = np.prod(np.cos(z / np.sqrt(np.arange(1, len(z) + 1))))
    return float(np.sum(z**2) / 4000 - waves + 1)


def moved(function: Function, at: tuple[float, ...], origin: float = 0.0) -> Function:
    """Return `function` shifted such that its minimum at (origin, ...) lies at `at`."""
    offset = np.array(at) - origin
    return lambda x: function(x - offset)


def branin() -> Problem:
    """Branin (1972): three equal minima of 0.397887 in the box [-5, 10] x [0, 15]."""
    return over_box("branin", "smooth", branin_function, BRANIN_BOX, BRANIN_MINIMUM)


def hartmann6() -> Problem:
    """Hartmann (1973), six dimensions, as it is known: minimum -3.32237, off-centre."""
    unit = ((0.0, 1.0),) * 6
    return over_box("hartmann6", "smooth", hartmann6_function, unit, HARTMANN6_MINIMUM)


def rosenbrock4() -> Problem:
    """Rosenbrock (1960), four dimensions in [-5, 10], minimum 0 moved to ROSENBROCK4_AT."""
    function = moved(rosenbrock_function, ROSENBROCK4_AT, 1.0)
    return over_box("rosenbrock4", "smooth", function, ((-5.0, 10.0),) * 4, 0.0)


def ackley10() -> Problem:
    """Ackley (1987), ten dimensions in [-32.768, 32.768], minimum 0 moved to ACKLEY10_AT."""
    function = moved(ackley_function, ACKLEY10_AT)
    return over_box("ackley10", "multimodal", function, ((-32.768, 32.768),) * 10, 0.0)


def levy8() -> Problem:
    """Levy, eight dimensions in [-10, 10] (Laguna & Marti 2005), minimum 0 at LEVY8_AT."""
    function = moved(levy_function, LEVY8_AT, 1.0)
    return over_box("levy8", "multimodal", function, ((-10.0, 10.0),) * 8, 0.0)


def rastrigin5() -> Problem:
    """Rastrigin (1974), five dimensions in [-5.12, 5.12], minimum 0 moved to RASTRIGIN5_AT."""
    function = moved(rastrigin_function, RASTRIGIN5_AT)
    return over_box("rastrigin5", "multimodal", function, ((-5.12, 5.12),) * 5, 0.0)


def griewank6() -> Problem:
    """Griewank (1981), six dimensions in [-10, 10], minimum 0 moved to GRIEWANK6_AT."""
    function = moved(griewank_function, GRIEWANK6_AT)
    return over_box("griewank6", "multimodal", function, ((-10.0, 10.0),) * 6, 0.0)


def branin_noisy() -> Problem:
    """Branin with noise of deviation 2, a 25th of the deviation of its values."""
    return noisy("branin_noisy", branin_function, BRANIN_BOX, BRANIN_MINIMUM, 2.0)


def hartmann6_noisy() -> Problem:
    """Hartmann-6 with noise of deviation 0.5, a seventh of the depth of its minimum.

    As much as in the tutorials of BoTorch (Balandat et al. 2020) on noisy improvement.
    """
    unit = ((0.0, 1.0),) * 6
    return noisy("hartmann6_noisy", hartmann6_function, unit, HARTMANN6_MINIMUM, 0.5)


def ackley5_noisy() -> Problem:
    """Ackley, five dimensions in [-5, 5], minimum 0 at ACKLEY5_AT, noise of deviation 1."""
    function = moved(ackley_function, ACKLEY5_AT)
    return noisy("ackley5_noisy", function, ((-5.0, 5.0),) * 5, 0.0, 1.0)


def levy4_noisy() -> Problem:
    """Levy, four dimensions in [-10, 10], minimum 0 at LEVY4_AT, noise of deviation 3."""
    function = moved(levy_function, LEVY4_AT, 1.0)
    return noisy("levy4_noisy", function, ((-10.0, 10.0),) * 4, 0.0, 3.0)


def _at(*point: float) -> dict[str, float]:
    return {f"x{k}": value for k, value in enumerate(point, 1)}


_BRANIN_AT = _at(math.pi, 2.275)
_HARTMANN6_AT = _at(0.20168951, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730053)

MINIMISERS = {
    "branin": _BRANIN_AT,
    "branin_noisy": _BRANIN_AT,
    "hartmann6": _HARTMANN6_AT,
    "hartmann6_noisy": _HARTMANN6_AT,
    "rosenbrock4": _at(*ROSENBROCK4_AT),
    "ackley10": _at(*ACKLEY10_AT),
    "ackley5_noisy": _at(*ACKLEY5_AT),
    "levy8": _at(*LEVY8_AT),
    "levy4_noisy": _at(*LEVY4_AT),
    "rastrigin5": _at(*RASTRIGIN5_AT),
    "griewank6": _at(*GRIEWANK6_AT),
}

MAKERS: dict[str, Callable[[], Problem]] = {
    maker.__name__: maker
    for maker in (
        *(branin, hartmann6, rosenbrock4, ackley10, levy8, rastrigin5, griewank6),
        *(branin_noisy, hartmann6_noisy, ackley5_noisy, levy4_noisy),
    )
}
