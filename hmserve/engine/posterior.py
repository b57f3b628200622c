"""Where a model is least: HyperMapper's ``print_posterior_best``."""

from typing import NamedTuple, cast

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.maximize import Fresh, Search, best_of
from hmserve.acquisition.weighting import TimesFeasibility
from hmserve.arrays import Floats
from hmserve.engine.models import Models
from hmserve.space.encoding import Encoding
from hmserve.space.space import Configuration
from hmserve.surrogate.base import DifferentiablePosterior, Posterior

_ENUMERABLE = 50_000
_ANCHORS = 5

_WEIGHT = 10.0
"""What a unit of the targets counts against the logarithm of P(feasible)."""


class PosteriorBest(NamedTuple):
    """The configuration that a model thinks best, evaluated or not."""

    configuration: Configuration
    value: float
    """What the model expects there, in the objective's own units."""


class _LeastMean:
    """An acquisition that is largest where the mean of a model is least."""

    def __init__(self, model: Posterior) -> None:
        self._model = model

    @property
    def differentiable(self) -> bool:
        return hasattr(self._model, "predict_with_gradient")

    def __call__(self, X: Floats) -> Floats:
        return -_WEIGHT * self._model.mean(X)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        found = cast(DifferentiablePosterior, self._model).predict_with_gradient(X)
        return -_WEIGHT * found.mean, -_WEIGHT * found.mean_gradient


def posterior_best(
    encoding: Encoding,
    models: Models,
    evaluated: tuple[Floats, Floats, Floats],
    allowed: Fresh,
    rng: np.random.Generator,
) -> PosteriorBest:
    """Return where the mean of the one objective is least, and how much it is there.

    Args:
        encoding: The space.
        models: Fitted to one objective; with a model of feasibility or measured constraints,
            only what is likely to be feasible counts.
        evaluated: X, shape (n, d), the targets that the model was fitted to, and the values of
            the objective, both of shape (n,), of feasible evaluations, n >= 1.
        allowed: Where known constraints hold; evaluated points included.
        rng: For the search.
    """
    (model,) = models.objectives
    X, z, y = evaluated
    means = model.mean(X)
    least: Acquisition = _LeastMean(model)
    for likely in (models.limits, models.feasibility):
        if likely is not None:
            least = TimesFeasibility(least, likely)
    anchors = X[np.argsort(means, kind="stable")[:_ANCHORS]]
    if encoding.space.size <= _ENUMERABLE:
        everything = encoding.enumerate()
        found = everything[allowed(everything)]
    else:
        best = Search(encoding)(least, anchors, allowed, rng)
        found = anchors[:0] if best is None else best[None]
    x = best_of(least, np.concatenate([anchors, found]))
    value = in_own_units(float(model.mean(x[None])[0]), z, y)
    return PosteriorBest(encoding.decode(x[None])[0], value)


def in_own_units(target: float, z: Floats, y: Floats) -> float:
    """Return the objective value that a target stands for.

    Targets are a monotone function of the values: between known pairs it is taken to be
    straight, beyond them as steep as at that end.

    Args:
        target: What a model predicts.
        z: Known targets, shape (n,), n >= 1.
        y: Their values, shape (n,).
    """
    z, first = np.unique(z, return_index=True)
    y = y[first]
    if len(z) == 1:
        return float(y[0])
    # Pairs too close together do not tell how steep it is.
    far = max(0.01 * float(np.ptp(z)), float(np.diff(z)[[0, -1]].min()))
    if target < z[0]:
        k = int(np.searchsorted(z, min(z[0] + far, z[-1])))
        return float(y[0] + (y[k] - y[0]) / (z[k] - z[0]) * (target - z[0]))
    if target > z[-1]:
        k = int(np.searchsorted(z, max(z[-1] - far, z[0]), side="right")) - 1
        return float(y[-1] + (y[-1] - y[k]) / (z[-1] - z[k]) * (target - z[-1]))
    return float(np.interp(target, z, y))
