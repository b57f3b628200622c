"""Random search: every configuration drawn uniformly, known constraints disregarded."""

from random import Random

from comparison.peers.axes import axes
from comparison.peers.peer import Suggestion, Task
from comparison.problem import Outcome


class Uniform:
    """Draws; learns nothing."""

    def __init__(self, task: Task) -> None:
        self._axes = axes(task.problem)
        self._rng = Random(f"uniform/{task.seed}")

    def ask(self) -> Suggestion:
        """Draw one."""
        return Suggestion({axis.name: axis.at(self._rng.random()) for axis in self._axes})

    def tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Forget it."""
