"""Bayesian optimization: model, acquire, propose.

A proposal is a function of the history, the seed and what the last one fitted. Pending trials
are believed to come out as the models predict (kriging believer), in models of objectives and
feasibility alike; one mechanism serves batches, workers and ranks.
"""

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.maximize import best_of, values
from hmserve.acquisition.weighting import LIKELY, LogFeasibility, Product, TimesFeasibility
from hmserve.arrays import Floats
from hmserve.engine.archive import Archive
from hmserve.engine.goals import Goal
from hmserve.engine.history import History
from hmserve.engine.measured import Limited
from hmserve.engine.models import Data, Modeller, Models, subset
from hmserve.engine.novelty import Listed, Novelty
from hmserve.engine.random_search import RandomProposer
from hmserve.randomness import stream
from hmserve.space.space import Configuration

_ANCHORS = 5
"""Around how many of the best evaluated points candidates are drawn."""

_EXACT = 5_000_000
"""Free points times rows of the model up to which a listed space is looked through whole."""

_HOPE = math.log(0.25)
"""Where log P(feasible) is below this everywhere, proposals are random."""

Watch = Callable[[str], contextlib.AbstractContextManager[None]]
"""Counts the time in a block under a name."""


class Maximiser(Protocol):
    """A search for the point of largest acquisition, such as `maximize.Search`."""

    def __call__(
        self,
        acquisition: Acquisition,
        anchors: Floats,
        fresh: Novelty,
        rng: np.random.Generator,
    ) -> Floats | None:
        """Return the best point found, or None if nothing fresh was met."""

    def candidates(self, anchors: Floats, rng: np.random.Generator) -> Floats:
        """Return points worth a look, shape (m, d)."""


def unwatched(name: str) -> contextlib.AbstractContextManager[None]:
    """Count nothing."""
    del name
    return contextlib.nullcontext()


def unweighted(acquisition: Acquisition, trial: int) -> Acquisition:
    """Return `acquisition` as it is: there is no prior."""
    del trial
    return acquisition


class View(NamedTuple):
    """One way to look at the results.

    Args:
        modeller: Fits the models.
        goal: Makes targets, and the acquisition over their models.
    """

    modeller: Modeller
    goal: Goal


@dataclass(frozen=True, slots=True)
class Policy:
    """What decides which point is best.

    Args:
        views: By turns, one an ask.
        search: Finds the maximum of an acquisition.
        weigh: Weighs an acquisition with the user's prior, given the number of the trial.
        threshold: What is less likely feasible than this is avoided.
        watch: Told where the time goes.
    """

    views: Sequence[View]
    search: Maximiser
    weigh: Callable[[Acquisition, int], Acquisition] = unweighted
    threshold: float = LIKELY
    watch: Watch = unwatched


class BayesianProposer:
    """Proposes by maximising an acquisition over models of everything known.

    Args:
        objectives: Their names, in the order of columns.
        policy: What decides.
        random: What proposes where nothing can be decided.
        seed: With the id of a trial it decides every draw made for that trial.
        limited: The measured constraints; None if there are none.
    """

    def __init__(
        self,
        objectives: Sequence[str],
        policy: Policy,
        random: RandomProposer,
        seed: int,
        limited: Limited | None = None,
    ) -> None:
        self.encoding = random.encoding
        self._objectives = tuple(objectives)
        self._policy = policy
        self._random = random
        self._seed = seed
        self._limited = limited
        self._archive: Archive | None = None

    @property
    def state(self) -> Mapping[str, Any]:
        return {"views": [view.modeller.state for view in self._policy.views]}

    def restore(self, state: Mapping[str, Any]) -> None:
        for view, left in zip(self._policy.views, state["views"], strict=True):
            view.modeller.restore(left)

    def propose(self, history: History, n: int, first_id: int) -> Sequence[Configuration]:
        rng = stream(self._seed, first_id)
        novelty = self._random.novelty(history)
        data = self._data(history)
        if not len(data.X):
            return self.encoding.decode(self._random.points(n, novelty, rng))
        kept = subset(data, self._seed)
        view = self._policy.views[first_id % len(self._policy.views)]
        with self._policy.watch("fit models"):
            models = self._fit(kept, view, rng)
        pending = self.encoding.encode(trial.configuration for trial in history.pending)
        anchors = kept.X[kept.best[:_ANCHORS]]
        few = data.feasible.sum() <= 2 * len(self.encoding.axes)
        chosen: list[Configuration] = []
        while len(chosen) < n:
            believed = models.believe(pending)
            with self._policy.watch("search the acquisition"):
                if few and self._is_blind(believed, anchors, novelty, rng):
                    x = self._explore(novelty, rng)
                else:
                    limits = believed.limits
                    hoped = pending if limits is None else pending[limits.expected(pending)]
                    points = np.concatenate([kept.X[kept.feasible], hoped])
                    # A draw of its own for each member of a batch.
                    number = first_id + len(chosen)
                    acquisition = self._acquisition(view.goal, believed, points, number)
                    rows = int(kept.valued.sum()) + len(pending)
                    x = self._maximize(acquisition, anchors, novelty, rows, rng)
            if x is None:
                break
            chosen.extend(self.encoding.decode(x[None]))
            pending = np.concatenate([pending, x[None]])
            novelty.take(x[None])
        return chosen or self.encoding.decode(self._random.points(1, novelty, rng))

    def _data(self, history: History) -> Data:
        if self._archive is None or self._archive.history is not history:
            self._archive = Archive(history, self.encoding, self._objectives, self._limited)
        return self._archive.data

    def _fit(self, data: Data, view: View, rng: np.random.Generator) -> Models:
        Y = data.Y[data.valued]
        Z = view.goal.targets(Y, rng) if len(Y) else Y
        return view.modeller.fit(data, Z, int(rng.integers(2**31)))

    def _acquisition(
        self, goal: Goal, models: Models, points: Floats, trial: int
    ) -> Acquisition:
        gain = self._policy.weigh(self._gain(goal, models, points, trial), trial)
        if models.feasibility is None:
            return gain
        return TimesFeasibility(gain, models.feasibility, self._policy.threshold)

    def _gain(self, goal: Goal, models: Models, points: Floats, trial: int) -> Acquisition:
        """Return what a result within the limits is worth, times how likely it is one.

        While nothing is known to be within them, that is likely is all that counts.
        """
        if models.limits is None:
            return goal.acquisition(models.objectives, points, trial)
        likely = LogFeasibility(models.limits)
        if not len(points):
            return likely
        return Product(goal.acquisition(models.objectives, points, trial), likely)

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
            X = self._policy.search.candidates(anchors, rng)
        log_p = values(LogFeasibility(models.feasibility), X)
        return bool(log_p.max(initial=-np.inf) < _HOPE)

    def _explore(self, novelty: Novelty, rng: np.random.Generator) -> Floats | None:
        """Return a point drawn at random, or None if all are taken."""
        drawn = self._random.points(1, novelty, rng)
        return np.asarray(drawn[0]) if len(drawn) else None

    def _maximize(
        self,
        acquisition: Acquisition,
        anchors: Floats,
        novelty: Novelty,
        rows: int,
        rng: np.random.Generator,
    ) -> Floats | None:
        if isinstance(novelty, Listed):
            free = novelty.free
            if len(free) * rows <= _EXACT:
                return best_of(acquisition, free) if len(free) else None
        return self._policy.search(acquisition, anchors, novelty, rng)
