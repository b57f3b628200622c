"""Engineering designs with measured constraints, and hidden ones that only make it fail.

The designs are those of Coello Coello (2000), "Use of a self-adaptive penalty approach for
engineering optimization problems", and of Golinski (1973); each minimum was computed again from
the formulas by SLSQP from many starts.
"""

import math
from collections.abc import Callable

from comparison.problem import Configuration, Outcome, Problem, simple_regret
from comparison.problems.functions import BRANIN_BOX, BRANIN_MINIMUM, branin_function
from comparison.problems.spaces import Parameters, integer, real, reals, vector

WALL_BOX = ((0.0, 1.0),) * 4
WALL_BEST = (0.72, 0.64, 0.81, 0.43)
WALL_CURVATURE = (3.0, 1.0, 5.0, 2.0)
WALL_NORMAL = (1.0, 0.8, 0.6, 0.4)
WALL_LIMIT = 1.3

Measured = Callable[[Configuration], tuple[float, tuple[float, ...]]]


def pressure_vessel_function(c: Configuration) -> tuple[float, tuple[float, ...]]:
    """Return the cost of a pressure vessel and three constraints as shares of their limits."""
    shell, head, radius, length = 0.0625 * c["shell"], 0.0625 * c["head"], c["r"], c["l"]
    cost = 0.6224 * shell * radius * length + 1.7781 * head * radius**2
    cost += 3.1661 * shell**2 * length + 19.84 * shell**2 * radius
    volume = math.pi * radius**2 * length + 4 / 3 * math.pi * radius**3
    constraints = (0.0193 * radius - shell, 0.00954 * radius - head, 1 - volume / 1_296_000)
    return cost, constraints


def welded_beam_function(c: Configuration) -> tuple[float, tuple[float, ...]]:
    """Return the cost of a welded beam and seven constraints as shares of their limits."""
    h, l, t, b = c["h"], c["l"], c["t"], c["b"]  # noqa: E741 - the letters of the literature
    load, length, youngs, shear = 6000.0, 14.0, 30e6, 12e6
    arm = math.hypot(l / 2, (h + t) / 2)
    polar = 2 * math.sqrt(2) * h * l * (l**2 / 12 + ((h + t) / 2) ** 2)
    direct = load / (math.sqrt(2) * h * l)
    bending = load * (length + l / 2) * arm / polar
    stress = math.sqrt(direct**2 + direct * bending * l / arm + bending**2)
    slender = 1 - t / (2 * length) * math.sqrt(youngs / (4 * shear))
    buckling = 4.013 * youngs * t * b**3 / 6 / length**2 * slender
    weld = 1.10471 * h**2 * l
    constraints = (
        stress / 13_600 - 1,
        6 * load * length / (b * t**2) / 30_000 - 1,
        h - b,
        (0.10471 * h**2 + 0.04811 * t * b * (14 + l)) / 5 - 1,
        0.125 - h,
        4 * load * length**3 / (youngs * t**3 * b) / 0.25 - 1,
        1 - buckling / load,
    )
    return weld + 0.04811 * t * b * (14 + l), constraints


def spring_function(c: Configuration) -> tuple[float, tuple[float, ...]]:
    """Return the weight of a coil spring and four constraints.

    Raises:
        ZeroDivisionError: The coil is exactly as wide as its wire.
    """
    d, coil, turns = c["d"], c["coil"], c["turns"]
    shear = (4 * coil**2 - d * coil) / (12_566 * (coil * d**3 - d**4)) + 1 / (5108 * d**2)
    constraints = (
        1 - coil**3 * turns / (71_785 * d**4),
        shear - 1,
        1 - 140.45 * d / (coil**2 * turns),
        (d + coil) / 1.5 - 1,
    )
    return (turns + 2) * coil * d**2, constraints


def speed_reducer_function(c: Configuration) -> tuple[float, tuple[float, ...]]:
    """Return the weight of a gear box and eleven constraints."""
    b, m, z = c["b"], c["m"], c["z"]
    l1, l2, d1, d2 = c["l1"], c["l2"], c["d1"], c["d2"]
    weight = 0.7854 * b * m**2 * (3.3333 * z**2 + 14.9334 * z - 43.0934)
    weight += 7.4777 * (d1**3 + d2**3) - 1.508 * b * (d1**2 + d2**2)
    weight += 0.7854 * (l1 * d1**2 + l2 * d2**2)
    first = math.sqrt((745 * l1 / (m * z)) ** 2 + 16.9e6) / (110 * d1**3)
    second = math.sqrt((745 * l2 / (m * z)) ** 2 + 157.5e6) / (85 * d2**3)
    constraints = (
        27 / (b * m**2 * z) - 1,
        397.5 / (b * m**2 * z**2) - 1,
        1.93 * l1**3 / (m * z * d1**4) - 1,
        1.93 * l2**3 / (m * z * d2**4) - 1,
        first - 1,
        second - 1,
        m * z / 40 - 1,
        5 * m / b - 1,
        b / (12 * m) - 1,
        (1.5 * d1 + 1.9) / l1 - 1,
        (1.1 * d2 + 1.9) / l2 - 1,
    )
    return weight, constraints


def himmelblau_function(c: Configuration) -> tuple[float, tuple[float, ...]]:
    """Return Himmelblau's nonlinear problem 11 (G04), six constraints in two-sided pairs."""
    x1, x2, x3, x4, x5 = vector(c)
    value = 5.3578547 * x3**2 + 0.8356891 * x1 * x5 + 37.293239 * x1 - 40792.141
    u = 85.334407 + 0.0056858 * x2 * x5 + 0.0006262 * x1 * x4 - 0.0022053 * x3 * x5
    v = 80.51249 + 0.0071317 * x2 * x5 + 0.0029955 * x1 * x2 + 0.0021813 * x3**2
    w = 9.300961 + 0.0047026 * x3 * x5 + 0.0012547 * x1 * x3 + 0.0019085 * x3 * x4
    return float(value), tuple(map(float, (-u, u - 92, 90 - v, v - 110, 20 - w, w - 25)))


def _design(
    name: str, function: Measured, parameters: Parameters, minimum: float, penalty: float
) -> Problem:
    def evaluate(configuration: Configuration, _: int) -> Outcome:
        try:
            value, constraints = function(configuration)
        except ZeroDivisionError:
            return Outcome(())
        return Outcome((value,), constraints)

    regret = simple_regret(minimum)
    return Problem(
        name, "constrained", parameters, evaluate, regret, penalty=(penalty,), initial=10
    )


def pressure_vessel() -> Problem:
    """Pressure vessel (Sandgren 1990), two thicknesses in 16ths of an inch: 6059.714335."""
    parameters = {
        "shell": integer(1, 99),
        "head": integer(1, 99),
        "r": real(10.0, 200.0),
        "l": real(10.0, 200.0),
    }
    return _design(
        "pressure_vessel", pressure_vessel_function, parameters, 6059.714335048, 380_000.0
    )


def welded_beam() -> Problem:
    """Welded beam (Ragsdell & Phillips 1976, the form of Coello 2000): 1.7248523086."""
    small, large = real(0.1, 2.0), real(0.1, 10.0)
    parameters = {"h": small, "l": large, "t": large, "b": small}
    return _design("welded_beam", welded_beam_function, parameters, 1.7248523086, 9.0)


def spring() -> Problem:
    """Tension spring (Arora 1989, Belegundu 1982): 0.0126652327874."""
    parameters = {"d": real(0.05, 2.0), "coil": real(0.25, 1.3), "turns": real(2.0, 15.0)}
    return _design("spring", spring_function, parameters, 0.0126652327874, 0.16)


def speed_reducer() -> Problem:
    """Speed reducer (Golinski 1973), seven variables, one of them whole: 2994.471066146."""
    parameters = {
        "b": real(2.6, 3.6),
        "m": real(0.7, 0.8),
        "z": integer(17, 28),
        "l1": real(7.3, 8.3),
        "l2": real(7.3, 8.3),
        "d1": real(2.9, 3.9),
        "d2": real(5.0, 5.5),
    }
    return _design("speed_reducer", speed_reducer_function, parameters, 2994.471066146, 5000.0)


def himmelblau5() -> Problem:
    """Himmelblau's problem 11 (1972), five variables, 26 % feasible: -30665.5386717834."""
    parameters = reals(((78.0, 102.0), (33.0, 45.0), *((27.0, 45.0),) * 3))
    return _design("himmelblau5", himmelblau_function, parameters, -30665.5386717834, -24_700.0)


def disc() -> Problem:
    """Branin that fails outside a circle (Gelbart, Snoek & Adams 2014): 0.397887.

    70 % of the box works; one of the three minima is inside.
    """

    def evaluate(configuration: Configuration, _: int) -> Outcome:
        x = vector(configuration)
        inside = (x[0] - 2.5) ** 2 + (x[1] - 7.5) ** 2 <= 50
        return Outcome((branin_function(x),) if inside else ())

    regret = simple_regret(BRANIN_MINIMUM)
    box = reals(BRANIN_BOX)
    return Problem("disc", "constrained", box, evaluate, regret, penalty=(100.0,), initial=10)


def wall() -> Problem:
    """A bowl in four dimensions, its bottom cut off by a plane beyond which everything fails.

    f = sum_i w_i (x_i - a_i)^2 works where c x <= b, on 41 % of the unit cube. By Lagrange's
    rule the optimum (c a - b)^2 / sum_i (c_i^2 / w_i) is on the plane, as are the best
    settings of most programs that run out of memory.
    """
    gap = sum(c * a for c, a in zip(WALL_NORMAL, WALL_BEST, strict=True)) - WALL_LIMIT
    stiffness = sum(c * c / w for c, w in zip(WALL_NORMAL, WALL_CURVATURE, strict=True))

    def evaluate(configuration: Configuration, _: int) -> Outcome:
        x = vector(configuration)
        if x @ WALL_NORMAL > WALL_LIMIT:
            return Outcome(())
        return Outcome((float((x - WALL_BEST) ** 2 @ WALL_CURVATURE),))

    regret = simple_regret(gap**2 / stiffness)
    box = reals(WALL_BOX)
    return Problem("wall", "constrained", box, evaluate, regret, penalty=(3.7,), initial=10)


MINIMISERS: dict[str, dict[str, float]] = {
    "pressure_vessel": {"shell": 13, "head": 7, "r": 42.098445595, "l": 176.63659587},
    "welded_beam": {
        **{"h": 0.205729639786, "l": 3.470488665636},
        **{"t": 9.036623910362, "b": 0.205729639786},
    },
    "spring": {"d": 0.051689053294, "coil": 0.356717552434, "turns": 11.288976735655},
    "speed_reducer": {
        **{"b": 3.5, "m": 0.7, "z": 17, "l1": 7.3, "l2": 7.715319911478},
        **{"d1": 3.350214666096, "d2": 5.286654464980},
    },
    "himmelblau5": {
        **{"x1": 78.0, "x2": 33.0, "x3": 29.9952560257, "x4": 45.0, "x5": 36.7758129058}
    },
    "disc": {"x1": math.pi, "x2": 2.275},
    "wall": {"x1": 0.5452369668, "x2": 0.2205687203, "x3": 0.747085308, "x4": 0.32514218},
}

MAKERS: dict[str, Callable[[], Problem]] = {
    maker.__name__: maker
    for maker in (
        *(pressure_vessel, welded_beam, spring, speed_reducer, himmelblau5, disc, wall),
    )
}
