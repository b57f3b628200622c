"""What models say about a run besides the next proposal: where the minimum is, what matters."""

from collections.abc import Mapping, Sequence

import numpy as np

from hmserve.engine.importance import importances
from hmserve.engine.learner import Learner
from hmserve.engine.models import Data, Modeller, Models, subset
from hmserve.engine.posterior import PosteriorBest, posterior_best
from hmserve.randomness import stream
from hmserve.scenario import Scenario
from hmserve.surrogate.targets import transform
from hmserve.trial import Evaluation

_LEAST = 2
"""Fewer feasible results than this say nothing."""


class Insights:
    """Models of each objective of a run, fitted when they are asked for.

    Args:
        scenario: What is optimized.
        seed: That of the run.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        learner = Learner(scenario, seed, designed=0)
        self._encoding = learner.encoding
        self._modellers = {name: learner.modeller() for name in scenario.objectives}
        self._seed = seed
        self._limited = learner.limited

    def importances(
        self, evaluations: Sequence[Evaluation]
    ) -> Mapping[str, Mapping[str, float]]:
        """Return by objective the share of each parameter; empty while too little is known."""
        found = {}
        for name, modeller in self._modellers.items():
            data = self._data(evaluations, name)
            if data.feasible.sum() < _LEAST:
                continue
            (model,) = self._fit(modeller, data).objectives
            rng = stream(self._seed)
            found[name] = importances(model, self._encoding, rng)
        return found

    def minimum(self, evaluations: Sequence[Evaluation]) -> PosteriorBest | None:
        """Return where the model of the first objective is least; None if little is known."""
        name, modeller = next(iter(self._modellers.items()))
        data = self._data(evaluations, name)
        if data.feasible.sum() < _LEAST:
            return None
        models = self._fit(modeller, data)
        valued = data.valued
        z = transform(data.Y[valued, 0])[data.feasible[valued]]
        known = data.X[data.feasible], z, data.Y[data.feasible, 0]
        rng = stream(self._seed)
        return posterior_best(self._encoding, models, known, self._encoding.holds, rng)

    def _data(self, evaluations: Sequence[Evaluation], name: str) -> Data:
        X = self._encoding.encode(e.trial.configuration for e in evaluations)
        y = np.array([e.objectives.get(name, np.nan) for e in evaluations], dtype=float)
        feasible = np.array([e.feasible for e in evaluations], dtype=bool)
        measured = self._limited.measure(evaluations) if self._limited else None
        return subset(Data(X, y[:, None], feasible, measured=measured), self._seed)

    def _fit(self, modeller: Modeller, data: Data) -> Models:
        Z = transform(data.Y[data.valued, 0])[:, None]
        return modeller.fit(data, Z, self._seed)
