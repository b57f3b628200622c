"""Proposals at random: on their own, now and then among others, and as what is left to do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hmserve.arrays import Floats
from hmserve.engine.history import History
from hmserve.engine.novelty import Hashed, Listed, Novelty, Settled
from hmserve.engine.rank import Parts
from hmserve.engine.staged import Proposer
from hmserve.randomness import stream
from hmserve.space.encoding import Encoding
from hmserve.space.space import Configuration

Draw = Callable[[int, np.random.Generator], Floats]
"""Returns n points or fewer as the design of experiments draws them, shape (k, d)."""

_ENUMERABLE = 50_000
_ATTEMPTS = 20

_MOST = 1_000_000
"""More points than this are not drawn at once."""

_TOSS = 1
"""Of the streams of a trial this one decides whether it is a random one."""


class RandomProposer:
    """Random search without repetition.

    Args:
        encoding: The space.
        draw: Where points come from.
        seed: With the id of a trial it decides every draw made for that trial.
        parts: What of the space may be proposed; None: everything.
    """

    def __init__(
        self, encoding: Encoding, draw: Draw, seed: int, parts: Parts | None = None
    ) -> None:
        self.encoding = encoding
        self.draw = draw
        self._seed = seed
        small = encoding.space.size <= _ENUMERABLE
        self._everything = encoding.enumerate() if small else None
        self._settled: Settled | None = None
        self._parts = parts

    @property
    def state(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        del state

    def propose(
        self, history: History, n: int, first_id: int, *, quick: bool = False
    ) -> Sequence[Configuration]:
        del quick
        rng = stream(self._seed, first_id)
        return self.encoding.decode(self.points(n, self.novelty(history), rng))

    def novelty(self, history: History) -> Novelty:
        """Return which points were never asked, or dropped, and not observed either."""
        if self._settled is None or self._settled.history is not history:
            encoding, everything = self.encoding, self._everything
            settled = Hashed(encoding) if everything is None else Listed(encoding, everything)
            self._settled = Settled(history, encoding, settled)
        novelty = self._settled.novelty.copy()
        out = [*history.awaited, *history.expired]
        novelty.take(self.encoding.encode(trial.configuration for trial in out))
        return novelty if self._parts is None else novelty.within(self._parts)

    def points(self, n: int, novelty: Novelty, rng: np.random.Generator) -> Floats:
        """Return `n` different points that are free, shape (n, d); fewer if no more are left.

        Args:
            n: How many.
            novelty: What is free; it is not changed.
            rng: Draws them.
        """
        found = np.empty((0, len(self.encoding.axes)))
        if n <= 0:
            return found
        for drawn in self._drawn(n, rng):
            found = distinct(np.concatenate([found, drawn[novelty(drawn)]]))
            if len(found) >= n:
                return found[:n]
        rest = rng.permutation(self._free(novelty))
        return distinct(np.concatenate([found, rest]))[:n]

    def _drawn(self, n: int, rng: np.random.Generator) -> Iterator[Floats]:
        """Yield points drawn for `n` trials, of an infinite space as long as there are more."""
        # Where the draws never go, and a prior may rule much out, all is equally likely.
        for draw in (self.draw, self.encoding.sample):
            yield draw(n, rng)
            for _ in range(_ATTEMPTS - 1):
                yield draw(50 * n, rng)
        # A space of reals may be one of few numbers all the same: then draws are repeated.
        size, unlike = 50 * n, self.encoding.space.size == np.inf
        while unlike and size < _MOST:
            size *= 2
            drawn = self.encoding.snap(self.encoding.sample(size, rng))
            unlike = 2 * len(distinct(drawn)) > size
            yield drawn

    def _free(self, novelty: Novelty) -> Floats:
        """Return all that is free of a finite space; draws hardly ever meet it."""
        if isinstance(novelty, Listed):
            return novelty.free
        space = self.encoding.space
        # A region that is not listed is too large to be.
        if space.size == np.inf or space.known is not None:
            return np.empty((0, len(self.encoding.axes)))
        points = self.encoding.encode(space.enumerate())
        return np.asarray(points[novelty(points)])


def distinct(X: Floats) -> Floats:
    """Return the rows of `X` without repeats, in their order."""
    first = np.unique(X, axis=0, return_index=True)[1]
    return np.asarray(X[np.sort(first)])


class EpsilonGreedy:
    """Now and then a configuration at random instead of the one that is thought best.

    Args:
        proposer: Proposes what is thought best.
        random: Proposes at random.
        epsilon: How likely a trial is to be a random one.
        seed: With the id of a trial it decides whether it is.
    """

    def __init__(
        self, proposer: Proposer, random: RandomProposer, epsilon: float, seed: int
    ) -> None:
        self._proposer = proposer
        self._random = random
        self._epsilon = epsilon
        self._seed = seed

    @property
    def state(self) -> Mapping[str, Any]:
        return self._proposer.state

    def restore(self, state: Mapping[str, Any]) -> None:
        self._proposer.restore(state)

    def propose(
        self, history: History, n: int, first_id: int, *, quick: bool = False
    ) -> Sequence[Configuration]:
        tosses = [stream(self._seed, first_id + i, _TOSS).random() for i in range(n)]
        random = sum(toss < self._epsilon for toss in tosses)
        best: Sequence[Configuration] = []
        if random < n:
            best = self._proposer.propose(history, n - random, first_id, quick=quick)
        space = history.space
        taken = {space.key(configuration) for configuration in best}
        # One that the proposer chose may be drawn as well: as many more are enough.
        drawn = self._random.propose(history, random + len(taken), first_id) if random else []
        others = [c for c in drawn if space.key(c) not in taken]
        return [*best, *others[:random]]
