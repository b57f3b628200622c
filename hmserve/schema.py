"""JSON Schemas: defaults, a fast yes or no, and a slow explanation.

`conforms` interprets the keywords our schemas use and nothing else, because importing
jsonschema takes as long as everything else before the first request. `explain`, for a document
that does not conform, has the time.
"""

import functools
import json
import os
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from hmserve.document import Path, Problem, quote

Schema: TypeAlias = Mapping[str, Any]

ANNOTATIONS: Final = frozenset(
    {"$schema", "$comment", "title", "description", "default", "examples"}
    | {"x-section", "x-later", "x-without-effect"}
)
"""Keywords that say nothing about whether a document conforms."""


@functools.cache
def load_schema(name: str) -> Schema:
    """Return the schema `name` of hmserve.schemas; shared, so not to be changed."""
    # importlib.resources would take five times as long.
    data = pkgutil.get_data("hmserve.schemas", f"{name}.schema.json")
    schema: Schema = json.loads(_beside_the_package(name) if data is None else data)
    return schema


def _beside_the_package(name: str) -> str:
    """Return the text of a schema in a checkout that is run as it lies: `python -m hmserve`."""
    directory = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.path.join(directory, "schemas", f"{name}.schema.json")
    with open(path, encoding="utf-8") as file:
        return file.read()


def apply_defaults(schema: Schema, data: Any) -> Any:
    """Return a copy of `data` in which, at any depth, absent keys have their default."""
    if isinstance(data, list):
        return [apply_defaults(schema.get("items", {}), item) for item in data]
    if not isinstance(data, dict):
        return data
    known = schema.get("properties", {})
    others = schema.get("additionalProperties") or {}
    filled = {key: apply_defaults(known.get(key, others), data[key]) for key in data}
    for key, subschema in known.items():
        if key not in data and "default" in subschema:
            filled[key] = apply_defaults(subschema, subschema["default"])
    return filled


def conforms(schema: Schema, data: Any) -> bool:
    """Whether `data` is valid under `schema`, as jsonschema's Draft202012Validator sees it.

    Raises:
        KeyError: The schema has a keyword that is not interpreted here.
    """
    return all(
        CHECKS[keyword](argument, data, schema)
        for keyword, argument in schema.items()
        if keyword not in ANNOTATIONS
    )


def _is_number(data: Any) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool)


TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "null": lambda data: data is None,
    "boolean": lambda data: isinstance(data, bool),
    "string": lambda data: isinstance(data, str),
    "number": _is_number,
    "integer": lambda data: _is_number(data) and (isinstance(data, int) or data.is_integer()),
    "array": lambda data: isinstance(data, list),
    "object": lambda data: isinstance(data, dict),
}


def _type(names: str | list[str], data: Any, _: Schema) -> bool:
    return any(TYPES[name](data) for name in ([names] if isinstance(names, str) else names))


def _enum(choices: list[Any], data: Any, _: Schema) -> bool:
    # In Python True == 1, in JSON not.
    return any(isinstance(data, bool) == isinstance(c, bool) and data == c for c in choices)


def _required(names: list[str], data: Any, _: Schema) -> bool:
    return not isinstance(data, dict) or all(name in data for name in names)


def _properties(known: Mapping[str, Schema], data: Any, _: Schema) -> bool:
    return not isinstance(data, dict) or all(
        conforms(subschema, data[key]) for key, subschema in known.items() if key in data
    )


def _additional(subschema: Schema | bool, data: Any, schema: Schema) -> bool:
    others = unknown_keys(schema, data)
    if isinstance(subschema, bool):
        return subschema or not others
    return all(conforms(subschema, data[key]) for key in others)


def _items(subschema: Schema, data: Any, _: Schema) -> bool:
    return not isinstance(data, list) or all(conforms(subschema, item) for item in data)


def _names(subschema: Schema, data: Any, _: Schema) -> bool:
    return not isinstance(data, dict) or all(conforms(subschema, key) for key in data)


def _pattern(pattern: str, data: Any, _: Schema) -> bool:
    return not isinstance(data, str) or re.search(pattern, data) is not None


CHECKS: Final[Mapping[str, Callable[[Any, Any, Schema], bool]]] = {
    "type": _type,
    "enum": _enum,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "items": _items,
    "pattern": _pattern,
    "minimum": lambda least, data, _: not _is_number(data) or data >= least,
    "maximum": lambda most, data, _: not _is_number(data) or data <= most,
    "exclusiveMinimum": lambda bound, data, _: not _is_number(data) or data > bound,
    "minLength": lambda n, data, _: not isinstance(data, str) or len(data) >= n,
    "minItems": lambda n, data, _: not isinstance(data, list) or len(data) >= n,
    "minProperties": lambda n, data, _: not isinstance(data, dict) or len(data) >= n,
}
"""What each keyword demands: (its argument, the data, the schema it stands in) -> met."""


def unknown_keys(schema: Schema, data: Any) -> list[str]:
    """Return the keys of `data` that `schema` does not list; none if it is no object."""
    known = schema.get("properties", {})
    return [key for key in data if key not in known] if isinstance(data, dict) else []


def idle_keys(schema: Schema, data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the path of each key of `data` that is accepted without effect, and why.

    A key that has its default was not meant to have one.
    """
    if not isinstance(data, dict):
        return
    known = schema.get("properties", {})
    for key, value in data.items():
        subschema = known.get(key, {})
        reason = subschema.get("x-without-effect")
        if reason is None:
            yield from idle_keys(subschema, value, (*path, key))
        elif value != subschema.get("default"):
            yield (*path, key), reason


def explain(schema: Schema, data: Any) -> list[Problem]:
    """Return everything that keeps `data` from conforming, in words for its author."""
    import jsonschema

    problems: list[Problem] = []
    for error in jsonschema.Draft202012Validator(schema).iter_errors(data):
        path: Path = tuple(error.absolute_path)
        keyword = str(error.validator)
        assert isinstance(error.schema, Mapping)
        if keyword == "type" and "enum" in error.schema:
            continue  # the error about the enum says it better
        if keyword in _BOUND_WORDS:
            expected = _BOUND_WORDS[keyword].format(error.validator_value)
            if error.validator_value != 1:
                expected = expected.replace("entry", "entries")
            problems.append(Problem(path, f"expected {expected}, got {quote(error.instance)}"))
        else:
            words = _EXPLANATIONS[keyword]
            problems += words(path, error.schema, error.instance, error.validator_value)
    return list(dict.fromkeys(problems))


Words: TypeAlias = Iterator[Problem]


def _explain_type(path: Path, schema: Schema, data: Any, names: str | list[str]) -> Words:
    listed = [names] if isinstance(names, str) else [name for name in names if name != "null"]
    expected = " or ".join(_TYPE_WORDS[name] for name in listed)
    got = next(name for name, is_type in TYPES.items() if is_type(data))
    later = schema.get("x-later", {})
    if got in later:
        yield Problem(path, f"expected {expected}; {_not_yet(quote(data), later[got])}")
    else:
        yield Problem(path, f"expected {expected}, got {quote(data)}")


def _explain_enum(path: Path, schema: Schema, data: Any, choices: list[Any]) -> Words:
    later = schema.get("x-later", {})
    *others, last = map(quote, choices)
    expected = f"{', '.join(others)} or {last}" if others else last
    if isinstance(data, str) and data in later:
        yield Problem(path, f"expected {expected}; {_not_yet(quote(data), later[data])}")
    else:
        guess = did_you_mean(data, [choice for choice in choices if isinstance(choice, str)])
        yield Problem(path, f"expected {expected}, got {quote(data)}{guess}")


def _explain_required(path: Path, schema: Schema, data: Any, names: list[str]) -> Words:
    for name in names:
        if name not in data:
            example = quote(schema["properties"][name]["examples"][0])
            yield Problem(path, f"{name} is missing, for example {example}")


def _explain_unknown(path: Path, schema: Schema, data: Any, _: Any) -> Words:
    for key in unknown_keys(schema, data):
        guess = did_you_mean(key, [*schema["properties"]])
        yield Problem((*path, key), f"unknown key{guess}")


def _explain_name(path: Path, _: Schema, name: Any, __: str) -> Words:
    yield Problem((*path, name), "expected a name of letters, digits, _ and - only")


_EXPLANATIONS: Final[Mapping[str, Callable[[Path, Schema, Any, Any], Words]]] = {
    "type": _explain_type,
    "enum": _explain_enum,
    "required": _explain_required,
    "additionalProperties": _explain_unknown,
    "pattern": _explain_name,
}

_TYPE_WORDS: Final = {
    "null": "null",
    "boolean": "true or false",
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "array": "a list",
    "object": "an object",
}

_BOUND_WORDS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "minLength": "some text",
    "minItems": "at least {} entry",
    "minProperties": "at least {} entry",
}


def _not_yet(what: str, meaning: str) -> str:
    return f"{what} is not supported by this version of hmserve yet ({meaning})"


def did_you_mean(word: Any, known: Sequence[str]) -> str:
    """Return ``; did you mean "..."?`` with the nearest known word, or nothing."""
    import difflib

    asked = str(word).lower()
    spelled = {name.lower(): name for name in known}
    close = difflib.get_close_matches(asked, spelled, 1)
    longer = [name for name in spelled if len(asked) > 2 and asked in name]
    return f"; did you mean {quote(spelled[(close or longer)[0]])}?" if close or longer else ""
