"""HyperMapper's ``hypermapper.compute_pareto``."""

from hmserve.compat.scenarios import load
from hmserve.report import tools

__all__ = ["compute"]


def compute(
    parameters_file: str,
    input_data_file: str | None = None,
    output_pareto_file: str | None = None,
) -> None:
    """Write the Pareto front of a samples file into a file (see `tools.compute_pareto`).

    Args:
        parameters_file: The scenario file.
        input_data_file: The samples file, if not the scenario's.
        output_pareto_file: The file to write, if not the scenario's.
    """
    tools.compute_pareto(load(parameters_file), input_data_file, output_pareto_file)
