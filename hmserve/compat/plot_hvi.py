"""HyperMapper's ``hypermapper.plot_hvi``."""

from collections.abc import Sequence

from hmserve.compat.scenarios import load
from hmserve.report import tools

__all__ = ["HVI_from_files", "plot_hvi"]


def HVI_from_files(real_pareto_file: str, parameters_file: str) -> float:  # noqa: N802
    """Return how much hypervolume the scenario's Pareto file lacks to the real front.

    Args:
        real_pareto_file: The file of the real front.
        parameters_file: The scenario file.
    """
    return tools.hvi_from_files(real_pareto_file, load(parameters_file))


def plot_hvi(
    parameters_file: str, output_hvi_file_name: str, list_of_dirs: Sequence[str]
) -> None:
    """Draw the hypervolume indicator over time, a curve a directory of runs.

    Args:
        parameters_file: The scenario file.
        output_hvi_file_name: The file to write.
        list_of_dirs: Directories with samples files.
    """
    from hmserve.report import plots

    plots.plot_hvi(load(parameters_file), output_hvi_file_name, list_of_dirs)
