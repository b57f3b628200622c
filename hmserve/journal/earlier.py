"""Results of earlier runs, to learn from: tables and journals alike."""

import re
from collections.abc import Mapping
from typing import Any

from hmserve.errors import ScenarioError
from hmserve.journal.jsonl import read
from hmserve.journal.records import Observe, Start, Tell
from hmserve.journal.samples import read_samples
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Evaluation, Trial


def read_earlier(path: str, scenario: Scenario) -> list[Evaluation]:
    """Return the results in the file `path` that lie in the space of `scenario`.

    Args:
        path: A journal, if it ends so, else a CSV as `read_samples` takes it.
        scenario: Names the parameters and objectives; the earlier run must have had them all.

    Raises:
        ScenarioError: The file cannot be read, or lacks a parameter or an objective.
    """
    if re.search(r"\.journal(\.\d+)?$", path) is None:
        return read_samples(path, scenario, strict=False)
    first, *others = read(path).records
    assert isinstance(first, Start)
    turned = _maximised(first.scenario) ^ scenario.maximised
    told = [r.evaluations for r in others if isinstance(r, Tell | Observe)]
    found = [_fitting(path, e, scenario, turned) for evaluations in told for e in evaluations]
    return [evaluation for evaluation in found if evaluation is not None]


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
        missing += [name for name in scenario.objectives if name not in measured]
    if missing:
        raise ScenarioError(f"{path}: that run had no {', '.join(missing)}")
    configuration = {name: given[name] for name in scenario.space.names}
    if scenario.space.fault(configuration) is not None:
        return None
    names = scenario.objectives if measured else ()
    objectives = {n: -measured[n] + 0.0 if n in turned else measured[n] for n in names}
    return Evaluation(Trial(OUTSIDE, configuration), objectives, evaluation.feasible)
