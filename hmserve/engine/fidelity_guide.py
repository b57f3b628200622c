"""What a sampler that learns is made of: a guide that chooses points, given what is known."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from hmserve.arrays import Floats, Ints
from hmserve.engine.fidelity_data import Results
from hmserve.engine.novelty import Novelty


class Known(NamedTuple):
    """What one ask knows.

    Args:
        results: All evaluations.
        out: Pending points, shape (p, d).
        out_level: Their rungs, shape (p,).
        begin: The rung where what is asked begins.
        trial: The number of the first trial that is asked.
    """

    results: Results
    out: Floats
    out_level: Ints
    begin: int
    trial: int


Choose = Callable[[Floats, Novelty, np.random.Generator], Floats | None]
"""Takes the points chosen before by this ask, shape (q, d), what is free, and a source of
randomness, and returns a point that is free, shape (d,), or None if none was found."""


class Guide(Protocol):
    """Learns from the results where to look."""

    @property
    def state(self) -> Mapping[str, Any]:
        """What the last choice fitted, as plain JSON values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take `state` as if the last choice had fitted it."""

    def begin(self, known: Known, rng: np.random.Generator) -> Choose | None:
        """Return what chooses; None while too little is known."""


class Drawing(Protocol):
    """Draws points that are free, where no guide knows enough."""

    def __call__(
        self, known: Known, novelty: Novelty, rng: np.random.Generator
    ) -> Floats | None:
        """Return a point that is free, shape (d,), or None if none is left."""
