"""HEBO: a warped Gaussian process and the Pareto front of three acquisitions."""

from typing import Any

from comparison.peers.axes import Axis, axes
from comparison.peers.peer import Suggestion, Task, penalised
from comparison.problem import Outcome


class Hebo:
    """Asked for one at a time; it draws from the front, and is not told what is pending."""

    def __init__(self, task: Task) -> None:
        import numpy as np
        import torch
        from hebo.design_space.design_space import DesignSpace
        from hebo.optimizers.hebo import HEBO

        # HEBO draws from the global generators.
        np.random.seed(task.seed)  # noqa: NPY002
        torch.manual_seed(task.seed)
        self._problem = task.problem
        self._axes = axes(task.problem)
        space = DesignSpace().parse([parameter(axis) for axis in self._axes])
        self._hebo = HEBO(space, rand_sample=task.problem.initial, scramble_seed=task.seed)

    def ask(self) -> Suggestion:
        """Suggest one."""
        frame = self._hebo.suggest(n_suggestions=1)
        row = frame.iloc[0]
        return Suggestion({axis.name: axis.value(row[axis.name]) for axis in self._axes}, frame)

    def tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Observe a value."""
        import numpy as np

        value = penalised(self._problem, outcome)[0]
        self._hebo.observe(suggestion.token, np.array([[value]]))


def parameter(axis: Axis) -> dict[str, Any]:
    """Return HEBO's counterpart of `axis`; levels are whole numbers."""
    if axis.kind == "labels":
        return {"name": axis.name, "type": "cat", "categories": list(range(len(axis.values)))}
    kind = {
        ("real", False): "num",
        ("real", True): "pow",
        ("integer", False): "int",
        ("integer", True): "pow_int",
        ("levels", False): "int",
    }[axis.kind, axis.log]
    return {"name": axis.name, "type": kind, "lb": axis.low, "ub": axis.high, "base": 10}
