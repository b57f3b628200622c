"""Spaces of ConfigSpace, as its JSON has them: versions 0.x and 1.x."""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hmserve.conversion.draft import Draft
from hmserve.conversion.foreign import ForeignSpace
from hmserve.conversion.logic import compare, conjunction, disjunction
from hmserve.conversion.shapes import (
    MOST_LEVELS,
    Shape,
    ShapeError,
    beta_weights,
    levels,
    span,
    steps,
)
from hmserve.conversion.sources import fault, is_number, show
from hmserve.document import show_path
from hmserve.errors import UsageError

FORM: Final = "configspace"

_KNOTS: Final = 33
_WIDTH: Final = 4
"""Standard deviations on either side of a normal without bounds."""

_SIGNS: Final[Mapping[str, type[ast.cmpop]]] = {
    "EQ": ast.Eq,
    "EQUALS": ast.Eq,
    "EQUAL": ast.Eq,
    "NEQ": ast.NotEq,
    "LT": ast.Lt,
    "LESS": ast.Lt,
    "LE": ast.LtE,
    "GT": ast.Gt,
    "GREATER": ast.Gt,
    "GE": ast.GtE,
}
_ORDERS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def read_configspace(tree: Any, source: str) -> ForeignSpace:
    """Return the space that a serialised ConfigurationSpace describes.

    Args:
        tree: What the JSON says.
        source: What messages call it.

    Raises:
        UsageError: It is none.
    """
    draft = Draft(source, FORM)
    found = tree.get("hyperparameters") if isinstance(tree, dict) else None
    if not isinstance(found, list):
        raise fault(source, 'a list as "hyperparameters"', found)
    sequences: dict[str, Sequence[Any]] = {}
    for index, entry in enumerate(found):
        place = _place(source, "hyperparameters", index)
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise fault(place, 'a hyperparameter with "name" and "type"', entry)
        draft.add(entry["name"], lambda e=entry, p=place: _shape(e, p), place)  # type: ignore[misc]
        if entry["type"] == "ordinal":
            sequences[entry["name"]] = entry["sequence"]
            _note_order(entry, place, draft)
    _Clauses(draft, sequences).read(tree)
    return draft.finish()


def _place(source: str, *path: str | int) -> str:
    return f"{source}: {show_path(path)}"


def _needed(entry: Mapping[str, Any], key: str, place: str) -> Any:
    if key not in entry:
        raise fault(place, f'the key "{key}"', entry)
    return entry[key]


def _shape(entry: Mapping[str, Any], place: str) -> Shape:
    kind = entry.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise fault(place, f'as "type" one of {", ".join(_READERS)}', kind)
    return reader(entry, place)


def _default(entry: Mapping[str, Any]) -> Any:
    return entry.get("default_value", entry.get("default"))


def _is_integer(entry: Mapping[str, Any]) -> bool:
    return str(entry["type"]).endswith("_int")


def _uniform(entry: Mapping[str, Any], place: str) -> Shape:
    low, high = (_needed(entry, key, place) for key in ("lower", "upper"))
    log, default = bool(entry.get("log")), _default(entry)
    integer = _is_integer(entry)
    if entry.get("q") is not None:
        return steps(low, high, entry["q"], integer=integer, log=log, default=default)
    return span(low, high, integer=integer, log=log, default=default)


def _normal(entry: Mapping[str, Any], place: str) -> Shape:
    mean, deviation = (_needed(entry, key, place) for key in ("mu", "sigma"))
    if not is_number(mean) or not is_number(deviation) or deviation <= 0:
        raise fault(place, "two numbers as mu and sigma", [mean, deviation])
    ends: list[Any] = [entry.get("lower"), entry.get("upper")]
    if None in ends and entry.get("log"):
        raise ShapeError(
            "a logarithmic normal without bounds has no range; give it lower and upper"
        )
    notes = []
    if None in ends:
        ends = [mean - _WIDTH * deviation, mean + _WIDTH * deviation]
        ends = list(map(round, ends)) if _is_integer(entry) else ends
        notes = [f"has bounds here, {_WIDTH} standard deviations from the mean: {ends}"]
    shape = _uniform({**entry, "lower": ends[0], "upper": ends[1]}, place).noted(*notes)
    if entry.get("log"):
        return shape.noted("is uniform on its logarithmic scale here, not normal")
    if not ends[0] <= mean <= ends[1] or not _is_range(shape):
        return shape.noted("is uniform here, not normal")
    return shape.with_keys(prior="gaussian", prior_parameters=[float(mean), float(deviation)])


def _is_range(shape: Shape) -> bool:
    return shape.entry["parameter_type"] in {"real", "integer"}


def _beta(entry: Mapping[str, Any], place: str) -> Shape:
    alpha, beta = (_needed(entry, key, place) for key in ("alpha", "beta"))
    if not all(is_number(n) and n > 0 for n in (alpha, beta)):
        raise fault(place, "two positive numbers as alpha and beta", [alpha, beta])
    shape = _uniform(entry, place)
    kind, values = shape.entry["parameter_type"], shape.entry["values"]
    count = _KNOTS if kind == "real" else values[-1] - values[0] + 1
    if entry.get("log") or not _is_range(shape) or count > MOST_LEVELS:
        return shape.noted("is uniform here, not distributed as Beta")
    return shape.with_keys(prior=beta_weights(alpha, beta, int(count)))


def _categorical(entry: Mapping[str, Any], place: str) -> Shape:
    choices = _needed(entry, "choices", place)
    if not isinstance(choices, list | tuple):
        raise fault(place, 'a list as "choices"', choices)
    shape = levels(choices, _default(entry))
    if shape.numeric and len(choices) > 1:
        shape = shape.noted("is an ordinal here, since its choices are numbers")
    weights = entry.get("weights") or entry.get("probabilities")
    if not weights or len(set(weights)) == 1 or len(shape.pairs) < 2:
        return shape
    if len(weights) != len(shape.pairs) or not all(is_number(w) and w >= 0 for w in weights):
        raise fault(place, "a weight of each choice", weights)
    by_place = {repr(choice): weight for choice, weight in zip(choices, weights, strict=True)}
    ordered = [float(by_place[repr(theirs)]) for theirs, _ in shape.pairs]
    return shape.with_keys(prior=[weight / sum(ordered) for weight in ordered])


def _ordinal(entry: Mapping[str, Any], place: str) -> Shape:
    sequence = _needed(entry, "sequence", place)
    if not isinstance(sequence, list | tuple):
        raise fault(place, 'a list as "sequence"', sequence)
    return levels(sequence, _default(entry))


def _note_order(entry: Mapping[str, Any], place: str, draft: Draft) -> None:
    if draft.entry(entry["name"])["parameter_type"] == "categorical":
        draft.note(place, f"{entry['name']} has no order here: an ordinal has numbers.")


def _constant(entry: Mapping[str, Any], place: str) -> Shape:
    return levels([_needed(entry, "value", place)])


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any], str], Shape]]] = {
    "uniform_float": _uniform,
    "uniform_int": _uniform,
    "normal_float": _normal,
    "normal_int": _normal,
    "beta_float": _beta,
    "beta_int": _beta,
    "categorical": _categorical,
    "ordinal": _ordinal,
    "constant": _constant,
    "unparametrized": _constant,
}


class _Clauses:
    """Reads conditions and forbidden clauses."""

    def __init__(self, draft: Draft, sequences: Mapping[str, Sequence[Any]]) -> None:
        self._draft = draft
        self._sequences = sequences

    def read(self, tree: Mapping[str, Any]) -> None:
        """Read all of a space."""
        for key in ("conditions", "forbiddens"):
            items = tree.get(key) or []
            if not isinstance(items, list):
                raise fault(self._draft.source, f'a list as "{key}"', items)
            for index, item in enumerate(items):
                place = _place(self._draft.source, key, index)
                try:
                    found = self._clause(item, place)
                except RecursionError:
                    raise UsageError(f"{place}: nested too deep") from None
                shown = ast.unparse(ast.fix_missing_locations(ast.Expression(found)))
                if key == "forbiddens":
                    self._draft.forbid(found, place, shown)
                else:
                    self._draft.condition(item.get("child"), found, place, shown)

    def _clause(self, item: Any, place: str) -> ast.expr:
        kind = item.get("type") if isinstance(item, dict) else None
        if not isinstance(kind, str):
            raise fault(place, 'a condition or clause with "type"', item)
        if kind in {"AND", "OR"}:
            parts = item.get("conditions") or item.get("clauses")
            if not isinstance(parts, list):
                raise fault(place, f"conditions or clauses of {kind}", item)
            found = [self._clause(part, place) for part in parts]
            return (conjunction if kind == "AND" else disjunction)(found)
        if kind.startswith("RELATION"):
            return self._relation(item, kind, place)
        name = item.get("parent", item.get("name"))
        if not isinstance(name, str) or not self._draft.knows(name):
            raise fault(place, "a hyperparameter of the space", name)
        if kind == "IN":
            return compare(name, ast.In(), list(_needed(item, "values", place)))
        sign = _SIGNS.get(kind.removeprefix("CLAUSE_"))
        if sign is None:
            raise fault(place, "EQ, NEQ, IN, LT, GT, AND or OR", kind)
        return self.comparison(name, sign, _needed(item, "value", place), place)

    def _relation(self, item: Mapping[str, Any], kind: str, place: str) -> ast.expr:
        """Read a clause over two hyperparameters, which are numbers."""
        called = kind.removeprefix("RELATION").removeprefix("_") or str(item.get("lambda"))
        sign = _SIGNS.get(called)
        sides = item.get("left"), item.get("right")
        if sign is None or not all(isinstance(s, str) and self._draft.knows(s) for s in sides):
            raise fault(place, "a relation of two hyperparameters", item)
        return ast.Compare(ast.Name(str(sides[0])), [sign()], [ast.Name(str(sides[1]))])

    def comparison(self, name: str, sign: type[ast.cmpop], value: Any, place: str) -> ast.expr:
        """Return a comparison; of an ordinal by the order of its sequence."""
        sequence = list(self._sequences.get(name, ()))
        if sign not in _ORDERS or not sequence:
            return compare(name, sign(), value)
        if value not in sequence:
            raise fault(place, f"a value of {show(name)}", value)
        at = sequence.index(value)
        chosen = [v for i, v in enumerate(sequence) if _ORDERS[sign](i, at)]
        return compare(name, ast.In(), chosen)
