"""From an entry of ``input_parameters`` to a parameter, or to what is wrong with the entry."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from hmserve.document import Findings, Path, quote
from hmserve.schema import did_you_mean
from hmserve.space.parameters import (
    Categorical,
    Integer,
    Ordinal,
    Parameter,
    Real,
    is_number,
)
from hmserve.space.space import levels_of

LARGEST_INTEGER: Final = 2**50
"""Up to here an integer survives the way through a coordinate in [0, 1] and back."""

WIDEST_REAL: Final = len("-1.2345678901234567e-100")

Make: TypeAlias = Callable[..., Parameter]


def read_parameter(name: str, entry: Mapping[str, Any], findings: Findings) -> Parameter | None:
    """Return the parameter of an entry that conforms to the schema.

    None if it cannot be one: `findings` then says why.
    """
    path: Path = ("input_parameters", name)
    make = _KINDS[entry["parameter_type"]](name, entry["values"], (*path, "values"), findings)
    if make is None:
        return None
    parameter = make()
    default = entry.get("parameter_default")
    if default is None:
        return parameter
    if not parameter.contains(default):
        message = f"expected {_domain(parameter)}, got {quote(default)}"
        findings.refuse(
            (*path, "parameter_default"), message + _nearest_label(parameter, default)
        )
        return None
    return make(parameter.parse(parameter.format(default)))


def field_fault(text: str) -> str | None:
    """Return why `text` cannot be a field of a line of the classic dialect, if so."""
    if not text:
        return "is empty"
    if text != text.strip():
        return "begins or ends with a blank, which readers of the protocol strip"
    for character, called in ((",", "a comma"), ('"', "a double quote")):
        if character in text:
            return f"contains {called}, which would break a line of the protocol"
    if not text.isprintable():
        return "contains a character that cannot be printed on one line"
    return None


def width(parameter: Parameter) -> int:
    """Return how many bytes the longest field of `parameter` can have."""
    if isinstance(parameter, Real):
        return WIDEST_REAL
    if isinstance(parameter, Integer):
        return max(len(str(parameter.low)), len(str(parameter.high)))
    return max(len(parameter.format(value).encode()) for value in levels_of(parameter))


def _bounds(
    values: Sequence[Any], path: Path, findings: Findings
) -> tuple[int | float, int | float] | None:
    if len(values) != 2 or not all(map(is_number, values)):
        findings.refuse(path, f"expected [low, high], two numbers, got {quote(values)}")
        return None
    low, high = values
    if low > high:
        findings.warn(path, f"read as [{high}, {low}]: the lower bound comes first")
        return high, low
    return low, high


def _real(name: str, values: Sequence[Any], path: Path, findings: Findings) -> Make | None:
    bounds = _bounds(values, path, findings)
    return partial(Real, name, float(bounds[0]), float(bounds[1])) if bounds else None


def _integer(name: str, values: Sequence[Any], path: Path, findings: Findings) -> Make | None:
    bounds = _bounds(values, path, findings)
    if bounds is None:
        return None
    low, high = int(bounds[0]), int(bounds[1])
    if (low, high) != bounds:
        findings.refuse(path, f"expected two integers, got {quote(values)}")
        return None
    if low < -LARGEST_INTEGER or high > LARGEST_INTEGER:
        limits = f"[-{LARGEST_INTEGER}, {LARGEST_INTEGER}]"
        findings.refuse(path, f"expected integers in {limits}, got {quote(values)}")
        return None
    return partial(Integer, name, low, high)


def _ordinal(name: str, values: Sequence[Any], path: Path, findings: Findings) -> Make | None:
    sound = _refuse_faulty(values, _level_fault, path, findings)
    return partial(Ordinal, name, values) if sound else None


def _categorical(
    name: str, values: Sequence[Any], path: Path, findings: Findings
) -> Make | None:
    sound = _refuse_faulty(values, _label_fault, path, findings)
    return partial(Categorical, name, values) if sound else None


def _refuse_faulty(
    values: Sequence[Any],
    fault_of: Callable[[Any], str | None],
    path: Path,
    findings: Findings,
) -> bool:
    """Refuse the values that have a fault or come twice; return whether there are none."""
    seen: set[Any] = set()
    for index, value in enumerate(values):
        fault = fault_of(value)
        if fault:
            findings.refuse((*path, index), fault)
        elif value in seen:
            findings.refuse((*path, index), f"{quote(value)} is there already")
        seen.add(value)
    return not any(problem.path[:-1] == path for problem in findings.problems)


def _level_fault(value: Any) -> str | None:
    if isinstance(value, str):
        return f"expected a number, got the text {quote(value)}"
    if not is_number(value) or float(value) != value:
        return f"expected a number that a double can hold, got {quote(value)}"
    return None


def _label_fault(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"expected a label, got {quote(value)}; put it in quotes: {quote(str(value))}"
    fault = field_fault(value)
    return f"the label {quote(value)} {fault}" if fault else None


_KINDS: Final[Mapping[str, Callable[[str, Sequence[Any], Path, Findings], Make | None]]] = {
    "real": _real,
    "integer": _integer,
    "ordinal": _ordinal,
    "categorical": _categorical,
}


def _domain(parameter: Parameter) -> str:
    if isinstance(parameter, Real):
        return f"a number in [{quote(parameter.low)}, {quote(parameter.high)}]"
    if isinstance(parameter, Integer):
        return f"an integer in [{parameter.low}, {parameter.high}]"
    return f"one of {quote(levels_of(parameter))}"


def _nearest_label(parameter: Parameter, default: object) -> str:
    return did_you_mean(default, parameter.values) if isinstance(parameter, Categorical) else ""
