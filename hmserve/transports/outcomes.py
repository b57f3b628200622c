"""What a user's Python function may return, as evaluations."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hmserve.errors import EvaluatorError
from hmserve.fidelity.rungs import same
from hmserve.scenario import Scenario
from hmserve.trial import Evaluation, Trial, within


class Outcomes:
    """Reads outcomes by the names of a scenario.

    For one output, a number will do; for several, a dict by name of objectives, of measured
    constraints and of the feasibility column. For n trials at once, n numbers, or a dict of n
    numbers each. None, NaN and infinities mean that the evaluation failed. A dict may have the
    fidelity as well: how far an evaluation went that ended early.

    Args:
        scenario: Names the outputs.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._inward = scenario.inward
        self._feasibility = scenario.feasibility
        feasibility = [scenario.feasibility.name] if scenario.feasibility else []
        self._limits = scenario.output_constraints
        self._measured = (*scenario.objectives, *self._limits)
        self.names = (*self._measured, *feasibility)
        self._fidelity = scenario.fidelity

    def read(self, trials: Sequence[Trial], returned: Any) -> list[Evaluation]:
        """Return one evaluation a trial.

        Raises:
            EvaluatorError: `returned` is none of the forms; the message quotes it.
        """
        if returned is None:
            return [Evaluation(trial, feasible=False) for trial in trials]
        if not isinstance(returned, Mapping):
            if len(self.names) > 1:
                raise EvaluatorError(
                    f"expected a dict with {', '.join(self.names)}, got {returned!r:.200}"
                )
            returned = {self.names[0]: returned}
        missing = [name for name in self.names if name not in returned]
        if missing:
            raise EvaluatorError(f"{', '.join(missing)} missing in {dict(returned)!r:.200}")
        told = [*self.names]
        if self._fidelity and self._fidelity.name in returned:
            told.append(self._fidelity.name)
        columns = {name: _column(name, returned[name], len(trials)) for name in told}
        return [
            self._evaluation(trial, {name: column[i] for name, column in columns.items()})
            for i, trial in enumerate(trials)
        ]

    def _evaluation(self, asked: Trial, outputs: Mapping[str, Any]) -> Evaluation:
        trial = self._reached(asked, outputs)
        values = {
            name: self._inward(name, _number(name, outputs[name])) for name in self._measured
        }
        measured = {name: value for name, value in values.items() if value is not None}
        if len(measured) < len(values):
            return Evaluation(trial, feasible=False)
        constraints = {name: measured.pop(name) for name in self._limits}
        feasible = self._is_feasible(outputs) and within(constraints, self._limits)
        return Evaluation(trial, measured, feasible, constraints)

    def _reached(self, asked: Trial, outputs: Mapping[str, Any]) -> Trial:
        """Return `asked` with the fidelity that its evaluation came to."""
        fidelity = self._fidelity
        if fidelity is None or fidelity.name not in outputs:
            return asked
        found = _number(fidelity.name, outputs[fidelity.name])
        if not fidelity.allows(found):
            raise EvaluatorError(
                f"{fidelity.name}: expected a number above 0, at most {fidelity.max:g}, got "
                f"{outputs[fidelity.name]!r:.200}"
            )
        if asked.fidelity is not None and same(found, asked.fidelity):
            return asked
        return replace(asked, fidelity=found)

    def _is_feasible(self, outputs: Mapping[str, Any]) -> bool:
        feasibility = self._feasibility
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


def _number(name: str, value: Any) -> float:
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        raise EvaluatorError(f"{name}: expected a number, got {value!r:.200}") from None


def _column(name: str, value: Any, n: int) -> list[Any]:
    """Return the values of one output, one a trial: a scalar will do for one trial."""
    if isinstance(value, str) or not _is_sized(value):
        if n > 1:
            raise EvaluatorError(f"{name}: expected {n} values, got {value!r:.200}")
        return [value]
    values = list(value)
    if len(values) != n:
        raise EvaluatorError(f"{name}: expected {n} values, got {len(values)}: {value!r:.200}")
    return values


def _is_sized(value: Any) -> bool:
    try:
        len(value)
    except TypeError:  # arrays without a dimension have a __len__ that says so
        return False
    return True
