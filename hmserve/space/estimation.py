"""Priors estimated from evaluations: where the good ones were.

The estimates are kernel density estimates with HyperMapper's bandwidth, for n points in d
dimensions (n f)^(-1 / (d + p)) times the standard deviation of the points. Unlike there,
kernels have a least width, every kind of parameter takes part, and nothing is out of bounds.
"""

import math
from collections.abc import Sequence
from typing import Final, Protocol

from hmserve.space.joint_prior import JointKde, Kernels, LabelKernels, NumberKernels
from hmserve.space.parameters import Integer, Parameter, Value
from hmserve.space.permutation import Permutation
from hmserve.space.permutations import rank_of
from hmserve.space.priors import frequencies
from hmserve.space.scales import LogInside
from hmserve.space.space import Configuration, Distribution

_LEAST_DEVIATION: Final = 0.01
"""Of a kernel, as a part of the range: narrower ones say "only where we have been"."""


class EstimationOptions(Protocol):
    """HyperMapper's names."""

    @property
    def prior_estimation_quantile(self) -> float:
        """Which part of the evaluations counts as good."""

    @property
    def estimate_multivariate_priors(self) -> bool:
        """Whether one distribution of all parameters is wanted."""

    @property
    def bandwidth_parameter(self) -> int:
        """The p of the bandwidth."""

    @property
    def bandwidth_n_factor(self) -> int:
        """The f of the bandwidth."""


def estimate(
    parameters: Sequence[Parameter],
    configurations: Sequence[Configuration],
    values: Sequence[float],
    options: EstimationOptions,
) -> dict[str, Distribution] | JointKde:
    """Return the priors of `parameters` by name, or one of all of them together.

    Numbers get kernels, labels and levels of ordinals their frequencies. A parameter that no
    good configuration has a value of its domain for is left out.

    Args:
        parameters: Those to estimate; for a joint estimate all of the space, in its order.
        configurations: Feasible evaluations.
        values: The first objective of each, to be minimised; not-a-numbers do not count.
        options: How.

    Raises:
        ValueError: There is no evaluation to learn from.
    """
    good = _good(configurations, values, options.prior_estimation_quantile)
    n, dimension = len(good), len(parameters) if options.estimate_multivariate_priors else 1
    exponent = -1.0 / max(dimension + options.bandwidth_parameter, 1)
    factor = max(n * options.bandwidth_n_factor, 1) ** exponent
    columns = {p.name: _column(p, good) for p in parameters}
    if options.estimate_multivariate_priors:
        return JointKde([_kernels(p, columns[p.name], factor) for p in parameters])
    return {
        p.name: _alone(p, columns[p.name], factor)
        for p in parameters
        if p.size > 1 and any(value is not None for value in columns[p.name])
    }


def _good(
    configurations: Sequence[Configuration], values: Sequence[float], quantile: float
) -> list[Configuration]:
    pairs = zip(configurations, values, strict=True)
    counted = [(c, value) for c, value in pairs if math.isfinite(value)]
    if not counted:
        raise ValueError("there is no feasible evaluation to estimate a prior from")
    ordered = sorted(value for _, value in counted)
    last = quantile * (len(ordered) - 1)
    below, above = ordered[math.floor(last)], ordered[math.ceil(last)]
    threshold = below + (last - math.floor(last)) * (above - below)
    return [c for c, value in counted if value <= threshold]


def _column(parameter: Parameter, good: Sequence[Configuration]) -> list[Value]:
    """Return the value of each configuration, None if that is none of `parameter`."""
    found = [configuration.get(parameter.name) for configuration in good]
    return [value if parameter.contains(value) else None for value in found]


def _alone(parameter: Parameter, column: Sequence[Value], factor: float) -> Distribution:
    if parameter.size == math.inf or isinstance(parameter, Integer):
        known = [value for value in column if value is not None]
        return _number_kernels(parameter, known, factor).mixture([1.0] * len(known))
    counts: dict[int, float] = {}
    for value in column:
        if value is not None:
            level = level_of(parameter, value)
            counts[level] = counts.get(level, 0.0) + 1.0
    return frequencies(int(parameter.size), counts)


def _kernels(parameter: Parameter, column: Sequence[Value], factor: float) -> Kernels:
    if not parameter.categorical and not isinstance(parameter, Permutation):
        return _number_kernels(parameter, column, factor)
    levels = [None if value is None else level_of(parameter, value) for value in column]
    share = min(max(factor, 1.0 / (len(levels) + 1)), 1.0)
    return LabelKernels(levels, share, int(parameter.size))


def _number_kernels(
    parameter: Parameter, column: Sequence[Value], factor: float
) -> NumberKernels:
    levels = int(parameter.size) if parameter.size < math.inf else 0
    scale = log_scale(parameter)

    def place(value: Value) -> float:
        if not levels:
            return parameter.encode(value)
        centre = (level_of(parameter, value) + 0.5) / levels
        return float(scale.inward(centre)) if scale else centre

    places = [None if value is None else place(value) for value in column]
    spread = _deviation([z for z in places if z is not None])
    least = max(_LEAST_DEVIATION, 0.5 / levels if levels else 0.0)
    return NumberKernels(places, max(factor * spread, least), levels, scale)


def _deviation(places: Sequence[float]) -> float:
    if len(places) < 2:
        return 0.0
    mean = math.fsum(places) / len(places)
    squares = math.fsum((place - mean) ** 2 for place in places)
    return math.sqrt(squares / (len(places) - 1))


def log_scale(parameter: Parameter) -> LogInside | None:
    """Return the way from the cells of an integer to its log scale, if it has one."""
    if not isinstance(parameter, Integer) or not parameter.log or parameter.size == 1:
        return None
    # Each integer owns half a step on either side of it.
    return LogInside(math.log(parameter.high + 0.5) - math.log(parameter.low - 0.5))


def level_of(parameter: Parameter, value: Value) -> int:
    """Return the number of a level of a discrete parameter."""
    if isinstance(value, tuple):
        return rank_of(value)
    if isinstance(parameter, Integer):
        return int(value) - parameter.low  # type: ignore[arg-type]
    return next(i for i in range(int(parameter.size)) if parameter.level(i) == value)
