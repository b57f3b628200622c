"""Where the results of a run are: a journal, or a samples file."""

import os

from hmserve.errors import UsageError
from hmserve.report.lookback import look_back
from hmserve.report.points import Points, points_of, read_points
from hmserve.scenario import Scenario


def run_at(path: str, config: str | None = None) -> tuple[Scenario, Points]:
    """Return the scenario and the results of the run at `path`; changes nothing.

    Args:
        path: A scenario file, whose run has a journal or a samples file; a journal; or a
            samples file, with its journal beside it unless `config` is given.
        config: The scenario file of a samples file.

    Raises:
        UsageError: There are no such results, or nothing says what the columns mean.
        ScenarioError: The scenario or the samples cannot be read.
        JournalError: The journal is damaged.
    """
    if path.endswith((".csv", ".csv.gz")):
        return _samples_at(path, config)
    if path.endswith(".json"):
        scenario = Scenario.load(path)
        files = scenario.files
        if not os.path.exists(files.journal) and os.path.exists(files.samples):
            return scenario, read_points(files.samples, scenario)
    scenario, ledger = look_back(path)
    return scenario, points_of(ledger.rows, scenario)


def _samples_at(path: str, config: str | None) -> tuple[Scenario, Points]:
    if config is not None:
        scenario = Scenario.load(config)
        return scenario, read_points(path, scenario)
    journal = path.removesuffix(".gz").removesuffix(".csv") + ".journal"
    if not os.path.exists(journal):
        raise UsageError(
            f"{path}: which columns are objectives? There is no journal beside it; name the "
            "scenario: --config app.json"
        )
    scenario, _ = look_back(journal)
    return scenario, read_points(path, scenario)
