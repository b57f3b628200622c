"""Synthetic problems of two and three objectives whose front is known by formula.

Regret is the share missed of the hypervolume between the front and a reference point; these
hypervolumes are integrals of the front, not results of a search.
"""

import math
from collections.abc import Callable

import numpy as np

from comparison.problem import Configuration, Outcome, Problem
from comparison.problems.hypervolume import missed_hypervolume
from comparison.problems.spaces import Bounds, Vector, reals, vector

Objectives = Callable[[Vector], tuple[float, ...]]

DTLZ2_AT = (0.23, 0.81, 0.36, 0.68)
"""Where DTLZ2's distance variables, from the last, are best; at the centre in the original."""

ZDT1_FULL = 0.1 * 1.1 + 0.1 + 2 / 3
ZDT2_FULL = 0.1 * 1.1 + 0.1 + 1 / 3
DTLZ2_FULL = 1.1**2 - math.pi / 4
DTLZ2_FULL_3 = 1.1**3 - math.pi / 6
HAIMES_REFERENCE = (250.0, 20.0)
HAIMES_FULL = 35492.7605551
HAIMES_END = -4.840977370874673


def zdt1_function(x: Vector) -> tuple[float, ...]:
    """Return ZDT1; convex front f2 = 1 - sqrt(f1) where all but x1 are 0."""
    g = 1 + 9 * float(np.mean(x[1:]))
    return float(x[0]), g * (1 - math.sqrt(x[0] / g))


def zdt2_function(x: Vector) -> tuple[float, ...]:
    """Return ZDT2; concave front f2 = 1 - f1^2 where all but x1 are 0."""
    g = 1 + 9 * float(np.mean(x[1:]))
    return float(x[0]), g * (1 - (x[0] / g) ** 2)


def dtlz2_function(x: Vector, objectives: int) -> tuple[float, ...]:
    """Return DTLZ2 with the optimum of its distance variables moved to DTLZ2_AT."""
    angles, rest = x[: objectives - 1] * math.pi / 2, x[objectives - 1 :]
    radius = 1 + float(np.sum((rest - DTLZ2_AT[: len(rest)]) ** 2))
    values = []
    for angle in angles:
        values.append(radius * math.sin(angle))
        radius *= math.cos(angle)
    return (*values, radius)


def _over_box(
    name: str, function: Objectives, bounds: Bounds, full: float, reference: tuple[float, ...]
) -> Problem:
    def evaluate(configuration: Configuration, _: int) -> Outcome:
        return Outcome(function(vector(configuration)))

    return Problem(
        name=name,
        kind="objectives",
        parameters=reals(bounds),
        evaluate=evaluate,
        regret=missed_hypervolume(full, reference),
        objectives=len(reference),
        penalty=(math.inf,) * len(reference),
    )


def zdt1_6() -> Problem:
    """ZDT1 (Zitzler, Deb & Thiele 2000), six variables; reference point (1.1, 1.1)."""
    return _over_box("zdt1_6", zdt1_function, ((0.0, 1.0),) * 6, ZDT1_FULL, (1.1, 1.1))


def zdt2_5() -> Problem:
    """ZDT2 (Zitzler, Deb & Thiele 2000), five variables; reference point (1.1, 1.1)."""
    return _over_box("zdt2_5", zdt2_function, ((0.0, 1.0),) * 5, ZDT2_FULL, (1.1, 1.1))


def dtlz2_4() -> Problem:
    """DTLZ2 (Deb et al. 2002), two objectives, four variables; reference point (1.1, 1.1).

    The front is a quarter of the unit circle.
    """
    unit = ((0.0, 1.0),) * 4
    return _over_box("dtlz2_4", lambda x: dtlz2_function(x, 2), unit, DTLZ2_FULL, (1.1, 1.1))


def dtlz2_5_3() -> Problem:
    """DTLZ2, three objectives, five variables; reference point (1.1, 1.1, 1.1).

    The front is an eighth of the unit sphere.
    """
    unit, reference = ((0.0, 1.0),) * 5, (1.1, 1.1, 1.1)
    return _over_box("dtlz2_5_3", lambda x: dtlz2_function(x, 3), unit, DTLZ2_FULL_3, reference)


def chankong_haimes() -> Problem:
    """Chankong & Haimes (1983): two objectives, two variables, two measured constraints.

    The front runs along the line, then at x1 = -2.5, then along the circle, see
    `haimes_front`; reference point HAIMES_REFERENCE.
    """

    def evaluate(configuration: Configuration, _: int) -> Outcome:
        x, y = vector(configuration)
        values = (2 + (x - 2) ** 2 + (y - 1) ** 2, 9 * x - (y - 1) ** 2)
        return Outcome(values, ((x * x + y * y) / 225 - 1, (x - 3 * y + 10) / 10))

    return Problem(
        name="chankong_haimes",
        kind="objectives",
        parameters=reals(((-20.0, 20.0),) * 2),
        evaluate=evaluate,
        regret=missed_hypervolume(HAIMES_FULL, HAIMES_REFERENCE),
        objectives=2,
        penalty=(220.0, 10.0),
    )


def haimes_front(count: int) -> list[dict[str, float]]:
    """Return 3 `count` points of the front of `chankong_haimes`, in order.

    Where neither constraint binds, f1 + f2 has its minimum at x1 = -2.5 for every x2. The ends
    are where f1 is least on the line and f2 is least on the circle.
    """
    corner = math.sqrt(225 - 2.5**2)
    on_line = [(x, (x + 10) / 3) for x in np.linspace(1.1, -2.5, count)]
    between = [(-2.5, y) for y in np.linspace(2.5, corner, count)]
    on_circle = [(x, math.sqrt(225 - x * x)) for x in np.linspace(-2.5, HAIMES_END, count)]
    return [{"x1": float(x), "x2": float(y)} for x, y in on_line + between + on_circle]


MAKERS: dict[str, Callable[[], Problem]] = {
    maker.__name__: maker for maker in (zdt1_6, zdt2_5, dtlz2_4, dtlz2_5_3, chankong_haimes)
}
