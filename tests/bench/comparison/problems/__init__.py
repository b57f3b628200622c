"""The problems by name; a maker is called, and imports what it needs, when one is asked for."""

from collections.abc import Callable
from typing import Any

from comparison.problem import Problem
from comparison.problems import (
    cachegrind,
    coco,
    engineering,
    functions,
    models,
    objectives,
    tables,
    tiles,
)

PROBLEMS: dict[str, Callable[[], Problem]] = {
    **functions.MAKERS,
    **coco.MAKERS,
    **tiles.MAKERS,
    **models.MAKERS,
    **tables.MAKERS,
    **cachegrind.MAKERS,
    **engineering.MAKERS,
    **objectives.MAKERS,
}

HELD_OUT: tuple[str, ...] = (
    "bbob_f12_d3",
    "bbob_f17_d10",
    "griewank6",
    "levy4_noisy",
    "bbob_mixint_f17_d5",
    "cancer_mlp",
    "bbob_constrained_f38_d3",
    "himmelblau5",
    "zdt2_5",
)
"""Not looked at while the engine is worked on: they tell whether what it learnt is general."""

SUITE: tuple[str, ...] = tuple(name for name in PROBLEMS if name not in HELD_OUT)
"""The standard set."""

_KNOWN_AT = (functions, coco, tiles, cachegrind, engineering)

MINIMISERS: dict[str, dict[str, Any]] = {
    name: at for module in _KNOWN_AT for name, at in module.MINIMISERS.items()
}
"""Where the problems of one objective have their optimum, as far as it is known."""


def get(name: str) -> Problem:
    """Return the problem of this name.

    Raises:
        KeyError: There is none.
        ModuleNotFoundError: It needs a module that is not installed.
    """
    return PROBLEMS[name]()
