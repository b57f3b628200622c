"""What a run found: the best point, the Pareto front, a summary; as text and as CSV."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hmserve.fidelity.rungs import reaches
from hmserve.journal.files import replace
from hmserve.journal.ledger import Ledger, Row
from hmserve.journal.table import (
    fields,
    header,
    input_fields,
    input_names,
    outcome_fields,
    to_csv,
)
from hmserve.scenario import Scenario

_NONE: Final = "No feasible evaluation.\n"


def feasible_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that count: measured and feasible."""
    return [row for row in rows if row.evaluation.feasible]


def highest(rows: Sequence[Row], scenario: Scenario) -> list[Row]:
    """Return the rows that can be compared with the best: those of its fidelity, or all.

    Its fidelity is the highest that has a feasible row; where there are no fidelities these
    are all rows.
    """
    fidelity = scenario.fidelity
    if fidelity is None:
        return list(rows)
    reached = [fidelity.of(row.evaluation.trial) for row in feasible_rows(rows)]
    top = max(reached, default=0.0)
    return [row for row in rows if reaches(fidelity.of(row.evaluation.trial), top)]


def front(rows: Sequence[Row], scenario: Scenario) -> list[Row]:
    """Return the feasible rows that no other dominates, in the order they came.

    With one objective these are the best row and all that equal it. Only rows of the highest
    fidelity count.
    """
    counted = feasible_rows(highest(rows, scenario))
    if not counted:
        return []
    import numpy as np

    from hmserve.multiobjective.pareto import non_dominated

    shape = (len(counted), len(scenario.objectives))
    values = [
        [row.evaluation.objectives[name] for name in scenario.objectives] for row in counted
    ]
    Y = np.array(values, dtype=float).reshape(shape)
    return [row for row, kept in zip(counted, non_dominated(Y), strict=True) if kept]


def best(rows: Sequence[Row], scenario: Scenario) -> Row | None:
    """Return the first feasible row with the smallest first objective; None if there is none.

    Meant for one objective: of several there is a `front`. Only rows of the highest fidelity
    count.
    """
    name = scenario.objectives[0]
    counted = feasible_rows(highest(rows, scenario))
    return min(counted, key=lambda row: row.evaluation.objectives[name], default=None)


def best_csv(rows: Sequence[Row], scenario: Scenario) -> str:
    """Return the best row as two lines: names of parameters and objective, their values.

    Without a feasible row the second line is missing.
    """
    names = [*_inputs(scenario), scenario.objectives[0]]
    row = best(rows, scenario)
    lines = [names] if row is None else [names, _point(row, scenario)]
    return to_csv(lines)


def best_text(rows: Sequence[Row], scenario: Scenario) -> str:
    """Return the best row for reading, its columns aligned, or that there is none."""
    row = best(rows, scenario)
    if row is None:
        return _NONE
    return aligned([[*_inputs(scenario), scenario.objectives[0]], _point(row, scenario)])


def best_block(rows: Sequence[Row], scenario: Scenario) -> str:
    """Return the block that ends HyperMapper's log, which some programs search for."""
    if len(scenario.objectives) > 1:
        return "\nMultiple objectives, there is no single best point.\n"
    if best(rows, scenario) is None:
        return "\nNo feasible evaluation, there is no best point.\n"
    return "Best point found:\n" + best_csv(rows, scenario).replace("\r\n", "\n") + "\n"


def front_csv(rows: Sequence[Row], scenario: Scenario) -> str:
    """Return the front in the columns and the format of HyperMapper's Pareto file."""
    kept = front(rows, scenario)
    return to_csv([header(scenario), *(fields(scenario, row) for row in kept)])


def write_front(rows: Sequence[Row], scenario: Scenario) -> None:
    """Make the front the content of the scenario's Pareto file, whole or not at all.

    Raises:
        JournalError: The file cannot be written.
    """
    replace(scenario.files.pareto, front_csv(rows, scenario))


def front_text(rows: Sequence[Row], scenario: Scenario) -> str:
    """Return the front for reading, its columns aligned."""
    kept = front(rows, scenario)
    if not kept:
        return _NONE
    names = [*_inputs(scenario), *scenario.objectives]
    return aligned([names, *(_point(row, scenario) for row in kept)])


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Return `lines` of as many fields each as text in columns, two blanks apart."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [
        "  ".join(field.rjust(width) for field, width in zip(line, widths, strict=True))
        for line in lines
    ]
    return "".join(text.rstrip() + "\n" for text in texts)


def _inputs(scenario: Scenario) -> list[str]:
    """Return the parameters, and the fidelity where there are some."""
    return input_names(scenario)[: len(scenario.space.names) + (scenario.fidelity is not None)]


def _point(row: Row, scenario: Scenario) -> list[str]:
    inputs = input_fields(scenario, row.evaluation.trial)[: len(_inputs(scenario))]
    return [*inputs, *outcome_fields(scenario, row.evaluation)[: len(scenario.objectives)]]


@dataclass(frozen=True, slots=True)
class Summary:
    """The state of a run in numbers.

    Args:
        asked: Trials handed out, without those that were dropped.
        told: Of these, answered.
        failed: Results without a value: the evaluation failed.
        infeasible: Results that were measured but are not feasible.
        observed: Results nobody asked for.
        pending: Trials that wait for an answer.
        seconds: How long the run has been running.
        best: The row to name first: the best, or None with several objectives or none
            feasible.
        front: How many rows the Pareto front has; None with one objective.
    """

    asked: int
    told: int
    failed: int
    infeasible: int
    observed: int
    pending: int
    seconds: float
    best: Row | None
    front: int | None


def summary(ledger: Ledger, scenario: Scenario) -> Summary:
    """Return the state of the run that `ledger` keeps."""
    rows = ledger.rows
    several = len(scenario.objectives) > 1
    told = sum(row.asked for row in rows)
    failed = sum(not row.evaluation.objectives for row in rows)
    return Summary(
        asked=ledger.asked - ledger.dropped,
        told=told,
        failed=failed,
        infeasible=len(rows) - len(feasible_rows(rows)) - failed,
        observed=len(rows) - told,
        pending=len(ledger.pending),
        seconds=ledger.elapsed,
        best=None if several else best(rows, scenario),
        front=len(front(rows, scenario)) if several else None,
    )


def summary_text(found: Summary, scenario: Scenario) -> str:
    """Return `found` for reading, one line a fact; what is zero and rare is left out."""
    facts = [
        ("run", scenario.application_name),
        ("asked", str(found.asked)),
        ("told", str(found.told)),
        *(
            (name, str(count))
            for name, count in (
                ("failed", found.failed),
                ("infeasible", found.infeasible),
                ("observed", found.observed),
                ("pending", found.pending),
            )
            if count
        ),
        ("seconds", f"{found.seconds:.1f}"),
        ("best", _best_text(found, scenario)),
    ]
    width = max(len(name) for name, _ in facts)
    return "".join(f"{name:<{width}}  {value}\n" for name, value in facts)


def summary_line(ledger: Ledger, scenario: Scenario) -> str:
    """Return the state of the run that `ledger` keeps, on one line, for the log."""
    found = summary(ledger, scenario)
    return (
        f"{found.seconds:.1f} s: {found.told} told, {found.failed} failed, "
        f"{found.infeasible} infeasible, {found.pending} pending; {_best_text(found, scenario)}"
    )


def _best_text(found: Summary, scenario: Scenario) -> str:
    if found.front is not None:
        return f"{found.front} points on the Pareto front"
    if found.best is None:
        return "no feasible evaluation yet"
    names = [*_inputs(scenario), scenario.objectives[0]]
    *inputs, value = zip(names, _point(found.best, scenario), strict=True)
    return f"{' = '.join(value)} at {', '.join(map(' = '.join, inputs))}"
