"""A finished or running run, as its journal tells it."""

import os
import re
from collections.abc import Sequence

from hmserve.errors import UsageError
from hmserve.journal.jsonl import read
from hmserve.journal.ledger import Ledger
from hmserve.journal.ranks import journals_in, merged
from hmserve.journal.records import Record
from hmserve.scenario import Scenario


def look_back(path: str) -> tuple[Scenario, Ledger]:
    """Return the scenario and the results of the run at `path`; changes nothing.

    Args:
        path: Its scenario file, or its journal, also one that a later run put aside.

    Raises:
        UsageError: There is no such file, or no run of this scenario yet.
        ScenarioError: The scenario cannot be used.
        JournalError: The journal is damaged.
    """
    scenario, records = records_at(path)
    return scenario, Ledger.of(records)


def records_at(path: str) -> tuple[Scenario, Sequence[Record]]:
    """Return the scenario and the journal of the run at `path` (see `look_back`)."""
    if not os.path.exists(path):
        raise UsageError(f"{path}: no such file; expected a scenario or a journal")
    if re.search(r"\.journal(\.\d+)?$", path) is None:
        scenario = Scenario.load(path)
        if os.path.exists(scenario.files.journal):
            return scenario, read(scenario.files.journal).records
        if together := merged(journals_in(scenario.files).values()):
            return scenario, together
        raise UsageError(f"{path}: no run yet: there is no {scenario.files.journal}")
    records = read(path).records
    return Scenario.parse(Ledger.of(records[:1]).start.scenario, source=path), records
