"""From the prior of an entry of ``input_parameters`` to a distribution, or to what is wrong."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hmserve.document import Findings, Path, quote
from hmserve.schema import did_you_mean
from hmserve.space.estimation import level_of, log_scale
from hmserve.space.fixed import Fixed
from hmserve.space.normal_mixture import NormalMixture
from hmserve.space.parameters import Integer, Ordinal, Parameter, Real
from hmserve.space.priors import Decay, Exponential, Gaussian, PiecewiseLinear, cells
from hmserve.space.scales import LinearInside, Rescaled
from hmserve.space.space import Distribution

_SHAPES: Final[Mapping[str, Callable[[], Distribution]]] = {
    "gaussian": Gaussian,
    "decay": Decay,
    "exponential": Exponential,
}
_NAMES: Final = ("uniform", *_SHAPES, "custom_gaussian", "estimate")

_TOLERANCE: Final = 1e-6
"""HyperMapper wants weights that sum to one; we scale them, and say so beyond this."""

_MEANS: Final = "custom_gaussian_prior_means"
_DEVIATIONS: Final = "custom_gaussian_prior_stds"

_HALF: Final = -1.0
"""HyperMapper's way to say "half the range" of a standard deviation."""


def read_prior(
    parameter: Parameter,
    entry: Mapping[str, Any],
    document: Mapping[str, Any],
    findings: Findings,
) -> Distribution | None:
    """Return the prior of a parameter, relative to its unit interval.

    None if it is uniform, is to be estimated, or cannot be used: `findings` then says why.

    Args:
        parameter: What the entry describes.
        entry: It, with its defaults filled in.
        document: The whole scenario, for what holds for all parameters.
        findings: Takes complaints.
    """
    given, path = entry["prior"], ("input_parameters", parameter.name, "prior")
    if isinstance(parameter, Fixed):
        return None
    if isinstance(given, Mapping):
        given = _by_label(parameter, given, path, findings)
    if isinstance(given, list):
        return _listed(parameter, given, path, findings)
    if given is None or given in ("uniform", "estimate"):
        return None
    return _named(parameter, entry, document, findings)


def _named(
    parameter: Parameter,
    entry: Mapping[str, Any],
    document: Mapping[str, Any],
    findings: Findings,
) -> Distribution | None:
    given, path = entry["prior"], ("input_parameters", parameter.name, "prior")
    if given not in _NAMES:
        names = ", ".join(map(quote, _NAMES))
        message = f"expected one of {names}, or weights, got {quote(given)}"
        findings.refuse(path, message + did_you_mean(given, _NAMES))
        return None
    if not isinstance(parameter, Real | Integer | Ordinal):
        kind = type(parameter).__name__.lower()
        message = f"a {kind} has no order: expected weights, one a value, got {quote(given)}"
        findings.refuse(path, message)
        return None
    if given == "custom_gaussian":
        normals = _custom(parameter, entry, document, findings)
        return _normals(parameter, *normals, path, findings) if normals else None
    place = entry["prior_parameters"]
    if given == "gaussian" and place:
        if len(place) == 2:
            return _normals(parameter, place[:1], place[1:], path, findings)
        message = f"expected [mean, standard deviation], got {quote(place)}"
        findings.refuse((*path[:2], "prior_parameters"), message)
        return None
    scale = log_scale(parameter)
    shape = _SHAPES[given]()
    return Rescaled(shape, scale) if scale else shape


def _by_label(
    parameter: Parameter, given: Mapping[str, float], path: Path, findings: Findings
) -> list[float] | None:
    """Return the weights of an object in the order of the levels; None with complaints."""
    if parameter.size == math.inf:
        findings.refuse(path, f"{parameter.name} is real: expected a name or a list of weights")
        return None
    levels = int(parameter.size)
    weights = [0.0] * min(levels, _MOST)
    faults = 0
    for text, weight in given.items():
        try:
            value = parameter.parse(text)
            fault = not parameter.contains(value)
        except ValueError:
            fault = True
        if fault or levels > _MOST:
            findings.refuse((*path, text), f"is no value of {parameter.name}")
            faults += 1
        else:
            weights[level_of(parameter, value)] = weight
    return None if faults else weights


_MOST: Final = 100_000
"""Of more levels than this nobody lists the weights."""


def _listed(
    parameter: Parameter, weights: Sequence[float], path: Path, findings: Findings
) -> Distribution | None:
    real = parameter.size == math.inf
    if real and len(weights) < 2:
        findings.refuse(path, f"expected at least 2 weights, got {quote(weights)}")
        return None
    if not real and len(weights) != parameter.size:
        kind = "label" if parameter.categorical else "level"
        message = f"expected {int(parameter.size):,} weights, one a {kind}, got {len(weights)}"
        findings.refuse(path, message)
        return None
    if max(weights) <= 0.0:
        findings.refuse(path, f"expected a weight above 0, got {quote(weights)}")
        return None
    total = sum(weights)
    if not real and abs(total - 1.0) > _TOLERANCE:
        findings.warn(path, f"the weights sum to {total:.6g}; scaled to 1")
    return PiecewiseLinear(weights) if real else cells(weights)


def _custom(
    parameter: Parameter,
    entry: Mapping[str, Any],
    document: Mapping[str, Any],
    findings: Findings,
) -> tuple[Sequence[float], Sequence[float]] | None:
    """Return means and standard deviations: the parameter's own, else those for all."""
    means, deviations = entry[_MEANS], entry[_DEVIATIONS]
    if means is None and deviations is None:
        names = list(document["input_parameters"])
        place = names.index(parameter.name)
        both = [document[key] for key in (_MEANS, _DEVIATIONS)]
        if any(len(given) not in {1, len(names)} for given in both):
            message = f"expected 1 number for all, or {len(names)}, one a parameter"
            lengths = f"got {len(both[0])} means and {len(both[1])} standard deviations"
            findings.refuse((_MEANS,), f"{message}: {lengths} for {parameter.name}")
            return None
        means, deviations = ([given[place if len(given) > 1 else 0]] for given in both)
    if means is None:
        low, high = _ends(parameter)
        means = [low / 2 + high / 2] * len(deviations)
    return means, [_HALF] * len(means) if deviations is None else deviations


def _ends(parameter: Parameter) -> tuple[float, float]:
    low, high = parameter.decode(0.0), parameter.decode(1.0)
    return float(low), float(high)  # type: ignore[arg-type]


def _normals(
    parameter: Parameter,
    means: Sequence[float],
    deviations: Sequence[float],
    path: Path,
    findings: Findings,
) -> Distribution | None:
    """Return a mixture of normals given in units of the parameter."""
    low, high = _ends(parameter)
    deviations = [high / 2 - low / 2 if s == _HALF else s for s in deviations]
    if len(means) != len(deviations) or min(deviations) <= 0.0:
        message = (
            "expected as many positive standard deviations as means, "
            f"got {quote(list(means))} and {quote(list(deviations))}"
        )
        findings.refuse(path, message)
        return None
    try:
        if isinstance(parameter, Ordinal):
            return cells([_height(float(v), means, deviations) for v in parameter.values])
        return _on_interval(parameter, means, deviations, low, high)
    except (ValueError, ZeroDivisionError):
        message = f"no value of {low:g} to {high:g} is likely: means {quote(list(means))}"
        findings.refuse(path, f"{message}, standard deviations {quote(list(deviations))}")
        return None


def _on_interval(
    parameter: Parameter,
    means: Sequence[float],
    deviations: Sequence[float],
    low: float,
    high: float,
) -> Distribution:
    """Return the mixture on the unit interval of a real or an integer."""
    if isinstance(parameter, Integer):
        # Every integer owns half a step on either side of it.
        low, high = low - 0.5, high + 0.5
    half = (high / 2 - low / 2) or 0.5  # the whole may be beyond the largest double
    places = [(mean / 2 - low / 2) / half for mean in means]
    mixture = NormalMixture(places, [deviation / 2 / half for deviation in deviations])
    if isinstance(parameter, Real) and parameter.log and high > low:
        return Rescaled(mixture, LinearInside(math.log(high) - math.log(low)))
    return mixture


def _height(value: float, means: Sequence[float], deviations: Sequence[float]) -> float:
    """Return the density of a mixture of equal parts, up to a factor."""
    least = min(deviations)
    parts = [((value - m) / s, least / s) for m, s in zip(means, deviations, strict=True)]
    return math.fsum(math.exp(-0.5 * t * t) * height for t, height in parts)
