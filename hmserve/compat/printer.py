"""What HyperMapper prints while it optimizes a Python function."""

import sys
from collections.abc import Sequence

from hmserve.journal.ledger import Row
from hmserve.journal.table import fields, header, to_csv
from hmserve.report import tables
from hmserve.run import Run
from hmserve.scenario import Scenario
from hmserve.serve import codec_of


class Printer:
    """Prints a run to standard output in HyperMapper's words.

    The design of experiments comes at once when all of it is evaluated, each later request as
    one iteration.

    Args:
        scenario: What is optimized.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._printed = 0
        self._iteration = 0

    def heard(self, run: Run) -> None:
        """Print the results that are new, if it is time for them."""
        known = len(run.rows)
        if self._printed == 0 and known >= self._scenario.design.samples:
            self._print_design(run.rows)
        elif self._printed:
            self._print_iteration(run.rows)

    def finish(self, run: Run) -> None:
        """Print the end: the best point, if the scenario wants it, and the last line."""
        if self._printed == 0:
            self._print_design(run.rows)
        self._say("End of Bayesian Optimization\n")
        self._say(codec_of(self._scenario).expected(run.expected))
        several = len(self._scenario.objectives) > 1
        wanted = self._scenario.print_best
        if wanted or (wanted is None and not several):
            self._say(tables.best_block(run.rows, self._scenario))
        self._say("End of HyperMapper\n")

    def _print_design(self, rows: Sequence[Row]) -> None:
        asked = sum(row.asked for row in rows)
        self._say(f"Design of experiment phase, number of new doe samples = {asked} .......\n")
        self._print_rows(rows)
        self._say(
            "\nEnd of doe/resume phase, the number of evaluated configurations is: "
            f"{len(rows)}\n\n"
        )
        self._printed = len(rows)

    def _print_iteration(self, rows: Sequence[Row]) -> None:
        self._iteration += 1
        self._say(f"Starting optimization iteration {self._iteration}\n")
        self._print_rows(rows[self._printed :])
        self._printed = len(rows)

    def _print_rows(self, rows: Sequence[Row]) -> None:
        lines = [header(self._scenario), *(fields(self._scenario, row) for row in rows)]
        self._say(to_csv(lines).replace("\r\n", "\n") + "\n")

    def _say(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
