"""When conditional parameters are active, as conditions like any other."""

from collections.abc import Mapping, Sequence

from hmserve.constraints.symbols import symbol_of
from hmserve.constraints.tree import (
    Both,
    Compare,
    Condition,
    Constant,
    Either,
    Element,
    LabelIn,
    Member,
    Not,
    Truth,
    Variable,
)
from hmserve.space.parameters import Parameter, Value


class Activity:
    """The conditions under which parameters are active.

    Args:
        parameters: All of the space.
        conditions: By conditional parameter: by parent, the values that make it active.
    """

    def __init__(
        self,
        parameters: Sequence[Parameter],
        conditions: Mapping[str, Mapping[str, Sequence[Value]]],
    ) -> None:
        self._parameters = {parameter.name: parameter for parameter in parameters}
        self._conditions = conditions
        self.names = tuple(conditions)

    def active(self, name: str) -> Condition:
        """Return the condition under which `name`, and so all its parents, are active."""
        parts: list[Condition] = []
        for parent, values in self._conditions.get(name, {}).items():
            parts.append(has_value(self._parameters[parent], values))
            if parent in self._conditions:
                parts.append(self.active(parent))
        return Both(tuple(parts)) if parts else Truth(True)

    def guarded(self, condition: Condition, names: Sequence[str]) -> Condition:
        """Return `condition`, or that one of the parameters `names` is inactive."""
        some = [Not(self.active(name)) for name in names if name in self._conditions]
        return Either((*some, condition)) if some else condition

    def settled(self, name: str) -> Condition:
        """Return the condition that `name` is active, or has its first value."""
        parameter = self._parameters[name]
        return Either((self.active(name), has_value(parameter, [parameter.level(0)])))


def has_value(parameter: Parameter, values: Sequence[Value]) -> Condition:
    """Return the condition that a discrete parameter has one of some values."""
    symbol = symbol_of(parameter)
    if symbol.kind == "label":
        labels = frozenset(str(value) for value in values)
        levels = tuple(i for i, label in enumerate(symbol.labels) if label in labels)
        return LabelIn(parameter.name, labels, levels)
    if symbol.kind == "number":
        numbers = {float(value) for value in values if isinstance(value, int | float)}
        return Member(Variable(parameter.name), tuple(sorted(numbers)))
    orders = [value for value in values if isinstance(value, tuple | list)]
    return Either(tuple(_has_order(parameter.name, order) for order in orders))


def _has_order(name: str, order: Sequence[int]) -> Condition:
    elements = (Element(name, position) for position in range(len(order)))
    return Both(
        tuple(
            Compare("==", element, Constant(float(value)))
            for element, value in zip(elements, order, strict=True)
        )
    )
