"""What a scenario means, for a person to read before anything runs."""

import math

from hmserve.report.tables import aligned
from hmserve.scenario import Scenario
from hmserve.space.parameters import Parameter, Real, format_number
from hmserve.space.space import levels_of

_SHOWN = 60


def describe(scenario: Scenario) -> str:
    """Return the space, the budget and the files of `scenario` as text."""
    parameters = [_line(parameter) for parameter in scenario.space.parameters]
    table = aligned([["parameter", "type", "values", "count", "default"], *parameters])
    facts = [
        ("scenario", f"{scenario.source} is valid"),
        ("configurations", _count(scenario.space.size)),
        ("feasible share", _feasible_share(scenario)),
        ("objectives", ", ".join(scenario.objectives) + " (minimised)"),
        ("feasibility", _feasibility(scenario)),
        ("budget", _budget(scenario)),
        ("model", f"{scenario.model.kind}, {scenario.acquisition}"),
        ("samples", scenario.files.samples),
        ("journal", scenario.files.journal),
        ("log", scenario.files.log),
    ]
    lines = [f"{name:<15} {value}\n" for name, value in facts]
    lines += [f"{'warning':<15} {warning}\n" for warning in scenario.warnings]
    return "".join([*lines, "\n", table])


def _line(parameter: Parameter) -> list[str]:
    default = "" if parameter.default is None else parameter.format(parameter.default)
    kind = type(parameter).__name__.lower()
    return [parameter.name, kind, _values(parameter), _count(parameter.size), default]


def _values(parameter: Parameter) -> str:
    low, high = (parameter.format(parameter.draw(u)) for u in (0.0, 1.0))
    if isinstance(parameter, Real) or parameter.size > 20:
        return f"{low} to {high}"
    text = ", ".join(parameter.format(value) for value in levels_of(parameter))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _count(size: float) -> str:
    return "infinite" if size == math.inf else f"{int(size):,}"


def _feasible_share(scenario: Scenario) -> str:
    if scenario.exhaustive_file is None:
        return "no known constraints: every sample may be asked"
    from hmserve.journal.samples import read_samples

    known = read_samples(scenario.exhaustive_file, scenario)
    good = sum(evaluation.feasible for evaluation in known)
    share = format_number(round(100.0 * good / max(len(known), 1), 2))
    return f"{share} % of {len(known):,} in {scenario.exhaustive_file}"


def _feasibility(scenario: Scenario) -> str:
    if scenario.feasibility is None:
        return "no column; a failed evaluation is one without a value"
    column = scenario.feasibility
    return f"column {column.name}: {column.true_value} or {column.false_value}"


def _budget(scenario: Scenario) -> str:
    design = "a grid" if scenario.design.kind == "grid_search" else str(scenario.design.samples)
    text = f"{design} ({scenario.design.kind}) + {scenario.iterations} x {scenario.batch_size}"
    if scenario.time_budget is None:
        return text
    return f"{text}, at most {scenario.time_budget:g} s"
