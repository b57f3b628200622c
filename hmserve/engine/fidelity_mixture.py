"""A sampler of several parts: draws, and guides that learn, by turns at random.

What misleads one of them does not mislead all (docs/decisions/0030-several-samplers.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hmserve.arrays import Floats
from hmserve.engine.fidelity_data import FidelityArchive, level
from hmserve.engine.fidelity_guide import Choose, Drawing, Guide, Known
from hmserve.engine.history import History
from hmserve.engine.measured import Limited
from hmserve.engine.novelty import Novelty
from hmserve.engine.random_search import RandomProposer
from hmserve.fidelity.rungs import Ladder, Rung
from hmserve.randomness import stream
from hmserve.space.space import Configuration

_TOSS = 1
"""Of the streams of a trial this one decides who chooses."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """Who chooses a configuration.

    Args:
        drawing: Draws, if no guide knows enough.
        guides: Learn; where one knows too little, the next one is asked.
        shares: How likely each guide is asked first; what they lack of 1 is drawn.
    """

    drawing: Drawing
    guides: Sequence[Guide] = ()
    shares: Sequence[float] = ()

    def order(self, toss: float) -> list[int]:
        """Return the numbers of the guides that are asked, given a number in [0, 1)."""
        first = int(np.searchsorted(np.cumsum(self.shares), toss, side="right"))
        count = len(self.guides)
        return [] if first >= count else [(first + i) % count for i in range(count)]


class MixedSampler:
    """Draws, or asks one of several guides.

    Args:
        mixture: Who chooses.
        random: The space, and what is free of it.
        data: The names of the objectives, and the measured constraints; None without any.
        ladder: The fidelities in use.
        seed: With the id of a trial it decides every draw made for that trial.
    """

    def __init__(
        self,
        mixture: Mixture,
        random: RandomProposer,
        data: tuple[Sequence[str], Limited | None],
        ladder: Ladder,
        seed: int,
    ) -> None:
        self._mixture = mixture
        self._random = random
        self._data = data
        self._ladder = ladder
        self._seed = seed
        self._archive: FidelityArchive | None = None

    @property
    def state(self) -> Mapping[str, Any]:
        return {"guides": [guide.state for guide in self._mixture.guides]}

    def restore(self, state: Mapping[str, Any]) -> None:
        for guide, left in zip(self._mixture.guides, state["guides"], strict=True):
            guide.restore(left)

    def propose(
        self, history: History, rung: Rung, n: int, first_id: int, *, quick: bool = False
    ) -> Sequence[Configuration]:
        del quick  # models are fitted once for all
        known = self._known(history, rung, first_id)
        novelty = self._random.novelty(history)
        choices = _Choices(self._mixture, known, stream(self._seed, first_id))
        P = np.empty((0, len(self._random.encoding.axes)))
        for i in range(n):
            toss = float(stream(self._seed, first_id + i, _TOSS).random())
            x = choices.choose(P, novelty, toss)
            if x is None:
                break
            P = np.concatenate([P, x[None]])
            novelty.take(x[None])
        return self._random.encoding.decode(P)

    def _known(self, history: History, rung: Rung, trial: int) -> Known:
        if self._archive is None or self._archive.history is not history:
            encoding = self._random.encoding
            self._archive = FidelityArchive(history, encoding, self._data, self._ladder)
        out, levels = self._archive.out(history.pending)
        begin = level(self._ladder, rung.fidelity)
        return Known(self._archive.results, out, levels, begin, trial)


class _Choices:
    """The choices of one ask; every guide that is asked learns once.

    Args:
        mixture: Who chooses.
        known: What is known.
        rng: The only source of randomness.
    """

    def __init__(self, mixture: Mixture, known: Known, rng: np.random.Generator) -> None:
        self._mixture = mixture
        self._known = known
        self._rng = rng
        self._ready: dict[int, Choose | None] = {}

    def choose(self, P: Floats, novelty: Novelty, toss: float) -> Floats | None:
        """Return a point that is free, shape (d,), or None if none is left."""
        for k in self._mixture.order(toss):
            if k not in self._ready:
                self._ready[k] = self._mixture.guides[k].begin(self._known, self._rng)
            chooser = self._ready[k]
            x = None if chooser is None else chooser(P, novelty, self._rng)
            if x is not None:
                return x
        return self._mixture.drawing(self._known, novelty, self._rng)
