"""What all ranks have found, as far as one of them has heard."""

from collections.abc import Sequence
from typing import Final

from hmserve.journal.ledger import Row
from hmserve.limits import Limits
from hmserve.ranks.tables import Found, Tables
from hmserve.scenario import Scenario

REASONS: Final = ("", "time", "target", "no improvement", "interrupted", "terminated")
"""Why all ranks stop, by the number that travels."""

AT_ONCE: Final = (REASONS.index("interrupted"), REASONS.index("terminated"))
"""Reasons for which what is being evaluated is given up."""


class Union:
    """Counts results, keeps the best of them, and follows what ends the run.

    It does not grow with the run, unless all is to be kept: the journals have it.

    Args:
        scenario: Of the run.
        known: What was found before.
        tables: Where results are written to; None on all ranks but one.
        keep: Whether `rows` is to hold every result.
    """

    def __init__(
        self,
        scenario: Scenario,
        known: Sequence[Found],
        tables: Tables | None = None,
        *,
        keep: bool = False,
    ) -> None:
        self.scenario = scenario
        self.told = self.failed = self.infeasible = 0
        self.rows: list[Row] = []
        self._keep = keep
        self._tables = tables
        self._limits = Limits(scenario.stops, scenario.objectives, scenario.fidelity)
        self._leading: dict[float | None, list[Row]] = {}
        for found in known:
            self._count(found.row)

    @property
    def reason(self) -> str | None:
        """Why nothing more is to be asked; None if there is no reason."""
        return self._limits.reason

    @property
    def leading(self) -> list[Row]:
        """The feasible results that none of the same fidelity is better than."""
        return [row for rows in self._leading.values() for row in rows]

    def add(self, found: Found) -> None:
        """Take one more result."""
        self._count(found.row)
        if self._tables is not None:
            self._tables.add(found)

    def _count(self, row: Row) -> None:
        evaluation = row.evaluation
        if self._keep:
            self.rows.append(row)
        self.told += 1
        self.failed += not evaluation.objectives
        self.infeasible += bool(evaluation.objectives) and not evaluation.feasible
        self._limits.take(evaluation)
        if evaluation.feasible:
            self._lead(row)

    def _lead(self, row: Row) -> None:
        rows = self._leading.setdefault(row.evaluation.trial.fidelity, [])
        if any(self._covers(other, row) for other in rows):
            return
        rows[:] = [other for other in rows if not self._covers(row, other)]
        rows.append(row)

    def _covers(self, one: Row, other: Row) -> bool:
        """Whether `one` is at least as good as `other` in every objective."""
        a, b = one.evaluation.objectives, other.evaluation.objectives
        return all(a[name] <= b[name] for name in self.scenario.objectives)
