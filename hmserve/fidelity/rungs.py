"""The fidelities in use, and how many configurations each is given.

Notation, after Li et al. (2018), Hyperband:
    eta   how many times as much the next rung is worth, and how many share one promotion
    S     rungs of the longest bracket (s_max + 1)
    m     rungs of a bracket (s + 1)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

NEAR: Final = 1e-6
"""Fidelities that differ by less, relative to the larger one, are the same."""

MOST_RUNGS: Final = 100

_EXACT: Final = 1e-9
"""What a rounding error may make of a number that should be a whole one."""


class Rung(NamedTuple):
    """Where a configuration is evaluated.

    Args:
        bracket: The number of the bracket, from 0 in the order they open.
        index: The place of `fidelity` in the ladder, 0 for the lowest.
        fidelity: How much of an evaluation is wanted.
    """

    bracket: int
    index: int  # type: ignore[assignment]  # hides that of tuples
    fidelity: float


@dataclass(frozen=True, slots=True)
class Ladder:
    """All fidelities in use.

    Args:
        minimum: What none of them is below.
        maximum: A full evaluation.
        eta: What divides each to give the one before.
        integer: Whether they are rounded to integers.
        fidelities: Increasing; the last is `maximum` exactly. Made of the others.
    """

    minimum: float
    maximum: float
    eta: float
    fidelities: tuple[float, ...]
    integer: bool = False

    @classmethod
    def of(cls, minimum: float, maximum: float, eta: float, integer: bool = False) -> "Ladder":
        """Return the ladder from `maximum` down by division, as far as `minimum` allows.

        Args:
            minimum: Positive.
            maximum: At least `minimum`.
            eta: Above 1, so that there are at most `MOST_RUNGS` rungs.
            integer: Whether to round, and to leave out what is then the same.
        """
        # By multiplication: log(243, 3) is 4.999999999999999.
        count, reached = 1, minimum * eta
        while reached <= maximum * (1.0 + _EXACT) and count < MOST_RUNGS:
            count, reached = count + 1, reached * eta
        divided = [maximum / eta**k for k in reversed(range(count))]
        if integer:
            divided = [float(math.floor(value + 0.5)) for value in divided]
        distinct = tuple(dict.fromkeys(max(value, minimum) for value in divided))
        return cls(minimum, maximum, eta, distinct, integer)

    def __len__(self) -> int:
        return len(self.fidelities)

    def index(self, fidelity: float) -> int | None:
        """Return the rung that is `fidelity`, up to rounding; None if none is."""
        nearest = min(range(len(self)), key=lambda i: abs(self.fidelities[i] - fidelity))
        return nearest if same(self.fidelities[nearest], fidelity) else None

    def rung(self, bracket: int, index: int) -> Rung:
        """Return the rung with this index in the bracket of this number."""
        return Rung(bracket, index, self.fidelities[index])


def same(a: float, b: float) -> bool:
    """Whether two fidelities are the same but for how they were written."""
    return abs(a - b) <= NEAR * max(abs(a), abs(b))


def reaches(found: float, wanted: float) -> bool:
    """Whether the fidelity `found` is `wanted` or more."""
    return found >= wanted or same(found, wanted)


def sizes(ladder: Ladder, rungs: int, rounding: str) -> Sequence[int]:
    """Return how many configurations a bracket has in each of its rungs, the lowest first.

    Args:
        ladder: What the bracket climbs; it takes the upper `rungs` of it.
        rungs: How many rungs the bracket has.
        rounding: ``paper``: the formula of Hyperband's Algorithm 1, which blackboxopt and
            SMAC3 have; ``table``: what its Table 1 shows, as HpBandSter and DEHB do it.
    """
    return _ROUNDINGS[rounding](len(ladder), rungs, ladder.eta)


def share(count: int, eta: float) -> int:
    """Return how many of `count` one in `eta` are, rounded down."""
    return _down(count / eta)


def _as_paper(longest: int, rungs: int, eta: float) -> Sequence[int]:
    first = _up(longest / rungs * eta ** (rungs - 1))
    return [_down(first / eta**i) for i in range(rungs)]


def _as_table(longest: int, rungs: int, eta: float) -> Sequence[int]:
    first = _down(longest // rungs * eta ** (rungs - 1))
    return [max(_down(first / eta**i), 1) for i in range(rungs)]


_ROUNDINGS: Final = {"paper": _as_paper, "table": _as_table}


def _up(value: float) -> int:
    return math.ceil(value - _EXACT * max(value, 1.0))


def _down(value: float) -> int:
    return math.floor(value + _EXACT * max(value, 1.0))
