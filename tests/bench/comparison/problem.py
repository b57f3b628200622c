"""What is optimized, and how far from the optimum a sequence of evaluations got."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Configuration = Mapping[str, Any]

Class = Literal[
    "smooth", "multimodal", "noisy", "mixed", "discrete", "constrained", "objectives"
]
"""smooth: one basin or few; discrete: tables with failures; objectives: two or more."""


class Outcome(NamedTuple):
    """What one evaluation gave; everything is minimised.

    Args:
        values: The objectives as measured, noise included; empty if the evaluation failed.
        constraints: Measured constraints, satisfied where <= 0; empty where a failure is all
            that is ever seen.
        true: The objectives without noise; None where they are `values`.
    """

    values: tuple[float, ...]
    constraints: tuple[float, ...] = ()
    true: tuple[float, ...] | None = None

    @property
    def feasible(self) -> bool:
        """Whether it was measured and satisfies every constraint."""
        return bool(self.values) and all(g <= 0.0 for g in self.constraints)


@dataclass(frozen=True)
class Problem:
    """A black box.

    Args:
        name: Unique, such as ``hartmann6``.
        kind: The class by which results are summed up.
        parameters: ``input_parameters`` of hmserve's scenario schema.
        evaluate: Takes a configuration and the seed of the noise (differs every evaluation).
        regret: How far the outcomes so far are from the optimum: >= 0, smaller is better,
            infinite before anything feasible.
        objectives: How many.
        known: Known constraints, as hmserve's scenario has them (expressions).
        penalty: What a peer that knows no failures is told instead (about the 90th percentile
            of feasible values found at random, or above), one for each objective.
        initial: Evaluations by the peer's own design before its model.
        needs: Programs or modules beyond numpy that must be there, such as ``cocoex``.
    """

    name: str
    kind: Class
    parameters: Mapping[str, Mapping[str, Any]]
    evaluate: Callable[[Configuration, int], Outcome]
    regret: Callable[[Sequence[Outcome]], float]
    objectives: int = 1
    known: Sequence[str] = ()
    penalty: Sequence[float] = (math.inf,)
    initial: int = 10
    needs: Sequence[str] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the objectives."""
        return tuple(f"f{k + 1}" for k in range(self.objectives))


def simple_regret(optimum: float) -> Callable[[Sequence[Outcome]], float]:
    """Return the regret of one objective: true value of the best as measured, less optimum."""

    def regret(outcomes: Sequence[Outcome]) -> float:
        feasible = [outcome for outcome in outcomes if outcome.feasible]
        if not feasible:
            return math.inf
        best = min(feasible, key=lambda outcome: outcome.values[0])
        return max((best.true or best.values)[0] - optimum, 0.0)

    return regret
