"""SMAC3's HPO facade: a random forest; ParEGO where there are several objectives."""

import tempfile
from typing import Any

from comparison.peers.axes import Axis, axes
from comparison.peers.peer import Suggestion, Task, penalised
from comparison.problem import Outcome


class Smac:
    """Asked and told; under noise it evaluates promising configurations again, as it does."""

    def __init__(self, task: Task) -> None:
        from ConfigSpace import ConfigurationSpace
        from smac import HyperparameterOptimizationFacade, Scenario
        from smac.multi_objective import ParEGO

        self._problem = task.problem
        self._axes = axes(task.problem)
        space = ConfigurationSpace(seed=task.seed)
        space.add([hyperparameter(axis) for axis in self._axes])
        several = task.problem.objectives > 1
        directory = task.closing.enter_context(tempfile.TemporaryDirectory())
        scenario = Scenario(
            space,
            objectives=list(task.problem.names) if several else "cost",
            deterministic=task.problem.kind != "noisy",
            n_trials=task.budget,
            seed=task.seed,
            output_directory=directory,
        )
        facade = HyperparameterOptimizationFacade
        self._smac = facade(
            scenario,
            target_function=_unused,
            # Its own design, Sobol points, but as long as everybody's.
            initial_design=facade.get_initial_design(
                scenario, n_configs=task.problem.initial, max_ratio=1.0
            ),
            multi_objective_algorithm=ParEGO(scenario) if several else None,
            logging_level=False,
        )

    def ask(self) -> Suggestion | None:
        """Ask for a trial; None where the intensifier knows no other configuration."""
        try:
            info = self._smac.ask()
        except StopIteration:
            return None
        found = {axis.name: axis.value(info.config[axis.name]) for axis in self._axes}
        return Suggestion(found, info)

    def tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Tell the cost; a failure is a crash that costs the penalty."""
        from smac.runhistory.dataclasses import TrialValue
        from smac.runhistory.enumerations import StatusType

        cost = penalised(self._problem, outcome)
        status = StatusType.SUCCESS if outcome.values else StatusType.CRASHED
        value = TrialValue(cost[0] if len(cost) == 1 else cost, status=status)
        self._smac.tell(suggestion.token, value, save=False)


def hyperparameter(axis: Axis) -> Any:
    """Return ConfigSpace's counterpart of `axis`."""
    from ConfigSpace import (
        CategoricalHyperparameter,
        OrdinalHyperparameter,
        UniformFloatHyperparameter,
        UniformIntegerHyperparameter,
    )

    if axis.kind == "labels":
        return CategoricalHyperparameter(axis.name, list(range(len(axis.values))))
    if axis.kind == "levels":
        return OrdinalHyperparameter(axis.name, list(range(len(axis.values))))
    real = axis.kind == "real"
    make = UniformFloatHyperparameter if real else UniformIntegerHyperparameter
    return make(axis.name, axis.low, axis.high, log=axis.log)


def _unused(config: Any, seed: int = 0) -> float:
    """Stand where SMAC wants the function that it is not to call."""
    raise AssertionError(config, seed)
