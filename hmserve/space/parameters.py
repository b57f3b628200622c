"""Parameter kinds, one value at a time: user values, unit coordinates, text.

A parameter has two maps. `decode` goes from a coordinate of the unit interval to the nearest
value; models see coordinates that follow the value (an ordinal 1, 2, 100 has its second level
close to its first). `draw` goes from a uniform variate to a value, each equally likely.

Pure Python, because the design of experiments is drawn before numpy is imported.
`hmserve.space.encoding` does the same for whole arrays.
"""

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeGuard

from hmserve.cells import parse_float
from hmserve.space.intervals import few_between, fraction, geometric, log_fraction, straight

Number: TypeAlias = int | float
Value: TypeAlias = int | float | str | tuple[int, ...] | None
"""What a parameter can be: a permutation is a tuple, None an inactive parameter."""


class Parameter(Protocol):
    """What every parameter kind offers. A new kind: one class here, one line in domains.py."""

    @property
    def name(self) -> str:
        """Column name in every message and file."""

    @property
    def default(self) -> Value | None:
        """The value to try first, if the user named one."""

    @property
    def size(self) -> float:
        """How many values there are; infinite for a real."""

    @property
    def categorical(self) -> bool:
        """Whether the values have no order, so that distance means same or different."""

    def encode(self, value: Value) -> float:
        """Return the coordinate of `value` in [0, 1]."""

    def decode(self, coordinate: float) -> Value:
        """Return the value nearest to `coordinate`; the inverse of `encode` on its image."""

    def draw(self, u: float) -> Value:
        """Return the value at quantile `u` in [0, 1] of the distribution to sample from."""

    def level(self, index: int) -> Value:
        """Return the value number `index` of a discrete parameter, in its own order.

        Raises:
            ValueError: The parameter is real and not a single value.
        """

    def contains(self, value: object) -> bool:
        """Whether `value` has the right type and lies in the domain."""

    def parse(self, text: str) -> Value:
        """Read one field. Raises ValueError, in words for the user, if it is no value."""

    def format(self, value: Value) -> str:
        """Write `value` as one field."""


def format_number(value: Number) -> str:
    """Return the shortest text that reads back as `value`; no ``.0`` on integral values."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def _number(name: str, text: str) -> float:
    value = parse_float(text)
    if value is None:
        raise ValueError(f"{name}: {text!r} is no number")
    if not math.isfinite(value):
        raise ValueError(f"{name}: {text!r} is not finite")
    return value


def is_number(value: object) -> TypeGuard[Number]:
    """Whether `value` is a finite int or float; True and False are no numbers here.

    Nor is an integer beyond the largest float.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _float(value: Value) -> float:
    """Return the number that a value of a numeric parameter is."""
    return float(value)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Real:
    """A real parameter on ``[low, high]``; with `log`, which needs low > 0, on a log scale.

    There is no log scale, and `log` is False, where it would make no difference (`straight`).
    """

    name: str
    low: float
    high: float
    default: Number | None = None
    log: bool = False

    categorical = False

    def __post_init__(self) -> None:
        # What is frozen sets its own fields in no other way.
        object.__setattr__(self, "log", self.log and not straight(self.low, self.high))

    @property
    def size(self) -> float:
        return 1 if self.low == self.high else math.inf

    def encode(self, value: Value) -> float:
        if self.low == self.high:
            return 0.5
        if self.log:
            return log_fraction(_float(value), self.low, self.high)
        return fraction(_float(value), self.low, self.high)

    def decode(self, coordinate: float) -> float:
        if self.log:
            value = geometric(self.low, self.high, coordinate)
        elif few_between(self.low, self.high):
            value = self.low + (self.high - self.low) * coordinate
        else:
            value = self.low * (1.0 - coordinate) + self.high * coordinate
        # + 0.0 turns a negative zero into zero.
        return min(max(value, self.low), self.high) + 0.0

    def draw(self, u: float) -> float:
        return self.decode(u)

    def level(self, index: int) -> float:
        del index
        if self.low != self.high:
            raise ValueError(f"{self.name} is real: it has no list of values")
        return self.low

    def contains(self, value: object) -> bool:
        return is_number(value) and self.low <= value <= self.high

    def parse(self, text: str) -> float:
        return _number(self.name, text)

    def format(self, value: Value) -> str:
        return format_number(value)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer parameter on ``low..high``, both included; with `log` on a log scale.

    Exact while ``high - low`` is at most 2**51; beyond, coordinates are too coarse. On a log
    scale, which needs low > 0, that holds while no integer is nearer than 2**-39 to the next.
    Like a real it has none where that would make no difference.
    """

    name: str
    low: int
    high: int
    default: int | None = None
    log: bool = False

    categorical = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "log", self.log and not straight(self.low, self.high))

    @property
    def size(self) -> float:
        return self.high - self.low + 1

    def encode(self, value: Value) -> float:
        if self.log:
            return log_fraction(_float(value), self.low, self.high)
        width = self.high - self.low
        return (int(_float(value)) - self.low) / width if width else 0.5

    def decode(self, coordinate: float) -> int:
        if self.log:
            return self._nearest(coordinate)
        step = round(coordinate * (self.high - self.low))
        return min(max(self.low + step, self.low), self.high)

    def _nearest(self, coordinate: float) -> int:
        below = int(geometric(self.low, self.high, coordinate))
        below = min(max(below, self.low), self.high)
        above = min(below + 1, self.high)
        gaps = [abs(self.encode(value) - coordinate) for value in (below, above)]
        return below if gaps[0] <= gaps[1] else above

    def draw(self, u: float) -> int:
        if self.log:
            # Each integer owns half a step on either side of it.
            value = int(geometric(self.low - 0.5, self.high + 0.5, u) + 0.5)
            return min(max(value, self.low), self.high)
        return min(self.low + int(u * (self.high - self.low + 1)), self.high)

    def level(self, index: int) -> int:
        return self.low + index

    def contains(self, value: object) -> bool:
        return is_number(value) and self.low <= value <= self.high and value == round(value)

    def parse(self, text: str) -> int:
        value = _number(self.name, text)
        if value != int(value):
            raise ValueError(f"{self.name}: {text!r} is no integer")
        return int(value)

    def format(self, value: Value) -> str:
        return str(int(_float(value)))


def _spacing(values: Sequence[float], log: bool) -> tuple[float, ...]:
    """Return one coordinate a level, from 0 to 1, by value; by its logarithm if geometric.

    Or if `log` says so. Levels count as geometric when the ratios of neighbours vary less than
    the differences, as in 1, 2, 4, 8, 16. Levels that would all but coincide either way are
    spaced evenly.
    """
    if len(values) == 1:
        return (0.5,)
    places = [float(value) for value in values]
    logarithms = _logarithms(places)
    if log:
        places = [math.log(place) for place in places]
    elif logarithms and _unevenness(logarithms) < _unevenness(places):
        places = logarithms
    coordinates = [fraction(place, places[0], places[-1]) for place in places]
    even = 1 / (len(values) - 1)
    if min(b - a for a, b in itertools.pairwise(coordinates)) < 1e-3 * even:
        coordinates = [i * even for i in range(len(values))]
    return tuple(coordinates)


def _logarithms(places: Sequence[float]) -> list[float]:
    """Return the logarithms of three positive levels or more, else nothing.

    A zero before them goes as far below the first as that is below the second.
    """
    positive = [math.log(place) for place in places if place > 0]
    if len(positive) < 3 or places[0] < 0:
        return []
    return positive if places[0] > 0 else [2 * positive[0] - positive[1], *positive]


def _unevenness(places: Sequence[float]) -> float:
    gaps = [b / 2 - a / 2 for a, b in itertools.pairwise(places)]
    return max(gaps) / min(gaps) if min(gaps) > 0 else math.inf


class Ordinal:
    """A parameter with a finite set of numbers, ascending; with `log` on a log scale."""

    categorical = False

    def __init__(
        self,
        name: str,
        values: Sequence[Number],
        default: Number | None = None,
        log: bool = False,
    ) -> None:
        self.name = name
        self.values: tuple[Number, ...] = tuple(sorted(values))
        self.default = default
        self.coordinates = _spacing(self.values, log)
        self._midpoints = [(a + b) / 2 for a, b in itertools.pairwise(self.coordinates)]
        self._index = {value: i for i, value in enumerate(self.values)}

    @property
    def size(self) -> float:
        return len(self.values)

    def encode(self, value: Value) -> float:
        return self.coordinates[self._index[value]]  # type: ignore[index]

    def decode(self, coordinate: float) -> Number:
        return self.values[bisect.bisect_left(self._midpoints, coordinate)]

    def draw(self, u: float) -> Number:
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]

    def level(self, index: int) -> Number:
        return self.values[index]

    def contains(self, value: object) -> bool:
        return is_number(value) and value in self._index

    def parse(self, text: str) -> Number:
        value = _number(self.name, text)
        if value in self._index:
            return self.values[self._index[value]]
        # A client may have printed six digits.
        near = self.decode(_nearest_coordinate(self.values, self.coordinates, value))
        if math.isclose(near, value, rel_tol=1e-5):
            return near
        raise ValueError(f"{self.name}: {text!r} is none of its {len(self.values)} values")

    def format(self, value: Value) -> str:
        return format_number(value)  # type: ignore[arg-type]


def _nearest_coordinate(
    values: Sequence[float], coordinates: Sequence[float], value: float
) -> float:
    right = min(bisect.bisect_left(values, value), len(values) - 1)
    left = max(right - 1, 0)
    return coordinates[left if value - values[left] < values[right] - value else right]


class Categorical:
    """A parameter with a finite set of labels without order."""

    categorical = True

    def __init__(self, name: str, labels: Sequence[str], default: str | None = None) -> None:
        self.name = name
        self.values: tuple[str, ...] = tuple(labels)
        self.default = default
        self._index = {label: i for i, label in enumerate(self.values)}
        n = len(self.values)
        self.coordinates = tuple((i + 0.5) / n for i in range(n))

    @property
    def size(self) -> float:
        return len(self.values)

    def encode(self, value: Value) -> float:
        return self.coordinates[self._index[value]]  # type: ignore[index]

    def decode(self, coordinate: float) -> str:
        return self.draw(coordinate)

    def draw(self, u: float) -> str:
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]

    def level(self, index: int) -> str:
        return self.values[index]

    def contains(self, value: object) -> bool:
        return isinstance(value, str) and value in self._index

    def parse(self, text: str) -> str:
        if text not in self._index:
            raise ValueError(f"{self.name}: {text!r} is none of {', '.join(self.values)}")
        return text

    def format(self, value: Value) -> str:
        return str(value)
