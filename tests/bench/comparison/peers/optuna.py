"""Optuna: TPE and Gaussian processes, with constraints as its `Trial.set_constraint`."""

import math
import warnings
from typing import Any

from comparison.peers.axes import Axis, axes, measured_constraints
from comparison.peers.peer import Suggestion, Task, measured, violations
from comparison.problem import Outcome


class Optuna:
    """A study that is asked and told."""

    def __init__(self, task: Task, sampler: Any) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._problem = task.problem
        self._constrained = math.isfinite(task.problem.penalty[0])
        self._count = measured_constraints(task) if self._constrained else 0
        directions = ["minimize"] * task.problem.objectives
        self._study = optuna.create_study(directions=directions, sampler=sampler)
        self._axes = {axis.name: axis for axis in axes(task.problem)}
        self._space = {name: distribution(axis) for name, axis in self._axes.items()}

    def ask(self) -> Suggestion:
        """Begin a trial."""
        trial = self._study.ask(self._space)
        drawn = trial.params
        found = {name: axis.value(drawn[name]) for name, axis in self._axes.items()}
        return Suggestion(found, trial)

    def tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Finish it; a failure is a violated constraint: TPE and GP disregard failed trials."""
        trial = suggestion.token
        if self._constrained:
            for k, g in enumerate(violations(outcome, self._count)):
                trial.set_constraint(f"g{k}", g)
        self._study.tell(trial, measured(self._problem, outcome))


def distribution(axis: Axis) -> Any:
    """Return Optuna's counterpart of `axis`; levels are whole numbers, labels have no order."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if axis.kind == "labels":
        return CategoricalDistribution(range(len(axis.values)))
    make = FloatDistribution if axis.kind == "real" else IntDistribution
    return make(axis.low, axis.high, log=axis.log)


def tpe(task: Task) -> Optuna:
    """Return the default sampler of Optuna."""
    from optuna.samplers import TPESampler

    return Optuna(task, TPESampler(seed=task.seed, n_startup_trials=task.problem.initial))


def gp(task: Task) -> Optuna:
    """Return the GP sampler, told by its own option where evaluations have no noise."""
    return _gp(task, deterministic=task.problem.kind != "noisy")


def gp_default(task: Task) -> Optuna:
    """Return the GP sampler as it comes: it always infers noise."""
    return _gp(task, deterministic=False)


def _gp(task: Task, deterministic: bool) -> Optuna:
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import GPSampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        sampler = GPSampler(
            seed=task.seed,
            n_startup_trials=task.problem.initial,
            deterministic_objective=deterministic,
        )
    return Optuna(task, sampler)
