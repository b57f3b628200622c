"""What is to be improved: targets for the models, and the acquisition over them."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.hypervolume import LogExpectedHypervolumeImprovement
from hmserve.acquisition.hypervolume3 import LogExpectedVolumeImprovement
from hmserve.arrays import Floats
from hmserve.multiobjective.pareto import non_dominated
from hmserve.multiobjective.scalarize import Weights, even, tchebyshev
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

    def deciding(self, models: Sequence[Posterior], X: Floats) -> Floats:
        """Return the rows of `X`, shape (n, d), whose predictions set what is to improve on.

        With them alone `acquisition` is what it is with all of `X`.
        """

    def acquisition(self, models: Sequence[Posterior], X: Floats, trial: int) -> Acquisition:
        """Return what to maximise.

        Args:
            models: One a column of targets.
            X: The points whose predictions set the value to improve on, shape (n, d).
            trial: The number of the trial to be proposed.
        """


def best_row(models: Sequence[Posterior], X: Floats) -> Floats:
    """Return the row of `X`, shape (n, d), where the mean of the one model is least: (1, d)."""
    (model,) = models
    return np.asarray(X[[int(np.argmin(model.mean(X)))]])


class Minimum:
    """One objective; the incumbent is the least posterior mean, not the least noisy value.

    Args:
        gain: Makes the acquisition.
        spare: Whether the transform of targets spares the good values (`transform`).
    """

    def __init__(self, gain: Gain, *, spare: bool = False) -> None:
        self._gain = gain
        self._spare = spare

    def targets(self, Y: Floats, rng: np.random.Generator) -> Floats:
        del rng
        return transform(Y[:, 0], spare=self._spare)[:, None]

    def deciding(self, models: Sequence[Posterior], X: Floats) -> Floats:
        return best_row(models, X)

    def acquisition(self, models: Sequence[Posterior], X: Floats, trial: int) -> Acquisition:
        (model,) = models
        return self._gain(model, float(model.mean(X).min()), trial)


class Hypervolume:
    """Two or three objectives, each with its own model; the front is one of posterior means."""

    def targets(self, Y: Floats, rng: np.random.Generator) -> Floats:
        del rng
        return np.column_stack([transform(y) for y in Y.T])

    def deciding(self, models: Sequence[Posterior], X: Floats) -> Floats:
        means = np.column_stack([model.mean(X) for model in models])
        return np.asarray(X[non_dominated(means)])

    def acquisition(self, models: Sequence[Posterior], X: Floats, trial: int) -> Acquisition:
        means = np.column_stack([model.mean(X) for model in models])
        front = means[non_dominated(means)]
        low, high = front.min(0), front.max(0)
        # Beyond the front, so that its ends can be improved too. A young front is narrow, and
        # by a tenth it hardly widens; by a standard deviation of the targets it widens where
        # nobody may want it. In turn.
        margin = np.where(high > low, 0.1 * (high - low), 1.0)
        reference = high + (np.maximum(margin, 1.0) if trial % 2 else margin)
        if len(models) == 3:
            return LogExpectedVolumeImprovement(models, front, reference)
        return LogExpectedHypervolumeImprovement(models, front, reference)


class Scalarised:
    """Objectives as one, with new weights for every ask (ParEGO, Knowles 2006).

    Args:
        gain: Makes the acquisition over the model of the one.
        value: From scaled objectives, shape (n, m), and weights to the one, shape (n,).
        weights: Draws the weights.
    """

    def __init__(
        self,
        gain: Gain,
        value: Callable[[Floats, Floats], Floats] = tchebyshev,
        weights: Weights = even,
    ) -> None:
        self._minimum = Minimum(gain)
        self._value = value
        self._weights = weights

    def targets(self, Y: Floats, rng: np.random.Generator) -> Floats:
        front = Y[non_dominated(Y)]
        low, high = front.min(0), front.max(0)
        weights = self._weights(low, high, rng)
        # Halves, so that the difference of any two is finite.
        spread = high / 2.0 - low / 2.0
        wide = np.maximum(np.ptp(Y / 2.0, axis=0), 1e-300)
        with np.errstate(over="ignore"):
            Z = (Y / 2.0 - low / 2.0) / np.where(spread > 0.0, spread, wide)
        return self._minimum.targets(self._value(np.clip(Z, -1e9, 1e9), weights)[:, None], rng)

    def deciding(self, models: Sequence[Posterior], X: Floats) -> Floats:
        return best_row(models, X)

    def acquisition(self, models: Sequence[Posterior], X: Floats, trial: int) -> Acquisition:
        return self._minimum.acquisition(models, X, trial)
