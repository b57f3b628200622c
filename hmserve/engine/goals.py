"""What is to be improved: targets for the models, and the acquisition over them."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.hypervolume import LogExpectedHypervolumeImprovement
from hmserve.arrays import Floats
from hmserve.multiobjective.pareto import non_dominated
from hmserve.multiobjective.scalarize import hypervolume_weights, tchebyshev
from hmserve.surrogate.base import Posterior
from hmserve.surrogate.targets import transform

Gain = Callable[[Posterior, float, int], Acquisition]
"""Makes an acquisition from a model, the value to improve on, and the number of the trial."""


class Goal(Protocol):
    """How objectives become an acquisition."""

    def targets(self, Y: Floats, rng: np.random.Generator) -> Floats:
        """Return what models are fitted to, one column a model.

        Args:
            Y: Objectives of the feasible evaluations, shape (n, m), n >= 1.
            rng: Draws weights, if there are any.
        """

    def acquisition(self, models: Sequence[Posterior], X: Floats, trial: int) -> Acquisition:
        """Return what to maximise.

        Args:
            models: One a column of targets.
            X: The points whose predictions set the value to improve on, shape (n, d).
            trial: The number of the trial to be proposed.
        """


class Minimum:
    """One objective; the incumbent is the least posterior mean, not the least noisy value."""

    def __init__(self, gain: Gain) -> None:
        self._gain = gain

    def targets(self, Y: Floats, rng: np.random.Generator) -> Floats:
        del rng
        return transform(Y[:, 0])[:, None]

    def acquisition(self, models: Sequence[Posterior], X: Floats, trial: int) -> Acquisition:
        (model,) = models
        return self._gain(model, float(model.mean(X).min()), trial)


class Hypervolume:
    """Two objectives, each with its own model; the front is one of posterior means."""

    def targets(self, Y: Floats, rng: np.random.Generator) -> Floats:
        del rng
        return np.column_stack([transform(y) for y in Y.T])

    def acquisition(self, models: Sequence[Posterior], X: Floats, trial: int) -> Acquisition:
        del trial
        means = np.column_stack([model.mean(X) for model in models])
        front = means[non_dominated(means)]
        low, high = front.min(0), front.max(0)
        # A tenth beyond the front, so that its ends can be improved too; where the front is
        # a point, a standard deviation of the targets.
        reference = high + np.where(high > low, 0.1 * (high - low), 1.0)
        return LogExpectedHypervolumeImprovement(models, front, reference)


class Scalarised:
    """Objectives as one, with new weights for every ask (ParEGO, Knowles 2006)."""

    def __init__(self, gain: Gain) -> None:
        self._minimum = Minimum(gain)

    def targets(self, Y: Floats, rng: np.random.Generator) -> Floats:
        Y = Y / 2.0  # so that the difference of any two is finite
        front = Y[non_dominated(Y)]
        low, high = front.min(0), front.max(0)
        spread = np.where(high > low, high - low, np.maximum(np.ptp(Y, axis=0), 1e-300))
        with np.errstate(over="ignore"):
            Z = np.clip((Y - low) / spread, -1e9, 1e9)
        weights = hypervolume_weights(Y.shape[1], rng)
        return self._minimum.targets(tchebyshev(Z, weights)[:, None], rng)

    def acquisition(self, models: Sequence[Posterior], X: Floats, trial: int) -> Acquisition:
        return self._minimum.acquisition(models, X, trial)
