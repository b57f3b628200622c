"""What a part of an expression can be, and what may be compared with what."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from hmserve.constraints.symbols import ExpressionError, nearest
from hmserve.constraints.tree import (
    Compare,
    Condition,
    Constant,
    LabelIn,
    Member,
    Not,
    Number,
    Same,
    SameLabel,
    Truth,
    Variable,
)


@dataclass(frozen=True, slots=True)
class Label:
    """A constant text."""

    text: str


@dataclass(frozen=True, slots=True)
class LabelOf:
    """The label of a categorical parameter, which has one of several."""

    name: str
    labels: tuple[str, ...]


Meaning: TypeAlias = Number | Condition | Label | LabelOf


class Fault(Protocol):
    """Makes the error that says what is wrong with a part of the text."""

    def __call__(self, at: ast.expr, message: str, hint: str = "") -> ExpressionError:
        """Return the error."""


def describe(found: Meaning) -> str:
    """Say what `found` is, for a message."""
    match found:
        case Label(text):
            return f"the label {text!r:.60}"
        case LabelOf(name, _):
            return f"the categorical parameter {name!r}"
        case Constant(value):
            return f"the number {value:g}"
        case Variable(name):
            return f"the number {name!r}"
        case Truth(truth):
            return str(truth)
    return "a number" if isinstance(found, Number) else "a condition"


def compared(
    sign: str, left: tuple[ast.expr, Meaning], right: tuple[ast.expr, Meaning], fault: Fault
) -> Condition:
    """Return the comparison of `left` and `right`, each with where it stands.

    Raises:
        ExpressionError: They cannot be compared so.
    """
    a, b = left[1], right[1]
    if isinstance(a, Number) and isinstance(b, Number):
        return Compare(sign, a, b)
    if sign not in {"==", "!="}:
        at, wrong = right if isinstance(a, Number) else left
        raise fault(at, f"expected a number beside {sign}, got {describe(wrong)}")
    same: Condition
    if isinstance(a, Condition) and isinstance(b, Condition):
        same = Same(a, b)
    elif isinstance(a, Label | LabelOf) and isinstance(b, Label | LabelOf):
        same = _same_label(left[0], a, b, fault)
    else:
        message = f"expected two of one kind, got {describe(a)} and {describe(b)}"
        raise fault(right[0], message, _mismatch_hint(a, b))
    return same if sign == "==" else Not(same)


def _mismatch_hint(a: Meaning, b: Meaning) -> str:
    constant, other = (b, a) if isinstance(b, Constant | Truth) else (a, b)
    if isinstance(other, LabelOf) and isinstance(constant, Constant | Truth):
        text = f"{constant.number:g}" if isinstance(constant, Constant) else constant.truth
        return f": put a label in quotes, '{text}'"
    if isinstance(constant, Truth):
        return f": compare a number with {int(constant.truth)}"
    return ""


def _same_label(
    at: ast.expr, a: Label | LabelOf, b: Label | LabelOf, fault: Fault
) -> Condition:
    if isinstance(a, Label):
        if isinstance(b, Label):
            raise fault(at, "expected a parameter beside a label, got two labels")
        return label_in(at, b, [a], fault)
    if isinstance(b, Label):
        return label_in(at, a, [b], fault)
    levels = (b.labels.index(label) if label in b.labels else -1 for label in a.labels)
    return SameLabel(a.name, b.name, tuple(levels))


def label_in(
    at: ast.expr, parameter: LabelOf, labels: Sequence[Label], fault: Fault
) -> Condition:
    """Return the condition that `parameter` has one of `labels`.

    Raises:
        ExpressionError: It has no such label.
    """
    for label in labels:
        if label.text not in parameter.labels:
            guess = nearest(label.text, parameter.labels)
            known = ", ".join(map(repr, parameter.labels))
            message = f"expected a label of {parameter.name!r}, got {label.text!r:.60}"
            raise fault(at, message, guess or f"; it has {known:.200}")
    texts = frozenset(label.text for label in labels)
    levels = (i for i, label in enumerate(parameter.labels) if label in texts)
    return LabelIn(parameter.name, texts, tuple(levels))


def member_of(
    at: ast.expr, member: Meaning, items: Sequence[Meaning], fault: Fault
) -> Condition:
    """Return the condition that `member` is one of `items`.

    Raises:
        ExpressionError: Not all of them are constants of its kind.
    """
    if isinstance(member, LabelOf):
        labels = [item for item in items if isinstance(item, Label)]
        if len(labels) == len(items):
            return label_in(at, member, labels, fault)
        raise fault(at, "expected constant labels, in quotes, in the list")
    values = [item.number for item in items if isinstance(item, Constant)]
    if not isinstance(member, Number):
        message = f"expected a number or a categorical parameter, got {describe(member)}"
        raise fault(at, f"{message} before a list")
    if len(values) < len(items):
        raise fault(at, "expected constant numbers in the list")
    return Member(member, tuple(sorted(set(values))))
