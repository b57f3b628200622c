"""The scaled Branin function on the unit square, with an evaluation that takes its time."""

import math
import time

MINIMUM = -1.0473938910927865
"""Its least value, at (0.1239, 0.8183), (0.5428, 0.1517) and (0.9617, 0.1650)."""


def scaled_branin(x1: float, x2: float) -> float:
    """Return the function of Branin, less its mean and by its deviation.

    Picheny, Wagner and Ginsbourger (2013).
    """
    u, v = 15 * x1 - 5, 15 * x2
    a = v - 5.1 * u**2 / (4 * math.pi**2) + 5 * u / math.pi - 6
    return (a**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(u) - 44.81) / 51.95


def evaluate(configuration: dict[str, float], delay: float) -> float:
    """Return the value after `delay` * (x1 + x2) seconds."""
    x1, x2 = configuration["x1"], configuration["x2"]
    time.sleep(delay * (x1 + x2))
    return scaled_branin(x1, x2)
