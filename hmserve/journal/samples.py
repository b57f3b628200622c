"""Results from a file: HyperMapper's samples files, old or new, and tables like them.

Columns are found by name, in any order; others are passed over. LF or CRLF, a byte order
mark, blank lines and gzip are all fine. A cell that cannot be understood is an error, and
every one is reported, because a row read wrongly misleads the whole search.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hmserve.cells import FeasibilityWords, parse_float, parse_objective
from hmserve.errors import ScenarioError
from hmserve.journal.csvfile import read_lines
from hmserve.scenario import Scenario
from hmserve.space.parameters import Parameter, Value
from hmserve.trial import OUTSIDE, Evaluation, Trial, within

_SHOWN: Final = 20


def read_samples(path: str, scenario: Scenario, strict: bool = True) -> list[Evaluation]:
    """Return the rows of the table at `path`, in order, as results nobody asked for.

    A row is a failed evaluation if an objective or a measured constraint is empty, ``nan``,
    infinite, ``NA``, ``None`` or ``null``.

    Args:
        path: A CSV file.
        scenario: Names the columns.
        strict: Whether a row outside the space is an error; else it is passed over.

    Raises:
        ScenarioError: The file cannot be read, lacks a column, or has bad cells: all named.
    """
    lines = read_lines(path)
    _, names = next(lines, (0, []))
    columns = _Columns(path, [name.strip() for name in names], scenario, strict)
    evaluations = [columns.evaluation(number, cells) for number, cells in lines]
    if columns.complaints:
        found = columns.complaints
        more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        raise ScenarioError("\n".join([*found[:_SHOWN], *more]))
    return [evaluation for evaluation in evaluations if evaluation is not None]


@dataclass
class _Columns:
    """Reads cells by the names in the header, and collects complaints."""

    path: str
    names: Sequence[str]
    scenario: Scenario
    strict: bool = True

    def __post_init__(self) -> None:
        self.complaints: list[str] = []
        # Parents before their children.
        self.turn = {name: i for i, name in enumerate(self.scenario.space.conditions.of, 1)}
        feasibility = self.scenario.feasibility
        if feasibility:
            self.words = FeasibilityWords(feasibility.true_value, feasibility.false_value)
        self.measured = (*self.scenario.objectives, *self.scenario.output_constraints)
        needed = [*self.scenario.space.names, *self.measured]
        needed += [feasibility.name] if feasibility else []
        missing = [name for name in needed if self.names.count(name) != 1]
        if missing:
            raise ScenarioError(
                f"{self.path}: expected one column each for {', '.join(needed)}; "
                f"{', '.join(missing)} missing or repeated in: {_cut(','.join(self.names))}"
            )
        # A table of full evaluations need not say so.
        self.fidelity = self.scenario.fidelity
        if self.fidelity and self.names.count(self.fidelity.name) == 1:
            needed.append(self.fidelity.name)
        self.place = {name: self.names.index(name) for name in needed}

    def evaluation(self, number: int, cells: Sequence[str]) -> Evaluation | None:
        """Return the result in line `number`, or None and a complaint."""
        before = len(self.complaints)
        if len(cells) < len(self.names) or any(cells[len(self.names) :]):
            hint = " (numbers with a decimal comma?)" if len(cells) > len(self.names) else ""
            self.complaints.append(
                f"{self.path}, line {number}: {len(cells)} fields under a header of "
                f"{len(self.names)}{hint}"
            )
            return None
        configuration = self._configuration(number, cells)
        if not self.strict and self.scenario.space.fault(configuration) is not None:
            del self.complaints[before:]
            return None
        cell = {name: cells[self.place[name]] for name in self.measured}
        values = {name: self._measured(number, name, cell[name]) for name in cell}
        found = {name: value for name, value in values.items() if value is not None}
        whole = len(found) == len(values)
        feasible = whole and self._feasible(number, cells)
        trial = Trial(OUTSIDE, configuration, self._fidelity(number, cells))
        if len(self.complaints) > before:
            return None
        limits = self.scenario.output_constraints
        if not whole:
            return Evaluation(trial, feasible=False)
        constraints = {name: found.pop(name) for name in limits}
        return Evaluation(trial, found, feasible and within(constraints, limits), constraints)

    def _fidelity(self, number: int, cells: Sequence[str]) -> float | None:
        """Return how far the evaluation went; None for a full one."""
        fidelity = self.fidelity
        if fidelity is None or fidelity.name not in self.place:
            return None
        cell = cells[self.place[fidelity.name]]
        if not cell:
            return None
        value = parse_float(cell)
        if value is None or not fidelity.allows(value):
            expected = f"expected a number above 0, at most {fidelity.max:g}"
            self._complain(number, fidelity.name, f"{expected}, not {cell!r}")
        return value

    def _configuration(self, number: int, cells: Sequence[str]) -> dict[str, Value]:
        """Return the inputs; what is inactive has no value, whatever its cell says."""
        space = self.scenario.space
        texts = {p.name: cells[self.place[p.name]] for p in space.parameters}
        values: dict[str, Value] = {
            p.name: self._input(number, p, texts[p.name])
            for p in space.parameters
            if p.name not in space.conditions.of
        }
        for p in sorted(space.parameters, key=lambda p: self.turn.get(p.name, 0)):
            if p.name in values:
                continue
            active = space.conditions.is_active(p.name, values)
            values[p.name] = self._input(number, p, texts[p.name]) if active else None
        return {name: values[name] for name in space.names}

    def _complain(self, number: int, name: str, what: str) -> None:
        self.complaints.append(f"{self.path}, line {number}, column {name}: {_cut(what)}")

    def _input(self, number: int, parameter: Parameter, cell: str) -> Value:
        try:
            value = parameter.parse(cell)
        except ValueError as error:
            self._complain(number, parameter.name, str(error))
            return cell
        if not parameter.contains(value):
            self._complain(number, parameter.name, f"{cell!r} lies outside the search space")
        return value

    def _measured(self, number: int, name: str, cell: str) -> float | None:
        try:
            value = parse_objective(cell)
        except ValueError as error:
            self._complain(number, name, f"{error}, not {cell!r}")
            return None
        return self.scenario.inward(name, value)

    def _feasible(self, number: int, cells: Sequence[str]) -> bool:
        feasibility = self.scenario.feasibility
        if feasibility is None:
            return True
        cell = cells[self.place[feasibility.name]]
        try:
            return self.words.read(cell)
        except ValueError as error:
            self._complain(number, feasibility.name, f"{error}, not {cell!r}")
            return False


def _cut(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."
