"""The scenario: what the user wants, read from JSON, checked, frozen.

Everything wrong is found before anything runs, and reported at once; what is merely odd
becomes a warning. Reading a scenario creates nothing.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from hmserve.budget import iterations_of, method_of, stops_of, threads_of
from hmserve.checks import (
    Objectives,
    check_boxes,
    check_columns,
    check_feasibility,
    check_grid,
    check_hyperpriors,
    exhaustive_file,
    output_files,
    prior_file,
    read_objectives,
    read_output_constraints,
    read_target,
    resume_file,
    warm_start_files,
    warn_long_lines,
    warn_without_effect,
    with_aliases,
)
from hmserve.commandline import check_evaluator
from hmserve.document import Findings, Problem, parse_json, plain, read_text, report
from hmserve.domains import read_parameter
from hmserve.errors import ScenarioError
from hmserve.fidelity.options import FidelityOptions
from hmserve.fidelity_checks import check_fidelity, resolve_fidelity, warn_idle
from hmserve.options import (
    AcquisitionOptions,
    Design,
    DistributedOptions,
    EvaluatorOptions,
    Feasibility,
    FittingOptions,
    Model,
    ModelFreeOptions,
    PriorOptions,
    ReportOptions,
    ScalarizationOptions,
    Stops,
    pick,
)
from hmserve.schema import apply_defaults, conforms, explain, load_schema
from hmserve.space.parameters import Parameter
from hmserve.space.space import Space
from hmserve.structure import check_region, read_space
from hmserve.trial import Evaluation, Limits


@dataclass(frozen=True, slots=True)
class Files:
    """Absolute paths of what a run writes."""

    run_directory: str
    samples: str
    pareto: str
    journal: str
    log: str
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything a run depends on but its seed, if that is to be drawn.

    Args:
        application_name: Name of the run.
        space: The parameters.
        objectives: Names of the objectives; inside they are all minimised.
        maximised: Those of which more is better: outside they have the other sign.
        ranges: What an objective can be at all, as the user sees it.
        output_constraints: Limits of what is measured besides the objectives, by name.
        mode: ``default``, ``client-server`` or ``exhaustive``.
        protocol: ``classic`` or ``ask-tell``: what a client speaks.
        evaluator: The command that evaluates, if hmserve starts one.
        distributed: How several ranks work on the run, if there are several.
        fidelity: How cheap versions of an evaluation are used; None: every one is full.
        exhaustive_file: Absolute path of the table of mode ``exhaustive``.
        feasibility: None if there is no feasibility column.
        feasibility_threshold: What is less likely feasible is avoided; None: hmserve decides.
        design: The design of experiments.
        method: How configurations are chosen after it.
        model: What predicts the objectives.
        fitting: How Gaussian processes are fitted.
        acquisition: ``EI``, ``UCB`` or ``TS``.
        searching: What is maximised, and how.
        pending_strategy: How trials that are out enter a proposal.
        scalarization: How several objectives become one.
        prior: How priors enter.
        model_free: The methods without a model.
        iterations: Number of requests after the design.
        batch_size: Configurations in each of them.
        repetitions: How often each is evaluated.
        time_budget: In seconds; None for no limit.
        trial_deadline: Seconds a trial is waited for; None for no limit.
        stops: What else ends the run.
        threads: How many linear algebra may use.
        seed: None if it is to be drawn.
        files: What the run writes.
        resume_data: Absolute path of the CSV to start from.
        warm_start: Absolute paths of tables and journals to learn from.
        prior_data: Absolute path of the table that priors are estimated from, if some are.
        timestamp: Name of the time column.
        print_best: Whether stdout shows the best configuration; None: as the mode has it.
        reports: What else the end tells.
        verbose: Whether the log has more detail.
        source: What messages call the scenario.
        document: The JSON with every default filled in.
        warnings: What is odd but usable, each with its place.
    """

    application_name: str
    space: Space
    objectives: tuple[str, ...]
    maximised: frozenset[str]
    ranges: Mapping[str, tuple[float, float]]
    output_constraints: Mapping[str, Limits]
    mode: str
    protocol: str
    evaluator: EvaluatorOptions | None
    distributed: DistributedOptions
    fidelity: FidelityOptions | None
    exhaustive_file: str | None
    feasibility: Feasibility | None
    feasibility_threshold: float | None
    design: Design
    method: str
    model: Model
    fitting: FittingOptions
    acquisition: str
    searching: AcquisitionOptions
    pending_strategy: str
    scalarization: ScalarizationOptions
    prior: PriorOptions
    model_free: ModelFreeOptions
    iterations: int
    batch_size: int
    repetitions: int
    time_budget: float | None
    trial_deadline: float | None
    stops: Stops
    threads: int
    seed: int | None
    files: Files
    resume_data: str | None
    warm_start: tuple[str, ...]
    prior_data: str | None
    timestamp: str
    print_best: bool | None
    reports: ReportOptions
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

    def inward(self, name: str, value: float | None) -> float | None:
        """Return a measured objective as it is minimised; None if it failed or cannot be."""
        if value is None or not math.isfinite(value):
            return None
        low, high = self.ranges.get(name, (-math.inf, math.inf))
        if not low <= value <= high:
            return None
        return -value + 0.0 if name in self.maximised else value


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
        document = with_aliases(apply_defaults(schema, given), given, findings)
        resolve_fidelity(document, findings)
        warn_without_effect(schema, document, given, findings)
        warn_idle(schema, document, given, findings)
        return _assemble(_Reading(document, given, origin, findings), parameters)
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


class _Reading(NamedTuple):
    document: dict[str, Any]
    given: Mapping[str, Any]
    origin: _Origin
    findings: Findings

    def stop_if_faulty(self) -> None:
        if self.findings.problems:
            problems = self.findings.problems
            raise ScenarioError(report(self.origin.source, problems, self.origin.text))


class _Parts(NamedTuple):
    objectives: Objectives
    output_constraints: dict[str, Limits]
    space: Space
    exhaustive_file: str | None
    files: dict[str, str]
    resume_data: str | None
    warm_start: tuple[str, ...]
    prior_data: str | None
    target: dict[str, float]


def _parts(reading: _Reading, parameters: Sequence[Parameter]) -> _Parts:
    """Return what has to be put together from several keys, when no fault was found."""
    document, _, origin, findings = reading
    objectives = read_objectives(document, findings)
    limits = read_output_constraints(document, findings)
    check_columns(document, objectives.names, findings)
    check_fidelity(document, findings)
    check_feasibility(document, findings)
    check_grid(document, parameters, findings)
    check_boxes(document, len(objectives.names), findings)
    check_evaluator(document["evaluator"], [*objectives.names, *limits], findings)
    check_hyperpriors(document, findings)
    table = exhaustive_file(document, origin.directory, findings)
    inputs = {table: "exhaustive_search_file"}
    if origin.text is not None:
        inputs[os.path.abspath(origin.source)] = "the scenario"
    files = output_files(document, inputs, findings)
    resume_data = resume_file(document, origin.directory, findings)
    warm_start = warm_start_files(document, origin.directory, findings)
    prior_data = prior_file(document, origin.directory, findings)
    target = read_target(document, objectives, findings)
    complete = len(parameters) == len(document["input_parameters"])
    space = read_space(document, parameters, findings) if complete else None
    reading.stop_if_faulty()
    assert space is not None
    check_region(space, findings)
    reading.stop_if_faulty()
    fidelity = FidelityOptions.read(document["fidelity"])
    warn_long_lines(parameters, fidelity.columns if fidelity else (), findings)
    return _Parts(
        *(objectives, limits, space, table, files),
        *(resume_data, warm_start, prior_data, target),
    )


def _assemble(reading: _Reading, parameters: Sequence[Parameter]) -> Scenario:
    document, given, origin, findings = reading
    parts = _parts(reading, parameters)
    method, design = method_of(document)
    minutes, seed, print_best = (document[k] for k in ("time_budget", "seed", "print_best"))
    batch = int(document["evaluations_per_optimization_iteration"])
    mode = document["hypermapper_mode"]["mode"]
    iterations = iterations_of(document, given, method, design)
    if document["max_evaluations"] is not None and document["fidelity"] is None:
        # So that whoever reads this document again finds the same budget.
        document["optimization_iterations"] = iterations
    return Scenario(
        application_name=document["application_name"],
        space=parts.space,
        objectives=parts.objectives.names,
        maximised=parts.objectives.maximised,
        ranges=parts.objectives.ranges,
        output_constraints=parts.output_constraints,
        mode="client-server" if mode == "interactive" else mode,
        protocol=document["protocol"],
        evaluator=EvaluatorOptions.read(document["evaluator"]),
        distributed=DistributedOptions.read(document),
        fidelity=FidelityOptions.read(document["fidelity"]),
        exhaustive_file=parts.exhaustive_file,
        feasibility=Feasibility.read(document["feasible_output"]),
        feasibility_threshold=document["feasible_output"]["feasibility_threshold"],
        design=design,
        method=method,
        model=Model.read(document["models"], document["noise"]),
        fitting=pick(FittingOptions, document),
        acquisition=document["acquisition_function"].split("_")[0],
        searching=pick(AcquisitionOptions, document),
        pending_strategy=document["pending_strategy"],
        scalarization=pick(ScalarizationOptions, document),
        prior=pick(PriorOptions, document),
        model_free=pick(ModelFreeOptions, document),
        iterations=iterations,
        batch_size=batch,
        repetitions=int(document["number_of_repetitions"]),
        time_budget=None if minutes < 0 else min(minutes, 1e300) * 60.0,
        trial_deadline=document["trial_deadline"],
        stops=stops_of(document, parts.target),
        threads=threads_of(int(document["number_of_cpus"])),
        seed=None if seed is None else int(seed),
        files=Files(**parts.files),
        resume_data=parts.resume_data,
        warm_start=parts.warm_start,
        prior_data=parts.prior_data,
        timestamp=document["timestamp"],
        print_best=None if print_best == "auto" else print_best,
        reports=pick(ReportOptions, document),
        verbose=document["verbose_logging"],
        source=origin.source,
        document=document,
        warnings=tuple(findings.warnings),
    )


def outward(scenario: Scenario, evaluation: Evaluation) -> Evaluation:
    """Return `evaluation` with its objectives as the user sees them."""
    if not scenario.maximised:
        return evaluation
    shown = {
        name: -value + 0.0 if name in scenario.maximised else value
        for name, value in evaluation.objectives.items()
    }
    return replace(evaluation, objectives=shown)
