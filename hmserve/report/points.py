"""Results as arrays, from a samples file or a journal: what the tools and the figures read.

Only outcomes are understood; the parameters stay text. So files of HyperMapper are read whose
integers lie beside their range, and files whose scenario has changed since.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from hmserve.arrays import Floats, Mask
from hmserve.cells import FeasibilityWords, parse_float, parse_objective
from hmserve.errors import ScenarioError, UsageError
from hmserve.fidelity.rungs import reaches
from hmserve.journal.csvfile import read_lines
from hmserve.journal.ledger import Row
from hmserve.journal.table import fields, header
from hmserve.scenario import Scenario

ABSOLUTE: Final = 1e11
"""Times from here on are of the Unix clock: as a run's own they would be three years."""

_T = TypeVar("_T")
_Lines = Sequence[tuple[int, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Points:
    """The results of one run, in the order they came.

    Args:
        source: The file they are from.
        names: The columns of the file.
        cells: Each row as text, one cell a column.
        Y: The objectives as they are written, shape (n, m); nan where the evaluation failed.
        feasible: Which rows were measured and are feasible, shape (n,).
        seconds: When each came, since the run began, shape (n,); None if no column tells.
        signs: -1 for an objective that is maximised, else 1; shape (m,).
        partial: Which rows would be feasible but for a fidelity below the highest that has a
            feasible row, shape (n,).
    """

    source: str
    names: Sequence[str]
    cells: Sequence[Sequence[str]]
    Y: Floats
    feasible: Mask
    seconds: Floats | None
    signs: Floats
    partial: Mask

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def minimised(self) -> Floats:
        """Y with every objective minimised, shape (n, m); nan where a row does not count."""
        return np.where(self.feasible[:, None], self.Y * self.signs, np.nan)

    def column(self, name: str) -> list[str]:
        """Return the cells under `name`.

        Raises:
            ScenarioError: There is no such column.
        """
        if name not in self.names:
            raise ScenarioError(_missing(self.source, [name], self.names))
        place = self.names.index(name)
        return [row[place] for row in self.cells]


def read_points(path: str, scenario: Scenario) -> Points:
    """Return the results in the samples or Pareto file `path`.

    Columns are found by name. Those of the objectives, measured constraints and feasibility are
    needed.

    Raises:
        ScenarioError: The file cannot be read, or lacks a column, or a cell makes no sense.
    """
    lines = read_lines(path)
    _, names = next(lines, (0, []))
    return _points(path, names, list(lines), scenario)


def points_of(rows: Sequence[Row], scenario: Scenario) -> Points:
    """Return the results that a journal holds, as its samples file shows them."""
    lines = [(number, fields(scenario, row)) for number, row in enumerate(rows, 2)]
    return _points(scenario.files.journal, header(scenario), lines, scenario)


def _points(source: str, names: Sequence[str], lines: _Lines, scenario: Scenario) -> Points:
    feasibility = scenario.feasibility
    limits = scenario.output_constraints
    needed = [*scenario.objectives, *limits, *([feasibility.name] if feasibility else [])]
    missing = [name for name in needed if names.count(name) != 1]
    if missing:
        raise ScenarioError(_missing(source, missing, names))
    for number, cells in lines:
        if len(cells) < len(names):
            raise ScenarioError(
                f"{source}, line {number}: {len(cells)} fields under a header of {len(names)}"
            )
    table = _Table(source, names, lines)
    values = [table.read(name, _objective(scenario, name)) for name in scenario.objectives]
    Y = np.array(values, dtype=float).reshape(len(values), len(lines)).T
    feasible = np.all(np.isfinite(Y), axis=1)
    for name, (low, high) in limits.items():
        g = np.array(table.read(name, parse_objective), dtype=float)
        feasible &= np.isfinite(g) & (low <= g) & (g <= high)
    if feasibility:
        words = FeasibilityWords(feasibility.true_value, feasibility.false_value)
        # A failed evaluation has nothing to say about feasibility.
        told = table.read(feasibility.name, lambda cell: bool(cell) and words.read(cell))
        feasible &= np.array(told, dtype=bool)
    partial = _partial(table, scenario, feasible)
    return Points(
        source=source,
        names=names,
        cells=[cells for _, cells in lines],
        Y=Y,
        feasible=feasible & ~partial,
        seconds=_seconds(table, scenario.timestamp) if scenario.timestamp in names else None,
        signs=np.array([-1.0 if n in scenario.maximised else 1.0 for n in scenario.objectives]),
        partial=partial,
    )


def _partial(table: "_Table", scenario: Scenario, feasible: Mask) -> Mask:
    """Return which of the `feasible` rows are of a lower fidelity than others, shape (n,)."""
    fidelity = scenario.fidelity
    if fidelity is None or fidelity.name not in table.names or not feasible.any():
        return np.zeros(len(feasible), dtype=bool)

    def reached(cell: str) -> float:
        found = parse_float(cell) if cell else fidelity.max
        if found is None:
            raise ValueError("expected a fidelity")
        return found

    found = np.array(table.read(fidelity.name, reached), dtype=float)
    top = found[feasible].max()
    return feasible & [not reaches(each, top) for each in found.tolist()]


def _objective(scenario: Scenario, name: str) -> Callable[[str], float | None]:
    """Return what reads the cells of an objective; what it cannot be at all is a failure."""

    def meaning(cell: str) -> float | None:
        value = parse_objective(cell)
        return None if scenario.inward(name, value) is None else value

    return meaning


@dataclass(frozen=True, slots=True)
class _Table:
    """Reads the columns of a table."""

    source: str
    names: Sequence[str]
    lines: _Lines

    def read(self, name: str, meaning: Callable[[str], _T]) -> list[_T]:
        """Return what each cell under `name` means.

        Raises:
            ScenarioError: `meaning` does not know.
        """
        place = self.names.index(name)

        def read(number: int, cell: str) -> _T:
            try:
                return meaning(cell)
            except ValueError as error:
                raise ScenarioError(
                    f"{self.source}, line {number}, column {name}: {error}, not {cell!r:.200}"
                ) from None

        return [read(number, cells[place]) for number, cells in self.lines]


def _seconds(table: _Table, name: str) -> Floats:
    """Return the times of the rows since the run began.

    HyperMapper writes milliseconds: of the Unix clock in client-server mode, where the first
    result counts as the beginning, and of the run otherwise.
    """
    times = np.array(table.read(name, _milliseconds), dtype=float)
    if times.size and times.max() >= ABSOLUTE:
        times = times - times.min()
    return times / 1000.0


def _milliseconds(cell: str) -> float:
    value = parse_float(cell)
    if value is None or not np.isfinite(value):
        raise ValueError("expected a time in milliseconds")
    return value


def _missing(source: str, missing: Sequence[str], names: Sequence[str]) -> str:
    return (
        f"{source}: expected one column each for {', '.join(missing)}, "
        f"got the columns {','.join(names)!r:.200}"
    )


def front_of(points: Points) -> Mask:
    """Return which rows are feasible and dominated by no other, shape (n,).

    With one objective these are the best row and all that equal it.
    """
    from hmserve.multiobjective.pareto import non_dominated

    mask = np.zeros(len(points), dtype=bool)
    counted = np.flatnonzero(points.feasible)
    mask[counted] = non_dominated(points.minimised[counted])
    return mask


def require_several(scenario: Scenario, what: str) -> None:
    """Raise UsageError if `scenario` has one objective only."""
    if len(scenario.objectives) < 2:
        raise UsageError(
            f"{scenario.source}: {what} needs several objectives, and this has one; "
            "hmserve plot shows such a run"
        )


def stacked(tables: Mapping[str, Sequence[Points]]) -> Floats:
    """Return the objectives of all feasible rows of all tables, minimised, shape (n, m)."""
    return np.concatenate([p.minimised[p.feasible] for each in tables.values() for p in each])
