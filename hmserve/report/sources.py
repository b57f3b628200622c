"""Where the results of a run are: a journal, or a samples file."""

import os
from typing import NamedTuple

from hmserve.errors import UsageError
from hmserve.journal.ledger import Ledger
from hmserve.journal.ranks import journals_in
from hmserve.report.lookback import records_at
from hmserve.report.points import Points, points_of, read_points
from hmserve.report.spans import Timeline, timeline_of
from hmserve.scenario import Scenario


class Found(NamedTuple):
    """A run to be looked at.

    Args:
        scenario: What was optimized.
        points: Its results.
        timeline: Who evaluated what when; None where nobody says.
    """

    scenario: Scenario
    points: Points
    timeline: Timeline | None = None


def run_at(path: str, config: str | None = None) -> Found:
    """Return the run at `path`; changes nothing.

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
        journal = os.path.exists(files.journal) or journals_in(files)
        if not journal and os.path.exists(files.samples):
            return Found(scenario, read_points(files.samples, scenario))
    scenario, records = records_at(path)
    points = points_of(Ledger.of(records).rows, scenario)
    return Found(scenario, points, timeline_of(records))


def _samples_at(path: str, config: str | None) -> Found:
    if config is not None:
        scenario = Scenario.load(config)
        return Found(scenario, read_points(path, scenario))
    journal = path.removesuffix(".gz").removesuffix(".csv") + ".journal"
    if not os.path.exists(journal):
        raise UsageError(
            f"{path}: which columns are objectives? There is no journal beside it; name the "
            "scenario: --config app.json"
        )
    scenario, _ = records_at(journal)
    return Found(scenario, read_points(path, scenario))
