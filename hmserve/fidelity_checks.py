"""What the JSON Schema cannot say about the key ``fidelity``."""

import math
from collections.abc import Mapping
from typing import Any, Final

from hmserve.document import Findings, quote
from hmserve.fidelity.rungs import MOST_RUNGS
from hmserve.schema import Schema

_ALIASES: Final = {"min_fidelity": "min", "max_fidelity": "max"}

_MODELLED: Final = frozenset(
    {
        "top_n_percent",
        "min_samples_in_model",
        "num_samples",
        "random_fraction",
        "bandwidth_factor",
        "min_bandwidth",
    }
)
"""What only kernel densities have."""

_METHODS: Final = frozenset(
    {"evolutionary_optimization", "exhaustive", "local_search", "random_scalarizations"}
)
"""Methods that have no use for a cheap result."""


def resolve_fidelity(document: dict[str, Any], findings: Findings) -> None:
    """Move blackboxopt's names of keys to ours in `document`; refuse bounds that are none."""
    block = document["fidelity"]
    if block is None:
        return
    block = document["fidelity"] = dict(block)
    for alias, key in _ALIASES.items():
        if block[alias] is not None:
            if block[key] not in (None, block[alias]):
                message = f"is another name of {key}, and they differ"
                findings.refuse(("fidelity", alias), message)
            block[key], block[alias] = block[alias], None
        if block[key] is None:
            findings.refuse(("fidelity",), f"{key} is missing, for example {_EXAMPLES[key]}")


_EXAMPLES: Final = {"min": 1, "max": 81}


def check_fidelity(document: Mapping[str, Any], findings: Findings) -> None:
    """Refuse fidelities that are none, and what does not go together with them."""
    block = document["fidelity"]
    if block is None or block["min"] is None or block["max"] is None:
        return
    low, high, path = block["min"], block["max"], ("fidelity",)
    if block["type"] == "integer":
        for key in ("min", "max"):
            if not float(block[key]).is_integer():
                message = f"expected an integer, as its type is, got {quote(block[key])}"
                findings.refuse((*path, key), message)
    if low > high:
        message = f"expected at least min, {quote(low)}, got {quote(high)}"
        findings.refuse((*path, "max"), message)
    elif math.log(high) - math.log(low) > MOST_RUNGS * math.log(block["eta"]):
        message = (
            f"from {quote(low)} to {quote(high)} it makes more than {MOST_RUNGS} fidelities; "
            f"expected a larger one, got {quote(block['eta'])}"
        )
        findings.refuse((*path, "eta"), message)
    if block["stopping"] != "none" and len(document["optimization_objectives"]) > 1:
        message = "a report has one value: expected none, or a single objective"
        findings.refuse((*path, "stopping"), message)
    _check_company(document, findings)


def _check_company(document: Mapping[str, Any], findings: Findings) -> None:
    """Refuse other keys whose values do not go together with a fidelity."""
    if document["hypermapper_mode"]["mode"] == "exhaustive":
        message = "a table has no fidelities: expected another mode, or no fidelity"
        findings.refuse(("hypermapper_mode", "mode"), message)
    if document["number_of_repetitions"] > 1:
        message = (
            "a fidelity goes with 1 repetition; where repeating is what makes an evaluation "
            "good, let the number of repetitions be the fidelity"
        )
        findings.refuse(("number_of_repetitions",), message)
    method = document["optimization_method"]
    if method in _METHODS:
        message = f"{method} has no use for a fidelity: expected another method, or no fidelity"
        findings.refuse(("optimization_method",), message)
    elif document["design_of_experiment"]["doe_type"] == "grid_search":
        message = "a fidelity goes with a design that may end early: not with grid_search"
        findings.refuse(("design_of_experiment", "doe_type"), message)


def warn_idle(
    schema: Schema, document: Mapping[str, Any], given: Mapping[str, Any], findings: Findings
) -> None:
    """Note what has no effect with, or within, a fidelity."""
    if document["fidelity"] is None:
        return
    key, known = "optimization_iterations", schema["properties"]
    if given.get(key, known[key]["default"]) != known[key]["default"]:
        message = "no effect with a fidelity: its num_iterations says how many brackets"
        findings.warn((key,), message)
    defaults = known["fidelity"]["properties"]
    own = {k for k, value in given["fidelity"].items() if value != defaults[k].get("default")}
    sampler, scheduler = (document["fidelity"][key] for key in ("sampler", "scheduler"))
    if sampler not in ("auto", "kde"):
        for key in sorted(_MODELLED & own):
            findings.warn(("fidelity", key), f"no effect with the sampler {sampler}")
    if scheduler in ("asha", "full") and "rounding" in own:
        message = f"no effect with {scheduler}, which has no brackets"
        findings.warn(("fidelity", "rounding"), message)
