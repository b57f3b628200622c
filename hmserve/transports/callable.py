"""A Python function as an evaluator, with HyperMapper's calling forms."""

import math
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hmserve.errors import EvaluatorError
from hmserve.scenario import Scenario
from hmserve.trial import Evaluation, Results, Trial

Function = Callable[[dict[str, Any]], Any]


class Callables:
    """Calls a function for each trial, or for each batch of them.

    With a batch size of 1 the function gets a dict of values. With a larger one it gets a
    dict of lists, one entry a configuration; a batch of one is passed as values, as
    HyperMapper does. It returns, for one output, a number (a list of them for a batch);
    for several, a dict by name of objectives and of the feasibility column.

    A function that raises, or returns something else, costs failed evaluations; the run
    goes on.

    Args:
        scenario: Names the outputs and the batch size.
        function: Yours.
        complain: Called with a text for each failure.
    """

    def __init__(
        self, scenario: Scenario, function: Function, complain: Callable[[str], None]
    ) -> None:
        self._scenario = scenario
        self._function = function
        self._complain = complain
        self._queue: list[Trial] = []

    @property
    def free(self) -> int:
        return 0 if self._queue else self._scenario.batch_size

    def submit(self, trials: Sequence[Trial]) -> None:
        self._queue.extend(trials)

    def collect(self) -> Results:
        size = self._scenario.batch_size
        trials, self._queue = self._queue[:size], self._queue[size:]
        return Results(evaluations=self._evaluate(trials))

    def _evaluate(self, trials: Sequence[Trial]) -> list[Evaluation]:
        try:
            returned = self._function(self._arguments(trials))
            outputs = self._outputs(returned, len(trials))
        except Exception:  # noqa: BLE001 - whatever a user's function raises is one failure
            named = ", ".join(str(trial.id) for trial in trials)
            self._complain(f"trial {named} failed:\n{traceback.format_exc()}")
            return [Evaluation(trial, feasible=False) for trial in trials]
        return [self._evaluation(t, o) for t, o in zip(trials, outputs, strict=True)]

    def _arguments(self, trials: Sequence[Trial]) -> dict[str, Any]:
        configurations = [trial.configuration for trial in trials]
        if len(trials) == 1:
            return dict(configurations[0])
        names = self._scenario.space.names
        return {name: [c[name] for c in configurations] for name in names}

    def _outputs(self, returned: Any, n: int) -> list[dict[str, Any]]:
        """Return one dict of outputs a trial."""
        names = self._names()
        if not isinstance(returned, Mapping):
            if len(names) > 1:
                raise EvaluatorError(
                    f"expected a dict with {', '.join(names)}, got {returned!r:.200}"
                )
            returned = {names[0]: returned}
        missing = [name for name in names if name not in returned]
        if missing:
            raise EvaluatorError(f"{', '.join(missing)} missing in {dict(returned)!r:.200}")
        columns = {name: _column(name, returned[name], n) for name in names}
        return [{name: columns[name][i] for name in names} for i in range(n)]

    def _evaluation(self, trial: Trial, outputs: Mapping[str, Any]) -> Evaluation:
        values = {name: _number(outputs[name]) for name in self._scenario.objectives}
        if not all(map(math.isfinite, values.values())):
            return Evaluation(trial, feasible=False)
        return Evaluation(trial, values, self._is_feasible(outputs))

    def _is_feasible(self, outputs: Mapping[str, Any]) -> bool:
        feasibility = self._scenario.feasibility
        if feasibility is None:
            return True
        value = outputs[feasibility.name]
        if not isinstance(value, str):
            return bool(value)
        words = {feasibility.true_value.lower(): True, feasibility.false_value.lower(): False}
        if value.strip().lower() not in words:
            raise EvaluatorError(
                f"{feasibility.name}: expected True, False, {feasibility.true_value!r} or "
                f"{feasibility.false_value!r}, got {value!r:.200}"
            )
        return words[value.strip().lower()]

    def _names(self) -> list[str]:
        feasibility = self._scenario.feasibility
        return [*self._scenario.objectives, *([feasibility.name] if feasibility else [])]


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _column(name: str, value: Any, n: int) -> list[Any]:
    """Return the values of one output, one a trial: a scalar will do for one trial."""
    if not hasattr(value, "__len__") or isinstance(value, str):
        if n > 1:
            raise EvaluatorError(f"{name}: expected {n} values, got {value!r:.200}")
        return [value]
    values = list(value)
    if len(values) != n:
        raise EvaluatorError(f"{name}: expected {n} values, got {len(values)}: {value!r:.200}")
    return values
