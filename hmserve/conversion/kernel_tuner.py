"""Spaces of Kernel Tuner: T1 input files, cache files, and scripts that call it."""

import ast
import json
from collections.abc import Mapping
from typing import Any, Final

from hmserve.conversion.draft import Draft
from hmserve.conversion.foreign import ForeignSpace
from hmserve.conversion.scripts import Script, read_script
from hmserve.conversion.shapes import levels
from hmserve.conversion.sources import Source, fault, show
from hmserve.conversion.statics import NotStaticError, static
from hmserve.document import show_path
from hmserve.errors import UsageError

FORM: Final = "kernel-tuner"

_LIST: Final = "a list of values such as [1, 2, 4]"


def read_kernel_tuner_json(source: Source, tree: Any) -> ForeignSpace:
    """Return the space of a T1 file or a cache file.

    Raises:
        UsageError: It is neither.
    """
    if isinstance(tree, dict) and "ConfigurationSpace" in tree:
        return _read_t1(source, tree["ConfigurationSpace"])
    if isinstance(tree, dict) and "tune_params" in tree:
        return _read_cache(source, tree)
    wanted = '"ConfigurationSpace" (a T1 file) or "tune_params" (a cache file)'
    raise fault(source.name, wanted, [*tree][:10] if isinstance(tree, dict) else tree)


def parse_unfinished(source: Source) -> Any:
    """Return the JSON of a cache file, which has no end while it is written."""
    text = source.text.rstrip().rstrip(",")
    try:
        return json.loads(text + "}\n}")
    except (ValueError, RecursionError):
        return source.json()


def _read_t1(source: Source, space: Any) -> ForeignSpace:
    draft = Draft(source.name, FORM)
    entries = space.get("TuningParameters") if isinstance(space, dict) else None
    if not isinstance(entries, list):
        raise fault(source.name, 'a list as "TuningParameters"', entries)
    for index, entry in enumerate(entries):
        place = _place(source, "ConfigurationSpace", "TuningParameters", index)
        _take_t1(entry, place, draft)
    conditions = space.get("Conditions") or []
    if not isinstance(conditions, list):
        raise fault(source.name, 'a list as "Conditions"', conditions)
    for index, condition in enumerate(conditions):
        place = _place(source, "ConfigurationSpace", "Conditions", index)
        text = condition.get("Expression") if isinstance(condition, dict) else None
        if not isinstance(text, str):
            raise fault(place, 'a text as "Expression"', condition)
        _demand(text, place, draft)
    return draft.finish()


def _take_t1(entry: Any, place: str, draft: Draft) -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("Name"), str):
        raise fault(place, 'a parameter with "Name", "Type" and "Values"', entry)
    values = _listed(entry.get("Values"), place)
    default = entry.get("Default")
    if isinstance(default, str) and default not in values:
        default = _literal(default)
    draft.add(entry["Name"], lambda: levels(values, default), place)


def _listed(values: Any, place: str) -> list[Any]:
    """Return values that are a list, or the text of one in Python."""
    if isinstance(values, str):
        try:
            values = static(ast.parse(values.strip(), mode="eval").body, {})
        except (NotStaticError, SyntaxError, ValueError, RecursionError, MemoryError):
            raise fault(place, f"{_LIST} or range(1, 9)", values) from None
    if not isinstance(values, list | tuple):
        raise fault(place, _LIST, values)
    return list(values)


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text


def _read_cache(source: Source, tree: Mapping[str, Any]) -> ForeignSpace:
    draft = Draft(source.name, FORM)
    values = tree["tune_params"]
    if not isinstance(values, dict):
        raise fault(source.name, 'an object as "tune_params"', values)
    keys = tree.get("tune_params_keys") or list(values)
    if not isinstance(keys, list) or any(key not in values for key in map(str, keys)):
        raise fault(source.name, 'the names of "tune_params" as "tune_params_keys"', keys)
    for key in map(str, keys):
        place = _place(source, "tune_params", key)
        listed = _listed(values[key], place)
        draft.add(key, lambda listed=listed: levels(listed), place)  # type: ignore[misc]
    draft.note(
        source.name,
        "a cache file does not have the restrictions: add them to the constraints.",
    )
    objective = tree.get("objective")
    for name in objective if isinstance(objective, list) else [objective]:
        if isinstance(name, str):
            draft.objective(name, maximise=False, place=f"{source.name}: $.objective")
    return draft.finish()


def read_kernel_tuner_script(source: Source) -> ForeignSpace:
    """Return the space that a script of Python has, which is read and not run.

    Raises:
        UsageError: It is no Python, or has no parameters that can be read.
    """
    script = read_script(source)
    draft = Draft(source.name, FORM)
    draft.constants = dict(script.constants)
    for name, (values, line) in script.parameters.items():
        draft.add(name, lambda values=values: levels(values), source.at(line))  # type: ignore[misc]
    for sentence, line in script.left:
        draft.note(source.at(line), sentence)
    for tree, line, shown in script.restrictions:
        draft.demand(tree, source.at(line), shown)
    if not script.parameters:
        raise UsageError(_no_parameters(source, script))
    if script.objective:
        name, line = script.objective
        draft.objective(name, maximise=script.maximise, place=source.at(line))
    return draft.finish()


def _no_parameters(source: Source, script: Script) -> str:
    why = "".join(f"\n  {source.at(line)}: {sentence}" for sentence, line in script.left)
    return (
        f"{source.name}: expected tune_params as a dictionary of lists, found none that can be "
        f"read without running the script{why}\n"
        "  A cache file or a T1 file of Kernel Tuner has the values too."
    )


def _demand(text: str, place: str, draft: Draft) -> None:
    """Take over a restriction in Python."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise fault(place, "a condition in Python", text) from None
    draft.demand(tree, place, text)


def _place(source: Source, *path: str | int) -> str:
    return f"{source.name}: {show(show_path(path))}"
