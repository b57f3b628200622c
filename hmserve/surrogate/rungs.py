"""One process over points and fidelities, where every rung has its own noise, scale and level.

Notation, beside that of `hmserve.surrogate.gp`:

    z       (n,)   the fidelity of each row, a coordinate in [0, 1]: the last column of X
    r       (n,)   its rung, 0 the lowest, R - 1 the top
    a       (R,)   the scale of each rung; 1 at the top
    s2      (R,)   the noise variance of each rung
    t2             the variance of the levels o_r of rungs below the top; 0 at the top

    y_i = a_r (c + g(x_i, z_i)) + o_r + noise,    g ~ GP(0, k)

How much two fidelities have to do with each other is the length scale of z. At the top the
process is c + g: `MultiRung.fit` gives a `GaussianProcess` over (x, z), made from rows divided
by their scale.

    theta = kernel's (d + 1 length scales or weights, log v), log s2 (R), log a (R - 1)
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hmserve.arrays import Floats, Ints
from hmserve.descent import Stop, race
from hmserve.surrogate import linear
from hmserve.surrogate.base import Normal, NormalWithGradient, Posterior
from hmserve.surrogate.gp import GaussianProcess
from hmserve.surrogate.hyperprior import LengthPrior, NormalPrior, kernel_prior
from hmserve.surrogate.kernel import Inputs, Kernel
from hmserve.surrogate.regression import Before, Memory

_LEVEL = 0.5**2
"""The variance of the level of a rung, in that of the targets."""

_NOISE = (-5.0, 2.0)
"""Location and scale of the log noise variance of a rung."""

_SCALE = 0.5
"""The scale of the log scale of a rung; its location is 0."""

_REACH = (0.0, 1.0)
"""Location and scale of the log length scale of the fidelity."""

_STOP = Stop(40, gain=1e-4, slope=3e-2)


class Rows(NamedTuple):
    """What the process is fitted to."""

    inputs: Inputs
    y: Floats  # (n,)
    r: Ints  # (n,)


class Parts(NamedTuple):
    """The parts of theta."""

    kernel: Floats
    noise: Floats  # (R,)
    scale: Floats  # (R,)

    @classmethod
    def of(cls, theta: Floats, kernel: Kernel) -> "Parts":
        """Take `theta` apart."""
        k = kernel.dimension + 1
        rungs = (len(theta) - k + 1) // 2
        scale = np.append(np.exp(theta[k + rungs :]), 1.0)
        return cls(theta[:k], np.exp(theta[k : k + rungs]), scale)


def levels_apart(r: Ints, top: int) -> Floats:
    """Return the covariances that rows have because their rung has a level, shape (n, n)."""
    return np.asarray(_LEVEL * ((r[:, None] == r) & (r < top)))


def negative_log_posterior(
    theta: Floats, kernel: Kernel, rows: Rows, prior: NormalPrior
) -> tuple[float, Floats]:
    """Return -log p(y | X, theta) - log p(theta) up to a constant, and its gradient."""
    inputs, y, r = rows
    parts = Parts.of(theta, kernel)
    a = parts.scale[r]
    covariance = kernel.with_slope(parts.kernel, inputs, inputs)
    scales = a[:, None] * a
    G = covariance.k * scales
    L = linear.cholesky(G + levels_apart(r, len(parts.scale) - 1) + np.diag(parts.noise[r]))
    solved = linear.solve(L, np.stack([a, y], axis=1))
    c = float(solved[:, 0] @ y / (solved[:, 0] @ a))
    alpha = solved[:, 1] - c * solved[:, 0]
    value = 0.5 * float((y - c * a) @ alpha) + linear.log_determinant(L)
    # With M + M^T = K^-1 - alpha alpha^T, d value = sum_ij M_ij dK_ij - c alpha . da.
    M = linear.half_of_inverse_less(L, alpha)
    H = M * G
    by_scale = H.sum(0) + H.sum(1) - c * alpha * a
    rungs = len(parts.scale)
    gradient = np.concatenate(
        [
            kernel.contract(parts.kernel, inputs, covariance, M * scales),
            parts.noise * np.bincount(r, np.diagonal(M), rungs),
            np.bincount(r, by_scale, rungs)[:-1],
        ]
    )
    penalty, slope = prior.negative_log(theta)
    return value + penalty, gradient + slope


class MultiRung:
    """Fits processes over rungs: a `Regression` whose last column is the fidelity.

    Args:
        kernel: The covariance function of (x, z).
        places: The coordinate of each rung, increasing, shape (R,).
        noise: Whether evaluations of one configuration may differ.
    """

    def __init__(self, kernel: Kernel, places: Floats, noise: bool = True) -> None:
        self._kernel = kernel
        self._places = places
        numeric = np.zeros(kernel.dimension)
        numeric[kernel.numeric] = 1.0
        base = kernel_prior(numeric, LengthPrior(-1.5, 1.0), (0.0, 1.0))
        base.location[-2], base.scale[-2] = _REACH
        base.low[-2] = np.log(0.1)
        rungs = len(places)
        noises = np.tile(_NOISE, (rungs, 1))
        if not noise:
            noises[-1] = np.log(1e-6), 0.1
        scales = np.tile((0.0, _SCALE), (rungs - 1, 1))
        more = np.concatenate([noises, scales])
        self._prior = NormalPrior(
            np.append(base.location, more[:, 0]),
            np.append(base.scale, more[:, 1]),
            np.concatenate([base.low, np.full(rungs, np.log(1e-8)), np.full(rungs - 1, -2.0)]),
            np.concatenate([base.high, np.full(rungs, 1.0), np.full(rungs - 1, 2.0)]),
        )

    def fit(self, X: Floats, z: Floats, memory: Memory, seed: int) -> tuple[Posterior, Memory]:
        starts = [self._prior.location]
        if memory is not None:
            starts.insert(0, np.array(memory))
        rows = Rows(self._kernel.inputs(X), z, self._rungs(X))

        def function(theta: Floats) -> tuple[float, Floats]:
            return negative_log_posterior(theta, self._kernel, rows, self._prior)

        memory = race(function, starts, self._prior.bounds, _STOP).tolist()
        return self.condition(X, z, Before(memory, len(X)), seed), memory

    def condition(self, X: Floats, z: Floats, before: Before, seed: int) -> Posterior:
        del seed
        parts = Parts.of(np.array(before.memory), self._kernel)
        r = self._rungs(X)
        a = parts.scale[r]
        inputs = self._kernel.inputs(X)
        K = self._kernel(parts.kernel, inputs, inputs)
        K += (levels_apart(r, len(parts.scale) - 1) + np.diag(parts.noise[r])) / (
            a[:, None] * a
        )
        L = linear.cholesky(K)
        y = z / a
        solved = linear.solve(L, np.column_stack([np.ones(len(y)), y]))
        c = float(solved[:, 0] @ y / solved[:, 0].sum())
        alpha = solved[:, 1] - c * solved[:, 0]
        return GaussianProcess(self._kernel, parts.kernel, c, inputs, L, alpha)

    def _rungs(self, X: Floats) -> Ints:
        return np.asarray(np.abs(X[:, -1, None] - self._places).argmin(1))


@dataclass(frozen=True, slots=True, eq=False)
class AtTop:
    """What a model over points and fidelities says at the full fidelity.

    Args:
        model: Its last column is the fidelity.
    """

    model: Posterior

    def predict(self, X: Floats) -> Normal:
        """Predict at `X`, shape (m, d)."""
        return self.model.predict(full(X))

    def mean(self, X: Floats) -> Floats:
        """Predict the mean alone."""
        return self.model.mean(full(X))

    def believe(self, P: Floats) -> "AtTop":
        """Return the model with its own mean observed in full at `P`, shape (p, d)."""
        return type(self)(self.model.believe(full(P)))


class ProcessAtTop(AtTop):
    """The same of a Gaussian process, which has gradients."""

    __slots__ = ()

    def predict_with_gradient(self, X: Floats) -> NormalWithGradient:
        """Predict at `X`, shape (m, d), with derivatives by `X`."""
        assert isinstance(self.model, GaussianProcess)
        mean, variance, by_mean, by_variance = self.model.predict_with_gradient(full(X))
        return NormalWithGradient(mean, variance, by_mean[:, :-1], by_variance[:, :-1])


def full(X: Floats) -> Floats:
    """Return the rows of `X`, shape (n, d), at the full fidelity, shape (n, d + 1)."""
    return np.column_stack([X, np.ones(len(X))])
