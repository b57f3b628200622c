"""Functions of COCO, the platform of the BBOB workshops (Hansen et al. 2021), instance 3.

From the package ``coco-experiment``, module ``cocoex``. Every optimum is the one that COCO
prints for its problem, moved and rotated by the instance, so nowhere special; those of mixed
ones (five variables) and of constrained ones were found again, by trying every whole number
and by SLSQP from many starts.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from comparison.problem import Class, Configuration, Outcome, Problem, simple_regret
from comparison.problems.hypervolume import missed_hypervolume
from comparison.problems.spaces import Parameters, integer, real, reals, vector

INSTANCE = 3
BIOBJECTIVE = "bbob_biobj_f6_d5"
BIOBJECTIVE_REFERENCE = (-950.0, 40.0)
BIOBJECTIVE_FULL = 1799.605


class Function(NamedTuple):
    """A function of one of COCO's suites and where its optimum is."""

    kind: Class
    suite: str
    number: int
    minimum: float
    at: tuple[float, ...]
    penalty: float = np.inf


FUNCTIONS = {
    # Rosenbrock; ellipsoid, rotated, conditioned 1e6; sum of different powers; bent cigar.
    "bbob_f8_d5": Function(
        "smooth", "bbob", 8, 98.62, (-0.8052, -1.1478, 2.4444, -2.2182, 0.9156)
    ),
    "bbob_f10_d2": Function("smooth", "bbob", 10, -491.53, (0.072, -0.8064)),
    "bbob_f14_d10": Function(
        *("smooth", "bbob", 14, 77.31),
        (0.8952, -0.608, -2.1264, -1.8872, 1.0008, -2.3768, 0.7992, -1.8864, 1.428, 2.6984),
    ),
    "bbob_f12_d3": Function("smooth", "bbob", 12, 56.61, (-3.8512, -2.2808, -3.8672)),
    # Rastrigin, rotated; 101 and 21 Gaussian peaks; Schaffer's F7.
    "bbob_f15_d5": Function(
        "multimodal", "bbob", 15, -48.22, (-1.8424, -1.0072, -2.2352, 0.2128, -3.5896)
    ),
    "bbob_f21_d5": Function(
        *("multimodal", "bbob", 21, -370.84),
        (3.11464116, -0.80875318, -1.59066261, 1.93321704, 0.60527506),
    ),
    "bbob_f22_d5": Function(
        *("multimodal", "bbob", 22, -49.13),
        (3.76030337, 2.63969685, 3.32339368, -0.00493606, 0.95951289),
    ),
    "bbob_f17_d10": Function(
        *("multimodal", "bbob", 17, 273.15),
        (-3.5792, 3.7536, -0.4784, 2.5688, 2.008, -3.9144, -1.0336, -1.0704, -1.9696, 3.188),
    ),
    # Rosenbrock; Rastrigin, rotated; Schaffer's F7: of five variables the first four, of ten
    # the first eight are whole, with 2, 4, 8 and 16 values each.
    "bbob_mixint_f8_d5": Function("mixed", "bbob-mixint", 8, 0.9862, (0, 1, 6, 3, 0.9156)),
    "bbob_mixint_f15_d10": Function(
        "mixed", "bbob-mixint", 15, -4.822, (0, 0, 0, 2, 0, 7, 0, 10, -2.2344, 3.8024)
    ),
    "bbob_mixint_f17_d5": Function("mixed", "bbob-mixint", 17, 2731.5, (0, 3, 3, 13, 2.008)),
    # Ellipsoid, rotated; different powers: three linear constraints, two of them active.
    "bbob_constrained_f20_d5": Function(
        *("constrained", "bbob-constrained", 20, 14.463452427536),
        (-0.7848, 1.1776, 0.8312, 3.4312, 1.8584),
        5500.0,
    ),
    "bbob_constrained_f38_d3": Function(
        *("constrained", "bbob-constrained", 38, -34294.911085217),
        (2.2472, -2.9248, -0.0032),
        -19_000.0,
    ),
}


@cache
def _suite(name: str, dimension: int) -> Any:
    # Cached as the suite owns its problems and has to live as long as they are used.
    import cocoex

    cocoex.log_level("error")
    return cocoex.Suite(name, f"instances: {INSTANCE}", f"dimensions: {dimension}")


def _problem(suite: str, number: int, dimension: int) -> Any:
    chosen = _suite(suite, dimension)
    return chosen.get_problem_by_function_dimension_instance(number, dimension, INSTANCE)


def _parameters(problem: Any) -> Parameters:
    box = list(zip(problem.lower_bounds, problem.upper_bounds, strict=True))
    whole = problem.number_of_integer_variables
    numbers = {f"x{k}": integer(int(a), int(b)) for k, (a, b) in enumerate(box[:whole], 1)}
    rest = {f"x{k}": real(float(a), float(b)) for k, (a, b) in enumerate(box, 1) if k > whole}
    return {**numbers, **rest}


def function(name: str) -> Problem:
    """Return a problem of one objective from FUNCTIONS, over the box that COCO gives it."""
    described = FUNCTIONS[name]
    problem = _problem(described.suite, described.number, len(described.at))

    def evaluate(configuration: Configuration, _: int) -> Outcome:
        x = vector(configuration)
        bounds = problem.constraint(x) if problem.number_of_constraints else ()
        return Outcome((float(problem(x)),), tuple(map(float, bounds)))

    return Problem(
        name=name,
        kind=described.kind,
        parameters=_parameters(problem),
        evaluate=evaluate,
        regret=simple_regret(described.minimum),
        penalty=(described.penalty,),
        needs=("cocoex",),
    )


def biobjective() -> Problem:
    """Sphere and sum of different powers in [-5, 5]^5; reference point BIOBJECTIVE_REFERENCE.

    COCO's bbob-biobj, function 6 (Brockhoff et al. 2022). Level sets of both are convex: the
    front was found by minimising the second in balls around the optimum of the first. Its
    hypervolume is BIOBJECTIVE_FULL; 2200 radii give 1799.6047, half of them 1799.6044.
    """
    problem = _problem("bbob-biobj", 6, 5)

    def evaluate(configuration: Configuration, _: int) -> Outcome:
        return Outcome(tuple(map(float, problem(vector(configuration)))))

    return Problem(
        name=BIOBJECTIVE,
        kind="objectives",
        parameters=reals(((-5.0, 5.0),) * 5),
        evaluate=evaluate,
        regret=missed_hypervolume(BIOBJECTIVE_FULL, BIOBJECTIVE_REFERENCE),
        objectives=2,
        penalty=(np.inf, np.inf),
        needs=("cocoex",),
    )


MINIMISERS = {
    name: {f"x{k}": value for k, value in enumerate(described.at, 1)}
    for name, described in FUNCTIONS.items()
}

MAKERS: dict[str, Callable[[], Problem]] = {
    **{name: partial(function, name) for name in FUNCTIONS},
    BIOBJECTIVE: biobjective,
}
