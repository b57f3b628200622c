"""Whether a run can be resumed with the scenario of today."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hmserve.journal.records import Start
from hmserve.schema import apply_defaults, load_schema

FREE: Final = frozenset(
    {
        "$schema",
        "append_profiles",
        "application_name",
        "evaluator",
        "log_file",
        "max_evaluations",
        "max_evaluations_without_improvement",
        "number_of_cpus",
        "optimization_iterations",
        "output_data_file",
        "output_image",
        "output_pareto_file",
        "print_best",
        "print_parameter_importance",
        "print_posterior_best",
        "profiling",
        "profiling_file",
        "protocol",
        "resume_optimization",
        "resume_optimization_data",
        "resume_optimization_file",
        "run_directory",
        "target",
        "time_budget",
        "timestamp",
        "trial_deadline",
        "verbose_logging",
        "warm_start",
    }
)
"""What may change between a run and its resume: how long it runs, what is shown, and where."""

_FREE_THERE: Final = frozenset({"assume_requested", "cost_exponent", "num_iterations"})
"""What may change of the key ``fidelity``."""

_ABSENT: Final = object()


def differences(start: Start, document: Mapping[str, Any]) -> list[str]:
    """Return what forbids to go on with the run of `start` under the scenario `document`.

    Every default is filled in; in that of the run also those that came after it. An empty
    list means that nothing forbids it. Each difference names the key, the value of the run and
    that of `document`.
    """
    old = _constrained(apply_defaults(load_schema("scenario"), start.scenario))
    new = _constrained(document)
    if new.get("seed") is None:
        new["seed"] = start.seed
    return list(_compare({**old, "seed": start.seed}, new, ""))


def _constrained(document: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in document.items() if key not in FREE}
    mode = kept.get("hypermapper_mode")
    if isinstance(mode, Mapping):
        # The file of an exhaustive run may have moved with it to another machine.
        kept["hypermapper_mode"] = {"mode": mode.get("mode")}
    if kept.get("fidelity"):
        kept["fidelity"] = {k: v for k, v in kept["fidelity"].items() if k not in _FREE_THERE}
    return kept


def _compare(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[str]:
    if path == "input_parameters." and old.keys() == new.keys() and list(old) != list(new):
        yield f"input_parameters: their order was {_show(list(old))}, now {_show(list(new))}"
    for key in [*old, *(key for key in new if key not in old)]:
        was, now = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from _compare(was, now, f"{path}{key}.")
        elif was != now:
            yield f"{path}{key}: the run has {_show(was)}, the scenario {_show(now)}"


def _show(value: object) -> str:
    if value is _ABSENT:
        return "none"
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
