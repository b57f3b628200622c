"""The search space: named parameters in the order of the scenario file."""

import functools
import itertools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from hmserve.space.conditions import Condition, Conditions
from hmserve.space.parameters import Parameter, Value

if TYPE_CHECKING:
    import numpy as np

    from hmserve.arrays import Floats, Mask
    from hmserve.space.joint_prior import JointKde

Configuration: TypeAlias = Mapping[str, Value]


class Distribution(Protocol):
    """A prior of one parameter: a distribution on the unit interval (space/priors.py)."""

    def quantile(self, u: float) -> float:
        """Return the point below which the share `u` lies."""

    def cdf(self, z: float) -> float:
        """Return the share below `z`."""

    def density(self, z: float) -> float:
        """Return the density at `z`; 1 everywhere if uniform."""


class Region(Protocol):
    """The configurations that satisfy known constraints, as codes (hmserve.constraints).

    A code is the index of a level, or the unit coordinate of a real.
    """

    @property
    def count(self) -> int | None:
        """How many configurations there are; None if that is infinite or unknown."""

    @property
    def empty(self) -> bool:
        """Whether there are certainly none."""

    @property
    def share(self) -> float:
        """Which part of the product of the parameters they are, about."""

    def draw_distinct(self, n: int, rng: "np.random.Generator") -> "Floats":
        """Return at most `n` different codes, shape (k, d), each equally likely."""

    def draw(self, n: int, rng: "np.random.Generator") -> "Floats":
        """Return at most `n` codes, drawn one independently of the other."""

    def holds(self, codes: "Floats") -> "Mask":
        """Tell which rows satisfy the constraints."""

    def enumerate(self, limit: int) -> "Floats":
        """Return all codes, if they are at most `limit`, the last parameter fastest."""

    def neighbours(self, code: "Floats") -> "Floats":
        """Return codes that satisfy the constraints and differ in one or two parameters."""


class Known(Protocol):
    """Known constraints."""

    @property
    def region(self) -> Region:
        """What satisfies them; computed when it is first wanted."""

    def broken(self, configuration: "Configuration") -> str | None:
        """Return the text of a constraint that does not hold; None if all do."""


class Space:
    """The product of its parameters, or what conditions and constraints leave of it.

    Args:
        parameters: In scenario order, which is the order of columns everywhere.
        conditions: When a parameter is active, by its name; all parents are discrete.
        priors: Where values are to be expected, by the name of the parameter.
        joint_prior: Where whole configurations are to be expected, instead of `priors`.
        known: Constraints over several parameters.

    Raises:
        ValueError: No parameter, two of one name, or conditions that go round in a circle.
    """

    def __init__(
        self,
        parameters: Sequence[Parameter],
        *,
        conditions: Mapping[str, Condition] = MappingProxyType({}),
        priors: Mapping[str, Distribution] = MappingProxyType({}),
        joint_prior: "JointKde | None" = None,
        known: Known | None = None,
    ) -> None:
        self.parameters = tuple(parameters)
        self.names = tuple(parameter.name for parameter in parameters)
        self.conditions = Conditions(conditions)
        self.priors = dict(priors)
        self.joint_prior = joint_prior
        self.known = known
        if not self.names:
            raise ValueError("a space needs at least one parameter")
        if len(set(self.names)) < len(self.names):
            raise ValueError("two parameters have the same name")

    @property
    def dimension(self) -> int:
        """The number of parameters, d."""
        return len(self.parameters)

    @functools.cached_property
    def size(self) -> float:
        """The number of configurations; infinite if a parameter takes reals.

        An upper bound where constraints or conditions are too many to be counted.
        """
        if self.known and (self.known.region.empty or self.known.region.count is not None):
            return self.known.region.count or 0
        return self.conditions.count(self.parameters)

    def contains(self, configuration: Mapping[str, object]) -> bool:
        """Whether `configuration` has exactly these names, each with a value of its domain."""
        return self.fault(configuration) is None

    def fault(self, configuration: Mapping[str, object]) -> str | None:
        """Return why `configuration` is not in the space; None if it is."""
        if configuration.keys() != set(self.names):
            return f"expected values of {', '.join(self.names)}"
        for p in self.parameters:
            value = configuration[p.name]
            if not self.conditions.is_active(p.name, configuration):
                if value is not None:
                    return f"{p.name} is inactive, so it has no value"
            elif not p.contains(value):
                return f"{p.name} cannot be {value!r}"
        broken = self.known.broken(cast(Configuration, configuration)) if self.known else None
        return None if broken is None else f"the constraint {broken!r} does not hold"

    def key(self, configuration: Configuration) -> Hashable:
        """Return what two equal configurations share: 2 and 2.0 are one value."""
        return tuple(configuration[name] for name in self.names)

    def encode(self, configuration: Configuration) -> list[float]:
        """Return the unit coordinates of `configuration`, length d."""
        values = [configuration[name] for name in self.names]
        return [
            idle_coordinate(p) if value is None else p.encode(value)
            for p, value in zip(self.parameters, values, strict=True)
        ]

    def decode(self, coordinates: Sequence[float]) -> dict[str, Value]:
        """Return the configuration nearest to `coordinates`, length d."""
        pairs = zip(self.parameters, coordinates, strict=True)
        return self.conditions.settle({p.name: p.decode(u) for p, u in pairs})

    def draw(self, variates: Sequence[float]) -> dict[str, Value]:
        """Return the configuration at quantiles `variates`, length d, each in [0, 1].

        Known constraints need not hold.
        """
        return self.conditions.settle(dict(zip(self.names, self.row(variates), strict=True)))

    def row(self, variates: Sequence[float]) -> list[Value]:
        """Return what `draw` does before it looks at what is active, in order."""
        if self.joint_prior is not None:
            places = self.joint_prior.draw(variates)
            return [_value_at(p, z) for p, z in zip(self.parameters, places, strict=True)]
        return [self.quantile(p, u) for p, u in zip(self.parameters, variates, strict=True)]

    def at_codes(self, codes: Sequence[float]) -> dict[str, Value]:
        """Return the configuration with these indices of levels and coordinates of reals."""
        pairs = zip(self.parameters, codes, strict=True)
        return self.conditions.settle(
            {p.name: p.decode(c) if p.size == math.inf else p.level(int(c)) for p, c in pairs}
        )

    def quantile(self, parameter: Parameter, u: float) -> Value:
        """Return the value at quantile `u` of the prior of `parameter`."""
        prior = self.priors.get(parameter.name)
        if prior is None:
            return parameter.draw(u)
        return _value_at(parameter, prior.quantile(u))

    def enumerate(self) -> Iterator[dict[str, Value]]:
        """Yield every configuration of a finite space, the last parameter fastest."""
        if self.known is not None and self.known.region.count is not None:
            for codes in self.known.region.enumerate(self.known.region.count).tolist():
                yield self.at_codes(codes)
            return
        seen = set()
        for values in itertools.product(*map(levels_of, self.parameters)):
            drawn = dict(zip(self.names, values, strict=True))
            settled = self.conditions.settle(drawn)
            if self.conditions.of:
                key = self.key(settled)
                if key in seen:
                    continue
                seen.add(key)
            if self.known is None or self.known.broken(settled) is None:
                yield settled


def _value_at(parameter: Parameter, z: float) -> Value:
    """Return the value that a prior has at `z`: of n levels each owns the share 1/n."""
    if parameter.size == math.inf:
        return parameter.draw(z)
    return parameter.level(min(int(z * parameter.size), int(parameter.size) - 1))


def idle_coordinate(parameter: Parameter) -> float:
    """Return the coordinate that stands for `parameter` while it is inactive."""
    return parameter.encode(parameter.decode(0.5))


def levels_of(parameter: Parameter) -> Sequence[Value]:
    """Return every value of a discrete parameter, in its own order.

    Raises:
        ValueError: The parameter is real.
    """
    if parameter.size == math.inf:
        raise ValueError(f"{parameter.name} is real: it has no list of values")
    return [parameter.level(i) for i in range(int(parameter.size))]
