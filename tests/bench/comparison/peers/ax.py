"""Ax: its default strategy, Sobol points and then BoTorch, method ``fast``."""

import logging
import math
from typing import Any

from comparison.peers.axes import Axis, axes, measured_constraints
from comparison.peers.peer import Suggestion, Task, violations
from comparison.problem import Outcome


class Ax:
    """A `Client`; a failure is an outcome constraint that is violated, without objectives."""

    def __init__(self, task: Task) -> None:
        from ax.api.client import Client

        logging.getLogger("ax").setLevel(logging.ERROR)
        self._names = task.problem.names
        self._axes = axes(task.problem)
        self._constrained = math.isfinite(task.problem.penalty[0])
        self._count = measured_constraints(task) if self._constrained else 0
        self._client = Client(random_seed=task.seed)
        self._client.configure_experiment([parameter(axis) for axis in self._axes])
        constraints = [f"g{k} <= 0" for k in range(max(self._count, 1))]
        self._client.configure_optimization(
            ", ".join(f"-{name}" for name in self._names),
            outcome_constraints=constraints if self._constrained else None,
        )
        self._client.configure_generation_strategy(
            initialization_budget=task.problem.initial,
            initialization_random_seed=task.seed,
            allow_exceeding_initialization_budget=True,
        )

    def ask(self) -> Suggestion | None:
        """Ask for a trial; None where Ax wants results first."""
        for index, told in self._client.get_next_trials(max_trials=1).items():
            found = {axis.name: axis.value(told[axis.name]) for axis in self._axes}
            return Suggestion(found, index)
        return None

    def tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Complete the trial with every metric there is."""
        data: dict[str, Any] = (
            dict(zip(self._names, outcome.values, strict=True)) if outcome.values else {}
        )
        if self._constrained:
            broken = violations(outcome, self._count)
            data.update({f"g{k}": g for k, g in enumerate(broken)})
        self._client.complete_trial(suggestion.token, raw_data=data)


def parameter(axis: Axis) -> Any:
    """Return Ax's counterpart of `axis`; levels are an ordered choice."""
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

    if axis.values:
        return ChoiceParameterConfig(
            axis.name,
            list(range(len(axis.values))),
            parameter_type="int",
            is_ordered=axis.kind == "levels",
        )
    return RangeParameterConfig(
        axis.name,
        (axis.low, axis.high),
        parameter_type="float" if axis.kind == "real" else "int",
        scaling="log" if axis.log else "linear",
    )
