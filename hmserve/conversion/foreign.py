"""A parameter space that came from another tool, in the words of a scenario."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ForeignSpace:
    """What a scenario says of a space that another tool described.

    Args:
        parameters: The entries of `input_parameters`, in the order of the source.
        constraints: The entries of the scenario's `constraints`.
        objectives: The entries of `optimization_objectives`, if the source names them.
        notes: What could not be taken over, or not exactly: a sentence each, with its place.
        form: What the source was read as, one of `hmserve.conversion.FORMS`.
    """

    parameters: Mapping[str, Mapping[str, Any]]
    constraints: Sequence[str] = ()
    objectives: Sequence[str | Mapping[str, str]] = ()
    notes: Sequence[str] = ()
    form: str = ""
