"""HyperMapper's ``hypermapper.plot_pareto``."""

from collections.abc import Sequence

from hmserve.compat.scenarios import load

__all__ = ["plot"]


def plot(
    parameters_file: str,
    list_of_pairs_of_files: Sequence[tuple[str, str]] = (),
    image_output_file: str | None = None,
) -> None:
    """Draw Pareto fronts; into the same name after ``all_`` with every sample.

    Args:
        parameters_file: The scenario file.
        list_of_pairs_of_files: Pareto files, each with its samples file, if not the scenario's.
        image_output_file: The file to write, if not the scenario's.
    """
    from hmserve.report import plots

    plots.plot_pareto(load(parameters_file), image_output_file, list_of_pairs_of_files)
