"""The notation of parameters and conditions on the command line of `hmserve init`.

name=low:high           a range; integers if both are written so, else reals
name=a,b,c              a list; of numbers, or of labels
name=permutation:n      every order of 0..n-1
...:log                 numbers on a logarithmic scale
...@value               the value to try first
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from hmserve.cells import parse_float
from hmserve.document import quote
from hmserve.domains import LARGEST_INTEGER, field_fault
from hmserve.errors import UsageError
from hmserve.space.permutation import LARGEST

Entry = dict[str, Any]
"""The value of a key of `input_parameters`."""

FORMS: Final = "name=low:high, name=a,b,c or name=permutation:n"

_NAME: Final = re.compile(r"[0-9A-Za-z_-]+")
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


def read_parameter(word: str) -> tuple[str, Entry]:
    """Return the name and the entry of the parameter that `word` describes.

    Raises:
        UsageError: It describes none; the message quotes it and says what was expected.
    """
    name, equals, rest = (part.strip() for part in word.partition("="))
    if not equals:
        raise _fault(word, f"expected {FORMS}", f"{_usable(name)}=1:8")
    check_name(name, word)
    # The two suffixes may come in either order.
    rest, log_last = _without_log(rest)
    text, at, default = (part.strip() for part in rest.rpartition("@"))
    if not at:
        text, default = rest, ""
    elif not default:
        raise _fault(word, "expected a value after @", f"{name}=8,16,32@16")
    text, log_first = _without_log(text)
    entry = _domain(name, text, word)
    if log_first or log_last:
        _check_log(entry, word)
        entry["transform"] = "log"
    if at:
        entry["parameter_default"] = _value(entry, default, word)
    return name, entry


def _without_log(text: str) -> tuple[str, bool]:
    return (text[: -len(":log")], True) if text.endswith(":log") else (text, False)


def check_name(name: str, word: str) -> None:
    """Refuse what cannot be the name of a parameter.

    Raises:
        UsageError: It is none.
    """
    if not _NAME.fullmatch(name):
        expected = f"expected a name of letters, digits, _ and -, got {quote(name)}"
        raise _fault(word, expected, f"{_usable(name)}=1:8")


def read_condition(
    word: str, parameters: Mapping[str, Mapping[str, Any]]
) -> tuple[str, dict[str, list[Any]]]:
    """Return the parameter that ``name: parent=a,b`` speaks of, and its condition.

    Several parents have ``and`` between them. ``parent in a,b`` and ``parent==a`` do as well.

    Raises:
        UsageError: It is no condition over the `parameters`.
    """
    example = "momentum: algorithm=sgd,adam"
    name, colon, rest = (part.strip() for part in word.partition(":"))
    if not colon or not rest:
        raise _fault(word, "expected NAME: PARENT=VALUE,VALUE", example)
    _check_known(name, word, parameters)
    condition = {}
    for clause in re.split(r"\s+and\s+", rest):
        found = re.fullmatch(r"([\w-]+)\s*(?:==?|\s+in\b)\s*(.+)", clause)
        if found is None:
            raise _fault(word, f"expected PARENT=VALUE,VALUE, got {quote(clause)}", example)
        parent, values = found.groups()
        _check_known(parent, word, parameters)
        condition[parent] = [
            _value(parameters[parent], value.strip().strip("'\""), word)
            for value in values.strip("[]()").split(",")
        ]
    return name, condition


def _check_known(name: str, word: str, parameters: Mapping[str, Any]) -> None:
    if name not in parameters:
        from hmserve.schema import did_you_mean

        guess = did_you_mean(name, list(parameters))
        raise UsageError(f"{quote(word)}: there is no parameter {quote(name)}{guess}")


def _domain(name: str, text: str, word: str) -> Entry:
    """Return the entry that `text`, without its suffixes, describes."""
    if text.startswith(("[", "(", "{")):
        raise _fault(word, "expected no brackets", f"{name}=0:1 for a range, {name}=a,b,c")
    kind, colon, count = text.partition(":")
    if colon and kind == "permutation":
        return _permutation(name, count, word)
    if "," in text:
        texts = text.split(",")
        if any(_looks_like_range(each) for each in texts):
            raise _fault(word, "expected a range or a list, not both", f"{name}=1:8")
        return _list(name, texts, word)
    if colon:
        return _range(name, text.split(":"), word)
    if not text:
        raise _fault(word, f"expected {FORMS}", f"{name}=1:8")
    raise _fault(
        word,
        "expected low:high, or two values or more with commas between them, got "
        f"{quote(text)} alone",
        f"{name}=1:8",
    )


def _looks_like_range(text: str) -> bool:
    bounds = text.split(":")
    return len(bounds) > 1 and all(_number(bound.strip()) is not None for bound in bounds)


def _range(name: str, bounds: list[str], word: str) -> Entry:
    if len(bounds) != 2:
        expected = (
            "expected low:high with nothing but :log after it; a list has each of its values"
        )
        raise _fault(word, expected, f"{name}=8,16,24,32")
    numbers = [_number(text.strip()) for text in bounds]
    for text, number in zip(bounds, numbers, strict=True):
        if number is None:
            raise _fault(word, f"expected a number, got {quote(text)}", f"{name}=1:8")
    low, high = numbers
    if low is None or high is None or low >= high:
        raise _fault(word, "expected the lower bound first, below the upper", f"{name}=1:8")
    if isinstance(low, int) and isinstance(high, int):
        if max(-low, high) > LARGEST_INTEGER:
            raise _fault(word, f"expected integers up to {LARGEST_INTEGER}", f"{name}=1:1e18")
        return {"parameter_type": "integer", "values": [low, high]}
    return {"parameter_type": "real", "values": [float(low), float(high)]}


def _list(name: str, texts: list[str], word: str) -> Entry:
    labels = [text.strip() for text in texts]
    numbers = [_number(label) for label in labels]
    values = [number for number in numbers if number is not None]
    kind, found = "ordinal", values
    if len(values) < len(labels):
        kind, found = "categorical", labels  # type: ignore[assignment]
    for index, value in enumerate(found):
        if not labels[index]:
            raise _fault(word, "expected a value between the commas", f"{name}=a,b,c")
        if kind == "categorical" and (fault := field_fault(labels[index])):
            raise _fault(word, f"the label {quote(value)} {fault}", f"{name}=a,b,c")
        if value in found[:index]:
            raise _fault(word, f"{quote(value)} comes twice", f"{name}=a,b,c")
    return {"parameter_type": kind, "values": found}


def _permutation(name: str, count: str, word: str) -> Entry:
    n = _number(count.strip())
    if not isinstance(n, int) or not 2 <= n <= LARGEST:
        expected = f"expected the number of elements, 2 to {LARGEST}, got {quote(count)}"
        raise _fault(word, expected, f"{name}=permutation:5")
    return {"parameter_type": "permutation", "values": [n]}


def _check_log(entry: Mapping[str, Any], word: str) -> None:
    if entry["parameter_type"] not in ("real", "integer", "ordinal"):
        raise _fault(word, "only numbers have a logarithm", "alpha=0.001:1:log")
    if min(entry["values"]) <= 0:
        least = quote(min(entry["values"]))
        raise _fault(word, f"log needs values above 0, got {least}", "alpha=0.001:1:log")


def _value(entry: Mapping[str, Any], text: str, word: str) -> Any:
    """Return the value of a parameter that `text` is."""
    value = _READERS[entry["parameter_type"]](text)
    if value is None or not _contains(entry, value):
        expected = _expectation(entry)
        raise UsageError(f"{quote(word)}: expected {expected}, got {quote(text)}")
    return value


def _contains(entry: Mapping[str, Any], value: Any) -> bool:
    kind, values = entry["parameter_type"], entry["values"]
    if kind == "permutation":
        return sorted(value) == list(range(values[0]))
    if kind in ("ordinal", "categorical"):
        return value in values
    return bool(values[0] <= value <= values[1])


def _expectation(entry: Mapping[str, Any]) -> str:
    kind, values = entry["parameter_type"], entry["values"]
    if kind == "permutation":
        return f"the numbers 0 to {values[0] - 1} in some order, with commas"
    if kind in ("ordinal", "categorical"):
        return f"one of {', '.join(map(str, values))}"[:200]
    return (
        f"{'an integer' if kind == 'integer' else 'a number'} from {values[0]} to {values[1]}"
    )


def _number(text: str) -> int | float | None:
    """Return the number that `text` is, an int if it is written as one."""
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) < 300 else None
    value = parse_float(text)
    return None if value is None or not math.isfinite(value) else value


def _integer(text: str) -> int | None:
    value = _number(text)
    return value if isinstance(value, int) else None


def _order(text: str) -> list[int] | None:
    order = [_integer(part.strip()) for part in text.strip("()[]").split(",")]
    known = [part for part in order if part is not None]
    return known if len(known) == len(order) else None


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "real": _number,
    "integer": _integer,
    "ordinal": _number,
    "categorical": str,
    "permutation": _order,
}


def _usable(name: str) -> str:
    """Return a name like `name` that a parameter can have."""
    return re.sub(r"[^0-9A-Za-z_-]+", "_", name)[:40] or "tile"


def _fault(word: str, expected: str, example: str) -> UsageError:
    return UsageError(f"{quote(word)}: {expected}; for example {example}")
