"""A space of another tool while it is read: parameters, then what ties them together."""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hmserve.constraints.expression import compile_expression
from hmserve.constraints.symbols import ExpressionError, symbol_of
from hmserve.constraints.symbols import Symbol as ExpressionSymbol
from hmserve.conversion.activity import Activity
from hmserve.conversion.foreign import ForeignSpace
from hmserve.conversion.logic import alternatives, conjunction, negation
from hmserve.conversion.shapes import Shape, ShapeError, label_of
from hmserve.conversion.sources import show
from hmserve.conversion.translation import Symbol, Translator, Untranslatable
from hmserve.document import Findings, quote
from hmserve.domains import read_parameter
from hmserve.errors import UsageError
from hmserve.space.conditions import Conditions
from hmserve.space.parameters import Parameter

_ODD: Final = re.compile(r"[^0-9A-Za-z_-]")


@dataclass(frozen=True, slots=True)
class _Taken:
    """A parameter that was taken over, with its name and place in the source."""

    theirs: str
    place: str
    symbol: Symbol
    entry: dict[str, Any]
    parameter: Parameter


@dataclass(frozen=True, slots=True)
class _Rule:
    """A condition of a parameter, or a constraint, in the words of the source."""

    place: str
    tree: ast.expr
    shown: str


class Draft:
    """Collects what a source says; `finish` makes a space of it.

    Args:
        source: What messages call the source.
        form: The tool that it is of.
    """

    def __init__(self, source: str, form: str) -> None:
        self.source = source
        self.form = form
        self.constants: dict[str, Any] = {}
        self.as_text: Callable[[Any], Any] | None = None
        self._taken: dict[str, _Taken] = {}
        self._conditions: dict[str, list[_Rule]] = {}
        self._constraints: list[tuple[_Rule, bool]] = []
        self._objectives: list[tuple[str, bool, str]] = []
        self._notes: list[str] = []

    def note(self, place: str, sentence: str) -> None:
        """Say what is not as it was at `place`."""
        text = f"{place}: {sentence}"
        if text not in self._notes:
            self._notes.append(text)

    def add(self, name: str, make: Callable[[], Shape], place: str) -> None:
        """Take over a parameter.

        Args:
            name: What it is called in the source.
            make: Makes its shape.
            place: Where it stands.

        Raises:
            UsageError: It cannot be one here.
        """
        ours = _ODD.sub("_", name)
        if not ours:
            raise UsageError(f"{place}: expected the name of a parameter, got {quote(name)}")
        for other in self._taken.values():
            if other.symbol.name == ours:
                same = f"{show(other.theirs)} of {other.place} and {show(name)}"
                raise UsageError(f"{place}: {same} are both {ours!r} here; rename one of them")
        try:
            shape = make()
        except ShapeError as error:
            raise UsageError(f"{place}: {name}: {error}") from None
        parameter = _parameter(ours, shape, place)
        symbol = Symbol(ours, shape.pairs, shape.numeric)
        self._taken[name] = _Taken(name, place, symbol, dict(shape.entry), parameter)
        if ours != name:
            self.note(place, f"{name} is called {ours} here.")
        for sentence in shape.notes:
            self.note(place, f"{name} {sentence}.")

    def knows(self, name: str) -> bool:
        """Whether there is a parameter that the source calls `name`."""
        return name in self._taken

    def entry(self, name: str) -> Mapping[str, Any]:
        """Return the entry of a parameter that the source calls `name`."""
        return self._taken[name].entry

    def name_of(self, name: str) -> str:
        """Return what a parameter is called here."""
        return self._taken[name].symbol.name

    def condition(self, name: str, tree: ast.expr, place: str, shown: str) -> None:
        """Say that a parameter matters only while `tree` holds; several must all hold."""
        if name not in self._taken:
            raise UsageError(
                f"{place}: the condition is of {quote(name)}, which is no parameter"
            )
        self._conditions.setdefault(name, []).append(_Rule(place, tree, shown))

    def demand(self, tree: ast.expr, place: str, shown: str) -> None:
        """Say that `tree` holds in every configuration."""
        self._constraints.append((_Rule(place, tree, shown), False))

    def forbid(self, tree: ast.expr, place: str, shown: str) -> None:
        """Say that `tree` holds in no configuration of which the parameters are active."""
        self._constraints.append((_Rule(place, tree, shown), True))

    def objective(self, name: str, *, maximise: bool, place: str) -> None:
        """Name an objective."""
        self._objectives.append((name, maximise, place))

    def finish(self) -> ForeignSpace:
        """Return the space, of which a scenario can be made.

        Raises:
            UsageError: It has no parameters, or conditions that go round in a circle.
        """
        if not self._taken:
            raise UsageError(f"{self.source}: expected parameters, got none")
        conditions = self._activity()
        constraints = self._constraint_texts()
        objectives = self._objective_entries()
        parameters = {
            taken.symbol.name: {**taken.entry, **conditions.get(name, {})}
            for name, taken in self._taken.items()
        }
        return ForeignSpace(parameters, constraints, objectives, tuple(self._notes), self.form)

    def _translator(self) -> Translator:
        symbols = {name: taken.symbol for name, taken in self._taken.items()}
        rest = {} if self.as_text is None else {"as_text": self.as_text}
        return Translator(symbols, self.constants, **rest)

    def _activity(self) -> dict[str, dict[str, Any]]:
        parameters = {name: taken.parameter for name, taken in self._taken.items()}
        activity = Activity(self._translator(), parameters, frozenset(self._conditions))
        found: dict[str, dict[str, Any]] = {}
        for name, rules in self._conditions.items():
            condition, left = activity.table(conjunction([rule.tree for rule in rules]))
            if condition:
                found[name] = {"condition": condition}
            shown = " and ".join(dict.fromkeys(rule.shown for rule in rules))
            for why in left:
                sentence = f"{name} matters here more often than where {show(shown)}: {why}."
                self.note(rules[0].place, sentence)
        try:
            Conditions(
                {self.name_of(name): entry["condition"] for name, entry in found.items()}
            )
        except ValueError as error:
            raise UsageError(f"{self.source}: {error}") from None
        return found

    def _constraint_texts(self) -> tuple[str, ...]:
        symbols = {t.symbol.name: symbol_of(t.parameter) for t in self._taken.values()}
        translator = self._translator()
        found: dict[str, None] = {}
        for rule, forbidden in self._constraints:
            for tree in _demands(rule.tree) if forbidden else [rule.tree]:
                text, why = _text(translator, tree, symbols)
                if text is not None:
                    found[text] = None
                if why is not None:
                    what = "forbids" if forbidden else "demands"
                    sentence = f"nothing here {what} {show(rule.shown)}: {why}."
                    self.note(rule.place, sentence)
        return tuple(found)

    def _objective_entries(self) -> tuple[str | dict[str, str], ...]:
        columns = {taken.symbol.name for taken in self._taken.values()}
        found: list[str | dict[str, str]] = []
        for theirs, maximise, place in self._objectives:
            name = label_of(theirs)
            while name in columns:
                name += "_"
            if name != theirs:
                self.note(place, f"the objective {show(theirs)} is called {name} here.")
            columns.add(name)
            found.append({"name": name, "goal": "maximize"} if maximise else name)
        return tuple(found)


def _text(
    translator: Translator, tree: ast.expr, symbols: Mapping[str, ExpressionSymbol]
) -> tuple[str | None, str | None]:
    """Return a constraint, if one is needed, and why there is none that can be written."""
    try:
        text = translator.text(tree)
        if text is not None:
            compile_expression(text, symbols)
    except (Untranslatable, ExpressionError) as error:
        return None, str(error)
    return text, None


def _demands(tree: ast.expr) -> list[ast.expr]:
    """Return the conditions that hold where `tree` does not, one for each alternative.

    A constraint holds where one of its parameters is inactive: alternatives have different
    parameters, so each needs a constraint of its own.
    """
    found = alternatives(tree)
    return [negation(tree)] if found is None else [negation(conjunction(p)) for p in found]


def _parameter(name: str, shape: Shape, place: str) -> Parameter:
    findings = Findings()
    parameter = read_parameter(name, shape.entry, findings)
    if parameter is None or findings.problems:
        problem = findings.problems[0].message
        raise UsageError(f"{place}: {name}: {problem}")
    return parameter
