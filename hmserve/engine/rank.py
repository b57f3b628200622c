"""The place of one optimizer among those that work on the same run."""

import math
from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple, Protocol


class Parts(Protocol):
    """A finite space in parts, of which an optimizer proposes only what is in its own."""

    def part(self, point: bytes) -> int:
        """Return the number of the part of a snapped point, the bytes of its coordinates."""

    @property
    def held(self) -> Sequence[bool]:
        """Which parts it holds now."""


class Rank(NamedTuple):
    """One of several optimizers that share what they learn, each with a seed of its own.

    Args:
        number: Which one, from 0.
        size: How many there are.
        parts: What it may propose, where a space is divided among them; None: everything.
    """

    number: int
    size: int
    parts: Parts | None = None

    def seed(self, seed: int) -> int:
        """Return the seed of this rank in a run of `seed`; rank 0 has that of the run."""
        if not self.number:
            return seed
        return int(Random(f"rank/{seed}/{self.number}").random() * 2**53)

    def share(self, seed: int) -> float:
        """Return where this rank stands among all in a row shuffled by `seed`: in (0, 1)."""
        row = Random(f"ranks/{seed}")
        order = sorted(range(self.size), key=lambda _: row.random())
        return (order[self.number] + 0.5) / self.size


def first_id(rank: Rank, least: int) -> int:
    """Return the first number, not below `least`, that a trial of `rank` can have."""
    return -(-least // rank.size) * rank.size + rank.number


ALONE: Final = Rank(0, 1)


class Exploration(NamedTuple):
    """How many standard deviations of optimism each rank has, and when.

    Egele, Guyon, Vishwanath and Balaprakash (2023), "Asynchronous Decentralized Bayesian
    Optimization for Large Scale Hyperparameter Optimization": kappa_r ~ Exp(kappa), and
    kappa_r exp(-rate (t mod period)) at the rank's trial t. Here the exponential variates are
    stratified, so that four ranks cover the range as four hundred do, and ranks are out of
    phase.

    Args:
        kappa: The mean of all ranks.
        period: After so many trials of a rank it begins anew.
        rate: By what exponent it falls from one trial to the next.
    """

    kappa: float
    period: int
    rate: float

    def at(self, rank: Rank, trial: int, seed: int) -> float:
        """Return kappa of `rank` at its trial `trial`, 0, 1, 2, ..., in a run of `seed`."""
        mean = -self.kappa * math.log1p(-rank.share(seed))
        phase = rank.number * self.period // rank.size
        return mean * math.exp(-self.rate * ((trial + phase) % self.period))
