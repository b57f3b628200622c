"""Values to CSV fields and back.

Requests are written without quotes: a name or label that would need them is refused with the
scenario. Replies are read with all the tolerance docs/protocol.md promises.

What is raised here is ValueError, in words that continue "row 2 of 3 of the reply: ".
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

from hmserve.cells import FeasibilityWords, parse_objective
from hmserve.fidelity.options import FidelityOptions
from hmserve.protocol.fidelities import read_fidelity
from hmserve.space.parameters import Parameter, Value, format_number
from hmserve.space.permutation import Permutation
from hmserve.space.space import Configuration, Space
from hmserve.trial import Evaluation, Limits, Trial, within

_QUOTED_CHARACTERS: Final = 200
_FIELD: Final = re.compile(r"(\s*\([0-9,\s]*\)\s*(?=,|$)|[^,]*)(,|$)")
"""A field that may be a permutation, which has commas of its own; with the comma behind it."""


Inward: TypeAlias = Callable[[str, float | None], float | None]


class FeasibilityColumn(Protocol):
    """What the codec needs to know of the scenario's feasibility column."""

    @property
    def name(self) -> str:
        """Name of the column."""

    @property
    def true_value(self) -> str:
        """The word for feasible."""

    @property
    def false_value(self) -> str:
        """The word for infeasible."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns of one reply are.

    Args:
        width: How many fields a row has.
        inputs: The parameters that have a column, with its index, in scenario order.
        complete: Whether every parameter has one.
        measured: Index by name of the objectives and the constraints, in scenario order.
        feasibility: Index of the feasibility column; None where the scenario has none.
        fidelity: Index of the fidelity; None if there is none.
    """

    width: int
    inputs: tuple[tuple[Parameter, int], ...]
    complete: bool
    measured: Mapping[str, int]
    feasibility: int | None
    fidelity: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One understood row; `inputs` holds the parameters the reply has columns for.

    `fidelity` is how far the evaluation went, None if the row does not say.
    """

    inputs: Configuration
    objectives: Mapping[str, float]
    feasible: bool
    constraints: Mapping[str, float] = field(default_factory=dict)
    fidelity: float | None = None


class Codec:
    """Reads and writes the rows of one scenario.

    Args:
        space: The parameters, in the order of the columns of a request.
        objectives: Names of the objectives.
        feasibility: The feasibility column; None where the scenario has none.
        inward: From an objective's name and its measured value to the value as it is
            minimised, or None if it counts as a failure.
        limits: The measured constraints.
        fidelity: How far evaluations go; None where all are full.

    Attributes:
        names: The columns of a request.
        columns: Those of a reply that are read.
        outputs: Those of them that were measured.
    """

    def __init__(
        self,
        space: Space,
        objectives: Sequence[str],
        feasibility: FeasibilityColumn | None = None,
        inward: Inward | None = None,
        limits: Mapping[str, Limits] = MappingProxyType({}),
        fidelity: FidelityOptions | None = None,
    ) -> None:
        self.space = space
        self.objectives = tuple(objectives)
        self.feasibility = feasibility
        self.fidelity = fidelity
        self._inward = inward or _unchanged
        self._orders = any(isinstance(p, Permutation) for p in space.parameters)
        self._limits = limits
        self._measured = (*self.objectives, *limits)
        reached = () if fidelity is None else (fidelity.name,)
        self.outputs = (*self._measured, *(() if feasibility is None else (feasibility.name,)))
        self.names = (*space.names, *(fidelity.columns if fidelity else ()))
        self.columns = (*space.names, *reached, *self.outputs)
        self._words: FeasibilityWords | None = None
        if feasibility is not None:
            self._words = FeasibilityWords(feasibility.true_value, feasibility.false_value)

    def request(self, trials: Sequence[Trial]) -> str:
        """Return a whole request: its first line, the header, one row a trial."""
        head = [f"Request {len(trials)}", ",".join(self.names)]
        return "\n".join([*head, *map(self.inputs, trials), ""])

    def inputs(self, trial: Trial) -> str:
        """Return the fields of `trial`, as in a request: what to evaluate, and how far."""
        values = trial.configuration
        fields = [input_field(p, values[p.name]) for p in self.space.parameters]
        return ",".join([*fields, *settings_fields(self.fidelity, trial)])

    def best(self, best: Evaluation | None) -> str:
        """Return the block that tells the best point; empty where there is none to tell.

        Args:
            best: Its objectives as the peer sees them.
        """
        if best is None or not best.objectives:
            return ""
        if len(self.objectives) > 1:
            return "\nMultiple objectives, there is no single best point.\n"
        header = ",".join([*self.names, *self.objectives])
        value = format_number(best.objectives[self.objectives[0]])
        return f"Best point found:\n{header}\n{self.inputs(best.trial)},{value}\n\n"

    def expected(self, best: Evaluation | None) -> str:
        """Return the block that tells where the model expects the best; empty for None."""
        if best is None:
            return ""
        header = ",".join([*self.names, *best.objectives])
        values = ",".join(format_number(value) for value in best.objectives.values())
        inputs = self.inputs(best.trial)
        return f"Minimum of the posterior mean:\n{header}\n{inputs},{values}\n\n"

    def layout(self, names: Sequence[str], *, echoed: bool = False) -> Layout:
        """Find the columns in the header of a reply.

        Args:
            names: What the header says.
            echoed: Whether the fidelity, if there is one, has to have a column.

        Raises:
            ValueError: A needed column is missing, or one is nearly the name of an input.
        """
        width = len(names)
        while width and not names[width - 1]:
            width -= 1
        # Backwards, so that of two columns with one name the first stays.
        index = {names[i]: i for i in reversed(range(width))}
        self._check_names(index, echoed)
        inputs = tuple((p, index[p.name]) for p in self.space.parameters if p.name in index)
        return Layout(
            width=width,
            inputs=inputs,
            complete=len(inputs) == self.space.dimension,
            measured={name: index[name] for name in self._measured},
            feasibility=None if self.feasibility is None else index[self.feasibility.name],
            fidelity=None if self.fidelity is None else index.get(self.fidelity.name),
        )

    def row(self, layout: Layout, fields: Sequence[str]) -> Row:
        """Read one row.

        Raises:
            ValueError: It has too few or too many fields, or one cannot be understood.
        """
        _check_width(layout.width, fields)
        inputs = self._parse_inputs(layout, fields)
        values = self._values({n: fields[i] for n, i in layout.measured.items()})
        feasible = bool(values)
        # A crashed evaluation has nothing to say about feasibility.
        if feasible and layout.feasibility is not None:
            feasible = self._is_feasible(fields[layout.feasibility])
        constraints = {name: values.pop(name) for name in self._limits if values}
        reached = None
        if self.fidelity is not None and layout.fidelity is not None:
            reached = read_fidelity(self.fidelity, fields[layout.fidelity])
        feasible = feasible and within(constraints, self._limits)
        return Row(inputs, values, feasible, constraints, reached)

    def sole(self, value: float) -> dict[str, float]:
        """Return the objective, measured as `value`; nothing if that counts as a failure."""
        (name,) = self.objectives
        found = self._inward(name, value)
        return {} if found is None else {name: found}

    def split(self, line: str) -> list[str]:
        """Return the fields of a line; the commas within permutations part nothing.

        Raises:
            ValueError: The quotes in it make no sense.
        """
        if self._orders and "(" in line and '"' not in line:
            return [field.strip() for field in _permuted(line)]
        return split(line)

    def _parse_inputs(self, layout: Layout, fields: Sequence[str]) -> dict[str, Value]:
        """Read the inputs; what is inactive has no value, whatever its field says."""
        texts = {p.name: fields[i] for p, i in layout.inputs}
        conditions = self.space.conditions
        values: dict[str, Value] = {
            p.name: _parse_input(p, texts[p.name])
            for p, _ in layout.inputs
            if p.name not in conditions.of
        }
        for name, condition in conditions.of.items():
            if name not in texts:
                continue
            known = condition.keys() <= values.keys()
            active = conditions.is_active(name, values) if known else bool(texts[name])
            if not active:
                values[name] = None
            else:
                values[name] = _parse_input(self._parameter(name), texts[name])
        return values

    def _parameter(self, name: str) -> Parameter:
        return self.space.parameters[self.space.names.index(name)]

    def _check_names(self, index: Mapping[str, int], echoed: bool) -> None:
        if not any(name in index for name in self.columns):
            raise ValueError(f"expected the column names {shown(self.columns)} in any order")
        # An input column may be left out, but a misspelt one was not meant to be.
        unknown = [name for name in index if name not in self.columns]
        folded = {name.casefold(): name for name in unknown}
        for name in self.columns:
            if name in index:
                continue
            if name in self.outputs or (echoed and name not in self.space.names):
                raise ValueError(
                    f"column {quoted(name)} is missing{_did_you_mean(name, unknown)}; "
                    f"expected {shown(self.columns)} in any order{self._advice(name)}"
                )
            if name.casefold() in folded:
                raise ValueError(
                    f"column {quoted(folded[name.casefold()])} is not input {quoted(name)}: "
                    "write it exactly so, or leave it out"
                )

    def _advice(self, name: str) -> str:
        if name in self.outputs:
            return ""
        return ', or "assume_requested": true in the scenario: each went as far as was asked'

    def _values(self, texts: Mapping[str, str]) -> dict[str, float]:
        """Return everything measured, or nothing if some of it has failed."""
        values = {name: _objective(name, text) for name, text in texts.items()}
        inward = {name: self._inward(name, value) for name, value in values.items()}
        finite = {name: value for name, value in inward.items() if value is not None}
        return finite if len(finite) == len(values) else {}

    def _is_feasible(self, text: str) -> bool:
        assert self.feasibility is not None
        assert self._words is not None
        try:
            return self._words.read(text)
        except ValueError as error:
            raise ValueError(f"{self.feasibility.name}: {error}, came {quoted(text)}") from None


def _unchanged(name: str, value: float | None) -> float | None:
    del name
    return value


def input_field(parameter: Parameter, value: Value) -> str:
    """Return the field of `value`; an inactive parameter has an empty one."""
    return "" if value is None else parameter.format(value)


def settings_fields(fidelity: FidelityOptions | None, trial: Trial) -> list[str]:
    """Return the fields that say how far `trial` is to go, and what it goes on from."""
    told = () if fidelity is None else fidelity.settings(trial).values()
    return ["" if value is None else format_number(value) for value in told]


def quoted(text: str) -> str:
    """Return `text` in quotes, cut, and without a character that disturbs a terminal."""
    cut = text[:_QUOTED_CHARACTERS]
    return repr(cut) if cut == text else f"{cut!r}..."


def shown(names: Sequence[str]) -> str:
    """Return `names` as a header line, cut."""
    line = ",".join(names)
    return line if len(line) <= _QUOTED_CHARACTERS else f"{line[:_QUOTED_CHARACTERS]}..."


def _permuted(line: str) -> Iterator[str]:
    """Yield the fields of a line without quotes in which some may be permutations."""
    place, comma = 0, ","
    while comma:
        match = _FIELD.match(line, place)
        assert match is not None
        field, comma = match.groups()
        place = match.end()
        yield field


def split(line: str) -> list[str]:
    """Return the fields of a CSV line without the blanks around them.

    Raises:
        ValueError: The quotes in it make no sense.
    """
    fields = line.split(",")
    if '"' in line:
        import csv

        try:
            fields = next(csv.reader([line.strip()], skipinitialspace=True))
        except csv.Error:
            raise ValueError("not a line of CSV: its quotes make no sense") from None
    return [field.strip() for field in fields]


def _objective(name: str, text: str) -> float | None:
    try:
        return parse_objective(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}, came {quoted(text)}") from None


def _parse_input(parameter: Parameter, text: str) -> Value:
    if len(text) > _QUOTED_CHARACTERS and not parameter.categorical:
        raise ValueError(f"{parameter.name}: {quoted(text)} is no number")
    try:
        return parameter.parse(text)
    except ValueError as error:
        if len(str(error)) > 2 * _QUOTED_CHARACTERS:
            raise ValueError(
                f"{parameter.name}: {quoted(text)} is none of its values"
            ) from None
        raise


def _check_width(width: int, fields: Sequence[str]) -> None:
    if len(fields) < width:
        raise ValueError(f"expected {width} fields, came {len(fields)}")
    if any(fields[width:]):
        raise ValueError(
            f"expected {width} fields, came {len(fields)} "
            "(if numbers have a decimal comma: they need a point)"
        )


def _did_you_mean(name: str, candidates: Sequence[str]) -> str:
    import difflib

    folded = {c.casefold(): c for c in candidates[:1000] if len(c) <= _QUOTED_CHARACTERS}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f" (is it {quoted(folded[near[0]])}?)" if near else ""
