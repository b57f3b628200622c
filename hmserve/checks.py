"""What the JSON Schema cannot say about a scenario: names that clash, files, sizes.

Every function takes the scenario document with its defaults filled in, and notes what it finds.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from hmserve.document import Findings, Path, quote
from hmserve.domains import field_fault, width
from hmserve.space.parameters import Parameter

Document: TypeAlias = Mapping[str, Any]

LARGEST_GRID: Final = 1_000_000
GRID_LEVELS: Final = 10
LINE_BYTES: Final = 1000
"""C clients read a line into a buffer of this size."""


def check_columns(document: Document, findings: Findings) -> None:
    """Refuse names that break a line or come twice."""
    taken: dict[str, str] = {}
    for path, name, what in _columns(document):
        fault = field_fault(name)
        if fault:
            findings.refuse(path, f"the name {quote(name)} {fault}")
        elif name in taken:
            findings.refuse(path, f"{quote(name)} is already the name of {taken[name]}")
        taken.setdefault(name, what)


def _columns(document: Document) -> Iterator[tuple[Path, str, str]]:
    for name in document["input_parameters"]:
        yield ("input_parameters", name), name, "an input parameter"
    for index, name in enumerate(document["optimization_objectives"]):
        yield ("optimization_objectives", index), name, "an objective"
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
    for key, field in _OUTPUTS.items():
        name = document[key]
        if not name.isprintable() or not os.path.basename(name):
            findings.refuse((key,), f"expected the name of a file, got {quote(name)}")
        files[field] = os.path.abspath(os.path.join(directory, _file_name(document, key)))
    files["journal"] = os.path.splitext(files["samples"])[0] + ".journal"
    if files["journal"] in inputs:
        message = f"its journal {quote(files['journal'])} is already {inputs[files['journal']]}"
        findings.refuse(("output_data_file",), message)
    owners = {files["journal"]: "the journal of output_data_file", **inputs}
    for key, field in _OUTPUTS.items():
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
    tried = [os.path.abspath(os.path.join(directory, name)) for directory in directories]
    for candidate in tried:
        if os.path.isfile(candidate):
            return candidate
    findings.refuse(path, f"no such file: {' or '.join(dict.fromkeys(tried))}")
    return None


def warn_without_effect(document: Document, defaults: Document, findings: Findings) -> None:
    """Note what differs from the defaults and yet changes nothing."""
    changed = {key for key, value in document.items() if value != defaults.get(key)}
    if "output_image" in changed:
        findings.warn(("output_image",), "accepted; no effect in this version of hmserve")
    enabled = document["feasible_output"]["enable_feasible_predictor"]
    if "feasible_output" in changed and not enabled:
        message = "no effect without enable_feasible_predictor: true"
        findings.warn(("feasible_output",), message)
    if "resume_optimization_data" in changed and not document["resume_optimization"]:
        message = "no effect without resume_optimization: true"
        findings.warn(("resume_optimization_data",), message)
    if document["models"]["model"] == "gaussian_process":
        for key, value in document["models"].items():
            if key != "model" and value != defaults["models"][key]:
                findings.warn(("models", key), "no effect with a gaussian_process")
    grid = document["design_of_experiment"]["doe_type"] == "grid_search"
    if "optimization_iterations" in changed and grid:
        message = "taken as 0: grid_search asks every combination and ends"
        findings.warn(("optimization_iterations",), message)


def warn_long_lines(parameters: Sequence[Parameter], findings: Findings) -> None:
    """Note requests with lines that clients written in C may not be able to read."""
    commas = len(parameters) - 1
    header = sum(len(p.name) for p in parameters) + commas + 1
    row = sum(width(p) for p in parameters) + commas + 1
    if max(header, row) >= LINE_BYTES:
        message = (
            f"the lines of a request reach {max(header, row):,} bytes; a client that reads "
            f"lines into {LINE_BYTES:,} bytes, as HyperMapper's in C++ do, will not cope"
        )
        findings.warn(("input_parameters",), message)
