"""hmserve, asked in this process: the engine without the daemon's pipe and files."""

from typing import Any

from comparison.peers.axes import measured_constraints
from comparison.peers.peer import Suggestion, Task
from comparison.problem import Outcome


def scenario(task: Task) -> dict[str, Any]:
    """Return the scenario: a design, then one proposal at a time, every default kept."""
    problem = task.problem
    known = {"constraints": list(problem.known)} if problem.known else {}
    count = measured_constraints(task) if problem.kind == "constrained" else 0
    limits = {f"g{k + 1}": [None, 0] for k in range(count)}
    return {
        "application_name": problem.name,
        "optimization_objectives": list(problem.names),
        "input_parameters": {name: dict(p) for name, p in problem.parameters.items()},
        "design_of_experiment": {"number_of_samples": min(problem.initial, task.budget)},
        "optimization_iterations": max(task.budget - problem.initial, 0),
        **known,
        "output_constraints": limits,
        **task.options,
    }


class Hmserve:
    """Told objectives and constraints as measured, and of failures yes or no."""

    def __init__(self, task: Task) -> None:
        from hmserve.engine.build import build
        from hmserve.scenario import Scenario

        self._names = task.problem.names
        self._optimizer = build(Scenario.parse(scenario(task)), task.seed)

    def ask(self) -> Suggestion | None:
        """Ask for one; None if the space is exhausted."""
        for trial in self._optimizer.ask(1):
            return Suggestion(trial.configuration, trial)
        return None

    def tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Tell it as an evaluation."""
        from hmserve.trial import Evaluation

        values = dict(zip(self._names, outcome.values, strict=True)) if outcome.values else {}
        measured = {f"g{k}": float(g) for k, g in enumerate(outcome.constraints, 1)}
        self._optimizer.tell([Evaluation(suggestion.token, values, outcome.feasible, measured)])
