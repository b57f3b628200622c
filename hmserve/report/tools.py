"""HyperMapper's tools but for what they draw: files found by its rules, fronts computed."""

import os
from collections.abc import Sequence

from hmserve.errors import UsageError
from hmserve.journal.files import reason, replace
from hmserve.journal.table import header, to_csv
from hmserve.report.hvi import indicator
from hmserve.report.points import Points, front_of, read_points
from hmserve.scenario import Scenario


def compute_pareto(
    scenario: Scenario, source: str | None = None, target: str | None = None
) -> tuple[str, int]:
    """Write the front of a samples file into a Pareto file.

    All objectives count; with one, the front is the best row and all that equal it. Rows keep
    their order and their text, and duplicates are kept.

    Args:
        scenario: Names the columns, and the files unless they are given.
        source: The samples file.
        target: The Pareto file.

    Returns:
        The path that was written, and how many rows the front has.

    Raises:
        ScenarioError: The samples cannot be read.
        JournalError: The front cannot be written.
    """
    points = read_points(
        existing(scenario, source) if source else scenario.files.samples, scenario
    )
    path = in_run_directory(scenario, target) if target else scenario.files.pareto
    rows = front_rows(points, scenario)
    replace(path, to_csv(rows))
    return path, len(rows) - 1


def front_rows(points: Points, scenario: Scenario) -> list[Sequence[str]]:
    """Return the front of `points` as lines of a Pareto file, the header first."""
    wanted = [n for n in header(scenario) if n != scenario.timestamp or n in points.names]
    columns = [points.column(name) for name in wanted]
    kept = front_of(points)
    return [
        wanted,
        *(row for row, on in zip(zip(*columns, strict=True), kept, strict=True) if on),
    ]


def hvi_from_files(real: str, scenario: Scenario) -> float:
    """Return how much hypervolume the Pareto file of `scenario` lacks to that of `real`.

    Raises:
        ScenarioError: One of the files cannot be read.
    """
    return indicator(read_points(real, scenario), read_points(scenario.files.pareto, scenario))


def in_run_directory(scenario: Scenario, path: str) -> str:
    """Return `path`, from the run directory of `scenario` if it is relative."""
    return os.path.join(scenario.files.run_directory, path)


def existing(scenario: Scenario, path: str) -> str:
    """Return the file `path` as HyperMapper finds it, or else from the current directory."""
    found = in_run_directory(scenario, path)
    return found if os.path.exists(found) or not os.path.exists(path) else path


def runs_in(directory: str, scenario: Scenario) -> list[Points]:
    """Return the runs in `directory`: each of its CSV files is one, unless it is a front.

    Raises:
        UsageError: The directory cannot be read.
        ScenarioError: One of the files cannot be.
    """
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise UsageError(f"cannot read the directory {directory}: {reason(error)}") from error
    own = os.path.basename(scenario.files.pareto)
    return [
        read_points(os.path.join(directory, name), scenario)
        for name in names
        if name.endswith(".csv") and name != own and not name.endswith("_output_pareto.csv")
    ]


def runs_by_directory(
    directories: Sequence[str], scenario: Scenario
) -> dict[str, list[Points]]:
    """Return the runs in each of `directories` that has any.

    Raises:
        UsageError: None has any, or one cannot be read.
        ScenarioError: A file cannot be read.
    """
    found = {directory: runs_in(directory, scenario) for directory in directories}
    kept = {directory: runs for directory, runs in found.items() if runs}
    if not kept:
        raise UsageError(f"no .csv file in {', '.join(directories)}")
    return kept
