"""Ranges and lists of values, as entries of `input_parameters`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from hmserve.conversion.sources import is_number, show
from hmserve.domains import LARGEST_INTEGER, field_fault
from hmserve.space.parameters import Value

MOST_LEVELS: Final = 1000
"""Steps of a range that are listed one by one."""

_FURTHEST: Final = 1e300


class ShapeError(ValueError):
    """Values that no parameter can have; the message says why."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a parameter may be.

    Args:
        entry: Its entry, without a condition.
        pairs: Each value of the source with the one here; none of a range.
        notes: What is not as it was, a sentence each that begins with a verb.
        numeric: Whether the source reckons with its values as numbers.
    """

    entry: Mapping[str, Any]
    pairs: tuple[tuple[Any, Value], ...] = ()
    notes: tuple[str, ...] = ()
    numeric: bool = True

    def noted(self, *notes: str) -> "Shape":
        """Return it with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def with_keys(self, **keys: Any) -> "Shape":
        """Return it with more keys in its entry."""
        return replace(self, entry={**self.entry, **keys})


def levels(values: Sequence[Any], default: Any = None) -> Shape:
    """Return a list of values: an ordinal if all are numbers, else a categorical.

    Args:
        values: Numbers, texts, truth values, None, or anything that can be shown as text.
        default: The one to try first, if any.

    Raises:
        ShapeError: There are none, or two that cannot be told apart here.
    """
    distinct = _distinct(values)
    if not distinct:
        raise ShapeError("there are no values")
    notes = ["has values more than once: each counts once"] * (len(distinct) < len(values))
    shape = (_ordinal if all(map(_is_level, distinct)) else _categorical)(distinct)
    shape = shape.noted(*notes)
    if len(distinct) == 1:
        return shape.with_keys(fixed=shape.pairs[0][1])
    return _with_default(
        shape, default, [ours for theirs, ours in shape.pairs if theirs == default]
    )


def labels(texts: Sequence[str], default: str | None = None) -> Shape:
    """Return a categorical of `texts`, whatever they are.

    Raises:
        ShapeError: There are none, or two that cannot be told apart here.
    """
    distinct = _distinct(texts)
    if not distinct:
        raise ShapeError("there are no values")
    shape = _categorical(distinct).noted(
        *["has values more than once: each counts once"] * (len(distinct) < len(texts))
    )
    if len(distinct) == 1:
        return shape.with_keys(fixed=shape.pairs[0][1])
    return _with_default(
        shape, default, [ours for theirs, ours in shape.pairs if theirs == default]
    )


def span(
    low: Any, high: Any, *, integer: bool, log: bool = False, default: Any = None
) -> Shape:
    """Return a range, both ends included.

    Raises:
        ShapeError: `low` and `high` are no range.
    """
    ends = f"[{show(low)}, {show(high)}]"
    if not (_is_finite(low) and _is_finite(high)):
        raise ShapeError(f"{ends} is no range of finite numbers")
    if low > high:
        raise ShapeError(f"in {ends} the lower bound is above the upper one")
    if integer and (low != int(low) or high != int(high)):
        raise ShapeError(f"{ends} is no range of integers")
    if low == high:
        return levels([low])
    notes = []
    if integer and max(abs(low), abs(high)) > LARGEST_INTEGER:
        notes.append("is real here: its integers have more digits than hmserve keeps")
        integer = False
    ends_here = [int(low), int(high)] if integer else [float(low), float(high)]
    entry: dict[str, Any] = {
        "parameter_type": "integer" if integer else "real",
        "values": ends_here,
    }
    if log and low > 0:
        entry["transform"] = "log"
    elif log:
        notes.append("is not on a logarithmic scale here: its least value is not positive")
    inside = is_number(default) and low <= default <= high
    if integer and inside and default == int(default):
        default = int(default)
    elif integer:
        inside = False
    return _with_default(Shape(entry, notes=tuple(notes)), default, [default] if inside else [])


def steps(
    low: Any, high: Any, step: Any, *, integer: bool, log: bool = False, default: Any = None
) -> Shape:
    """Return the values from `low` in steps up to `high`, as a list if they are not too many.

    Raises:
        ShapeError: `low` and `high` are no range, or `step` is no step.
    """
    whole = span(low, high, integer=integer, log=log, default=default)
    if not _is_finite(step) or step <= 0:
        raise ShapeError(f"{show(step)} is no step")
    if (integer and step == 1) or "fixed" in whole.entry:
        return whole
    # In decimals, as their author wrote them: 0.1 + 2 * 0.1 is 0.3.
    first, width = Decimal(str(low)), Decimal(str(step))
    count = int((Decimal(str(high)) - first) / width) + 1
    if count > MOST_LEVELS:
        return whole.noted(
            f"has no steps of {show(step)} here: they are more than {MOST_LEVELS}"
        )
    make = int if integer else float
    listed = levels([make(first + index * width) for index in range(count)], default)
    if whole.entry.get("transform") == "log" and "fixed" not in listed.entry:
        return listed.with_keys(transform="log")
    return listed


def _with_default(shape: Shape, default: Any, found: Sequence[Value]) -> Shape:
    if default is None:
        return shape
    if not found:
        return shape.noted(f"has no default here: {show(default)} is none of its values")
    return shape.with_keys(parameter_default=found[0])


def _distinct(values: Sequence[Any]) -> list[Any]:
    # 1, 1.0 and True are equal in Python.
    found: dict[Any, Any] = {}
    for value in values:
        key = value if is_number(value) else repr(value)
        found.setdefault((isinstance(value, bool), key), value)
    return list(found.values())


def _is_finite(value: Any) -> bool:
    return is_number(value) and abs(value) <= _FURTHEST


def _is_level(value: Any) -> bool:
    return _is_finite(value) and float(value) == value


def _ordinal(values: Sequence[Any]) -> Shape:
    ordered = sorted(values)
    notes = ("is sorted here",) if ordered != list(values) else ()
    entry = {"parameter_type": "ordinal", "values": ordered}
    return Shape(entry, tuple((value, value) for value in ordered), notes)


def _categorical(values: Sequence[Any]) -> Shape:
    pairs = tuple((value, label_of(value)) for value in values)
    notes = []
    seen: dict[str, Any] = {}
    for value, label in pairs:
        if label in seen:
            raise ShapeError(f"{show(seen[label])} and {show(value)} are both {label!r} here")
        seen[label] = value
    odd = [(v, label) for v, label in pairs if not isinstance(v, str)]
    if odd:
        notes.append(f"has labels instead of {', '.join(show(repr(v)) for v, _ in odd[:5])}")
    changed = [(v, label) for v, label in pairs if isinstance(v, str) and v != label]
    notes += [f"has the label {label!r} instead of {show(repr(v))}" for v, label in changed]
    entry = {"parameter_type": "categorical", "values": [label for _, label in pairs]}
    return Shape(entry, pairs, tuple(notes), numeric=False)


def label_of(value: Any) -> str:
    """Return `value` as a label, which has no comma, double quote or blank at its ends."""
    text = value if isinstance(value, str) else str(value)
    if field_fault(text) is None:
        return text
    text = text.replace(",", ";").replace('"', "'")
    text = "".join(c if c.isprintable() else " " for c in text).strip()
    return text or "empty"


def beta_weights(alpha: float, beta: float, count: int) -> list[float]:
    """Return the density of Beta(alpha, beta) at equally spaced places, as weights."""
    edge = 1 / (4 * count)
    places = [min(max(i / (count - 1), edge), 1 - edge) for i in range(count)]
    logs = [(alpha - 1) * math.log(x) + (beta - 1) * math.log1p(-x) for x in places]
    heights = [math.exp(value - max(logs)) for value in logs]
    return [height / sum(heights) for height in heights]
