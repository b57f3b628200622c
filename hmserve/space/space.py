"""The search space: named parameters in the order of the scenario file."""

import itertools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeAlias

from hmserve.space.parameters import Parameter, Value

Configuration: TypeAlias = Mapping[str, Value]


class Space:
    """The product of its parameters.

    Args:
        parameters: In scenario order, which is the order of columns everywhere.

    Raises:
        ValueError: No parameter, or two of one name.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = tuple(parameters)
        self.names = tuple(parameter.name for parameter in parameters)
        if not self.names:
            raise ValueError("a space needs at least one parameter")
        if len(set(self.names)) < len(self.names):
            raise ValueError("two parameters have the same name")

    @property
    def dimension(self) -> int:
        """The number of parameters, d."""
        return len(self.parameters)

    @property
    def size(self) -> float:
        """The number of configurations; infinite if a parameter takes reals."""
        sizes = [parameter.size for parameter in self.parameters]
        return math.inf if math.inf in sizes else math.prod(sizes)

    def contains(self, configuration: Mapping[str, object]) -> bool:
        """Whether `configuration` has exactly these names, each with a value of its domain."""
        return configuration.keys() == set(self.names) and all(
            p.contains(configuration[p.name]) for p in self.parameters
        )

    def key(self, configuration: Configuration) -> Hashable:
        """Return what two equal configurations share: 2 and 2.0 are one value."""
        return tuple(configuration[name] for name in self.names)

    def encode(self, configuration: Configuration) -> list[float]:
        """Return the unit coordinates of `configuration`, length d."""
        return [p.encode(configuration[p.name]) for p in self.parameters]

    def decode(self, coordinates: Sequence[float]) -> dict[str, Value]:
        """Return the configuration nearest to `coordinates`, length d."""
        return {p.name: p.decode(u) for p, u in zip(self.parameters, coordinates, strict=True)}

    def draw(self, variates: Sequence[float]) -> dict[str, Value]:
        """Return the configuration at quantiles `variates`, length d, each in [0, 1]."""
        return {p.name: p.draw(u) for p, u in zip(self.parameters, variates, strict=True)}

    def enumerate(self) -> Iterator[dict[str, Value]]:
        """Yield every configuration of a finite space, the last parameter fastest."""
        levels = [levels_of(parameter) for parameter in self.parameters]
        for values in itertools.product(*levels):
            yield dict(zip(self.names, values, strict=True))


def levels_of(parameter: Parameter) -> Sequence[Value]:
    """Return every value of a discrete parameter, in its own order.

    Raises:
        ValueError: The parameter is real.
    """
    if parameter.size == math.inf:
        raise ValueError(f"{parameter.name} is real: it has no list of values")
    n = int(parameter.size)
    return [parameter.draw((i + 0.5) / n) for i in range(n)]
