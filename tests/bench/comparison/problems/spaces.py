"""Short ways to write a space, a problem over a box, and what random points give."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparison.problem import Class, Configuration, Outcome, Problem, simple_regret

Vector = NDArray[np.float64]
Parameters = dict[str, dict[str, Any]]
Function = Callable[[Vector], float]
Bounds = Sequence[tuple[float, float]]


def real(low: float, high: float, **more: Any) -> dict[str, Any]:
    """Return a parameter with a range of reals; `more` may be ``transform="log"``."""
    return {"parameter_type": "real", "values": [low, high], **more}


def integer(low: int, high: int, **more: Any) -> dict[str, Any]:
    """Return a parameter with a range of whole numbers, both ends included."""
    return {"parameter_type": "integer", "values": [low, high], **more}


def ordinal(*levels: float, **more: Any) -> dict[str, Any]:
    """Return a parameter that has these numbers."""
    return {"parameter_type": "ordinal", "values": list(levels), **more}


def categorical(*labels: str) -> dict[str, Any]:
    """Return a parameter that has these labels, without order."""
    return {"parameter_type": "categorical", "values": list(labels)}


def reals(bounds: Bounds) -> Parameters:
    """Return real parameters x1, x2, ... with these bounds."""
    return {f"x{k}": real(low, high) for k, (low, high) in enumerate(bounds, 1)}


def vector(configuration: Configuration) -> Vector:
    """Return the values of numeric parameters x1, x2, ... as an array of shape (d,)."""
    names = (f"x{k}" for k in range(1, len(configuration) + 1))
    return np.array([configuration[name] for name in names], dtype=float)


def over_box(
    name: str, kind: Class, function: Function, bounds: Bounds, minimum: float
) -> Problem:
    """Return the problem of minimising `function`, of known `minimum`, over a box."""

    def evaluate(configuration: Configuration, _: int) -> Outcome:
        return Outcome((float(function(vector(configuration))),))

    return Problem(name, kind, reals(bounds), evaluate, simple_regret(minimum))


def noisy(name: str, function: Function, bounds: Bounds, minimum: float, sd: float) -> Problem:
    """Return the problem of `over_box` measured with normal noise of this deviation."""

    def evaluate(configuration: Configuration, seed: int) -> Outcome:
        true = float(function(vector(configuration)))
        return Outcome((true + sd * np.random.default_rng(seed).normal(),), true=(true,))

    return Problem(name, "noisy", reals(bounds), evaluate, simple_regret(minimum))


def relative_regret(optimum: float) -> Callable[[Sequence[Outcome]], float]:
    """Return the regret by which the best is worse than `optimum` > 0: value / optimum - 1."""
    absolute = simple_regret(optimum)

    def regret(outcomes: Sequence[Outcome]) -> float:
        return absolute(outcomes) / optimum

    return regret


def draw(
    parameters: Mapping[str, Mapping[str, Any]], rng: np.random.Generator
) -> dict[str, Any]:
    """Return a configuration drawn uniformly; in the logarithm where a range has that."""
    return {name: _draw(parameter, rng) for name, parameter in parameters.items()}


def _draw(parameter: Mapping[str, Any], rng: np.random.Generator) -> Any:
    values = parameter["values"]
    if parameter["parameter_type"] in {"ordinal", "categorical"}:
        return values[rng.integers(len(values))]
    low, high = values
    if parameter["parameter_type"] == "integer":
        return int(rng.integers(low, high + 1))
    if parameter.get("transform") == "log":
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    return float(rng.uniform(low, high))
