"""Conditional parameters: those that only matter while others have certain values.

A parameter is active if all its parents are, each with one of the values that its condition
names. An inactive one has the value None: an empty cell.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from hmserve.space.parameters import Parameter, Value

Condition: TypeAlias = Mapping[str, Sequence[Value]]
"""The values of each parent that make a parameter active."""

_COUNTED = 100_000
"""Configurations are counted exactly if the parents have no more combinations than this."""


class Conditions:
    """The conditions of a space.

    Args:
        conditions: By the name of the conditional parameter.

    Raises:
        ValueError: A parameter depends on itself, be it through others.
    """

    def __init__(self, conditions: Mapping[str, Condition]) -> None:
        self.of = {name: conditions[name] for name in _parents_first(conditions)}
        self._allowed = {
            name: {parent: tuple(values) for parent, values in condition.items()}
            for name, condition in self.of.items()
        }

    def is_active(self, name: str, configuration: Mapping[str, object]) -> bool:
        """Whether `name` matters in `configuration`, whose parents of it are settled."""
        return all(
            configuration[parent] in values
            for parent, values in self._allowed.get(name, {}).items()
        )

    def settle(self, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """Return `configuration` with None for what is inactive.

        A parameter whose parents are not there is left as it is.
        """
        settled = dict(configuration)
        for name, allowed in self._allowed.items():
            known = name in settled and allowed.keys() <= settled.keys()
            if known and not self.is_active(name, settled):
                settled[name] = None
        return settled

    def count(self, parameters: Sequence[Parameter]) -> float:
        """Return how many configurations differ; an upper bound if that takes too long."""
        parents = {parent for condition in self.of.values() for parent in condition}
        levels = {p.name: p.size for p in parameters}
        if math.prod(levels[parent] for parent in parents) > _COUNTED:
            return math.inf if math.inf in levels.values() else math.prod(levels.values())
        controls = [p for p in parameters if p.name in parents]
        others = [p for p in parameters if p.name not in parents]
        return sum(
            _product(p.size for p in others if self.is_active(p.name, control))
            for control in self._settled(controls)
        )

    def _settled(self, controls: Sequence[Parameter]) -> Iterator[dict[str, Value]]:
        """Yield the configurations of the parents, each once."""
        seen = set()
        choices = [[p.level(i) for i in range(int(p.size))] for p in controls]
        for values in itertools.product(*choices):
            settled = self.settle({p.name: v for p, v in zip(controls, values, strict=True)})
            key = tuple(settled.values())
            if key not in seen:
                seen.add(key)
                yield settled


def _product(sizes: Iterator[float]) -> float:
    found = list(sizes)
    return math.inf if math.inf in found else math.prod(found)


def _parents_first(conditions: Mapping[str, Condition]) -> list[str]:
    ordered: list[str] = []
    open_ = dict.fromkeys(conditions)
    while open_:
        ready = [name for name in open_ if not open_.keys() & conditions[name].keys()]
        if not ready:
            raise ValueError(f"the conditions of {', '.join(open_)} go round in a circle")
        ordered += ready
        for name in ready:
            del open_[name]
    return ordered
