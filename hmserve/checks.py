"""What the JSON Schema cannot say about a scenario: names that clash, files, sizes.

Every function takes the scenario document with its defaults filled in, and notes what it finds.
"""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from hmserve.document import Findings, Path, quote
from hmserve.domains import WIDEST_REAL, field_fault, width
from hmserve.fidelity.options import PREVIOUS, TRIAL
from hmserve.schema import Schema, apply_defaults, did_you_mean, idle_keys
from hmserve.space.parameters import Parameter
from hmserve.trial import Limits

Document: TypeAlias = Mapping[str, Any]

LARGEST_GRID: Final = 1_000_000
GRID_LEVELS: Final = 10
LINE_BYTES: Final = 1000
"""C clients read a line into a buffer of this size."""


class Objectives(NamedTuple):
    """The key ``optimization_objectives``.

    Args:
        names: Column names, in order.
        maximised: Those of which more is better.
        ranges: What an objective can be at all, where that is said.
    """

    names: tuple[str, ...]
    maximised: frozenset[str]
    ranges: Mapping[str, tuple[float, float]]


def read_objectives(document: Document, findings: Findings) -> Objectives:
    """Return the objectives; refuse ranges that are none."""
    entries: list[Mapping[str, Any]] = [
        {"name": entry, "goal": "minimize", "range": None} if isinstance(entry, str) else entry
        for entry in document["optimization_objectives"]
    ]
    ranges = {}
    for index, entry in enumerate(entries):
        bounds = entry["range"]
        if bounds is None:
            continue
        if len(bounds) != 2 or bounds[0] >= bounds[1]:
            path = ("optimization_objectives", index, "range")
            findings.refuse(path, f"expected [low, high], low < high, got {quote(bounds)}")
        else:
            ranges[entry["name"]] = (float(bounds[0]), float(bounds[1]))
    names = tuple(entry["name"] for entry in entries)
    maximised = frozenset(e["name"] for e in entries if e["goal"] == "maximize")
    return Objectives(names, maximised, ranges)


def read_output_constraints(document: Document, findings: Findings) -> dict[str, Limits]:
    """Return the limits of what is measured besides the objectives; refuse what is none."""
    limits = {}
    for name, bounds in document.get("output_constraints", {}).items():
        path = ("output_constraints", name)
        if len(bounds) != 2:
            findings.refuse(path, f"expected [low, high], got {quote(bounds)}")
            continue
        low, high = bounds
        if low is None and high is None:
            findings.refuse(path, "expected a limit, got none: null means that there is none")
        elif low is not None and high is not None and low > high:
            findings.refuse(path, f"expected [low, high], low <= high, got {quote(bounds)}")
        limits[name] = Limits(
            -math.inf if low is None else float(low), math.inf if high is None else float(high)
        )
    return limits


def read_target(
    document: Document, objectives: Objectives, findings: Findings
) -> dict[str, float]:
    """Return the target by objective, as minimised; refuse names and numbers that fit none."""
    given, path = document["target"], ("target",)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        if len(objectives.names) > 1:
            example = quote(dict.fromkeys(objectives.names, given))
            findings.refuse(path, f"expected a number by objective, for example {example}")
            return {}
        given = {objectives.names[0]: given}
    target = {}
    for name, value in given.items():
        if name not in objectives.names:
            guess = did_you_mean(name, objectives.names)
            findings.refuse((*path, name), f"is no objective{guess}")
        target[name] = -value if name in objectives.maximised else value
    return target


def check_boxes(document: Document, objectives: int, findings: Findings) -> None:
    """Refuse boxes of another number of sides than there are objectives."""
    limits = document["bounding_box_limits"]
    if len(limits) not in (2, 2 * objectives):
        expected = "2 numbers" if objectives == 1 else f"2 numbers, or {2 * objectives}"
        findings.refuse(("bounding_box_limits",), f"expected {expected}, got {len(limits)}")


def with_aliases(
    document: Mapping[str, Any], given: Document, findings: Findings
) -> dict[str, Any]:
    """Return `document` with BaCO's names of keys moved to HyperMapper's."""
    resolved = dict(document)
    for alias, key in _ALIASES.items():
        if document[alias] is None:
            continue
        if key in given and given[key] != given[alias]:
            findings.refuse((alias,), f"is another name of {key}, and they differ")
        resolved[key] = document[alias]
    return resolved


_ALIASES: Final = {
    "baco_mode": "hypermapper_mode",
    "resume_optimization_file": "resume_optimization_data",
    "model_weight": "prior_beta",
    "multistart_hyperparameter_optimization_iterations": (
        "hyperparameter_optimization_iterations"
    ),
}


def check_hyperpriors(document: Document, findings: Findings) -> None:
    """Refuse priors of hyperparameters that are no distributions of positive numbers."""
    for key in ("lengthscale_prior", "noise_prior", "outputscale_prior"):
        prior = document[key]
        if prior is None or prior["name"] == "none":
            continue
        expected, is_one = _HYPERPRIORS[prior["name"]]
        given = prior["parameters"]
        if len(given) != 2 or not is_one(*given):
            message = f"expected {expected} of a {prior['name']}, got {quote(given)}"
            findings.refuse((key, "parameters"), message)


_HYPERPRIORS: Final[Mapping[str, tuple[str, Callable[[float, float], bool]]]] = {
    "gamma": ("[shape, rate], both positive,", lambda shape, rate: shape > 0 and rate > 0),
    "lognormal": ("[mean, positive deviation]", lambda _, deviation: deviation > 0),
    "normal": ("[mean, deviation], both positive,", lambda mean, d: mean > 0 and d > 0),
    "uniform": ("[low, high], 0 <= low < high,", lambda low, high: 0 <= low < high),
}


def check_columns(document: Document, objectives: Sequence[str], findings: Findings) -> None:
    """Refuse names that break a line or come twice."""
    taken: dict[str, str] = {}
    for path, name, what in _columns(document, objectives):
        fault = field_fault(name)
        if fault:
            findings.refuse(path, f"the name {quote(name)} {fault}")
        elif name in taken:
            findings.refuse(path, f"{quote(name)} is already the name of {taken[name]}")
        taken.setdefault(name, what)


def _columns(document: Document, objectives: Sequence[str]) -> Iterator[tuple[Path, str, str]]:
    for name in document["input_parameters"]:
        yield ("input_parameters", name), name, "an input parameter"
    fidelity = document["fidelity"]
    if fidelity is not None:
        yield ("fidelity", "name"), fidelity["name"], "the fidelity"
        for name in (TRIAL, PREVIOUS) if fidelity["resumable"] else ():
            yield ("fidelity", "resumable"), name, "a column of a resumable fidelity"
    for index, name in enumerate(objectives):
        yield ("optimization_objectives", index), name, "an objective"
    for name in document["output_constraints"]:
        yield ("output_constraints", name), name, "an output constraint"
    if document["feasible_output"]["enable_feasible_predictor"]:
        name = document["feasible_output"]["name"]
        yield ("feasible_output", "name"), name, "the feasibility column"
    yield ("timestamp",), document["timestamp"], "the time column"


def check_feasibility(document: Document, findings: Findings) -> None:
    """Refuse words for feasible and infeasible that cannot be told apart or written."""
    block = document["feasible_output"]
    if not block["enable_feasible_predictor"]:
        return
    words = [str(block["true_value"]), str(block["false_value"])]
    for key, word in zip(("true_value", "false_value"), words, strict=True):
        fault = field_fault(word)
        if fault:
            findings.refuse(("feasible_output", key), f"{quote(word)} {fault}")
    if words[0].casefold() == words[1].casefold():
        message = f"expected another word than true_value, in any case, got {quote(words[1])}"
        findings.refuse(("feasible_output", "false_value"), message)


def check_grid(document: Document, parameters: Sequence[Parameter], findings: Findings) -> None:
    """Refuse a grid that would never end."""
    if document["design_of_experiment"]["doe_type"] != "grid_search":
        return
    size = math.prod(GRID_LEVELS if p.size == math.inf else p.size for p in parameters)
    if size > LARGEST_GRID:
        message = f"grid_search would ask more than {LARGEST_GRID:,} configurations"
        findings.refuse(("design_of_experiment", "doe_type"), message)


def output_files(
    document: Document, inputs: Mapping[str | None, str], findings: Findings
) -> dict[str, str]:
    """Return the absolute paths of the output files by the names of `scenario.Files`.

    The default names of samples and front begin with the name of the application, and only
    those, as in HyperMapper. `inputs` are files that must not be written, and what they are.
    """
    application = document["application_name"]
    if "/" in application or not application.isprintable():
        message = f"expected text without / to begin file names with, got {quote(application)}"
        findings.refuse(("application_name",), message)
    directory = os.path.abspath(document["run_directory"])
    if not document["run_directory"].isprintable():
        message = f"expected the name of a directory, got {quote(document['run_directory'])}"
        findings.refuse(("run_directory",), message)
    files = {"run_directory": directory}
    outputs = dict(_OUTPUTS)
    if document["profiling"]:
        outputs["profiling_file"] = "profile"
    files["profile"] = ""
    for key, field in outputs.items():
        name = document[key]
        if not name.isprintable() or not os.path.basename(name):
            findings.refuse((key,), f"expected the name of a file, got {quote(name)}")
        files[field] = os.path.abspath(os.path.join(directory, _file_name(document, key)))
    files["journal"] = os.path.splitext(files["samples"])[0] + ".journal"
    if files["journal"] in inputs:
        message = f"its journal {quote(files['journal'])} is already {inputs[files['journal']]}"
        findings.refuse(("output_data_file",), message)
    owners = {files["journal"]: "the journal of output_data_file", **inputs}
    for key, field in outputs.items():
        path = files[field]
        if path in owners:
            findings.refuse((key,), f"{quote(path)} is already {owners[path]}")
        owners.setdefault(path, key)
    return files


_OUTPUTS: Final = {
    "output_data_file": "samples",
    "output_pareto_file": "pareto",
    "log_file": "log",
}


_PREFIXED: Final = {
    "output_data_file": "output_samples.csv",
    "output_pareto_file": "output_pareto.csv",
    "resume_optimization_data": "output_samples.csv",
}


def _file_name(document: Document, key: str) -> str:
    name: str = document[key]
    return f"{document['application_name']}_{name}" if name == _PREFIXED.get(key) else name


def exhaustive_file(document: Document, directory: str, findings: Findings) -> str | None:
    """Return the absolute path of the table of mode ``exhaustive``; None in other modes."""
    block = document["hypermapper_mode"]
    mode, name = block["mode"], block["exhaustive_search_file"]
    path: Path = ("hypermapper_mode", "exhaustive_search_file")
    if mode != "exhaustive":
        if name is not None:
            findings.refuse(path, f"only mode exhaustive has one, got mode {quote(mode)}")
        return None
    if name is None:
        message = "exhaustive_search_file is missing: the CSV that mode exhaustive reads"
        findings.refuse(("hypermapper_mode",), message)
        return None
    return _input_file(path, name, [os.curdir, directory], findings)


def resume_file(document: Document, directory: str, findings: Findings) -> str | None:
    """Return the absolute path of the CSV to start from; None if the run starts afresh."""
    if not document["resume_optimization"]:
        return None
    name = _file_name(document, "resume_optimization_data")
    directories = [os.curdir, directory, document["run_directory"]]
    return _input_file(("resume_optimization_data",), name, directories, findings)


def _input_file(
    path: Path, name: str, directories: Sequence[str], findings: Findings
) -> str | None:
    if not name.isprintable():
        findings.refuse(path, f"expected the name of a file, got {quote(name)}")
        return None
    tried = [os.path.abspath(os.path.join(directory, name)) for directory in directories]
    for candidate in tried:
        if os.path.isfile(candidate):
            return candidate
    findings.refuse(path, f"no such file: {' or '.join(dict.fromkeys(tried))}")
    return None


def warm_start_files(document: Document, directory: str, findings: Findings) -> tuple[str, ...]:
    """Return the absolute paths of the tables and journals to learn from."""
    directories = [os.curdir, directory]
    found = [
        _input_file(("warm_start", index), name, directories, findings)
        for index, name in enumerate(document["warm_start"])
    ]
    return tuple(path for path in found if path is not None)


def prior_file(document: Document, directory: str, findings: Findings) -> str | None:
    """Return the absolute path of the table that priors are estimated from, if some are."""
    entries = document["input_parameters"].values()
    wanted = any(entry.get("prior") == "estimate" for entry in entries)
    if not wanted and not document["estimate_multivariate_priors"]:
        return None
    directories = [os.curdir, directory]
    name = document["prior_estimation_file"]
    return _input_file(("prior_estimation_file",), name, directories, findings)


def warn_without_effect(
    schema: Schema, document: Document, given: Document, findings: Findings
) -> None:
    """Note what is given and yet changes nothing."""
    for path, reason in idle_keys(schema, given):
        findings.warn(path, f"accepted, without effect: {reason}")
    defaults = apply_defaults(schema, {})
    changed = {key for key in given if document[key] != defaults.get(key)}
    enabled = document["feasible_output"]["enable_feasible_predictor"]
    if "feasible_output" in changed and not enabled:
        message = "no effect without enable_feasible_predictor: true"
        findings.warn(("feasible_output",), message)
    resumed = {"resume_optimization_data", "resume_optimization_file"} & changed
    if resumed and not document["resume_optimization"]:
        message = "no effect without resume_optimization: true"
        findings.warn((min(resumed),), message)
    if document["print_posterior_best"] and len(document["optimization_objectives"]) > 1:
        message = "no effect with several objectives: there is no single minimum"
        findings.warn(("print_posterior_best",), message)
    if document["models"]["model"] == "gaussian_process":
        for key, value in document["models"].items():
            if key != "model" and value != defaults["models"][key]:
                findings.warn(("models", key), "no effect with a gaussian_process")
    grid = document["design_of_experiment"]["doe_type"] == "grid_search"
    if "optimization_iterations" in changed and grid:
        message = "taken as 0: grid_search asks every combination and ends"
        findings.warn(("optimization_iterations",), message)


def warn_long_lines(
    parameters: Sequence[Parameter], others: Sequence[str], findings: Findings
) -> None:
    """Note requests with lines that clients written in C may not be able to read.

    Args:
        parameters: Each has a column.
        others: Columns of other numbers.
        findings: Take the warning.
    """
    commas = len(parameters) + len(others) - 1
    header = sum(len(p.name) for p in parameters) + sum(map(len, others)) + commas + 1
    row = sum(width(p) for p in parameters) + WIDEST_REAL * len(others) + commas + 1
    if max(header, row) >= LINE_BYTES:
        message = (
            f"the lines of a request reach {max(header, row):,} bytes; a client that reads "
            f"lines into {LINE_BYTES:,} bytes, as HyperMapper's in C++ do, will not cope"
        )
        findings.warn(("input_parameters",), message)
