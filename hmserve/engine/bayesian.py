"""Bayesian optimization: model, acquire, propose.

A proposal is a function of the history, the seed and what the last one fitted. Pending trials
are believed to come out as the models predict (kriging believer), in models of objectives and
feasibility alike; one mechanism serves batches, workers and ranks.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.maximize import Search, best_of, values
from hmserve.acquisition.weighting import LogFeasibility, TimesFeasibility
from hmserve.arrays import Floats
from hmserve.engine.goals import Goal
from hmserve.engine.history import History
from hmserve.engine.models import Data, Modeller, Models, subset
from hmserve.engine.novelty import Hashed, Listed, Novelty
from hmserve.space.encoding import Encoding
from hmserve.space.space import Configuration
from hmserve.trial import Trial

_ENUMERABLE = 50_000
"""Spaces up to this size are searched exhaustively at every ask."""

_ANCHORS = 5
"""Around how many of the best evaluated points candidates are drawn."""

_HOPE = math.log(0.25)
"""Where log P(feasible) is below this everywhere, proposals are random."""

_DRAWS = 100
"""How often random points are drawn before one that is taken will do."""


class BayesianProposer:
    """Proposes by maximising an acquisition over models of everything known.

    Args:
        encoding: The space.
        objectives: Their names, in the order of columns.
        modeller: Fits the models.
        goal: Makes targets, and the acquisition over their models.
        seed: With the id of a trial it decides every draw made for that trial.
    """

    def __init__(
        self,
        encoding: Encoding,
        objectives: Sequence[str],
        modeller: Modeller,
        goal: Goal,
        seed: int,
    ) -> None:
        self._encoding = encoding
        self._objectives = tuple(objectives)
        self._modeller = modeller
        self._goal = goal
        self._seed = seed
        self._search = Search(encoding)
        small = encoding.space.size <= _ENUMERABLE
        self._everything = encoding.enumerate() if small else None

    @property
    def state(self) -> Mapping[str, Any]:
        return self._modeller.state

    def restore(self, state: Mapping[str, Any]) -> None:
        self._modeller.restore(state)

    def propose(self, history: History, n: int, first_id: int) -> Sequence[Configuration]:
        rng = np.random.default_rng([self._seed, first_id])
        data = self._data(history)
        pending = self._encode(history.pending)
        novelty = self._novelty(
            np.concatenate([data.X, pending, self._encode(history.abandoned)])
        )
        if not len(data.X):
            return self._at_random(n, novelty, rng)
        merit = _merit(data)
        kept = subset(data, merit, rng)
        models = self._fit(kept, rng)
        anchors = data.X[np.argsort(merit, kind="stable")[:_ANCHORS]]
        few = data.feasible.sum() <= 2 * len(self._encoding.axes)
        chosen: list[Configuration] = []
        while len(chosen) < n:
            believed = models.believe(pending)
            if few and self._is_blind(believed, anchors, novelty, rng):
                x = self._explore(novelty, rng)
            else:
                points = np.concatenate([kept.X[kept.feasible], pending])
                acquisition = self._acquisition(believed, points, first_id)
                x = self._maximize(acquisition, anchors, novelty, rng)
            if x is None:
                break
            chosen.extend(self._encoding.decode(x[None]))
            pending = np.concatenate([pending, x[None]])
            novelty.take(x[None])
        return chosen or self._at_random(1, novelty, rng)

    def _data(self, history: History) -> Data:
        evaluations = history.evaluations
        names = self._objectives
        rows = [[e.objectives.get(name, np.nan) for name in names] for e in evaluations]
        return Data(
            self._encode([e.trial for e in evaluations]),
            np.array(rows).reshape(len(rows), len(names)),
            np.array([e.feasible for e in evaluations], dtype=bool),
        )

    def _encode(self, trials: Sequence[Trial]) -> Floats:
        return self._encoding.encode(trial.configuration for trial in trials)

    def _novelty(self, taken: Floats) -> Novelty:
        encoding, everything = self._encoding, self._everything
        novelty = Hashed(encoding) if everything is None else Listed(encoding, everything)
        novelty.take(taken)
        return novelty

    def _at_random(
        self, n: int, novelty: Novelty, rng: np.random.Generator
    ) -> Sequence[Configuration]:
        """Return at most `n` points; one that is taken only if many draws were all taken."""
        if isinstance(novelty, Listed):
            return self._encoding.decode(rng.permutation(novelty.free)[:n])
        for _ in range(_DRAWS):
            drawn = self._encoding.draw(rng.random((50 * n, len(self._encoding.axes))))
            free = np.unique(drawn[novelty(drawn)], axis=0)
            if len(free):
                return self._encoding.decode(rng.permutation(free)[:n])
        return self._encoding.decode(drawn[:1])

    def _fit(self, data: Data, rng: np.random.Generator) -> Models:
        Y = data.Y[data.feasible]
        Z = self._goal.targets(Y, rng) if len(Y) else Y
        return self._modeller.fit(data, Z, int(rng.integers(2**31)))

    def _acquisition(self, models: Models, points: Floats, trial: int) -> Acquisition:
        gain = self._goal.acquisition(models.objectives, points, trial)
        return TimesFeasibility(gain, models.feasibility) if models.feasibility else gain

    def _is_blind(
        self, models: Models, anchors: Floats, novelty: Novelty, rng: np.random.Generator
    ) -> bool:
        """Whether the models know of no place that is at all likely to be feasible.

        With hardly an example the model of feasibility is flat, and flat models are largest
        where they know least: their maximum is a corner, again and again.
        """
        if models.feasibility is None:
            return False
        if not models.objectives:
            return True
        if isinstance(novelty, Listed):
            X = novelty.free
        else:
            X = self._search.candidates(anchors, rng)
        log_p = values(LogFeasibility(models.feasibility), X)
        return bool(log_p.max(initial=-np.inf) < _HOPE)

    def _explore(self, novelty: Novelty, rng: np.random.Generator) -> Floats | None:
        """Return a point drawn at random, or None if all are taken."""
        drawn = self._encoding.encode(self._at_random(1, novelty, rng))
        return np.asarray(drawn[0]) if novelty(drawn).any() else None

    def _maximize(
        self,
        acquisition: Acquisition,
        anchors: Floats,
        novelty: Novelty,
        rng: np.random.Generator,
    ) -> Floats | None:
        if isinstance(novelty, Listed):
            free = novelty.free
            return best_of(acquisition, free) if len(free) else None
        return self._search(acquisition, anchors, novelty, rng)


def _merit(data: Data) -> Floats:
    """Return how good each row is, smaller is better: mean rank over the objectives."""
    merit = np.full(len(data.X), np.inf)
    Y = data.Y[data.feasible]
    if len(Y):
        merit[data.feasible] = np.argsort(np.argsort(Y, axis=0, kind="stable"), axis=0).mean(1)
    return merit
