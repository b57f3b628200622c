"""HyperMapper's tools as verbs: fronts and plots, with its options and file names."""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hmserve.commands.terminal import parser_of, scenario_at, show
from hmserve.errors import UsageError

if TYPE_CHECKING:
    from hmserve.scenario import Scenario

_RELATIVE = """\
Relative names of files are looked for in the scenario's run_directory, then in the current one.
"""


def compute_pareto(arguments: list[str]) -> int:
    """Write the Pareto front of a samples file into a file."""
    parser = parser_of(
        "compute-pareto", "Write the Pareto front of a samples file, all objectives.", _RELATIVE
    )
    _add_scenario(parser)
    parser.add_argument("samples", nargs="?", help="the samples file, if not the scenario's")
    parser.add_argument("pareto", nargs="?", help="the file to write, if not the scenario's")
    options = parser.parse_args(arguments)
    from hmserve.report.tools import compute_pareto

    path, count = compute_pareto(_load(options.scenario), options.samples, options.pareto)
    show(f"{path}: {count} {'point' if count == 1 else 'points'}\n")
    return 0


def plot_pareto(arguments: list[str]) -> int:
    """Draw Pareto fronts."""
    parser = parser_of(
        "plot-pareto",
        "Draw Pareto fronts; into all_IMAGE with every sample. Fronts and samples are those\n"
        "of the scenario unless pairs of files are given.",
        _RELATIVE,
    )
    _add_scenario(parser)
    parser.add_argument("image", nargs="?", help="the file to write: .pdf, .png or .svg")
    parser.add_argument("files", nargs="*", metavar="PARETO SAMPLES", help="pairs of files")
    options = parser.parse_args(arguments)
    if len(options.files) % 2:
        raise UsageError(
            "expected pairs of a Pareto file and a samples file, got "
            f"{len(options.files)} files: {' '.join(options.files)}"
        )
    from hmserve.report.plots import plot_pareto

    pairs = list(zip(options.files[::2], options.files[1::2], strict=True))
    _tell(plot_pareto(_load(options.scenario), options.image, pairs))
    return 0


def plot_hvi(arguments: list[str]) -> int:
    """Draw the hypervolume indicator of directories of runs over time."""
    parser = parser_of(
        "plot-hvi",
        "Draw the hypervolume indicator over time: a curve a directory, each CSV in it a run.\n"
        "Into each directory go NAME_boxplot.pdf and NAME_stats.txt as well.",
    )
    _add_scenario(parser)
    parser.add_argument("image", help="the file to write: .pdf, .png or .svg")
    parser.add_argument("directories", nargs="+", metavar="DIR", help="samples files of runs")
    options = parser.parse_args(arguments)
    from hmserve.report.plots import plot_hvi

    _tell(plot_hvi(_load(options.scenario), options.image, options.directories))
    return 0


def plot_optimization_results(arguments: list[str]) -> int:
    """Draw the regret of directories of runs over evaluations."""
    options = vars(_regret_parser().parse_args(arguments))
    scenario, directories = options.pop("config"), options.pop("data_dirs")
    from hmserve.report.plots import RegretOptions, plot_regret

    _tell([plot_regret(_load(scenario), directories, RegretOptions(**options))])
    return 0


def _regret_parser() -> ArgumentParser:
    parser = parser_of(
        "plot-optimization-results",
        "Draw simple regret over evaluations: a curve a directory, the mean over the CSVs in\n"
        "it, with a band of one standard deviation if there are several.",
    )
    add = parser.add_argument
    add("-j", "--configuration_file", dest="config", required=True, metavar="FILE.json")
    add("-i", "--data_dirs", nargs="+", required=True, metavar="DIR", help="samples of runs")
    add("-l", "--labels", nargs="+", metavar="LABEL", help="names of the curves")
    add("-min", "--minimum", type=float, default=0.0, help="the best value there is; 0")
    add("-od", "--output_dir", dest="out_dir", default="", help="where to write; created")
    add("-b", "--budget", type=int, help="how many evaluations to draw")
    add("-o", "--output_file", dest="outfile", help="what to write; APPLICATION_regret.pdf")
    add("-t", "--title", help="the name of the application")
    add("-log", "--plot_log", action="store_true", help="draw natural logarithms")
    add("-unlog", "--unlog_y_axis", action="store_true", help="with -log: label the regret")
    add("-doe", "--show_doe", action="store_true", help="mark the design of experiments")
    add("-xl", "--x_label", help="below the figure")
    add("-yl", "--y_label", help="beside the figure")
    add("-nc", "--ncol", type=int, default=4, help="columns of the legend; 4")
    add("-exp", "--expert_configuration", type=float, help="the value an expert reached")
    return parser


def plot(arguments: list[str]) -> int:
    """Draw a run on one page, or several beside each other."""
    parser = parser_of(
        "plot",
        "Draw a run on one page: convergence over evaluations and seconds, the front of two\n"
        "objectives, who evaluated what when, and each parameter against each objective.\n"
        "Several runs share a page; those of one application_name are one curve.",
    )
    add = parser.add_argument
    add("runs", nargs="+", metavar="RUN", help="the scenario, the journal or the samples of it")
    add("--config", metavar="FILE", help="the scenario of samples from elsewhere")
    add("--out", metavar="PATH", help="a directory, or a .pdf, .png or .svg")
    add("--minimum", type=float, metavar="F", help="the best value there is: draw the regret")
    options = parser.parse_args(arguments)
    from hmserve.report.comparison import plot_comparison
    from hmserve.report.overview import plot_run
    from hmserve.report.sources import run_at

    config = options.config and scenario_at(options.config)
    runs = [run_at(scenario_at(run), config) for run in options.runs]
    how = (options.out, options.minimum)
    _tell([plot_run(runs[0], *how) if len(runs) == 1 else plot_comparison(runs, *how)])
    return 0


def hypermapper_home(arguments: list[str]) -> int:
    """Make a directory a HYPERMAPPER_HOME."""
    parser = parser_of(
        "hypermapper-home",
        "Make a directory that programs can use as HYPERMAPPER_HOME: its scripts/, bin/ and\n"
        "importable package hypermapper lead to this hmserve.",
    )
    parser.add_argument("directory", metavar="DIR", help="created if it is missing")
    options = parser.parse_args(arguments)
    from hmserve.home import advice, write_home

    written = write_home(options.directory)
    show(f"# {len(written)} files are in {options.directory}.\n{advice(options.directory)}")
    return 0


def _add_scenario(parser: ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="FILE.json", help="the scenario file")


def _load(path: str) -> "Scenario":
    from hmserve.scenario import Scenario

    return Scenario.load(scenario_at(path))


def _tell(paths: Sequence[str]) -> None:
    show("".join(f"{path}\n" for path in paths))
