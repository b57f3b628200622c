"""HyperMapper's ``hypermapper.plot_optimization_results``."""

from collections.abc import Sequence
from typing import Any

from hmserve.compat.scenarios import load

__all__ = ["plot_regret"]


def plot_regret(
    configuration_file: str,
    data_dirs: Sequence[str],
    labels: Sequence[str] | None = None,
    minimum: float | None = 0,
    outfile: str | None = None,
    **options: Any,
) -> None:
    """Draw simple regret over evaluations, a curve a directory of runs.

    Args:
        configuration_file: The scenario file.
        data_dirs: Directories with samples files.
        labels: Names of the curves.
        minimum: The best value there is; None for 0.
        outfile: The file to write.
        options: HyperMapper's others by name: see `hmserve.report.plots.RegretOptions`.
    """
    from hmserve.report import plots

    settings = plots.RegretOptions(
        labels=labels, minimum=minimum or 0.0, outfile=outfile, **options
    )
    plots.plot_regret(load(configuration_file), data_dirs, settings)
