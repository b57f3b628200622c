"""HyperMapper's samples file: a view of the journal, made anew from it at any time.

One row a result, in the order they came: the parameters, the fidelity, the objectives, the
measured constraints and the feasibility column if the scenario has them, the time. The format
is that of Python's csv module, with CRLF, and each number is what `str` makes of it.
"""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from typing import Protocol

from hmserve.closing import Closing
from hmserve.errors import JournalError
from hmserve.journal.files import explained, replace, write_all
from hmserve.journal.ledger import Row
from hmserve.scenario import Scenario, outward
from hmserve.space.fixed import Fixed
from hmserve.space.parameters import Parameter, Real, Value
from hmserve.trial import Evaluation, Trial, within


def header(scenario: Scenario) -> list[str]:
    """Return the names of the columns."""
    names = [*input_names(scenario), *scenario.objectives, *scenario.output_constraints]
    if scenario.feasibility is not None:
        names.append(scenario.feasibility.name)
    return [*names, scenario.timestamp]


def fields(scenario: Scenario, row: Row) -> list[str]:
    """Return the fields of `row`, one a column.

    The objectives of a failed evaluation are empty. The time is in milliseconds: of the Unix
    clock in client-server mode, since the start of the run otherwise, as in HyperMapper.
    """
    evaluation = row.evaluation
    inputs = input_fields(scenario, evaluation.trial)
    seconds = row.time if scenario.mode == "client-server" else row.elapsed
    return [*inputs, *outcome_fields(scenario, evaluation), str(int(seconds * 1000))]


def input_names(scenario: Scenario) -> list[str]:
    """Return the names of the columns that say what was evaluated, and how far."""
    fidelity = scenario.fidelity
    return [*scenario.space.names, *(fidelity.columns if fidelity else ())]


def input_fields(scenario: Scenario, trial: Trial) -> list[str]:
    """Return the fields under `input_names`; what has no value is empty."""
    values, fidelity = trial.configuration, scenario.fidelity
    inputs = [input_field(p, values[p.name]) for p in scenario.space.parameters]
    told = fidelity.settings(trial).values() if fidelity else ()
    return [*inputs, *("" if value is None else str(value) for value in told)]


def input_field(parameter: Parameter, value: Value) -> str:
    """Return `value` as HyperMapper's tables write it: a real always has its point.

    An inactive parameter has an empty field.
    """
    if value is None:
        return ""
    if isinstance(parameter, Fixed):
        parameter = parameter.parameter
    return repr(float(value)) if isinstance(parameter, Real) else str(value)  # type: ignore[arg-type]


def outcome_fields(scenario: Scenario, evaluation: Evaluation) -> list[str]:
    """Return what was measured, and the feasibility of `evaluation` if that has a column."""
    feasibility, limits = scenario.feasibility, scenario.output_constraints
    evaluation = outward(scenario, evaluation)
    # Where no column tells that a row is infeasible, its missing objectives must.
    told = feasibility or evaluation.feasible or not within(evaluation.constraints, limits)
    shown = {**evaluation.objectives, **evaluation.constraints} if told else {}
    names = (*scenario.objectives, *limits)
    outcome = [str(float(shown[name])) if name in shown else "" for name in names]
    if feasibility is not None:
        label = feasibility.true_value if evaluation.feasible else feasibility.false_value
        outcome.append(label)
    return outcome


def to_csv(lines: Iterable[Sequence[str]]) -> str:
    """Return `lines` of fields as CSV, with CRLF and quotes where they are needed."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


def render(scenario: Scenario, rows: Iterable[Row]) -> str:
    """Return the samples file that holds `rows`."""
    return to_csv([header(scenario), *(fields(scenario, row) for row in rows)])


class Table(Protocol):
    """A view of the results for those who read tables, such as the samples file."""

    def append(self, rows: Sequence[Row]) -> None:
        """Add `rows`."""

    def close(self) -> None:
        """Let go of it."""


class SamplesTable(Closing):
    """The samples file of a run that goes on.

    Args:
        path: Replaced by a file that holds `rows`.
        scenario: Names the columns.
        rows: The results of the run so far.

    Raises:
        JournalError: The file cannot be written.
    """

    def __init__(self, path: str, scenario: Scenario, rows: Iterable[Row] = ()) -> None:
        self.path = path
        self._scenario = scenario
        replace(path, render(scenario, rows))
        with explained("open", path):
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)

    def append(self, rows: Iterable[Row]) -> None:
        """Add `rows`; a reader sees them at once.

        Raises:
            JournalError: They cannot be written, or the table is closed. The journal has them.
        """
        if self._descriptor < 0:
            raise JournalError(f"the table {self.path} is closed")
        text = to_csv(fields(self._scenario, row) for row in rows)
        with explained("write", self.path):
            write_all(self._descriptor, text.encode())

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
