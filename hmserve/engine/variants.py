"""Goals made of other goals, and the goal of BOPrO."""

from collections.abc import Callable, Sequence

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.arrays import Floats
from hmserve.engine.goals import Goal, best_row
from hmserve.surrogate.base import Posterior
from hmserve.surrogate.targets import transform


class Logarithmic:
    """Sees the logarithms of objectives that are all positive (BaCO's log_transform_output).

    Args:
        goal: What is made of them.
    """

    def __init__(self, goal: Goal) -> None:
        self._goal = goal

    def targets(self, Y: Floats, rng: np.random.Generator) -> Floats:
        positive = (Y > 0.0).all(axis=0)
        logs = np.log(np.where(positive, Y, 1.0))
        return self._goal.targets(np.where(positive, logs, Y), rng)

    def deciding(self, models: Sequence[Posterior], X: Floats) -> Floats:
        return self._goal.deciding(models, X)

    def acquisition(self, models: Sequence[Posterior], X: Floats, trial: int) -> Acquisition:
        return self._goal.acquisition(models, X, trial)


class Aimed:
    """One objective, to be better than a given value even before one is known.

    Args:
        value: BaCO's ``objective_value_target``.
        gain: As `Minimum` takes it.
    """

    def __init__(
        self, value: float, gain: Callable[[Posterior, float, int], Acquisition]
    ) -> None:
        self._value = value
        self._gain = gain
        self._aim = np.inf

    def targets(self, Y: Floats, rng: np.random.Generator) -> Floats:
        del rng
        # The value goes through the same transform as what was measured.
        z = transform(np.append(Y[:, 0], self._value))
        self._aim = float(z[-1])
        return z[:-1, None]

    def deciding(self, models: Sequence[Posterior], X: Floats) -> Floats:
        return best_row(models, X)

    def acquisition(self, models: Sequence[Posterior], X: Floats, trial: int) -> Acquisition:
        (model,) = models
        return self._gain(model, min(float(model.mean(X).min()), self._aim), trial)


class GoodOrBad:
    """One objective that is good or bad, to be weighed with a prior (Souza et al. 2021).

    Args:
        quantile: The share of what was seen that is good.
        acquisition: Makes the acquisition from a model, the value that parts good from bad,
            and the number of the trial.
    """

    def __init__(
        self, quantile: float, acquisition: Callable[[Posterior, float, int], Acquisition]
    ) -> None:
        self._quantile = quantile
        self._make = acquisition

    def targets(self, Y: Floats, rng: np.random.Generator) -> Floats:
        del rng
        return transform(Y[:, 0])[:, None]

    def deciding(self, models: Sequence[Posterior], X: Floats) -> Floats:
        del models
        return X

    def acquisition(self, models: Sequence[Posterior], X: Floats, trial: int) -> Acquisition:
        (model,) = models
        return self._make(model, float(np.quantile(model.mean(X), self._quantile)), trial)
