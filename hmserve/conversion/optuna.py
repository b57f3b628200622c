"""Spaces of Optuna: the distributions that its trials were drawn from."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hmserve.conversion.draft import Draft
from hmserve.conversion.foreign import ForeignSpace
from hmserve.conversion.shapes import Shape, levels, span, steps
from hmserve.conversion.sources import fault, show

FORM: Final = "optuna"

_NAMES: Final = (
    "FloatDistribution",
    "IntDistribution",
    "CategoricalDistribution",
    "UniformDistribution",
    "LogUniformDistribution",
    "DiscreteUniformDistribution",
    "IntUniformDistribution",
    "IntLogUniformDistribution",
)


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution as `optuna.distributions.distribution_to_json` writes it.

    Args:
        name: Its class.
        attributes: low, high, log, step, q or choices.
    """

    name: str
    attributes: Mapping[str, Any]


@dataclass(slots=True)
class Study:
    """What a storage says of a study.

    Args:
        name: Its name.
        directions: For each objective whether more is better.
        metrics: The names of the objectives, if they have any.
        trials: The distributions of each finished trial, by parameter.
    """

    name: str = ""
    directions: list[bool] = field(default_factory=list)
    metrics: Sequence[str] = ()
    trials: list[dict[str, Distribution]] = field(default_factory=list)


def parse_distribution(text: Any, place: str) -> Distribution:
    """Return a distribution from its JSON.

    Raises:
        UsageError: It is none.
    """
    try:
        tree = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        tree = text
    attributes = tree.get("attributes") if isinstance(tree, dict) else None
    if not isinstance(attributes, dict) or tree.get("name") not in _NAMES:
        raise fault(place, "a distribution of Optuna as JSON", text)
    return Distribution(tree["name"], attributes)


def read_distributions(tree: Mapping[str, Any], source: str) -> ForeignSpace:
    """Return the space of a JSON object with a distribution for each name.

    Raises:
        UsageError: There is something else in it.
    """
    draft = Draft(source, FORM)
    for name, text in tree.items():
        place = f"{source}: {show(name)}"
        add_distribution(draft, name, parse_distribution(text, place), place)
    return draft.finish()


def read_study(study: Study, others: Iterable[str], source: str) -> ForeignSpace:
    """Return the space of a study.

    Args:
        study: What is known of it.
        others: The names of the other studies in the same storage.
        source: What messages call the storage.
    """
    draft = Draft(source, FORM)
    place = f"{source}: study {show(study.name)}"
    names = ", ".join(map(show, others))
    if names:
        draft.note(place, f"it is the last study of the storage, which has others: {names}.")
    found: dict[str, list[Distribution]] = {}
    for trial in study.trials:
        for name, distribution in trial.items():
            found.setdefault(name, []).append(distribution)
    for name, seen in found.items():
        _add_seen(draft, name, seen, f"{place}, parameter {show(name)}")
        missing = len(study.trials) - len(seen)
        if missing:
            sentence = (
                f"{name} is missing in {missing} of {len(study.trials)} trials: "
                "Optuna does not know when it matters; write its condition yourself."
            )
            draft.note(place, sentence)
    _name_objectives(draft, study, place)
    return draft.finish()


def _name_objectives(draft: Draft, study: Study, place: str) -> None:
    count = len(study.directions)
    usual = ["value"] if count == 1 else [f"value_{index}" for index in range(count)]
    names = list(study.metrics) if len(study.metrics) == count else usual
    for name, maximise in zip(names, study.directions, strict=True):
        draft.objective(str(name), maximise=maximise, place=place)


def _add_seen(draft: Draft, name: str, seen: Sequence[Distribution], place: str) -> None:
    """Add a parameter that trials have drawn, of which the range may have changed."""
    distinct = list(
        {json.dumps([d.name, d.attributes], sort_keys=True): d for d in seen}.values()
    )
    first = distinct[-1]
    ranges = [d.attributes for d in distinct if "low" in d.attributes]
    if len(distinct) > 1 and len(ranges) == len(distinct):
        low = min(attributes["low"] for attributes in ranges)
        high = max(attributes["high"] for attributes in ranges)
        first = Distribution(first.name, {**first.attributes, "low": low, "high": high})
        draft.note(place, f"{name} has all of its ranges here, [{show(low)}, {show(high)}].")
    elif len(distinct) > 1:
        draft.note(place, f"{name} changed between trials: here it is as in the last one.")
    add_distribution(draft, name, first, place)


def add_distribution(draft: Draft, name: str, given: Distribution, place: str) -> None:
    """Add a parameter that is drawn from a distribution."""
    draft.add(name, lambda: _shape(given, place), place)


def _shape(given: Distribution, place: str) -> Shape:
    attributes = given.attributes
    if given.name == "CategoricalDistribution":
        choices = attributes.get("choices")
        if not isinstance(choices, list | tuple):
            raise fault(place, "a list of choices", choices)
        shape = levels(choices)
        ordered = shape.numeric and len(choices) > 1
        return shape.noted(*["is an ordinal here, since its choices are numbers"] * ordered)
    if "low" not in attributes or "high" not in attributes:
        raise fault(place, "a distribution with low and high", attributes)
    integer = given.name.startswith("Int")
    log = bool(attributes.get("log")) or "Log" in given.name
    low, high = attributes["low"], attributes["high"]
    step = attributes.get("step", attributes.get("q"))
    # An old logarithmic distribution of integers has a step that Optuna does not use.
    if step is None or log:
        return span(low, high, integer=integer, log=log)
    return steps(low, high, step, integer=integer)
