"""The tables of what all ranks found, which one rank writes: HyperMapper's and DeepHyper's."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from hmserve.closing import Closing
from hmserve.errors import ScenarioError
from hmserve.journal.files import explained, replace, write_all
from hmserve.journal.ledger import Row
from hmserve.journal.table import SamplesTable, input_field, to_csv
from hmserve.scenario import Scenario, outward


class Found(NamedTuple):
    """A result, and the rank that evaluated it."""

    rank: int
    row: Row


def checkpoint_of(scenario: Scenario) -> str:
    """Return the path of DeepHyper's table.

    Raises:
        ScenarioError: It is that of another file of the run.
    """
    files, name = scenario.files, scenario.document["checkpoint_file"]
    path = os.path.abspath(os.path.join(files.run_directory, name))
    for other in (files.samples, files.pareto, files.journal, files.log):
        if path == other:
            raise ScenarioError(
                f"{scenario.source}: checkpoint_file: {name!r:.200} is already another file "
                f"of the run: {other}"
            )
    return path


def header(scenario: Scenario) -> list[str]:
    """Return the columns of DeepHyper's table."""
    several = len(scenario.objectives) > 1
    objectives = [f"objective_{i}" for i, _ in enumerate(scenario.objectives)]
    return [
        *scenario.space.names,
        *(objectives if several else ["objective"]),
        *scenario.output_constraints,
        *("worker_rank", "timestamp_start", "timestamp_end"),
    ]


def fields(scenario: Scenario, found: Found) -> list[str]:
    """Return the fields of a result.

    An objective is written as it was measured; one that failed as DeepHyper does, "F" and how.
    Times are seconds of the run, in which pauses before a resume take none.
    """
    evaluation = outward(scenario, found.row.evaluation)
    values, details = evaluation.trial.configuration, evaluation.details
    inputs = [input_field(p, values[p.name]) for p in scenario.space.parameters]
    failed = f"F_{details.get('failure', 'failed')}"
    objectives = [
        str(evaluation.objectives[name]) if name in evaluation.objectives else failed
        for name in scenario.objectives
    ]
    limits = [str(evaluation.constraints.get(name, "")) for name in scenario.output_constraints]
    times = [details.get(name) for name in ("started", "finished")]
    began = found.row.time - found.row.elapsed
    stamps = ["" if time is None else f"{time - began:.6f}" for time in times]
    return [*inputs, *objectives, *limits, str(found.rank), *stamps]


class Tables(Closing):
    """Both tables, written on while the run goes on.

    Args:
        scenario: Names the columns and the files.
        known: What was found before: the tables are made anew with it.

    Raises:
        JournalError: A file cannot be written.
        ScenarioError: Two files have one name.
    """

    def __init__(self, scenario: Scenario, known: Sequence[Found]) -> None:
        self._scenario = scenario
        self._path = checkpoint_of(scenario)
        self._most = scenario.distributed.checkpoint_freq
        self._waiting: list[Found] = []
        lines = [header(scenario), *(fields(scenario, each) for each in known)]
        replace(self._path, to_csv(lines).replace("\r\n", "\n"))
        self._samples = SamplesTable(
            scenario.files.samples, scenario, [each.row for each in known]
        )
        with explained("open", self._path):
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def add(self, found: Found) -> None:
        """Take one more result; it is written when there are enough.

        Raises:
            JournalError: A file cannot be written. The journals of the ranks have it all.
        """
        self._waiting.append(found)
        if len(self._waiting) >= self._most:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        self._samples.append([each.row for each in waiting])
        lines = [fields(self._scenario, each) for each in waiting]
        with explained("write", self._path):
            write_all(self._descriptor, to_csv(lines).replace("\r\n", "\n").encode())

    def close(self) -> None:
        """Write what waits, and let go of the files."""
        if self._descriptor < 0:
            return
        try:
            self.flush()
        finally:
            os.close(self._descriptor)
            self._descriptor = -1
            self._samples.close()
