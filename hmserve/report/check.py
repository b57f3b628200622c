"""What a scenario means, for a person to read before anything runs."""

import math
from collections.abc import Iterator

from hmserve.report.schedule import fidelity_text, schedule_text
from hmserve.report.tables import aligned
from hmserve.scenario import Scenario
from hmserve.space.fixed import Fixed
from hmserve.space.parameters import Parameter, Real, format_number
from hmserve.space.permutation import Permutation
from hmserve.space.space import levels_of

_SHOWN = 60


def describe(scenario: Scenario) -> str:
    """Return the space, the budget and the files of `scenario` as text."""
    lines = [_line(parameter, scenario) for parameter in scenario.space.parameters]
    titles = ["parameter", "type", "values", "count", "default", "notes"]
    noted = any(line[-1] for line in lines)
    table = aligned([line if noted else line[:-1] for line in (titles, *lines)])
    schedule = schedule_text(scenario)
    facts = [
        ("scenario", f"{scenario.source} is valid"),
        ("configurations", _configurations(scenario)),
        ("feasible share", _feasible_share(scenario)),
        ("objectives", _objectives(scenario)),
        *(("constraint", text) for text in _limits(scenario)),
        ("feasibility", _feasibility(scenario)),
        ("budget", _budget(scenario)),
        ("method", _method(scenario)),
        *([("fidelity", fidelity_text(scenario.fidelity))] if scenario.fidelity else []),
        ("samples", scenario.files.samples),
        ("journal", scenario.files.journal),
        ("log", scenario.files.log),
    ]
    facts += [("warning", warning) for warning in scenario.warnings]
    text = "".join(f"{name:<15} {value}\n" for name, value in facts)
    return "\n".join([text, table, *([schedule] if schedule else [])])


def _line(parameter: Parameter, scenario: Scenario) -> list[str]:
    default = "" if parameter.default is None else parameter.format(parameter.default)
    kind = parameter.parameter if isinstance(parameter, Fixed) else parameter
    return [
        parameter.name,
        type(kind).__name__.lower(),
        _values(parameter),
        _count(parameter.size),
        default,
        "; ".join(_notes(parameter, scenario)),
    ]


def _notes(parameter: Parameter, scenario: Scenario) -> Iterator[str]:
    if isinstance(parameter, Fixed):
        yield "fixed"
    if getattr(parameter, "log", False):
        yield "log"
    if isinstance(parameter, Permutation):
        yield parameter.parametrization
    entry = scenario.document["input_parameters"][parameter.name]
    if entry["prior"] != "uniform":
        yield f"prior {entry['prior'] if isinstance(entry['prior'], str) else 'as listed'}"
    for parent, values in scenario.space.conditions.of.get(parameter.name, {}).items():
        yield f"if {parent} is {' or '.join(map(str, values))}"


def _objectives(scenario: Scenario) -> str:
    goals = {True: "maximised", False: "minimised"}
    return ", ".join(f"{n} ({goals[n in scenario.maximised]})" for n in scenario.objectives)


def _method(scenario: Scenario) -> str:
    if scenario.fidelity is not None:
        return f"{scenario.fidelity.scheduler}, sampler {scenario.fidelity.sampler}"
    if scenario.method not in ("bayesian_optimization", "random_scalarizations"):
        return scenario.method
    return f"{scenario.method}, {scenario.model.kind}, {scenario.acquisition}"


def _configurations(scenario: Scenario) -> str:
    known = scenario.space.known
    if known is None:
        return _count(scenario.space.size)
    counted = known.region.count
    return "unknown, some" if counted is None else f"{counted:,} under the constraints"


def _values(parameter: Parameter) -> str:
    low, high = (parameter.format(parameter.draw(u)) for u in (0.0, 1.0))
    if isinstance(parameter, Real) or parameter.size > 20:
        return f"{low} to {high}"
    text = ", ".join(parameter.format(value) for value in levels_of(parameter))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _count(size: float) -> str:
    return "infinite" if size == math.inf else f"{int(size):,}"


def _feasible_share(scenario: Scenario) -> str:
    known = scenario.space.known
    if known is not None:
        return f"{known.region.share:.3g} of all combinations, by the constraints"
    if scenario.exhaustive_file is None:
        return "no known constraints: every sample may be asked"
    from hmserve.journal.samples import read_samples

    table = read_samples(scenario.exhaustive_file, scenario)
    good = sum(evaluation.feasible for evaluation in table)
    share = format_number(round(100.0 * good / max(len(table), 1), 2))
    return f"{share} % of {len(table):,} in {scenario.exhaustive_file}"


def _limits(scenario: Scenario) -> Iterator[str]:
    for name, (low, high) in scenario.output_constraints.items():
        left = f"{format_number(low)} <= " if math.isfinite(low) else ""
        right = f" <= {format_number(high)}" if math.isfinite(high) else ""
        yield f"{left}{name}{right}"


def _feasibility(scenario: Scenario) -> str:
    if scenario.feasibility is None:
        return "no column; a failed evaluation is one without a value"
    column = scenario.feasibility
    return f"column {column.name}: {column.true_value} or {column.false_value}"


def _budget(scenario: Scenario) -> str:
    design = "a grid" if scenario.design.kind == "grid_search" else str(scenario.design.samples)
    text = f"{design} ({scenario.design.kind}) + {scenario.iterations} x {scenario.batch_size}"
    if scenario.fidelity is not None:
        text = f"{design} ({scenario.design.kind}) to begin with; the schedule below"
    if scenario.repetitions > 1:
        text += f", each {scenario.repetitions} times"
    if scenario.stops.evaluations is not None:
        text += f", at most {scenario.stops.evaluations} evaluations"
    if scenario.time_budget is None:
        return text
    return f"{text}, at most {scenario.time_budget:g} s"
