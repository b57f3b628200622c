"""What is asked and what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hmserve.space.parameters import Value

OUTSIDE: Final = -1
"""The id of a trial that nobody asked for: a warm start, a stranger in a reply."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A configuration someone is to evaluate. Numbered by `Optimizer.ask` alone.

    Args:
        id: 0, 1, 2, ... in the order of the asks; `OUTSIDE` if nobody asked.
        configuration: One value a parameter, by name.
        fidelity: How much of a full evaluation is wanted; None where the scenario has none.
    """

    id: int
    configuration: Mapping[str, Value]
    fidelity: float | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome of one trial; every objective is finite and to be minimised.

    A failed evaluation has no objectives and is not feasible. An infeasible one may carry
    the objectives that were measured; they are recorded and never used as values.
    """

    trial: Trial
    objectives: Mapping[str, float] = field(default_factory=dict)
    feasible: bool = True

    def __post_init__(self) -> None:
        if self.feasible and not self.objectives:
            raise ValueError(f"trial {self.trial.id}: feasible, but without objectives")


@dataclass(frozen=True, slots=True)
class Results:
    """What an evaluator hands back at once.

    Args:
        evaluations: Answers to trials that were asked.
        observations: Results nobody asked for; their trials have the id `OUTSIDE`.
        abandoned: Trials that will never be answered although their turn has passed.
    """

    evaluations: Sequence[Evaluation] = ()
    observations: Sequence[Evaluation] = ()
    abandoned: Sequence[Trial] = ()
