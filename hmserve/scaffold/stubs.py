"""Worker stubs: a template of workers/ filled with the parameters of a plan.

A template is the source of a worker, in which ``{{word}}`` stands for a text. A line that
begins with ``{{#label label}}`` is written for each parameter, objective or note that has all
of these labels; neighbouring lines of that kind take turns, in the order of the parameters. One
that begins with ``{{?flag}}`` is written if that is so.
"""

import pkgutil
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from hmserve.scaffold.languages import Language, reserved_words
from hmserve.scaffold.plan import Plan, Stub

_PREFIX: Final = re.compile(r"\{\{([#?])([a-z ]+)\}\}")
_WORD: Final = re.compile(r"\{\{([a-z]+)\}\}")

_WIDEST_INTEGER: Final = 2**31 - 1
"""Of a C int; what is wider is a real in stubs."""

_OTHER_COLUMNS: Final = 8
"""At most so many columns of a request are no parameters."""


@dataclass(frozen=True, slots=True)
class Item:
    """What a line of a template is repeated for.

    Args:
        labels: What the item is.
        words: What placeholders stand for in its lines.
    """

    labels: frozenset[str]
    words: Mapping[str, str]


def stub_text(plan: Plan, stub: Stub) -> str:
    """Return the source of the worker of `plan`."""
    template = _template(stub.language.suffix)
    language = stub.language
    names = [*plan.parameters, *map(objective_name, plan.objectives)]
    local = local_names(names, language)
    parameters = [
        _parameter(name, local[name], entry, language)
        for name, entry in plan.parameters.items()
    ]
    objectives = [
        _objective(index, objective, local, language)
        for index, objective in enumerate(plan.objectives)
    ]
    notes = [Item(frozenset({"note"}), {"text": text}) for text in _notes(plan, language)]
    flags = {label for item in parameters for label in item.labels}
    flags |= {"feasible"} if plan.feasible else set()
    words = _words(plan, stub, [item.words["local"] for item in parameters + objectives])
    lines = _lines(template.splitlines(), [*parameters, *objectives, *notes], flags)
    return "".join(f"{_filled(line, {**words, **own})}\n" for line, own in lines)


def objective_name(objective: Any) -> str:
    """Return the column of an entry of `optimization_objectives`."""
    return str(objective if isinstance(objective, str) else objective["name"])


def local_names(names: Sequence[str], language: Language) -> dict[str, str]:
    """Return for each of `names` one that `language` takes for a variable; all differ."""
    reserved = reserved_words(language)
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        unsafe = plain in reserved or re.fullmatch(language.unsafe, plain)
        if unsafe or not re.match(r"[A-Za-z]", plain):
            plain = f"p_{plain}"
        taken = {local.lower() for local in found.values()}
        candidate, number = plain, 2
        while candidate.lower() in taken:
            candidate, number = f"{plain}_{number}", number + 1
        found[name] = candidate
    return found


def _template(suffix: str) -> str:
    data = pkgutil.get_data("hmserve.scaffold", f"workers/worker.{suffix}.in")
    assert data is not None
    return data.decode("utf-8")


def _lines(
    template: Sequence[str], items: Sequence[Item], flags: set[str]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the lines of a stub, unfilled, each with the words of its item."""

    def is_repeated(line: str) -> bool:
        return line.startswith("{{#")

    for repeated, group in groupby(template, is_repeated):
        if repeated:
            lines = list(map(_split, group))
            yield from (
                (text, item.words)
                for item in items
                for labels, text in lines
                if labels <= item.labels
            )
        else:
            for line in group:
                needed, text = _split(line)
                if needed <= flags:
                    yield text, {}


def _split(line: str) -> tuple[frozenset[str], str]:
    """Return the labels or flags before a line of a template, and the line."""
    found = _PREFIX.match(line)
    if found is None:
        return frozenset(), line
    return frozenset(found[2].split()), line[found.end() :]


def _filled(line: str, words: Mapping[str, str]) -> str:
    return _WORD.sub(lambda found: words[found[1]], line)


def _parameter(name: str, local: str, entry: Mapping[str, Any], language: Language) -> Item:
    kind, values = entry["parameter_type"], entry["values"]
    labels = {"parameter", "sometimes" if entry.get("condition") else "always"}
    words = {"name": name, "local": local, "literal": language.literal(name)}
    if kind == "categorical":
        labels |= {"category"}
        words["label"] = language.literal(values[len(values) // 2])
    elif kind == "permutation":
        labels |= {"permutation"}
        words["count"] = str(int(values[0]))
    else:
        whole = all(
            isinstance(value, int) and abs(value) <= _WIDEST_INTEGER for value in values
        )
        labels |= {"number", "integer" if whole and kind != "real" else "real"}
        low, high = float(min(values)), float(max(values))
        words["middle"] = _number(low + 0.3 * (high - low))
        words["width"] = _number(high - low or 1.0)
    return Item(frozenset(labels), words)


def _number(value: float) -> str:
    """Return a short literal for about `value`, with a point or an exponent."""
    text = repr(float(f"{value:.3g}"))
    return re.sub(r"^(-?\d+)e", r"\1.0e", text)


def _objective(
    index: int, objective: Any, local: Mapping[str, str], language: Language
) -> Item:
    name = objective_name(objective)
    cost = language.cost
    formula = cost if index == 0 else f"({cost} - {index}.0) * ({cost} - {index}.0)"
    if not isinstance(objective, str) and objective.get("goal") == "maximize":
        formula = f"-{formula}"
    words = {"local": local[name], "literal": language.literal(name), "formula": formula}
    return Item(frozenset({"objective"}), words)


def _notes(plan: Plan, language: Language) -> Iterator[str]:
    """Yield what stands above `measure`."""
    goals = [
        f"{objective_name(o)} (more is better)"
        for o in plan.objectives
        if not isinstance(o, str) and o.get("goal") == "maximize"
    ]
    yield "Replace this: run your program with these values, and answer what you measured."
    if goals:
        yield f"hmserve maximises {', '.join(goals)}."
    yield f"Where the evaluation failed, answer {language.failed} instead of a number."
    if plan.feasible:
        yield f"Where the values are not allowed at all, valid is {language.false}."
    if any(entry.get("condition") for entry in plan.parameters.values()):
        yield f"A parameter that does not count this time is {language.nothing}."
    yield "Standard output belongs to hmserve: what else is printed goes to standard error."


def _words(plan: Plan, stub: Stub, local: Sequence[str]) -> dict[str, str]:
    """Return what stands in lines that are not repeated."""
    language = stub.language
    count = len(plan.parameters)
    columns = [*map(objective_name, plan.objectives), *(["Valid"] if plan.feasible else [])]
    results = [*local[count:], *(["valid"] if plan.feasible else [])]
    listed = language.separator.join(language.listed.format(name) for name in local[:count])
    return {
        "scenario": plan.scenario,
        "build": stub.build,
        "class": stub.stem,
        "most": str(count + _OTHER_COLUMNS),
        "columns": language.literal("," + ",".join(columns)),
        "results": language.separator.join(language.result.format(name) for name in results),
        "locals": "\n".join(
            textwrap.wrap(listed, 84, subsequent_indent=" " * 8, break_on_hyphens=False)
        ),
    }
