"""Objects of other tools in Python; none of those tools is imported here."""

import importlib
import json
from collections.abc import Mapping
from typing import Any

from hmserve.conversion.foreign import ForeignSpace


def from_configspace(space: Any) -> ForeignSpace:
    """Return what a scenario says of a `ConfigSpace.ConfigurationSpace`, of 0.x or 1.x.

    Args:
        space: The object.

    Raises:
        UsageError: It cannot be taken over.
        TypeError: It is something else.
    """
    from hmserve.conversion.configspace import read_configspace

    name = str(getattr(space, "name", None) or "ConfigurationSpace")
    if hasattr(space, "to_serialized_dict"):
        return read_configspace(space.to_serialized_dict(), name)
    module = type(space).__module__.split(".")[0]
    if module != "ConfigSpace":
        raise TypeError(f"expected a ConfigurationSpace, got {space!r:.200}")
    writer = importlib.import_module("ConfigSpace.read_and_write.json")
    return read_configspace(json.loads(writer.write(space)), name)


def from_optuna(source: Any) -> ForeignSpace:
    """Return what a scenario says of a study of Optuna, or of its distributions.

    Args:
        source: A study, or a mapping from the name of a parameter to its distribution.

    Raises:
        UsageError: It cannot be taken over.
        TypeError: It is something else.
    """
    from hmserve.conversion.optuna import Study, read_study

    if isinstance(source, Mapping):
        drawn = {str(name): _distribution(given) for name, given in source.items()}
        return read_study(Study("", [], (), [drawn]), (), "distributions")
    if not hasattr(source, "trials") or not hasattr(source, "directions"):
        raise TypeError(f"expected a study or a mapping of distributions, got {source!r:.200}")
    finished = [trial for trial in source.trials if trial.state.is_finished()]
    study = Study(
        str(source.study_name),
        [direction.name == "MAXIMIZE" for direction in source.directions],
        getattr(source, "metric_names", None) or (),
        [
            {name: _distribution(given) for name, given in trial.distributions.items()}
            for trial in finished
        ],
    )
    return read_study(study, (), "optuna")


def _distribution(given: Any) -> Any:
    from hmserve.conversion.optuna import Distribution

    names = ("low", "high", "log", "step", "q", "choices")
    found = {name: getattr(given, name) for name in names if hasattr(given, name)}
    if not found:
        raise TypeError(f"expected a distribution of Optuna, got {given!r:.200}")
    return Distribution(type(given).__name__, found)
