"""A sampler with one model over points and fidelities that chooses for the full fidelity.

As MOBSTER (Klein et al. 2020) has it, with a noise, a scale and a level of its own for every
rung, and without the rungs that do not rank configurations as higher ones do.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.maximize import Search
from hmserve.acquisition.weighting import LIKELY, LogFeasibility, Product, TimesFeasibility
from hmserve.arrays import Floats, Ints
from hmserve.engine.bayesian import Watch, unwatched
from hmserve.engine.fidelity_data import Results, aligned, by_front, trusted
from hmserve.engine.fidelity_guide import Choose, Known
from hmserve.engine.goals import Goal
from hmserve.engine.models import Data, Modeller, Models
from hmserve.engine.novelty import Novelty
from hmserve.randomness import stream
from hmserve.surrogate.base import Posterior
from hmserve.surrogate.gp import GaussianProcess
from hmserve.surrogate.limits import WithinLimits
from hmserve.surrogate.rungs import AtTop, ProcessAtTop

_MOST = 200
"""Models are made of so many results at most."""

_STEADY = 20
"""While so many results come in, the random part of a subset stays as it is."""

_ANCHORS = 3

_NEAR = 0.005
"""Points within this share of the range in every coordinate are near each other."""

_DOUBT = 0.5
"""How often a model that has crowded its best point is not asked."""

_FEWEST = 2
"""A model needs so many times one result more than there are parameters."""


class Aim(NamedTuple):
    """What a model is for.

    Args:
        goal: Makes targets, and the acquisition over their models.
        threshold: What is less likely feasible than this is avoided.
        full: So many full evaluations there have to be.
        watch: Told where the time goes.
    """

    goal: Goal
    threshold: float = LIKELY
    full: int = 0
    watch: Watch = unwatched


class ModelGuide:
    """Chooses by the acquisition at the full fidelity.

    Args:
        modeller: Fits models to points whose last column is the fidelity.
        aim: What they are for.
        search: Finds the maximum of an acquisition.
        places: The coordinate of each rung, shape (R,).
        seed: Chooses the results that models are made of.
    """

    def __init__(
        self, modeller: Modeller, aim: Aim, search: Search, places: Floats, seed: int
    ) -> None:
        self._modeller = modeller
        self._aim = aim
        self._search = search
        self._places = places
        self._seed = seed

    @property
    def state(self) -> Mapping[str, Any]:
        return self._modeller.state

    def restore(self, state: Mapping[str, Any]) -> None:
        self._modeller.restore(state)

    def begin(self, known: Known, rng: np.random.Generator) -> Choose | None:
        results = informative(known.results, len(self._places) - 1)
        d = results.data.X.shape[1]
        full = results.data.feasible & (results.level == len(self._places) - 1)
        if full.sum() < self._aim.full or results.data.feasible.sum() < _FEWEST * (d + 1):
            return None
        kept = subset(results, _MOST, self._seed)
        omitted = len(known.results.level) - len(kept.level)
        kept = kept._replace(data=kept.data._replace(omitted=omitted))
        with self._aim.watch("fit models"):
            models = self._models(kept, rng)
        X = np.unique(kept.data.X[kept.data.feasible], axis=0)
        anchors = _best(models, X)

        def choose(P: Floats, novelty: Novelty, rng: np.random.Generator) -> Floats | None:
            out = np.concatenate([known.out, P])
            if _is_crowded(anchors[0], np.concatenate([X, out])) and rng.random() < _DOUBT:
                return None
            believing = models.believe(out)
            acquisition = self._acquisition(believing, X, known.trial + len(P))
            with self._aim.watch("search the acquisition"):
                return self._search(acquisition, anchors, novelty, rng)

        return choose

    def _models(self, kept: Results, rng: np.random.Generator) -> Models:
        """Return models of what is to be expected at the full fidelity."""
        data = kept.data._replace(Y=aligned(kept))
        Z = self._aim.goal.targets(data.Y[data.valued], rng)
        X = np.column_stack([data.X, self._places[kept.level]])
        joint = self._modeller.fit(data._replace(X=X), Z, int(rng.integers(2**31)))
        limits = joint.limits and WithinLimits(list(map(at_top, joint.limits.slacks)))
        return Models(tuple(map(at_top, joint.objectives)), joint.feasibility, limits)

    def _acquisition(self, models: Models, X: Floats, trial: int) -> Acquisition:
        deciding = self._aim.goal.deciding(models.objectives, X)
        gain = self._aim.goal.acquisition(models.objectives, deciding, trial)
        if models.limits is not None:
            gain = Product(gain, LogFeasibility(models.limits))
        if models.feasibility is None:
            return gain
        return TimesFeasibility(gain, models.feasibility, self._aim.threshold)


def _is_crowded(x: Floats, X: Floats) -> bool:
    """Whether many of the rows of `X` lie about `x`, where hardly anything is left to be found.

    Either it is the optimum, or the model is too sure of itself elsewhere.
    """
    return int((np.abs(X - x).max(1) < _NEAR).sum()) >= 4 + len(x) // 2


def _best(models: Models, X: Floats) -> Floats:
    """Return the few rows of `X` that are thought best."""
    merit = np.sum([model.mean(X) for model in models.objectives], axis=0)
    return np.asarray(X[np.argsort(merit, kind="stable")[:_ANCHORS]])


def at_top(model: Posterior) -> Posterior:
    """Return what `model`, over points and fidelities, says at the full fidelity."""
    return ProcessAtTop(model) if isinstance(model, GaussianProcess) else AtTop(model)


def informative(results: Results, top: int) -> Results:
    """Return the results at rungs that rank configurations as higher ones do."""
    return results.at(np.flatnonzero(trusted(results, top)[results.level]))


def subset(results: Results, most: int, seed: int) -> Results:
    """Return at most `most` of the results: of each rung a fair share, the highest first.

    Of a rung that has more, half the best and half at random.
    """
    n = len(results.level)
    if n <= most:
        return results
    chosen: list[Ints] = []
    rungs = np.unique(results.level)[::-1]
    left = most
    for i, rung in enumerate(rungs):
        rows = np.flatnonzero(results.level == rung)
        share = left // (len(rungs) - i)
        if len(rows) > share:
            rows = _some(results.data, rows, share, stream(seed, n // _STEADY, int(rung)))
        chosen.append(rows)
        left -= len(rows)
    return results.at(np.sort(np.concatenate(chosen)))


def _some(data: Data, rows: Ints, share: int, rng: np.random.Generator) -> Ints:
    order = rows[by_front(data.take(rows))]
    half = share // 2
    return np.concatenate([order[:half], rng.choice(order[half:], share - half, replace=False)])
