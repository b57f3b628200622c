"""The scenario: what the user wants, read from JSON, checked, frozen.

Everything wrong is found before anything runs, and reported at once; what is merely odd
becomes a warning. Reading a scenario creates nothing.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hmserve.checks import (
    check_columns,
    check_feasibility,
    check_grid,
    exhaustive_file,
    output_files,
    resume_file,
    warn_long_lines,
    warn_without_effect,
)
from hmserve.document import Findings, Problem, parse_json, plain, read_text, report
from hmserve.domains import read_parameter
from hmserve.errors import ScenarioError
from hmserve.schema import apply_defaults, conforms, explain, load_schema
from hmserve.space.parameters import Parameter
from hmserve.space.space import Space


@dataclass(frozen=True, slots=True)
class Feasibility:
    """The feasibility column: its name and the words written into it."""

    name: str
    true_value: str
    false_value: str


@dataclass(frozen=True, slots=True)
class Design:
    """The design of experiments.

    Args:
        kind: HyperMapper's ``doe_type``.
        samples: How many configurations, the default one included; a grid ignores it.
    """

    kind: str
    samples: int


@dataclass(frozen=True, slots=True)
class Model:
    """What predicts the objectives.

    Args:
        kind: ``auto``, ``gaussian_process`` or ``random_forest``.
        trees: Forest: number of trees.
        max_features: Forest: share of the parameters tried in each split.
        bootstrap: Forest: whether trees see resampled data.
        min_samples_split: Forest: smallest node that is split.
        noise: Whether a second evaluation may differ from the first.
    """

    kind: str
    trees: int
    max_features: float
    bootstrap: bool
    min_samples_split: int
    noise: bool


@dataclass(frozen=True, slots=True)
class Files:
    """Absolute paths of what a run writes."""

    run_directory: str
    samples: str
    pareto: str
    journal: str
    log: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything a run depends on but its seed, if that is to be drawn.

    Args:
        application_name: Name of the run.
        space: The parameters.
        objectives: Names of the objectives.
        mode: ``default``, ``client-server`` or ``exhaustive``.
        exhaustive_file: Absolute path of the table of mode ``exhaustive``.
        feasibility: None if there is no feasibility column.
        design: The design of experiments.
        model: What predicts the objectives.
        acquisition: ``EI`` or ``UCB``.
        iterations: Number of requests after the design.
        batch_size: Configurations in each of them.
        time_budget: In seconds; None for no limit.
        seed: None if it is to be drawn.
        files: What the run writes.
        resume_data: Absolute path of the CSV to start from.
        timestamp: Name of the time column.
        print_best: Whether stdout shows the best configuration; None: as the mode has it.
        verbose: Whether the log has more detail.
        source: What messages call the scenario.
        document: The JSON with every default filled in.
        warnings: What is odd but usable, each with its place.
    """

    application_name: str
    space: Space
    objectives: tuple[str, ...]
    mode: str
    exhaustive_file: str | None
    feasibility: Feasibility | None
    design: Design
    model: Model
    acquisition: str
    iterations: int
    batch_size: int
    time_budget: float | None
    seed: int | None
    files: Files
    resume_data: str | None
    timestamp: str
    print_best: bool | None
    verbose: bool
    source: str
    document: dict[str, Any] = field(repr=False)
    warnings: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Scenario":
        """Read the file `path`.

        Raises:
            ScenarioError: It cannot be used; the message lists every error.
        """
        source = os.fspath(path)
        text = read_text(source)
        tree, problems = parse_json(text, source)
        return _read(tree, problems, _Origin(source, os.path.dirname(source), text))

    @classmethod
    def parse(
        cls, mapping: Mapping[str, Any], directory: str = ".", source: str = "<mapping>"
    ) -> "Scenario":
        """Read a mapping that looks like the JSON.

        Args:
            mapping: The keys of the scenario file.
            directory: Where input files are looked for besides the current directory.
            source: What messages call it.

        Raises:
            ScenarioError: It cannot be used; the message lists every error.
        """
        return _read(mapping, [], _Origin(source, directory))


class _Origin(NamedTuple):
    source: str
    directory: str
    text: str | None = None


def _read(tree: Any, repeated: Sequence[Problem], origin: _Origin) -> Scenario:
    given, problems = plain(tree)
    findings = Findings([*repeated, *problems])
    schema = load_schema("scenario")
    well_formed = conforms(schema, given)
    if not well_formed:
        found = {problem.path for problem in problems}
        findings.problems += [p for p in explain(schema, given) if p.path not in found]
    parameters = _read_parameters(given, findings)
    if well_formed:
        document = apply_defaults(schema, given)
        warn_without_effect(document, apply_defaults(schema, {}), findings)
        return _assemble(document, parameters, origin, findings)
    raise ScenarioError(report(origin.source, findings.problems, origin.text))


def _read_parameters(given: Any, findings: Findings) -> list[Parameter]:
    """Read the entries nothing has been found against."""
    entries = given.get("input_parameters") if isinstance(given, dict) else None
    if not isinstance(entries, dict):
        return []
    faulty = {problem.path[:2] for problem in findings.problems}
    parameters = [
        read_parameter(name, entry, findings)
        for name, entry in entries.items()
        if ("input_parameters", name) not in faulty
    ]
    return [parameter for parameter in parameters if parameter is not None]


def _assemble(
    document: dict[str, Any],
    parameters: Sequence[Parameter],
    origin: _Origin,
    findings: Findings,
) -> Scenario:
    check_columns(document, findings)
    check_feasibility(document, findings)
    check_grid(document, parameters, findings)
    table = exhaustive_file(document, origin.directory, findings)
    inputs = {table: "exhaustive_search_file"}
    if origin.text is not None:
        inputs[os.path.abspath(origin.source)] = "the scenario"
    files = output_files(document, inputs, findings)
    resume_data = resume_file(document, origin.directory, findings)
    if findings.problems:
        raise ScenarioError(report(origin.source, findings.problems, origin.text))
    warn_long_lines(parameters, findings)
    design = _design(document["design_of_experiment"])
    grid = design.kind == "grid_search"
    mode, minutes = document["hypermapper_mode"]["mode"], document["time_budget"]
    seed, print_best = document["seed"], document["print_best"]
    return Scenario(
        application_name=document["application_name"],
        space=Space(parameters),
        objectives=tuple(document["optimization_objectives"]),
        mode="client-server" if mode == "interactive" else mode,
        exhaustive_file=table,
        feasibility=_feasibility(document["feasible_output"]),
        design=design,
        model=_model(document["models"], document["noise"]),
        acquisition=document["acquisition_function"],
        iterations=0 if grid else int(document["optimization_iterations"]),
        batch_size=int(document["evaluations_per_optimization_iteration"]),
        time_budget=None if minutes < 0 else min(minutes, 1e300) * 60.0,
        seed=None if seed is None else int(seed),
        files=Files(**files),
        resume_data=resume_data,
        timestamp=document["timestamp"],
        print_best=None if print_best == "auto" else print_best,
        verbose=document["verbose_logging"],
        source=origin.source,
        document=document,
        warnings=tuple(findings.warnings),
    )


def _feasibility(block: Mapping[str, Any]) -> Feasibility | None:
    if not block["enable_feasible_predictor"]:
        return None
    return Feasibility(block["name"], str(block["true_value"]), str(block["false_value"]))


def _design(block: Mapping[str, Any]) -> Design:
    return Design(block["doe_type"], int(block["number_of_samples"]))


def _model(block: Mapping[str, Any], noise: bool) -> Model:
    return Model(
        kind=block["model"],
        trees=int(block["number_of_trees"]),
        max_features=float(block["max_features"]),
        bootstrap=block["bootstrap"],
        min_samples_split=int(block["min_samples_split"]),
        noise=noise,
    )
