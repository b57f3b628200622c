"""A Python function as an evaluator, with HyperMapper's calling forms."""

import traceback
from collections.abc import Callable, Sequence
from typing import Any, Final

from hmserve.fidelity.options import FidelityOptions
from hmserve.scenario import Scenario
from hmserve.transports.outcomes import Outcomes
from hmserve.trial import Evaluation, Results, Trial

Function = Callable[[dict[str, Any]], Any]


class Callables:
    """Calls a function for each trial, or for each batch of them.

    With a batch size of 1 the function gets a dict of values. With a larger one it gets a
    dict of lists, one entry a configuration; a batch of one is passed as values, as
    HyperMapper does. What it may return: see `Outcomes`. A function that raises, or returns
    something else, costs failed evaluations; the run goes on.

    Args:
        scenario: Names the outputs and the batch size.
        function: Yours.
        complain: Called with a text for each failure.
    """

    def __init__(
        self, scenario: Scenario, function: Function, complain: Callable[[str], None]
    ) -> None:
        self._fidelity = scenario.fidelity
        self._batch_size = scenario.batch_size
        self._outcomes = Outcomes(scenario)
        self._function = function
        self._complain = complain
        self._queue: list[Trial] = []

    hungry: Final = False

    @property
    def free(self) -> int:
        return 0 if self._queue else self._batch_size

    def submit(self, trials: Sequence[Trial]) -> None:
        self._queue.extend(trials)

    def collect(self) -> Results:
        trials = self._queue[: self._batch_size]
        evaluations = self._evaluate(trials)
        del self._queue[: self._batch_size]
        return Results(evaluations=evaluations)

    def _evaluate(self, trials: Sequence[Trial]) -> list[Evaluation]:
        try:
            return self._outcomes.read(trials, self._function(self._arguments(trials)))
        except Exception:  # noqa: BLE001 - whatever a user's function raises is one failure
            named = ", ".join(str(trial.id) for trial in trials)
            self._complain(f"trial {named} failed:\n{traceback.format_exc()}")
            return [Evaluation(trial, feasible=False) for trial in trials]

    def _arguments(self, trials: Sequence[Trial]) -> dict[str, Any]:
        values = [arguments_of(trial, self._fidelity) for trial in trials]
        if len(trials) == 1:
            return values[0]
        return {name: [each[name] for each in values] for name in values[0]}


def arguments_of(trial: Trial, fidelity: FidelityOptions | None) -> dict[str, Any]:
    """Return what a function gets for `trial`: the configuration, and how far to go."""
    return {**trial.configuration, **(fidelity.settings(trial) if fidelity else {})}
