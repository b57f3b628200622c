"""Places between two numbers, on a straight and on a log scale.

Pure Python, like `hmserve.space.parameters`, whose coordinates these are.
"""

import math
from typing import Final

LOG_GRID: Final = 2.0**40
"""Coordinates on a log scale are multiples of 1 / LOG_GRID.

Logarithms of different libraries differ in the last bit; what is compared must not.
"""

TINY: Final = 2.0**-1022
"""The least normal double: those below are as far apart as they are from zero."""

_NARROW = 2.0**-10
"""Of a range so narrow, as a share of its larger end, doubles may be counted."""


def fraction(value: float, low: float, high: float) -> float:
    """Return how far `value` is on the way from `low` to `high`, whatever their size."""
    if math.isfinite(high - low):
        return (value - low) / (high - low)
    return (value / 2 - low / 2) / (high / 2 - low / 2)


def few_between(low: float, high: float) -> bool:
    """Whether doubles from `low` to `high` are so few that none may get lost.

    Then ``low + (high - low) * u`` gives each of them back from its `fraction`: the differences
    are exact, and what is rounded is far below the last bit.
    """
    return high - low <= max(-low, high) * _NARROW or high - low < TINY


def log_fraction(value: float, low: float, high: float) -> float:
    """Return how far `value` is from `low` to `high` on a log scale, as `LOG_GRID` has it."""
    position = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return round(position * LOG_GRID) / LOG_GRID


def geometric(low: float, high: float, coordinate: float) -> float:
    """Return the number at `coordinate` on the log scale from `low` to `high`."""
    if coordinate >= 1.0:
        return high
    if coordinate <= 0.0:
        return low
    return math.exp(math.log(low) * (1.0 - coordinate) + math.log(high) * coordinate)


def straight(low: float, high: float) -> bool:
    """Whether logarithms are all but a straight line from `low` to `high`, both above 0.

    They differ by at most 1/8000 of the range, and are too coarse besides: those of numbers
    next to each other may be the same.
    """
    return high - low <= high * _NARROW
