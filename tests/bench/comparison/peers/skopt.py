"""scikit-optimize: Gaussian processes and its portfolio of acquisitions, gp_hedge."""

from typing import Any

from comparison.peers.axes import Axis, axes
from comparison.peers.peer import Suggestion, Task, penalised
from comparison.problem import Outcome


class Skopt:
    """An `Optimizer`; what is pending is told a copy as the best value so far, its `cl_min`."""

    def __init__(self, task: Task) -> None:
        from skopt import Optimizer

        self._problem = task.problem
        self._axes = axes(task.problem)
        self._optimizer = Optimizer(
            [dimension(axis) for axis in self._axes],
            base_estimator="GP",
            n_initial_points=task.problem.initial,
            random_state=task.seed,
        )
        self._pending: list[list[Any]] = []

    def ask(self) -> Suggestion:
        """Ask, or ask a copy that believes what is pending came to the best value."""
        x = self._with_lies().ask()
        self._pending.append(x)
        found = {axis.name: axis.value(told) for axis, told in zip(self._axes, x, strict=True)}
        return Suggestion(found, x)

    def _with_lies(self) -> Any:
        if not self._pending:
            return self._optimizer
        copy = self._optimizer.copy(random_state=self._optimizer.rng.randint(0, 2**31 - 1))
        known = self._optimizer.yi
        lie = min(known) if known else 0.0
        copy.tell(list(self._pending), [lie] * len(self._pending))
        return copy

    def tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Tell a value."""
        self._pending.remove(suggestion.token)
        self._optimizer.tell(suggestion.token, penalised(self._problem, outcome)[0])


def dimension(axis: Axis) -> Any:
    """Return scikit-optimize's counterpart of `axis`; levels are whole numbers."""
    from skopt.space import Categorical, Integer, Real

    if axis.kind == "labels":
        return Categorical(list(range(len(axis.values))))
    prior = "log-uniform" if axis.log else "uniform"
    if axis.kind == "real":
        return Real(axis.low, axis.high, prior=prior)
    return Integer(int(axis.low), int(axis.high), prior=prior)
