"""HyperMapper's plotting tools: from files to figures in files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hmserve.errors import UsageError
from hmserve.journal import files
from hmserve.report.canvas import check_image, line_style, save, shortened, style
from hmserve.report.figures import RegretLook, hvi_boxes, hvi_figure, regret_figure
from hmserve.report.fronts import Axis, Front, front_figure
from hmserve.report.hvi import beside, hvi_curves
from hmserve.report.points import front_of, read_points, require_several
from hmserve.report.regret import regret
from hmserve.report.tools import existing, in_run_directory, runs_by_directory
from hmserve.scenario import Scenario

Pairs = Sequence[tuple[str, str]]


def plot_pareto(scenario: Scenario, image: str | None = None, pairs: Pairs = ()) -> list[str]:
    """Draw fronts: alone into `image`, with all samples into the same name after ``all_``.

    Args:
        scenario: Says how the axes look, and names the files unless they are given.
        image: A file to write.
        pairs: Pareto files, each with its samples file.

    Returns:
        The paths that were written.

    Raises:
        UsageError: There is only one objective, or `image` is no name of an image.
        ScenarioError: A file cannot be read.
        JournalError: A file cannot be written.
    """
    require_several(scenario, "a Pareto plot")
    path = check_image(in_run_directory(scenario, image or _image_file(scenario)))
    own = (scenario.files.pareto, scenario.files.samples)
    fronts = [_front(scenario, pair, k) for k, pair in enumerate(pairs or [own])]
    title, axes = scenario.application_name, objective_axes(scenario)
    folder, name = os.path.split(path)
    every = os.path.join(folder, f"all_{name}")
    with style():
        bare = [replace(front, samples=None) for front in fronts]
        save(front_figure(title, axes, bare), path)
        save(front_figure(title, axes, fronts), every)
    return [path, every]


def objective_axes(scenario: Scenario) -> list[Axis]:
    """Return how `scenario` wants its objectives to be shown."""
    look = scenario.document["output_image"]
    labels = look.get("optimization_objectives_labels_image_pdf") or []
    logarithmic = [look["image_xlog"], look["image_ylog"]]
    wholes = [look.get("objective_1_max"), look.get("objective_2_max")]
    axes = [Axis(str(label)) for label in [*labels, *scenario.objectives[len(labels) :]]]
    settings = zip(axes, logarithmic, wholes, strict=False)
    first = [replace(axis, logarithmic=log, whole=whole) for axis, log, whole in settings]
    return [*first, *axes[2:]][: len(scenario.objectives)]


def _image_file(scenario: Scenario) -> str:
    name: str = scenario.document["output_image"]["output_image_pdf_file"]
    return f"{scenario.application_name}_{name}" if name == "output_pareto.pdf" else name


def _front(scenario: Scenario, pair: tuple[str, str], number: int) -> Front:
    """Return the front in a Pareto file; if the scenario's own is missing, it is computed."""
    pareto, samples = (existing(scenario, path) for path in pair)
    points = evaluated = read_points(samples, scenario)
    if os.path.exists(pareto) or pareto != scenario.files.pareto:
        points = read_points(pareto, scenario)
    else:
        points = replace(points, feasible=front_of(points))
    colour = line_style(number)["color"]
    return Front(f"Pareto - {_label(pareto)}", colour, points, evaluated)


def _label(path: str) -> str:
    """Return the end of `path`: a directory and a file."""
    return shortened(os.path.join(*os.path.abspath(path).split(os.sep)[-2:]))


def plot_hvi(scenario: Scenario, image: str, directories: Sequence[str]) -> list[str]:
    """Draw the hypervolume indicator over time, a curve a directory of runs.

    Besides `image`, each directory gets a box plot and a table of the numbers.

    Returns:
        The paths that were written.

    Raises:
        UsageError: There are no runs, or `image` is no name of an image.
        ScenarioError: A file cannot be read.
        JournalError: A file cannot be written.
    """
    check_image(image)
    runs = runs_by_directory(directories, scenario)
    curves = hvi_curves(runs)
    title = scenario.application_name
    with style():
        save(hvi_figure(f"{title}: mean and 95 % confidence interval", curves), image)
        for directory, found in curves.items():
            boxes = hvi_boxes(f"{title}: {len(runs[directory])} runs", found)
            save(boxes, beside(directory, "_boxplot.pdf"))
            files.replace(beside(directory, "_stats.txt"), found.statistics)
    made = [beside(d, ending) for d in curves for ending in ("_boxplot.pdf", "_stats.txt")]
    return [image, *made]


@dataclass(frozen=True, slots=True)
class RegretOptions:
    """What ``hm-plot-optimization-results`` can be told.

    Args:
        labels: Names of the curves; absent: the directories.
        minimum: The best value there is: a regret of 0.
        outfile: The file to write.
        out_dir: Where to write it if it has no name of its own; created if missing.
        title: Above the figure; absent: the name of the application.
        plot_log: Whether to draw logarithms.
        unlog_y_axis: Whether to write the regrets themselves on their axis.
        budget: How many evaluations to draw.
        ncol: Columns of the legend.
        x_label: Below the figure.
        y_label: Beside it.
        show_doe: Whether to mark where the design of experiments ends.
        expert_configuration: The value an expert's configuration reaches.
    """

    labels: Sequence[str] | None = None
    minimum: float = 0.0
    outfile: str | None = None
    out_dir: str | None = None
    title: str | None = None
    plot_log: bool = False
    unlog_y_axis: bool = False
    budget: int | None = None
    ncol: int = 4
    x_label: str | None = None
    y_label: str | None = None
    show_doe: bool = True
    expert_configuration: float | None = None


def plot_regret(scenario: Scenario, directories: Sequence[str], options: RegretOptions) -> str:
    """Draw simple regret over evaluations, a curve and its band a directory of runs.

    Returns:
        The path that was written.

    Raises:
        UsageError: There are no runs, or labels do not fit.
        ScenarioError: A file cannot be read.
        JournalError: The figure cannot be written.
    """
    path = check_image(_regret_file(scenario, options))
    labels = directories if options.labels is None else options.labels
    if len(labels) != len(directories):
        raise UsageError(f"{len(directories)} directories, but {len(labels)} labels")
    runs = runs_by_directory(directories, scenario)
    names = dict(zip(directories, labels, strict=True))
    look = (options.minimum, options.budget, options.plot_log)
    curves = [(shortened(names[d]), regret(found, *look)) for d, found in runs.items()]
    with style():
        save(regret_figure(curves, _regret_look(scenario, options)), path)
    return path


def _regret_file(scenario: Scenario, options: RegretOptions) -> str:
    if options.outfile:
        return options.outfile
    return os.path.join(options.out_dir or "", f"{scenario.application_name}_regret.pdf")


def _regret_look(scenario: Scenario, options: RegretOptions) -> RegretLook:
    """Return how the figure looks; an expert's value becomes a regret as the others are."""
    expert = options.expert_configuration
    sign = -1.0 if scenario.objectives[0] in scenario.maximised else 1.0
    return RegretLook(
        title=scenario.application_name if options.title is None else options.title,
        x_label=options.x_label or "Number of Evaluations",
        y_label=options.y_label,
        columns=options.ncol,
        logarithm=options.plot_log,
        unlogged=options.unlog_y_axis,
        design=scenario.design.samples if options.show_doe else None,
        expert=None if expert is None else sign * (expert - options.minimum),
    )
