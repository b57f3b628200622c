"""Results of earlier runs, to learn from: tables and journals alike."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hmserve.checks import read_output_constraints
from hmserve.document import Findings
from hmserve.errors import ScenarioError
from hmserve.fidelity.rungs import reaches
from hmserve.journal.jsonl import read
from hmserve.journal.records import Observe, Start, Tell
from hmserve.journal.samples import read_samples
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Evaluation, Limits, Trial, within


def read_earlier(path: str, scenario: Scenario) -> list[Evaluation]:
    """Return the results in the file `path` that lie in the space of `scenario`.

    Args:
        path: A journal, if it ends so, else a CSV as `read_samples` takes it.
        scenario: Names the parameters and what is measured; the earlier run must have had it
            all. Its limits may have been others.

    Raises:
        ScenarioError: The file cannot be read, or lacks a parameter or what is measured.
    """
    if re.search(r"\.journal(\.\d+)?$", path) is None:
        return read_samples(path, scenario, strict=False)
    first, *others = read(path).records
    assert isinstance(first, Start)
    turned = _maximised(first.scenario) ^ scenario.maximised
    before = read_output_constraints(first.scenario, Findings())
    told = [r.evaluations for r in others if isinstance(r, Tell | Observe)]
    full = (first.scenario.get("fidelity") or {}).get("max")
    comparable = [e for some in told for e in some if _comparable(e.trial, full, scenario)]
    found = [_judged(evaluation, scenario, before) for evaluation in comparable]
    fitting = [_fitting(path, e, scenario, turned) for e in found]
    return [evaluation for evaluation in fitting if evaluation is not None]


def _comparable(trial: Trial, full: float | None, scenario: Scenario) -> bool:
    """Return whether a run of `scenario` may have a result as `trial` has one.

    Where it knows of no fidelities, only full ones count; `full` is what they were before.
    """
    found, fidelity = trial.fidelity, scenario.fidelity
    if found is None:
        return True
    return fidelity.allows(found) if fidelity else full is None or reaches(found, full)


def _judged(
    evaluation: Evaluation, scenario: Scenario, before: Mapping[str, Limits]
) -> Evaluation:
    """Return `evaluation`, whose limits were those of `before`, under those of `scenario`."""
    known, limits = evaluation.constraints, scenario.output_constraints
    # What violated a limit has no other fault that is known.
    valid = evaluation.feasible or not within(known, before)
    kept = {name: known[name] for name in limits if name in known}
    return replace(evaluation, feasible=valid and within(kept, limits), constraints=kept)


def _maximised(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the objectives that the journal of `document` holds with the other sign."""
    entries = document["optimization_objectives"]
    return frozenset(
        e["name"] for e in entries if isinstance(e, Mapping) and e.get("goal") == "maximize"
    )


def _fitting(
    path: str, evaluation: Evaluation, scenario: Scenario, turned: frozenset[str]
) -> Evaluation | None:
    """Return `evaluation` as one of `scenario`; None if it lies outside its space."""
    given, measured = evaluation.trial.configuration, evaluation.objectives
    missing = [name for name in scenario.space.names if name not in given]
    if measured:
        needed = (*scenario.objectives, *scenario.output_constraints)
        known = {*measured, *evaluation.constraints}
        missing += [name for name in needed if name not in known]
    if missing:
        raise ScenarioError(f"{path}: that run had no {', '.join(missing)}")
    configuration = {name: given[name] for name in scenario.space.names}
    if scenario.space.fault(configuration) is not None:
        return None
    names = scenario.objectives if measured else ()
    fidelity = evaluation.trial.fidelity if scenario.fidelity else None
    objectives = {n: -measured[n] + 0.0 if n in turned else measured[n] for n in names}
    trial = Trial(OUTSIDE, configuration, fidelity)
    return replace(evaluation, trial=trial, objectives=objectives)
