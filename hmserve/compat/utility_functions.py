"""HyperMapper's ``hypermapper.utility_functions``, as far as programs use it."""

import copy
from typing import Any

from hmserve.compat.scenarios import load

__all__ = ["validate_json"]


def validate_json(parameters_file: str) -> dict[str, Any]:
    """Return the scenario in `parameters_file` as a dict of its own, every default filled in.

    Raises:
        ScenarioError: It cannot be used; every error is listed.
    """
    return copy.deepcopy(load(parameters_file).document)
