"""Nevergrad's NGOpt, which chooses its algorithm by the space, the budget and the workers."""

from typing import Any

from comparison.peers.axes import Axis, axes
from comparison.peers.peer import Suggestion, Task, measured
from comparison.problem import Outcome


class Nevergrad:
    """NGOpt: measured constraints as `constraint_violation`, a failure as the penalty."""

    def __init__(self, task: Task) -> None:
        import nevergrad as ng
        import numpy as np

        self._problem = task.problem
        self._axes = axes(task.problem)
        space = ng.p.Dict(**{axis.name: parameter(axis) for axis in self._axes})
        space.random_state = np.random.RandomState(task.seed)
        self._optimizer = ng.optimizers.NGOpt(
            space, budget=task.budget, num_workers=task.pending
        )

    def ask(self) -> Suggestion:
        """Ask for a candidate."""
        candidate = self._optimizer.ask()
        found = {axis.name: axis.value(candidate.value[axis.name]) for axis in self._axes}
        return Suggestion(found, candidate)

    def tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Tell the loss and, where there are some, the violations."""
        values = measured(self._problem, outcome)
        loss = values[0] if len(values) == 1 else values
        broken = [max(g, 0.0) for g in outcome.constraints]
        if any(broken):
            self._optimizer.tell(suggestion.token, loss, constraint_violation=broken)
        else:
            self._optimizer.tell(suggestion.token, loss)


def parameter(axis: Axis) -> Any:
    """Return Nevergrad's counterpart of `axis`: ordered levels are a `TransitionChoice`."""
    import nevergrad as ng

    if axis.kind == "labels":
        return ng.p.Choice(list(range(len(axis.values))))
    if axis.kind == "levels":
        return ng.p.TransitionChoice(list(range(len(axis.values))))
    make = ng.p.Log if axis.log else ng.p.Scalar
    made = make(lower=axis.low, upper=axis.high)
    return made.set_integer_casting() if axis.kind == "integer" else made
