"""The parameters of a problem as most optimizers want them: ranges, levels and labels."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random
from typing import Any, Literal

from comparison.peers.peer import Task
from comparison.problem import Problem


@dataclass(frozen=True)
class Axis:
    """A parameter.

    Args:
        name: Of the parameter.
        kind: ``levels`` are in order and ``labels`` are not; both are passed as an index.
        low: The smallest value, or index.
        high: The largest, included.
        log: Whether the logarithm of a range is what matters.
        values: The levels or labels; of a permutation every order.
    """

    name: str
    kind: Literal["real", "integer", "levels", "labels"]
    low: float
    high: float
    log: bool = False
    values: tuple[Any, ...] = ()

    @property
    def size(self) -> float:
        """How many values there are."""
        return math.inf if self.kind == "real" else int(self.high) - int(self.low) + 1

    def value(self, told: Any) -> Any:
        """Return the parameter's value where an optimizer says the number, or index, `told`."""
        if self.values:
            return self.values[int(told)]
        within = min(max(told, self.low), self.high)
        return int(within) if self.kind == "integer" else float(within)

    def at(self, unit: float) -> Any:
        """Return the value at `unit` in [0, 1]; equally long stretches for whole numbers."""
        if self.kind == "real":
            return self.value(self._real(unit, self.low, self.high))
        if self.log:
            return self.value(round(self._real(unit, self.low - 0.5, self.high + 0.5)))
        return self.value(self.low + min(int(unit * self.size), self.size - 1))

    def _real(self, unit: float, low: float, high: float) -> float:
        if self.log:
            return math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
        return low + unit * (high - low)


def axes(problem: Problem) -> tuple[Axis, ...]:
    """Return the parameters of `problem` in order."""
    return tuple(_axis(name, entry) for name, entry in problem.parameters.items())


def _axis(name: str, entry: Mapping[str, Any]) -> Axis:
    kind, values = entry["parameter_type"], entry["values"]
    if kind in {"real", "integer"}:
        return Axis(name, kind, *values, log=entry.get("transform") == "log")
    if kind == "ordinal":
        return _indexed(name, "levels", sorted(values))
    labels = map(list, permutations(range(values[0]))) if kind == "permutation" else values
    return _indexed(name, "labels", list(labels))


def _indexed(name: str, kind: Literal["levels", "labels"], values: Sequence[Any]) -> Axis:
    return Axis(name, kind, 0, len(values) - 1, values=tuple(values))


def measured_constraints(task: Task) -> int:
    """Return how many constraints an evaluation measures, which a peer may know."""
    rng = Random(0)
    for _ in range(1000):
        drawn = {axis.name: axis.at(rng.random()) for axis in axes(task.problem)}
        outcome = task.problem.evaluate(drawn, 0)
        if outcome.values:
            return len(outcome.constraints)
    return 0
