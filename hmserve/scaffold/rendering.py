"""The text of a scenario: JSON with comments that explain it and show what may come next."""

import json
import re
from collections.abc import Iterator, Mapping
from keyword import iskeyword
from typing import Any

from hmserve.scaffold.plan import Plan
from hmserve.scaffold.stubs import objective_name


def scenario_text(plan: Plan) -> str:
    """Return the scenario of `plan` with comments.

    Every line that is commented out and begins with a key can be used as it stands.
    """
    return "".join(f"{line}\n" for line in _lines(plan))


def plain_text(plan: Plan) -> str:
    """Return the scenario of `plan` as JSON without comments."""
    document = plan.document()
    entries = []
    for key, value in document.items():
        if key == "input_parameters":
            inner = (f"    {_json(k)}: {_json(v)}" for k, v in value.items())
            entries.append(f"  {_json(key)}: {{\n" + ",\n".join(inner) + "\n  }")
        else:
            entries.append(f"  {_json(key)}: {_json(value)}")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _lines(plan: Plan) -> Iterator[str]:
    document = plan.document()
    yield "{"
    file = plan.scenario
    yield f"  // hmserve check {file} describes it, hmserve run {file} runs it."
    yield "  // docs/scenario.md has every key. Take the // away to use a key behind it."
    for note in plan.notes:
        for line in note.splitlines():
            yield f"  // Note: {line}"
    yield _entry(document, "application_name") + "  // output files begin with it"
    yield ""
    yield from _objectives(plan, document)
    yield ""
    yield from _parameters(plan)
    yield ""
    yield from _constraints(plan, document)
    yield from _feasibility(plan, document)
    yield ""
    yield from _evaluator(plan, document["evaluator"])
    yield ""
    yield from _budget(plan, document)
    yield "}"


def _objectives(plan: Plan, document: Mapping[str, Any]) -> Iterator[str]:
    yield "  // What is measured, a column each; less is better, unless a goal says otherwise."
    if len(plan.objectives) == 1:
        name = objective_name(plan.objectives[0])
        other = {"name": "quality" if name != "quality" else "score", "goal": "maximize"}
        yield f"  // Two or more give a Pareto front: {_json([*plan.objectives, other])}"
    else:
        yield f"  // They give a Pareto front: hmserve pareto {plan.scenario}"
    yield _entry(document, "optimization_objectives")


def _parameters(plan: Plan) -> Iterator[str]:
    yield "  // What may vary. real and integer: [low, high]. ordinal: a list of numbers."
    yield "  // categorical: a list of labels. permutation: [n], every order of 0 to n - 1."
    yield '  // parameter_default is tried first; "transform": "log" is for wide ranges; what'
    yield '  // has a "condition" counts only while other parameters have certain values.'
    yield '  "input_parameters": {'
    for name, entry in plan.parameters.items():
        yield f"    {_json(name)}: {_json(entry)},"
    yield "  },"


def _constraints(plan: Plan, document: Mapping[str, Any]) -> Iterator[str]:
    yield "  // What every configuration meets, without running anything: docs/constraints.md"
    if "constraints" in document:
        yield _entry(document, "constraints")
    else:
        yield f'  // "constraints": [{_json(_example_constraint(plan))}],'


def _example_constraint(plan: Plan) -> str:
    """Return a constraint that leaves about all there is."""
    numbers = [
        (name, entry["values"])
        for name, entry in plan.parameters.items()
        if entry["parameter_type"] in ("real", "integer", "ordinal")
    ]
    if numbers:
        terms = " + ".join(_in_expression(name) for name, _ in numbers[:2])
        return f"{terms} <= {sum(max(values) for _, values in numbers[:2])}"
    name, entry = next(iter(plan.parameters.items()))
    if entry["parameter_type"] == "permutation":
        return f"{_in_expression(f'{name}_i0')} < {int(entry['values'][0])}"
    return f"{_in_expression(name)} in [{', '.join(repr(label) for label in entry['values'])}]"


def _in_expression(name: str) -> str:
    return name if name.isidentifier() and not iskeyword(name) else f"`{name}`"


def _feasibility(plan: Plan, document: Mapping[str, Any]) -> Iterator[str]:
    if plan.feasible:
        yield '  // The last column, "Valid", says whether the configuration was allowed.'
        yield _entry(document, "feasible_output")


def _evaluator(plan: Plan, evaluator: Mapping[str, Any]) -> Iterator[str]:
    if plan.stub:
        yield "  // hmserve run starts this worker: docs/workers.md"
    else:
        yield "  // hmserve run starts this for each evaluation, a value in place of {name}; no"
        yield "  // shell, unless it names one. The last line it prints is read: objectives,"
        yield "  // commas between them, or JSON by their names; docs/workers.md"
    yield '  "evaluator": {'
    for key, value in evaluator.items():
        yield f"    {_json(key)}: {_json(value)},"
    if not plan.stub and "output" not in evaluator:
        names = map(objective_name, plan.objectives)
        patterns = {name: f"{re.escape(name)}: ([-+.0-9e]+)" for name in names}
        yield f'    // "output": {_json(patterns)},  // where it is in what is printed'
    for key, value, comment in (
        ("workers", 4, "evaluate side by side"),
        ("timeout", 60, "seconds; what takes longer counts as failed"),
        ("memory_limit", 4096, "MB; what holds more counts as failed"),
        ("retries", 1, "of an evaluation that failed"),
    ):
        if key not in evaluator:
            yield f'    // "{key}": {value},  // {comment}'
    yield "  },"


def _budget(plan: Plan, document: Mapping[str, Any]) -> Iterator[str]:
    yield "  // How long: evaluations in all, the first ten of them spread at random."
    yield _entry(document, "max_evaluations")
    yield '  // "time_budget": 30,  // minutes'
    yield '  // "design_of_experiment": {"number_of_samples": 20},  // more at random'
    if len(plan.objectives) == 1:
        yield '  // "target": 0,  // end as soon as the objective is this good'
    if plan.seed is None:
        yield '  // "seed": 1,  // the same results give the same requests'
    else:
        yield _entry(document, "seed") + "  // the same results give the same requests"
    yield '  // "noise": false,  // the same settings always measure the same'
    column = "epochs" if "epochs" not in plan.parameters else "fidelity"
    yield "  // Cheap evaluations first (epochs, mesh, input size): docs/multifidelity.md"
    if not plan.stub:
        yield f"  // The command then needs {{{column}}}."
    yield f'  // "fidelity": {{"name": "{column}", "type": "integer", "min": 1, "max": 27}},'


def _entry(document: Mapping[str, Any], key: str) -> str:
    return f"  {_json(key)}: {_json(document[key])},"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
