"""What is asked and what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from hmserve.space.parameters import Value

WHOLE: Final = 2**63 - 1
"""So many trials are asked where any number will do: then a stage or a batch comes whole."""

OUTSIDE: Final = -1
"""The id of a trial that nobody asked for: a warm start, a stranger in a reply."""


class Stage(NamedTuple):
    """Where a trial stands in a race of configurations; a promoted one goes on with its own.

    Args:
        bracket: The number of the race, from 0 in the order they begin.
        rung: Which of the fidelities in use it is evaluated at, 0 for the lowest.
        root: The trial with which this configuration began: the name of its checkpoint.
        previous: The fidelity up to which it has been evaluated; 0 for one that is new.
    """

    bracket: int
    rung: int
    root: int
    previous: float = 0.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A configuration someone is to evaluate. Numbered by `Optimizer.ask` alone.

    Args:
        id: 0, 1, 2, ... in the order of the asks; `OUTSIDE` if nobody asked.
        configuration: One value a parameter, by name.
        fidelity: How much of an evaluation is wanted, or was made; None where the scenario
            has none.
        stage: Where it stands, if the scenario has fidelities and it was asked.
    """

    id: int
    configuration: Mapping[str, Value]
    fidelity: float | None = None
    stage: Stage | None = None


class Limits(NamedTuple):
    """Between what a measured constraint has to lie, both included; infinite for no limit."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome of one trial; every objective is finite and to be minimised.

    A failed evaluation has no objectives and is not feasible. An infeasible one may carry
    the objectives that were measured; they are recorded. They are values only where nothing
    worse is known than that a measured constraint is violated.

    Args:
        trial: What was evaluated.
        objectives: Measured, by name.
        feasible: Whether it was measured and everything holds that is asked of it.
        constraints: The measured constraints, by name; empty where there are none.
        details: How it was evaluated, as JSON values: recorded, never learnt from. Keys, all
            optional: `worker`, a number; `started` and `finished`, Unix seconds; `failure`,
            its class; `exit`, a status; `signal`, a name; `attempts`; `directory`.
    """

    trial: Trial
    objectives: Mapping[str, float] = field(default_factory=dict)
    feasible: bool = True
    constraints: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if self.feasible and not self.objectives:
            raise ValueError(f"trial {self.trial.id}: feasible, but without objectives")


def within(values: Mapping[str, float], limits: Mapping[str, Limits]) -> bool:
    """Return whether each of the measured `values` that has limits lies within them."""
    return all(low <= values[n] <= high for n, (low, high) in limits.items() if n in values)


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
