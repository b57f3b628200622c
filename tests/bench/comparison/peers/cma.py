"""CMA-ES (pycma) in the unit cube, restarted with twice the population where it converges."""

from typing import Any

from comparison.peers.axes import axes
from comparison.peers.peer import Suggestion, Task, penalised
from comparison.problem import Outcome


class CmaEs:
    """Generations over an asynchronous pool: sampling goes on while answers are out."""

    def __init__(self, task: Task) -> None:
        import numpy as np

        self._problem = task.problem
        self._axes = axes(task.problem)
        self._rng = np.random.default_rng(task.seed)
        self._start()

    def _start(self, popsize: int | None = None) -> None:
        import cma

        options: dict[str, Any] = {
            "bounds": [0, 1],
            "seed": int(self._rng.integers(1, 2**31)),
            "verbose": -9,
        }
        if popsize:
            options["popsize"] = popsize
        # A quarter of the range is the step that the documentation of pycma advises.
        start = self._rng.random(len(self._axes))
        self._strategy = cma.CMAEvolutionStrategy(start, 0.25, options)
        self._queue: list[Any] = []
        self._told: list[tuple[Any, float]] = []

    def ask(self) -> Suggestion:
        """Return the next of the generation, or of a further sample of its distribution."""
        if not self._queue:
            self._queue = list(self._strategy.ask())
        x = self._queue.pop(0)
        found = {axis.name: axis.at(u) for axis, u in zip(self._axes, x, strict=True)}
        return Suggestion(found, (self._strategy, x))

    def tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Count it; a full generation moves the distribution."""
        strategy, x = suggestion.token
        if strategy is not self._strategy:
            return
        self._told.append((x, penalised(self._problem, outcome)[0]))
        if len(self._told) < self._strategy.popsize:
            return
        points, values = zip(*self._told, strict=True)
        self._strategy.tell(list(points), list(values))
        self._queue, self._told = [], []
        if self._strategy.stop():
            self._start(2 * self._strategy.popsize)
