"""Search spaces of parameterspace, in hmserve's words.

Their conditions are functions, and their values anything at all. So a parameter is seen here
by its numerical representation if it is continuous, as an integer, or by the numbers of its
levels; `ParameterSpace.from_numerical` makes configurations of it. A condition is tabulated
over the values of its parents. What a table cannot hold, a parent that is continuous or parents
that decide together, makes a parameter vary here where it may be inactive there: it is taken
out of the configuration, as `from_numerical` does.
"""

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from parameterspace import ParameterSpace
from parameterspace.parameters import (
    CategoricalParameter,
    IntegerParameter,
    OrdinalParameter,
)
from parameterspace.priors.categorical import Categorical
from parameterspace.priors.uniform import Uniform
from parameterspace.transformations.log_zero_one import LogZeroOneInteger
from parameterspace.transformations.zero_one import ZeroOneInteger

from hmserve.space.parameters import Value

_KNOTS: Final = 65
"""A prior of a continuous parameter is handed on as so many points of its density."""

_EDGE: Final = 1e-3
"""So far from the ends of its interval: there a beta distribution may be infinite."""

_LISTED: Final = 1000
"""An integer of more values than this has no table of them."""

_TABULATED: Final = 10_000
"""A condition whose parents have more combinations than this is not looked into."""


class _Kind(NamedTuple):
    """How a parameter is seen here.

    Args:
        entry: What ``input_parameters`` says about it.
        outward: From a value of ours to the numerical representation.
        inward: The way back.
        values: Values of ours with those that conditions are asked about; None for too many.
    """

    entry: Mapping[str, Any]
    outward: Callable[[Any], float]
    inward: Callable[[float], Value]
    values: Mapping[Value, Any] | None = None

    @property
    def first(self) -> Value:
        """A value for a parameter that has none there and needs one here."""
        first: Value = self.entry["values"][0]
        return first


@dataclass(frozen=True, slots=True)
class _Axis:
    """A parameter that varies, with its place among those of the search space.

    Args:
        name: What it is called there.
        column: What it is called here.
        index: Its place in a numerical vector.
        kind: How it is seen.
        condition: The values of parents, by their columns, that make it active.
    """

    name: str
    column: str
    index: int
    kind: _Kind
    condition: Mapping[str, Sequence[Value]] = field(default_factory=dict)

    @property
    def entry(self) -> dict[str, Any]:
        """What ``input_parameters`` says about it, its condition included."""
        condition = {parent: list(values) for parent, values in self.condition.items()}
        return {**self.kind.entry, **({"condition": condition} if condition else {})}


class Translation:
    """The way between configurations of a search space and hmserve's.

    Args:
        space: Of parameterspace. It is not to be changed from now on.

    Raises:
        ValueError: None of its parameters varies.
    """

    def __init__(self, space: ParameterSpace) -> None:
        self._space = space
        names = space.get_parameter_names()
        self._known = {*names, *space.get_constant_names()}
        axes: dict[str, _Axis] = {}
        constants = _constants(space)
        for index, name in enumerate(names):
            condition = _condition(space[name]["condition"], axes, constants)
            if condition is not None:
                kind = _kind(space[name]["parameter"])
                axes[name] = _Axis(name, f"p{index}", index, kind, condition)
        if not axes:
            raise ValueError("expected a search space with a parameter that can vary, got none")
        self._axes = tuple(axes.values())

    @property
    def parameters(self) -> dict[str, Any]:
        """The value of the key ``input_parameters`` of a scenario."""
        return {axis.column: axis.entry for axis in self._axes}

    def outward(self, configuration: Mapping[str, Value]) -> dict[str, Any]:
        """Return the configuration of the search space that `configuration` stands for."""
        vector = np.full(len(self._space), math.nan)
        for axis in self._axes:
            value = configuration[axis.column]
            if value is not None:
                vector[axis.index] = axis.kind.outward(value)
        found: dict[str, Any] = self._space.from_numerical(vector)
        return found

    def inward(self, configuration: Mapping[str, Any]) -> dict[str, Value]:
        """Return what stands for a `configuration` of the search space.

        Raises:
            ValueError: It is not in the search space.
        """
        given = dict(configuration)
        self._check(given)
        vector = self._space.to_numerical(given)
        values: dict[str, Value] = {}
        for axis in self._axes:
            met = all(values[parent] in allowed for parent, allowed in axis.condition.items())
            value = axis.kind.first
            if given.get(axis.name) is not None:
                value = axis.kind.inward(float(vector[axis.index]))
            values[axis.column] = value if met else None
        return values

    def _check(self, configuration: dict[str, Any]) -> None:
        unknown = sorted(configuration.keys() - self._known)
        if unknown:
            raise ValueError(f"{unknown[0]!r:.200} is no parameter of the search space")
        # What is wrong is told in a warning.
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            if not self._space.check_validity(configuration):
                why = str(told[-1].message) if told else "it is not valid"
                raise ValueError(f"{configuration!r:.200} is not in the search space: {why}")


def _kind(parameter: Any) -> _Kind:
    """Return how `parameter` is seen: anything that is not known better by its number."""
    if isinstance(parameter, CategoricalParameter | OrdinalParameter):
        return _levels(parameter)
    plain = isinstance(parameter._transformation, ZeroOneInteger | LogZeroOneInteger)
    if isinstance(parameter, IntegerParameter) and plain:
        low, high = map(int, parameter.bounds)
        few = high - low < _LISTED
        # The prior of an integer is a list of weights, one a value.
        if few or isinstance(parameter._prior, Uniform):
            return _integer(parameter, low, high)
    return _real(parameter)


def _real(parameter: Any) -> _Kind:
    low, high = map(float, parameter.get_numerical_bounds())

    def inward(number: float) -> Value:
        return min(max(number, low), high) if math.isfinite(number) else low

    knots = np.linspace(low, high, _KNOTS)
    entry = {"parameter_type": "real", "values": [low, high], **_prior(parameter, knots)}
    return _Kind(entry, float, inward)


def _integer(parameter: Any, low: int, high: int) -> _Kind:
    log = isinstance(parameter._transformation, LogZeroOneInteger)
    listed = range(low, high + 1) if high - low < _LISTED else range(0)
    entry = {
        "parameter_type": "integer",
        "values": [low, high],
        "transform": "log" if log else "none",
        **_prior(parameter, [parameter.val2num(value) for value in listed]),
    }

    def outward(value: Any) -> float:
        return float(parameter.val2num(value))

    return _Kind(entry, outward, parameter.num2val, {v: v for v in listed} or None)


def _levels(parameter: Any) -> _Kind:
    ordered, count = isinstance(parameter, OrdinalParameter), len(parameter.values)
    places = [(i + 0.5) / count for i in range(count)]
    labels: list[Value] = [i if ordered else str(i) for i in range(count)]
    kind = "ordinal" if ordered else "categorical"
    entry = {"parameter_type": kind, "values": labels, **_prior(parameter, places)}

    def inward(number: float) -> Value:
        return labels[min(int(number * count), count - 1)]

    values = dict(zip(labels, parameter.values, strict=True))
    return _Kind(entry, lambda value: places[int(value)], inward, values)


def _prior(parameter: Any, places: Any) -> dict[str, Any]:
    """Return the density of the prior of `parameter` at `places`, unless it is uniform."""
    # parameterspace has no other name for the prior.
    prior = parameter._prior
    even = isinstance(prior, Categorical) and np.ptp(prior.probabilities) == 0
    if even or isinstance(prior, Uniform) or not len(places):
        return {}
    low, high = map(float, parameter.get_numerical_bounds())
    edge = _EDGE * (high - low)
    heights = np.asarray(prior.pdf(np.clip(places, low + edge, high - edge)), dtype=float)
    weights = np.nan_to_num(heights, nan=0.0).clip(min=0.0)
    if not weights.sum() > 0.0:
        return {}
    return {"prior": [float(weight) for weight in weights / weights.sum()]}


def _constants(space: ParameterSpace) -> dict[str, Any]:
    """Return what `space.fix` has fixed."""
    # A draw tells; with a generator of its own it leaves the search space as it is.
    names = space.get_constant_names()
    drawn = space.sample(rng=np.random.default_rng(0)) if names else {}
    return {name: drawn[name] for name in names}


def _condition(
    condition: Any, axes: Mapping[str, _Axis], constants: Mapping[str, Any]
) -> dict[str, list[Value]] | None:
    """Return the values of parents, by column, outside which `condition` does not hold.

    None if it never holds.
    """
    allowed: dict[str, list[Value]] = {}
    for names, holds in zip(condition.varnames, condition.functions, strict=True):
        found = _allowed(names, holds, axes, constants)
        if found is None:
            return None
        for column, values in found.items():
            allowed[column] = [v for v in allowed.get(column, values) if v in values]
    return allowed if all(allowed.values()) else None


def _allowed(
    names: Sequence[str],
    holds: Callable[..., Any],
    axes: Mapping[str, _Axis],
    constants: Mapping[str, Any],
) -> dict[str, list[Value]] | None:
    """Return the same for one function of a condition, whose arguments are `names`."""
    parents = [name for name in names if name not in constants]
    if any(name not in axes for name in parents):
        return None
    tables = [axes[name].kind.values or {} for name in parents]
    if not 0 < math.prod(map(len, tables)) <= _TABULATED:
        return {}
    met = [
        chosen
        for chosen in itertools.product(*tables)
        if _holds(holds, names, {**constants, **_named(parents, tables, chosen)})
    ]
    if not met:
        return None
    each = [list(dict.fromkeys(column)) for column in zip(*met, strict=True)]
    found = zip(parents, each, tables, strict=True)
    return {axes[p].column: values for p, values, table in found if len(values) < len(table)}


def _named(
    parents: Sequence[str], tables: Sequence[Mapping[Value, Any]], chosen: Sequence[Value]
) -> dict[str, Any]:
    """Return what the search space calls the values `chosen` for `parents`."""
    found = zip(parents, tables, chosen, strict=True)
    return {parent: table[value] for parent, table, value in found}


def _holds(holds: Callable[..., Any], names: Sequence[str], known: Mapping[str, Any]) -> bool:
    arguments = [known[name] for name in names]
    if None in arguments:  # as parameterspace has it
        return False
    try:
        return bool(holds(*arguments))
    except Exception:  # noqa: BLE001 - it need not know values that never meet
        return True
