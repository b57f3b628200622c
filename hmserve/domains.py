"""From an entry of ``input_parameters`` to a parameter, or to what is wrong with the entry."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from hmserve.document import Findings, Path, quote
from hmserve.schema import did_you_mean
from hmserve.space.fixed import Fixed
from hmserve.space.parameters import (
    Categorical,
    Integer,
    Ordinal,
    Parameter,
    Real,
    Value,
    is_number,
)
from hmserve.space.permutation import LARGEST, Permutation
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
    before = len(findings.problems)
    kind = entry["parameter_type"]
    make = _KINDS[kind](name, entry["values"], (*path, "values"), findings)
    if make is None or not _is_plausible(entry, path, findings):
        return None
    if kind == "permutation":
        make = partial(make, entry.get("parametrization") or "spearman")
    if entry.get("transform", "none") == "log" and not _log_fault(make(), path, findings):
        make = partial(make, log=True)
    parameter = make()
    default, fixed = (
        _value(parameter, entry.get(key), (*path, key), findings)
        for key in ("parameter_default", "fixed")
    )
    if len(findings.problems) > before:
        return None
    if fixed is not None:
        return Fixed(parameter, fixed)
    return parameter if default is None else make(default=default)


def _is_plausible(entry: Mapping[str, Any], path: Path, findings: Findings) -> bool:
    """Refuse keys that the kind of parameter does not have."""
    kind = entry["parameter_type"]
    before = len(findings.problems)
    if entry.get("parametrization") and kind != "permutation":
        findings.refuse((*path, "parametrization"), f"only a permutation has one, not a {kind}")
    if entry.get("transform", "none") == "log" and kind in ("categorical", "permutation"):
        findings.refuse((*path, "transform"), f"a {kind} has no logarithm")
    return len(findings.problems) == before


def _log_fault(parameter: Parameter, path: Path, findings: Findings) -> bool:
    """Refuse the logarithm of what is not positive; return whether that was so."""
    low = parameter.decode(0.0)
    if isinstance(low, int | float) and low > 0:
        return False
    findings.refuse((*path, "transform"), f"log needs positive values, the least is {low}")
    return True


def _value(parameter: Parameter, given: Any, path: Path, findings: Findings) -> Value:
    """Return `given` as a value of `parameter`; None, with a complaint, if it is none."""
    if given is None:
        return None
    if not parameter.contains(given):
        message = f"expected {_domain(parameter)}, got {quote(given)}"
        findings.refuse(path, message + _nearest_label(parameter, given))
        return None
    value: Value = tuple(given) if isinstance(given, list) else given
    return parameter.parse(parameter.format(value))


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
    if isinstance(parameter, Permutation):
        return len(parameter.format(parameter.level(0)))
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


def _permutation(
    name: str, values: Sequence[Any], path: Path, findings: Findings
) -> Make | None:
    n = values[0]
    if len(values) != 1 or not is_number(n) or n != int(n) or not 1 <= n <= LARGEST:
        message = f"expected [n], the number of elements, 1 to {LARGEST}, got {quote(values)}"
        findings.refuse(path, message)
        return None

    def make(parametrization: str, default: tuple[int, ...] | None = None) -> Parameter:
        return Permutation(name, int(n), parametrization, default)

    return make


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
    "permutation": _permutation,
}


def _domain(parameter: Parameter) -> str:
    if isinstance(parameter, Real):
        return f"a number in [{quote(parameter.low)}, {quote(parameter.high)}]"
    if isinstance(parameter, Integer):
        return f"an integer in [{parameter.low}, {parameter.high}]"
    if isinstance(parameter, Permutation):
        return f"a list of the numbers 0 to {parameter.n - 1} in some order"
    return f"one of {quote(levels_of(parameter))}"


def _nearest_label(parameter: Parameter, default: object) -> str:
    return did_you_mean(default, parameter.values) if isinstance(parameter, Categorical) else ""
