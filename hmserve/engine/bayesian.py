"""Bayesian optimization: model, acquire, propose.

A proposal is a function of the history, the seed and what the last one fitted. How pending
trials count is for a strategy to say (`hmserve.engine.pending`); one mechanism serves batches,
workers and ranks.
"""

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.maximize import best_of, values
from hmserve.acquisition.weighting import (
    LIKELY,
    LogFeasibility,
    Nothing,
    Product,
    TimesFeasibility,
)
from hmserve.arrays import Floats, Ints
from hmserve.engine.archive import Archive
from hmserve.engine.basins import (
    MANY,
    Basin,
    Found,
    Within,
    anchors,
    elsewhere,
    is_crowded,
)
from hmserve.engine.goals import Goal, Minimum
from hmserve.engine.history import History
from hmserve.engine.measured import Limited
from hmserve.engine.models import Data, Modeller, Models, subset
from hmserve.engine.novelty import Listed, Novelty
from hmserve.engine.pending import Ask, Batch, Believer, Choice, Out, Strategy, heeded
from hmserve.engine.random_search import RandomProposer
from hmserve.engine.rank import ALONE, Rank
from hmserve.randomness import stream
from hmserve.space.space import Configuration
from hmserve.surrogate.base import Posterior
from hmserve.surrogate.gp import GaussianProcess

_EXACT = 5_000_000
"""Free points times rows of the model up to which a listed space is looked through whole."""

_LOOK, _QUICK, _REFINED = 512, 64, 2
"""Where proposals have to be quick: at how many candidates the first has a look, how many of
the best of them later ones look at again, and how many are refined for the first."""

_TURNS = (True, True, False, False, False, False)
_TURNS_OF_MANY = (False, True, True, False)
"""Once the best basin is known, every third proposal of each view is one in another, and every
second one if many trials are out: docs/decisions/0031-other-basins.md."""

_DOUBT = 0.5
"""Where the best point is crowded and there is no other basin, models with length scales that
are half as long decide on these: docs/decisions/0025-doubt-where-it-is-crowded.md."""

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

    def refine(
        self,
        acquisition: Acquisition,
        X: Floats,
        fresh: Novelty,
        rng: np.random.Generator,
        most: int | None = None,
    ) -> Floats:
        """Return the best point found from the best of `X`, shape (m, d), m >= 1, all fresh."""

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
        strategy: Says how pending trials count.
        rank: For which of several optimizers: it has its own turns.
    """

    views: Sequence[View]
    search: Maximiser
    weigh: Callable[[Acquisition, int], Acquisition] = unweighted
    threshold: float = LIKELY
    watch: Watch = unwatched
    strategy: Strategy = field(default_factory=Believer)
    rank: Rank = ALONE


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

    def propose(
        self, history: History, n: int, first_id: int, *, quick: bool = False
    ) -> Sequence[Configuration]:
        rng = stream(self._seed, first_id)
        novelty = self._random.novelty(history)
        data = self._data(history)
        if not len(data.X):
            return self.encoding.decode(self._random.points(n, novelty, rng))
        kept = subset(data, self._seed)
        turn = first_id // self._policy.rank.size + self._policy.rank.number
        view = self._policy.views[turn % len(self._policy.views)]
        with self._policy.watch("fit models"):
            models = self._fit(kept, view, rng, quick)
        pending = self.encoding.encode(trial.configuration for trial in history.awaited)
        # At the edge of measured limits it is crowded by nature.
        single = len(models.objectives) == 1 and models.limits is None
        found, turns = None, _TURNS_OF_MANY if len(pending) >= MANY else _TURNS
        if single and not quick and turns[turn % len(turns)]:
            found = self._elsewhere(models.objectives[0], kept, pending, view, rng)
        if found:
            models = replace(models, objectives=(found.model,))
        elif single and _TURNS[turn % len(_TURNS)] and is_crowded(kept, pending):
            models = models.doubted(_DOUBT)
        basin = found.basin if found else None
        ask = Ask(models, view.goal, kept.X[kept.feasible], first_id)
        few = bool(data.feasible.sum() <= 2 * len(self.encoding.axes))
        ground = _Ground(self._random, novelty, anchors(kept, basin), few, rng, basin)
        rows = int(kept.valued.sum())
        X = _Choosing(ask, self._policy, ground, rows, quick).choose(n, pending)
        return self.encoding.decode(X if len(X) else self._random.points(1, novelty, rng))

    def _elsewhere(
        self, model: Posterior, data: Data, P: Floats, view: View, rng: np.random.Generator
    ) -> Found | None:
        """Return another basin to go on in, if that is worth while now."""
        if not (isinstance(view.goal, Minimum) and isinstance(model, GaussianProcess)):
            return None
        X, Y = data.X[data.feasible], data.Y[data.feasible]

        def fit(rows: Ints) -> GaussianProcess:
            z = view.goal.targets(Y[rows], rng)[:, 0]
            return cast(GaussianProcess, view.modeller.afresh(X[rows], z, self._seed))

        return elsewhere(model, X, P, fit, rng)

    def _data(self, history: History) -> Data:
        if self._archive is None or self._archive.history is not history:
            self._archive = Archive(history, self.encoding, self._objectives, self._limited)
        return self._archive.data

    def _fit(self, data: Data, view: View, rng: np.random.Generator, quick: bool) -> Models:
        Y = data.Y[data.valued]
        Z = view.goal.targets(Y, rng) if len(Y) else Y
        return view.modeller.fit(data, Z, int(rng.integers(2**31)), quick=quick)


class _Ground(NamedTuple):
    """Where one ask looks.

    Args:
        random: Draws where nothing can be decided.
        novelty: What is free.
        anchors: The best evaluated points, shape (a, d).
        few: Whether hardly anything feasible is known.
        rng: Of the ask.
        basin: Where to stay, if not everywhere.
    """

    random: RandomProposer
    novelty: Novelty
    anchors: Floats
    few: bool
    rng: np.random.Generator
    basin: Basin | None


class _Choosing:
    """The choices of one ask.

    Args:
        ask: What is known.
        policy: What decides.
        ground: Where to look.
        rows: How many results a model has.
        quick: Whether all but the first choice are made from a few candidates of the first.
    """

    def __init__(
        self, ask: Ask, policy: Policy, ground: _Ground, rows: int, quick: bool = False
    ) -> None:
        self._ask = ask
        self._policy = policy
        self._ground = ground
        self._rows = rows
        self._quick = quick
        self._few: Floats | None = None
        self._choice: Choice | None = None

    def choose(self, n: int, pending: Floats) -> Floats:
        """Return at most `n` points; fewer if no more were found, shape (q, d)."""
        P, random = pending, False
        while len(P) < len(pending) + n:
            models = (
                heeded(self._ask.models, P) if self._policy.strategy.heeds else self._ask.models
            )
            with self._policy.watch("search the acquisition"):
                if self._ground.few and self._is_blind(models):
                    x, random = self._explore(), True
                else:
                    # A draw of its own for each member of a batch.
                    number = self._ask.trial + len(P) - len(pending)
                    x = self._maximize(
                        self._acquisition(models, self._out(P, models, number)), len(P)
                    )
            if x is None:
                break
            P = np.concatenate([P, x[None]])
            self._ground.novelty.take(x[None])
        chosen = P[len(pending) :]
        apart = random or self._quick or self._ground.basin is not None
        if apart or len(chosen) < 2:
            return chosen
        return self._settled(chosen, pending)

    def _settled(self, chosen: Floats, pending: Floats) -> Floats:
        """Return what is chosen after all choices were looked at together."""
        strategy = self._policy.strategy
        models = heeded(self._ask.models, pending) if strategy.heeds else self._ask.models
        out = self._out(pending, models, self._ask.trial)
        others = self._weighed(Nothing(), models, out.trial)
        with self._policy.watch("search the acquisition"):
            return strategy.settle(self._ask, Batch(out, chosen, others, self._ground.novelty))

    def _out(self, P: Floats, models: Models, trial: int) -> Out:
        limits = models.limits
        hoped = np.ones(len(P), dtype=bool) if limits is None else limits.expected(P)
        return Out(P, hoped, trial)

    def _acquisition(self, models: Models, out: Out) -> Acquisition:
        """Return what a result within the limits is worth, times how likely it is one.

        While nothing is known to be within them, that is likely is all that counts.
        """
        known = len(self._ask.X) > 0 or bool(out.hoped.any())
        if models.limits is not None and not (known and models.objectives):
            return self._weighed(Nothing(), models, out.trial)
        if self._ground.basin is not None:
            return self._weighed(self._inside(self._ground.basin, out), models, out.trial)
        if self._choice is None:
            self._choice = self._policy.strategy.begin(self._ask)
        return self._weighed(self._choice(out), models, out.trial)

    def _inside(self, basin: Basin, out: Out) -> Acquisition:
        """Return what a result is worth in `basin`; what is pending is believed in."""
        models = self._ask.models.believe(out.P).objectives
        known = np.concatenate([basin.point[None], out.P[basin.distance(out.P) <= 1.0]])
        return Within(self._ask.goal.acquisition(models, known, out.trial), basin)

    def _weighed(self, gain: Acquisition, models: Models, trial: int) -> Acquisition:
        """Return `gain` times the probability of the limits, the prior, and feasibility."""
        if models.limits is not None:
            gain = Product(gain, LogFeasibility(models.limits))
        gain = self._policy.weigh(gain, trial)
        if models.feasibility is None:
            return gain
        return TimesFeasibility(gain, models.feasibility, self._policy.threshold)

    def _is_blind(self, models: Models) -> bool:
        """Whether the models know of no place that is at all likely to be feasible.

        With hardly an example the model of feasibility is flat, and flat models are largest
        where they know least: their maximum is a corner, again and again.
        """
        if models.feasibility is None:
            return False
        if not models.objectives:
            return True
        novelty = self._ground.novelty
        if isinstance(novelty, Listed):
            X = novelty.free
        else:
            X = self._policy.search.candidates(self._ground.anchors, self._ground.rng)
        log_p = values(LogFeasibility(models.feasibility), X)
        return bool(log_p.max(initial=-np.inf) < _HOPE)

    def _explore(self) -> Floats | None:
        """Return a point drawn at random, or None if all are taken."""
        ground = self._ground
        drawn = ground.random.points(1, ground.novelty, ground.rng)
        return np.asarray(drawn[0]) if len(drawn) else None

    def _maximize(self, acquisition: Acquisition, pending: int) -> Floats | None:
        _, novelty, anchors, _, rng, _ = self._ground
        if self._few is not None:
            few = self._few[novelty(self._few)]
            return best_of(acquisition, few) if len(few) else None
        if self._quick:
            self._few = few = self._candidates(acquisition)
            search = self._policy.search
            return search.refine(acquisition, few, novelty, rng, _REFINED) if len(few) else None
        if isinstance(novelty, Listed):
            free = novelty.free
            if len(free) * (self._rows + pending) <= _EXACT:
                return best_of(acquisition, free) if len(free) else None
        return self._policy.search(acquisition, anchors, novelty, rng)

    def _candidates(self, acquisition: Acquisition) -> Floats:
        """Return a few candidates: the best by `acquisition`, and as many others."""
        _, novelty, anchors, _, rng, _ = self._ground
        X = self._policy.search.candidates(anchors, rng)
        X = rng.permutation(X[novelty(X)])[:_LOOK]
        order = np.argsort(-values(acquisition, X), kind="stable")
        return np.concatenate([X[order[:_QUICK]], rng.permutation(X[order[_QUICK:]])[:_QUICK]])
