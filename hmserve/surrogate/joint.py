"""What a model says of any points together with some given ones, P: those of pending trials.

    P (p, d)   the given points, mu_P and c(P, P) their mean and covariance
    X (m, d)   any others
    c(x, x')   k(x, x') - k(x, D)^T K^-1 k(D, x'), the posterior covariance given the data D

What depends on P alone is computed once; no evaluation factorises the covariances of the data.
Gradients are pulled back: from the derivatives of a function by each mean, variance and
covariance one product with the data makes those by X.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import numpy as np

from hmserve.arrays import Floats, Ints
from hmserve.surrogate import linear
from hmserve.surrogate.base import Posterior
from hmserve.surrogate.gp import GaussianProcess
from hmserve.surrogate.kernel import Inputs

if TYPE_CHECKING:  # scikit-learn is loaded only where a forest was asked for
    from hmserve.surrogate.forest import Forest

_LEAST_NOISE = 1e-6
"""Noise variances are kept above this share of the largest variance there can be."""


class Correlated(NamedTuple):
    """Predictions at m points, and how they go with those at P."""

    mean: Floats  # (m,)
    variance: Floats  # (m,), positive
    covariance: Floats  # (m, p)


PullBack = Callable[[Floats, Floats, Floats], Floats]
"""From derivatives by mean (m,), variance (m,) and covariance (m, p) to those by X, (m, d)."""


class Together(NamedTuple):
    """The joint distribution of q points, and how they go with P."""

    mean: Floats  # (q,)
    covariance: Floats  # (q, q)
    given: Floats  # (q, p)


class Joint(Protocol):
    """A posterior at any points together with that at `P`.

    Attributes:
        P: The given points, shape (p, d).
        mean: At P, shape (p,).
        covariance: At P, shape (p, p).
        noise: The variance of an evaluation about the function.
        differentiable: Whether `predict_with_pull_back` may be called.
    """

    P: Floats
    mean: Floats
    covariance: Floats
    noise: float
    differentiable: bool

    def predict(self, X: Floats) -> Correlated:
        """Predict at `X`, shape (m, d)."""

    def predict_with_pull_back(self, X: Floats) -> tuple[Correlated, PullBack]:
        """Predict at `X`, shape (m, d), with what makes gradients by `X`."""


def joint(model: Posterior, P: Floats) -> Joint:
    """Return what `model`, a Gaussian process or a forest, says of any points and `P`."""
    if isinstance(model, GaussianProcess):
        return JointProcess(model, P)
    return JointForest(cast("Forest", model), P)


class JointProcess:
    """A Gaussian process at any points together with `P`.

    Args:
        process: The posterior.
        P: Shape (p, d).
    """

    differentiable = True

    def __init__(self, process: GaussianProcess, P: Floats) -> None:
        self.P = P
        self._process = process
        self._inputs = process.kernel.inputs(P)
        k = process.kernel(process.theta, process.inputs, self._inputs)  # (n, p)
        V = linear.forward(process.L, k) if len(P) else k
        self._weights = linear.backward(process.L, V) if len(P) else k  # K^-1 k(D, P)
        self._signal = float(np.exp(process.theta[-1]))
        self.mean = process.constant + k.T @ process.alpha
        self.covariance = process.kernel(process.theta, self._inputs, self._inputs) - V.T @ V
        self.noise = max(process.noise, _LEAST_NOISE * self._signal)

    def predict(self, X: Floats) -> Correlated:
        """Predict at `X`, shape (m, d)."""
        process = self._process
        inputs = process.kernel.inputs(X)
        k = process.kernel(process.theta, inputs, process.inputs)
        V = linear.forward(process.L, k.T)
        given = process.kernel(process.theta, inputs, self._inputs) - k @ self._weights
        mean = np.asarray(process.constant + k @ process.alpha)
        return Correlated(mean, process.variance(V), given)

    def predict_with_pull_back(self, X: Floats) -> tuple[Correlated, PullBack]:
        """Predict at `X`, shape (m, d), with what makes gradients by `X`."""
        process = self._process
        inputs = process.kernel.inputs(X)
        k, slope = process.kernel.with_slope(process.theta, inputs, process.inputs)
        near, near_slope = process.kernel.with_slope(process.theta, inputs, self._inputs)
        V = linear.forward(process.L, k.T)
        KinvK = linear.backward(process.L, V)

        def pull(by_mean: Floats, by_variance: Floats, by_covariance: Floats) -> Floats:
            weights = by_mean[:, None] * process.alpha
            weights -= 2.0 * by_variance[:, None] * KinvK.T + by_covariance @ self._weights.T
            return self._pulled(inputs, weights * slope, by_covariance * near_slope)

        mean = np.asarray(process.constant + k @ process.alpha)
        found = Correlated(mean, process.variance(V), near - k @ self._weights)
        return found, pull

    def together(self, X: Floats) -> tuple[Together, PullBack]:
        """Return the joint distribution of the rows of `X`, shape (q, d).

        The derivatives to be pulled back are those by its parts, in their order, that by the
        symmetric covariance as a symmetric matrix.
        """
        process = self._process
        inputs = process.kernel.inputs(X)
        k, slope = process.kernel.with_slope(process.theta, inputs, process.inputs)
        near, near_slope = process.kernel.with_slope(process.theta, inputs, self._inputs)
        own, own_slope = process.kernel.with_slope(process.theta, inputs, inputs)
        V = linear.forward(process.L, k.T)
        KinvK = linear.backward(process.L, V)

        def pull(by_mean: Floats, by_covariance: Floats, by_given: Floats) -> Floats:
            # Both arguments of c(x, x') move: each entry of the symmetric matrix counts twice.
            both = 2.0 * by_covariance
            weights = by_mean[:, None] * process.alpha
            weights -= both @ KinvK.T + by_given @ self._weights.T
            gradient = self._pulled(inputs, weights * slope, by_given * near_slope)
            return gradient + process.kernel.pull_back(
                process.theta, inputs, inputs, both * own_slope
            )

        mean = np.asarray(process.constant + k @ process.alpha)
        return Together(mean, own - V.T @ V, near - k @ self._weights), pull

    def _pulled(self, inputs: Inputs, by_data: Floats, by_given: Floats) -> Floats:
        kernel, theta = self._process.kernel, self._process.theta
        gradient = kernel.pull_back(theta, inputs, self._process.inputs, by_data)
        return gradient + kernel.pull_back(theta, inputs, self._inputs, by_given)


class JointForest:
    """A forest at any points together with `P`, by its first two moments.

    The value of a tree picked at random plus independent noise in each of its leaves, averaged:
    variances are those `Forest.predict` gives, and what is in one leaf of many trees goes
    together.

    Args:
        forest: The fitted trees.
        P: Shape (p, d).
    """

    differentiable = False

    def __init__(self, forest: "Forest", P: Floats) -> None:
        self.P = P
        self._forest = forest
        self._leaves, self._means, _ = self._look(P)
        self.mean, self.covariance = np.empty(0), np.empty((0, 0))
        if len(P):
            self.mean, variance, self.covariance = self.predict(P)
            np.fill_diagonal(self.covariance, variance)
        # Targets have a variance of about 1.
        self.noise = _LEAST_NOISE

    def predict(self, X: Floats) -> Correlated:
        """Predict at `X`, shape (m, d)."""
        leaves, means, variances = self._look(X)
        middle, trees = means.mean(0), len(means)
        if not len(self.P):
            return Correlated(middle, self._forest.predict(X).variance, np.empty((len(X), 0)))
        apart = (means - middle).T @ (self._means - self._means.mean(0)) / trees
        same = leaves[:, :, None] == self._leaves[:, None, :]  # (trees, m, p)
        apart += np.einsum("tm,tmp->mp", variances, same) / trees
        return Correlated(middle, self._forest.predict(X).variance, apart)

    def predict_with_pull_back(self, X: Floats) -> tuple[Correlated, PullBack]:
        """Not to be called: trees have steps, not slopes."""
        raise TypeError(f"a forest has no gradients, at none of the {len(X)} points")

    def _look(self, X: Floats) -> tuple[Ints, Floats, Floats]:
        """Return the leaf, the mean and the variance of each tree at each point, (trees, m)."""
        from hmserve.surrogate.forest import one_hot

        forest = self._forest
        if not len(X):
            empty = np.empty((len(forest.leaves), 0))
            return empty.astype(np.int64), empty, empty
        leaves = forest.trees.apply(one_hot(X, forest.levels)).T
        pairs = list(zip(forest.leaves, leaves, strict=True))
        means = np.stack([mean[leaf] for (mean, _), leaf in pairs])
        return leaves, means, np.stack([variance[leaf] for (_, variance), leaf in pairs])
