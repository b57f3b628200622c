"""Local penalization: no second trial where a pending one will tell already.

Around each pending point x_j lies a ball that cannot hold the minimum M of a function of
Lipschitz constant L: its radius is (f(x_j) - M) / L. Notation:

    mu_j, s_j    mean and standard deviation at x_j of the model, which ignores what is pending
    r = |x - x_j|   in the unit cube, where two labels are at distance 1

    soft  psi_j(x) = Phi((L r - (mu_j - M)) / s_j)        P(x is outside the ball of x_j)
          (Gonzalez, Dai, Hennig and Lawrence 2016, "Batch Bayesian optimization via local
          penalization")
    hard  psi_j(x) = (u^p + 1)^(1/p), u = L r / (mu_j - M + s_j), p = -5
          (Alvi et al. 2019, "Asynchronous batch Bayesian optimisation with improved local
          penalisation")

What is maximised is the acquisition times the product of all psi_j. M is the least mean that
was met, L the largest slope of the mean.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from hmserve.arrays import Floats, Mask
from hmserve.descent import Stop, descend
from hmserve.surrogate.base import Posterior
from hmserve.surrogate.gp import GaussianProcess

_FLAT, _STEEP = 1e-7, 10.0
"""A function with a smaller Lipschitz constant is given the other one (as GPyOpt has it)."""

_POWER = -5.0
_CLOSEST = 1e-12
"""Distances are kept above this: the slope of a distance has no limit at zero."""

_POLISH = Stop(15, gain=1e-4, slope=1e-6)
_STEP = 1e-5
_ROOT_2 = math.sqrt(2.0)
_ROOT_2_OVER_PI = math.sqrt(2.0 / math.pi)


class Landscape(NamedTuple):
    """What is known of a function as a whole.

    Args:
        lipschitz: How steep it is at most.
        least: Its least value.
    """

    lipschitz: float
    least: float


def survey(model: Posterior, X: Floats, labels: Mask) -> Landscape:
    """Return the steepest slope of the mean of `model`, and the least mean.

    Args:
        model: Fitted.
        X: Points all over the space and the evaluated ones, shape (m, d), m >= 2.
        labels: Which columns have no order, shape (d,).
    """
    mean = model.mean(X)
    steepest = 0.0
    if isinstance(model, GaussianProcess):
        steepest = _steepest(model, X, labels)
    if not isinstance(model, GaussianProcess) or labels.any():
        # Where there are no gradients the differences between points have to do.
        steepest = max(steepest, _secant(mean, X, labels))
    return Landscape(steepest if steepest > _FLAT else _STEEP, float(mean.min()))


def _steepest(model: GaussianProcess, X: Floats, labels: Mask) -> float:
    """Return the largest gradient of the mean that a climb from the steepest row reaches."""
    slopes = np.linalg.norm(model.mean_gradient(X), axis=1)
    start, numbers = X[int(np.argmax(slopes))], np.flatnonzero(~labels)
    size = float(slopes.max())
    if not len(numbers) or size <= _FLAT:
        return size

    def negative(u: Floats) -> tuple[float, Floats]:
        # The mean has no second derivatives at hand: differences, all points at once.
        Z = np.tile(start, (2 * len(numbers) + 1, 1))
        Z[:, numbers] = u
        for i, j in enumerate(numbers):
            Z[1 + 2 * i, j] += _STEP
            Z[2 + 2 * i, j] -= _STEP
        found = np.linalg.norm(model.mean_gradient(Z), axis=1) / size
        return -float(found[0]), -(found[1::2] - found[2::2]) / (2.0 * _STEP)

    found = descend(negative, start[numbers], [(0.0, 1.0)] * len(numbers), _POLISH)
    return max(size, -found.value * size)


def _secant(mean: Floats, X: Floats, labels: Mask) -> float:
    r = _distances(X, X, labels)
    return float((np.abs(mean[:, None] - mean) / np.maximum(r, 1e-3)).max())


def _distances(X: Floats, P: Floats, labels: Mask) -> Floats:
    """Return the distances of the rows of `X` from those of `P`, shape (m, p)."""
    gaps = X[:, None, :] - P[None]
    gaps[:, :, labels] = gaps[:, :, labels] != 0.0
    return np.asarray(np.maximum(np.sqrt(np.einsum("mpd,mpd->mp", gaps, gaps)), _CLOSEST))


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """The pending points as one model of an objective sees them.

    Args:
        mean: Of the model at these, shape (p,).
        deviation: Its standard deviations there, shape (p,).
        landscape: What is known of the mean as a whole.
        hard: Whether Alvi's penalty is meant.
    """

    mean: Floats
    deviation: Floats
    landscape: Landscape
    hard: bool = False

    def log_penalty(self, r: Floats) -> tuple[Floats, Floats]:
        """Return log psi and its derivative by `r`, both of shape (m, p)."""
        steep, least = self.landscape
        above = np.maximum(self.mean - least, 0.0)
        if self.hard:
            scale = steep / np.maximum(above + self.deviation, 1e-300)
            log_u = np.log(r * scale)
            value = np.logaddexp(0.0, _POWER * log_u) / _POWER
            # d log psi / d log u = u^p / (1 + u^p)
            return value, special.expit(_POWER * log_u) / r
        z = (steep * r - above) / self.deviation
        # phi / Phi, also where both are 0.
        ratio = _ROOT_2_OVER_PI / special.erfcx(-z / _ROOT_2)
        return special.log_ndtr(z), ratio * (steep / self.deviation)


class LocalPenalty:
    """The sum of log psi_j over the pending points; its mean over several objectives.

    Args:
        P: Pending points, shape (p, d), p >= 1.
        balls: How they look to each objective, at least one.
        labels: Which columns have no order, shape (d,).
    """

    differentiable = True

    def __init__(self, P: Floats, balls: Sequence[Ball], labels: Mask) -> None:
        self._P = P
        self._balls = tuple(balls)
        self._labels = labels

    def __call__(self, X: Floats) -> Floats:
        r = _distances(X, self._P, self._labels)
        total = np.zeros(len(X))
        for ball in self._balls:
            total += ball.log_penalty(r)[0].sum(axis=1)
        return total / len(self._balls)

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        r = _distances(X, self._P, self._labels)
        total, by_r = np.zeros(len(X)), np.zeros_like(r)
        for ball in self._balls:
            value, slope = ball.log_penalty(r)
            total += value.sum(axis=1)
            by_r += slope
        # d r / d x = (x - x_j) / r
        weights = by_r / r
        gradient = X * weights.sum(axis=1)[:, None] - weights @ self._P
        gradient[:, self._labels] = 0.0
        return total / len(self._balls), gradient / len(self._balls)
