"""A finished or running run, as its journal tells it."""

import os
import re

from hmserve.errors import UsageError
from hmserve.journal.jsonl import read
from hmserve.journal.ledger import Ledger
from hmserve.journal.records import Start
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
    if not os.path.exists(path):
        raise UsageError(f"{path}: no such file; expected a scenario or a journal")
    if re.search(r"\.journal(\.\d+)?$", path) is None:
        scenario = Scenario.load(path)
        if not os.path.exists(scenario.files.journal):
            raise UsageError(f"{path}: no run yet: there is no {scenario.files.journal}")
        return scenario, Ledger.of(read(scenario.files.journal).records)
    ledger = Ledger.of(read(path).records)
    assert isinstance(ledger.start, Start)
    return Scenario.parse(ledger.start.scenario, source=path), ledger
