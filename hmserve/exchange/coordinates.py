"""Configurations as numbers that lose nothing."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hmserve.space.parameters import Integer, Parameter, Real, Value
from hmserve.space.space import Space

_INACTIVE: Final = math.nan


class Coordinates:
    """The way from a configuration of `space` to a tuple of floats, and back.

    Reals and integers are their own value, bit for bit: unit coordinates are too coarse for
    it. Other parameters are `Parameter.encode`, which their `decode` inverts exactly; an
    inactive one is NaN.

    Args:
        space: Whose configurations travel.
    """

    def __init__(self, space: Space) -> None:
        self._parameters = space.parameters
        self._readers = [_reader(parameter) for parameter in space.parameters]

    def encode(self, configuration: Mapping[str, Value]) -> tuple[float, ...]:
        """Return one number a parameter, in the order of the space."""
        pairs = ((p, configuration[p.name]) for p in self._parameters)
        return tuple(_INACTIVE if v is None else _number(p, v) for p, v in pairs)

    def decode(self, coordinates: Sequence[float]) -> dict[str, Value]:
        """Return the configuration that `encode` turned into `coordinates`."""
        values = (
            None if math.isnan(number) else read(number)
            for read, number in zip(self._readers, coordinates, strict=True)
        )
        return dict(zip((p.name for p in self._parameters), values, strict=True))


def _number(parameter: Parameter, value: Value) -> float:
    if isinstance(parameter, Real | Integer):
        return float(value)  # type: ignore[arg-type]
    return parameter.encode(value)


def _reader(parameter: Parameter) -> Callable[[float], Value]:
    if isinstance(parameter, Real):
        return float
    if isinstance(parameter, Integer):
        return int
    return parameter.decode
