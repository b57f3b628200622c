"""Other basins than that of the best point: where a run goes on once it has settled.

A model that has seen one basin to the bottom is sure that nothing else comes near: most of its
data lie there, and the rest looks flat beside them. What it says of the way between two points
is worth more. A point with a hump between it and all better ones lies in a basin of its own,
and nobody knows how deep that is: it is followed down as if nothing better were known, by a
model that does not know it either. docs/decisions/0031-other-basins.md has numbers.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.improvement import LogExpectedImprovement
from hmserve.arrays import Floats, Ints
from hmserve.engine.models import Data
from hmserve.surrogate.gp import GaussianProcess

_ANCHORS = 5
"""Around how many of the best evaluated points candidates are drawn."""

_NEAR = 0.005
"""Points within this share of the range in every coordinate are near each other."""

MANY = 8
"""So many trials that are out, or more, would all be where the best result is before the first
of them says that there is nothing more to be found."""

_ALIKE, _ALIKE_OF_MANY = 0.99, 0.9
"""Above this correlation with the best point others are like it; and if many trials are out."""

_MOST = 5
"""How many basins are looked at, besides the best one."""

_TOPS = 40
"""Of how many points that are the best around it is asked whether they are in one of these."""

_WAY = np.linspace(0.0, 1.0, 10)[1:-1, None]
"""Where the way between two points is looked at."""

_HUMP = 0.05
"""How much higher than its upper end it has to be, in standard deviations of all results."""

_PROBES = 64
"""At how many points a basin is looked at, to know what it promises."""

_LITTLE = 0.1
"""A basin that lacks less than this counts as one that lacks this, in standard deviations of
its model's data: of two that are as good as each other none is to be searched for ever."""

_WORTH, _HOPELESS = 0.005, 0.003
"""Where less than that can be expected of a result, in standard deviations, or a smaller share
of what a basin lacks, it is left."""

_STEEP = 50.0
"""What a log utility loses outside a basin for the square of each radius beyond."""

_ROWS = 100
"""To how many results, the nearest ones, the model of a basin is fitted."""

Fit = Callable[[Ints], GaussianProcess]
"""Fits a model to some of the results alone."""


class Basin(NamedTuple):
    """The surroundings of a point that is worse than others, but the best around.

    Args:
        point: That point, shape (d,).
        mean: What the model of all results expects there.
        unit: How far it is in each coordinate to half of the way to what is better, shape (d,).
    """

    point: Floats
    mean: float
    unit: Floats

    def distance(self, X: Floats) -> Floats:
        """Return how far each of `X`, shape (m, d), is from the point; 1 at the edge."""
        apart = (X - self.point) / self.unit
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", apart, apart)))


class Found(NamedTuple):
    """A basin, and the model of all that is no better than its point."""

    basin: Basin
    model: GaussianProcess


class Within:
    """An acquisition that falls steeply outside a basin.

    Args:
        acquisition: What counts inside.
        basin: Where.
    """

    def __init__(self, acquisition: Acquisition, basin: Basin) -> None:
        self._acquisition = acquisition
        self._basin = basin

    @property
    def differentiable(self) -> bool:
        return self._acquisition.differentiable

    def __call__(self, X: Floats) -> Floats:
        beyond = np.maximum(self._basin.distance(X) - 1.0, 0.0)
        return self._acquisition(X) - _STEEP * beyond**2

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        value, gradient = self._acquisition.value_and_gradient(X)
        point, _, unit = self._basin
        distance = self._basin.distance(X)
        beyond = np.maximum(distance - 1.0, 0.0)
        # Wherever this is not 0, the distance is at least 1.
        slope = 2.0 * _STEEP * beyond / np.maximum(distance, 1.0)
        inward = slope[:, None] * (X - point) / unit**2
        return value - _STEEP * beyond**2, gradient - inward


def is_crowded(data: Data, pending: Floats) -> bool:
    """Whether many points lie about the best one, where hardly anything is left to be found.

    Either it is the optimum, or the models are too sure of themselves elsewhere.
    """
    if not data.feasible.any():
        return False
    x = data.X[data.best[0]]
    apart = np.abs(np.concatenate([data.X, pending]) - x).max(1)
    return int((apart < _NEAR).sum()) >= _enough(len(x))


def _enough(d: int) -> int:
    """Return how many points about one are many in `d` dimensions."""
    return 4 + d // 2


def anchors(data: Data, basin: Basin | None) -> Floats:
    """Return the best points, or, where one basin counts, those nearest to its point."""
    if basin is None:
        return data.X[data.best[:_ANCHORS]]
    return data.X[np.argsort(basin.distance(data.X), kind="stable")[:_ANCHORS]]


def elsewhere(
    model: GaussianProcess, X: Floats, P: Floats, fit: Fit, rng: np.random.Generator
) -> Found | None:
    """Return another basin to go on in; None where the best one is still unknown.

    Args:
        model: Of all results.
        X: Where they are, shape (n, d), n >= 1.
        P: Where others are awaited, shape (p, d).
        fit: Fits a model to some of the results.
        rng: Decides where basins are looked at.
    """
    numbers = model.kernel.plain == X.shape[1]
    return _most_promising(model, X, fit, rng) if numbers and _is_known(model, X, P) else None


def _is_known(model: GaussianProcess, X: Floats, P: Floats) -> bool:
    """Whether many points are, to the model, as good as the best one: it was followed down."""
    best = X[[int(np.argmin(model.mean(X)))]]
    inputs, theta = model.kernel.inputs, model.theta
    k = model.kernel(theta, inputs(np.concatenate([X, P])), inputs(best))
    alike = _ALIKE_OF_MANY if len(P) >= MANY else _ALIKE
    return int((k > alike * np.exp(theta[-1])).sum()) >= _enough(X.shape[1])


def _most_promising(
    model: GaussianProcess, X: Floats, fit: Fit, rng: np.random.Generator
) -> Found | None:
    """Return the basin where one result may gain the largest share of what it lacks."""
    mean, best, most = model.mean(X), None, _HOPELESS
    for basin in others(model, X):
        rows = _around(basin, X, mean)
        local = fit(rows)
        lack = (basin.mean - float(mean.min())) / max(float(np.std(mean[rows])), 1e-9)
        gain = _gain(local, basin, rng)
        promise = gain / max(lack, _LITTLE)
        if gain > _WORTH and promise > most:
            best, most = Found(basin, local), promise
    return best


def _around(basin: Basin, X: Floats, mean: Floats) -> Ints:
    """Return the rows of what is near a basin, and no better than its point."""
    rows = np.flatnonzero(mean >= basin.mean)
    nearest = np.argsort(basin.distance(X[rows]), kind="stable")[:_ROWS]
    return np.sort(rows[nearest])


def _gain(model: GaussianProcess, basin: Basin, rng: np.random.Generator) -> float:
    """Return about what is the largest improvement on the point of a basin to be expected."""
    reach = np.minimum(basin.unit, _scale(model))
    # Near the bottom of a basin only short steps gain.
    lengths = 10.0 ** rng.uniform(-2.0, 0.0, (_PROBES, 1))
    steps = lengths * reach * rng.standard_normal((_PROBES, len(reach)))
    incumbent = float(model.mean(basin.point[None])[0])
    gain = LogExpectedImprovement(model, incumbent)
    return float(np.exp(gain(np.clip(basin.point + steps, 0.0, 1.0)).max()))


def _scale(model: GaussianProcess) -> Floats:
    """Return the length scales, none of them larger than the space."""
    return np.minimum(np.exp(model.theta[:-1]), 1.0)


def others(model: GaussianProcess, X: Floats) -> list[Basin]:
    """Return basins beside that of the best of `X`, shape (n, d), all numbers; best first."""
    mean = model.mean(X)
    order = np.argsort(mean, kind="stable")
    X, mean, scale = X[order], mean[order], _scale(model)
    nearest = _to_better(X / scale)
    hump, found = _HUMP * float(np.std(mean)), [0]
    tops = np.flatnonzero(nearest[1:] > 1.0) + 1
    for i in tops[:_TOPS].tolist():
        if len(found) > _MOST:
            break
        if _is_apart(model, X[i], X[found], float(mean[i]) + hump):
            found.append(i)
    return [Basin(X[i], float(mean[i]), 0.5 * float(nearest[i]) * scale) for i in found[1:]]


def _to_better(U: Floats) -> Floats:
    """Return how far each row of `U`, shape (n, d), is from the nearest of those before it."""
    square = np.einsum("ij,ij->i", U, U)
    apart = np.maximum(square[:, None] + square - 2.0 * (U @ U.T), 0.0)
    apart[np.triu_indices(len(U))] = np.inf
    return np.asarray(np.sqrt(apart.min(1)))


def _is_apart(model: GaussianProcess, x: Floats, better: Floats, level: float) -> bool:
    """Whether the model is above `level` somewhere on each way from `x` to `better`, (b, d)."""
    ways = x + (better - x)[:, None] * _WAY
    heights = model.mean(ways.reshape(-1, len(x))).reshape(len(better), -1)
    return bool((heights.max(1) > level).all())
