"""Which trial a row of a reply belongs to.

By values: the same values first, then the nearest within a tolerance, for clients that print
six digits. By position, where the reply does not have all the inputs.

The tolerance of one number is 1e-5 of it. Near zero that would be nothing, and ``%f`` prints
six decimals: there half a unit of the sixth decimal will do, if the parameter is so wide that
this is below 1e-5 of its width.
"""

import bisect
import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias, TypeGuard

from hmserve.fidelity.options import FidelityOptions
from hmserve.protocol.fidelities import whose
from hmserve.space.parameters import Number, Parameter, Value
from hmserve.space.space import Configuration, Space
from hmserve.trial import Trial

_RELATIVE: Final = 1e-5
_SIXTH_DECIMAL: Final = 5.1e-7
_LEAF: Final = 8
_Key: TypeAlias = tuple[Value, ...]


class Outstanding:
    """The trials of one request that wait for their rows.

    Trials with equal configurations share their rows, first asked first served, unless the
    rows say at which of their fidelities they were evaluated. Taking a
    trial costs O(d log n) for d parameters and n trials, unless many of them lie within the
    tolerance of each other.

    Args:
        space: What the configurations consist of.
        trials: The request, in its order.
        fidelity: How far evaluations go; None where all are full.
    """

    def __init__(
        self, space: Space, trials: Sequence[Trial], fidelity: FidelityOptions | None = None
    ) -> None:
        self._names = space.names
        self._fidelity = fidelity
        self._trials = tuple(trials)
        self._open = dict(enumerate(self._trials))
        self._floors = [_floor(parameter) for parameter in space.parameters]
        self._waiting: dict[_Key, deque[int]] = {}
        for position, trial in self._open.items():
            self._waiting.setdefault(self._key(trial.configuration), deque()).append(position)
        self._root = _Node(list(self._waiting), 0)

    @property
    def unanswered(self) -> tuple[Trial, ...]:
        """The trials without a row, in the order of the request."""
        return tuple(self._open.values())

    def take(self, configuration: Configuration, fidelity: float | None = None) -> Trial | None:
        """Return the trial this complete configuration answers; None if there is none.

        A configuration that was asked and answered already answers no other trial, however
        near.

        Args:
            configuration: What was evaluated.
            fidelity: How far; None if the row does not say.

        Raises:
            ValueError: It went farther than any trial with this configuration was to.
        """
        key: _Key | None = self._key(configuration)
        if key not in self._waiting:
            key = self._nearest(self._key(configuration))
        if key is None or not self._waiting[key]:
            return None
        waiting = self._waiting[key]
        place = 0
        if self._fidelity is not None:
            place = whose(self._fidelity, fidelity, [self._trials[i] for i in waiting])
        position = waiting[place]
        del waiting[place]
        return self._open.pop(position)

    def take_at(self, position: int, inputs: Mapping[str, Value]) -> Trial:
        """Return the trial at `position`, counted from 0.

        Raises:
            ValueError: One of the `inputs` is not the one that was asked there.
        """
        trial = self._trials[position]
        name = _first_apart(self._names, self._floors, trial.configuration, inputs)
        if name is not None:
            asked = trial.configuration[name]
            raise ValueError(
                f"{name} is {inputs[name]!r}, but this row of the request has {asked!r}; "
                "a reply without all the inputs has the rows in the order of the request"
            )
        del self._open[position]
        return trial

    def _key(self, configuration: Configuration) -> _Key:
        return tuple(configuration[name] for name in self._names)

    def _nearest(self, point: _Key) -> _Key | None:
        best, least = None, math.inf
        for key in self._root.near(point, self._floors):
            distance = self._distance(point, key) if self._waiting[key] else math.inf
            if distance < least:
                best, least = key, distance
        return best

    def _distance(self, point: _Key, key: _Key) -> float:
        worst = 0.0
        for a, b, floor in zip(point, key, self._floors, strict=True):
            worst = max(worst, _apart(a, b, floor))
            if worst == math.inf:
                break
        return worst


class _Node:
    """Keys that agree in their first `depth` values, split by the next one when asked."""

    __slots__ = ("_children", "_depth", "_keys", "_places")

    def __init__(self, keys: list[_Key], depth: int) -> None:
        self._keys = keys
        self._depth = depth
        self._children: dict[Value, _Node] = {}
        self._places: list[float] = []

    def near(self, point: _Key, floors: Sequence[float]) -> Iterator[_Key]:
        """Yield every key that may be within the tolerance of `point`, and a few more."""
        nodes = [self]
        while nodes:
            node = nodes.pop()
            if len(node._keys) <= _LEAF or node._depth == len(point):
                yield from node._keys
            else:
                nodes += node._branches(point[node._depth], floors[node._depth])

    def _branches(self, value: Value, floor: float) -> Sequence["_Node"]:
        if not self._children:
            self._split()
        if not _is_number(value):
            return [self._children[value]] if value in self._children else []
        # A little more than the tolerance, which may go by the other, larger value.
        reach = max(1.1 * _RELATIVE * abs(value), floor)
        start = bisect.bisect_left(self._places, value - reach)
        stop = bisect.bisect_right(self._places, value + reach)
        return [self._children[place] for place in self._places[start:stop]]

    def _split(self) -> None:
        groups: dict[Value, list[_Key]] = {}
        for key in self._keys:
            groups.setdefault(key[self._depth], []).append(key)
        self._children = {v: _Node(keys, self._depth + 1) for v, keys in groups.items()}
        self._places = sorted(value for value in groups if _is_number(value))


def disagreement(space: Space, trial: Trial, inputs: Mapping[str, Value]) -> str | None:
    """Return the name of the first of `inputs` that is not what `trial` has; None if all are.

    An input that is inactive in `trial` may be anything.
    """
    active = {name: inputs[name] for name in inputs if trial.configuration[name] is not None}
    floors = [_floor(parameter) for parameter in space.parameters]
    return _first_apart(space.names, floors, trial.configuration, active)


def inside(space: Space, configuration: Configuration) -> dict[str, Value]:
    """Return `configuration` with numbers that rounding pushed over a bound put back on it.

    Raises:
        ValueError: A value lies outside its domain.
    """
    values = {p.name: configuration[p.name] for p in space.parameters}
    return {
        p.name: None if values[p.name] is None else _inside(p, values[p.name])
        for p in space.parameters
    }


def _inside(parameter: Parameter, value: Value) -> Value:
    if parameter.contains(value):
        return value
    low, high = parameter.decode(0.0), parameter.decode(1.0)
    for bound in (low, high):
        if _apart(value, bound, _floor(parameter)) < math.inf:
            return bound
    raise ValueError(
        f"{parameter.name}: {parameter.format(value)} is outside "
        f"{parameter.format(low)}..{parameter.format(high)}"
    )


def _first_apart(
    names: Sequence[str],
    floors: Sequence[float],
    asked: Configuration,
    inputs: Mapping[str, Value],
) -> str | None:
    """Return the first name whose input is farther from what was asked than the tolerance."""
    for name, floor in zip(names, floors, strict=True):
        if name in inputs and _apart(inputs[name], asked[name], floor) == math.inf:
            return name
    return None


def _is_number(value: Value) -> TypeGuard[Number]:
    return isinstance(value, int | float)


def _floor(parameter: Parameter) -> float:
    low, high = parameter.decode(0.0), parameter.decode(1.0)
    if not _is_number(low) or not _is_number(high):
        return 0.0
    return min(_SIXTH_DECIMAL, _RELATIVE * (high - low))


def _apart(a: Value, b: Value, floor: float) -> float:
    """Return the distance in tolerances: at most 1, or infinite."""
    if a == b:
        return 0.0
    if not _is_number(a) or not _is_number(b):
        return math.inf
    tolerance = max(_RELATIVE * max(abs(a), abs(b)), floor)
    gap = abs(a - b)
    return gap / tolerance if gap <= tolerance else math.inf
