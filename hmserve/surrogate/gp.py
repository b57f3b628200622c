"""Exact Gaussian process regression with analytic gradients.

Notation, after Rasmussen & Williams (2006), "R&W":

    X      (n, d)  training inputs in the unit cube
    y      (n,)    training targets
    theta  (d+2,)  the kernel's hyperparameters, then the log noise variance
    K      (n, n)  covariance of y: kernel plus noise on the diagonal
    L      (n, n)  lower Cholesky factor of K
    c              constant mean: the generalised least squares estimate
    alpha  (n,)    K^-1 (y - c)

A process is ready when constructed; conditioning gives a new one.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from hmserve.arrays import Floats
from hmserve.descent import Stop, race
from hmserve.surrogate import linear
from hmserve.surrogate.base import Normal, NormalWithGradient
from hmserve.surrogate.hyperprior import NormalPrior
from hmserve.surrogate.kernel import Inputs, Kernel

_LEAST_VARIANCE = 1e-12
"""Variances are kept above this share of the signal variance: a square root follows."""

_STOP = Stop(100, gain=1e-5, slope=1e-2)
"""Hundredths of the log posterior: the data say no more than that of their hyperparameters."""

_BELIEVED_NOISE = 1e-8
"""Noise of what is believed, as a share of the signal variance."""


def negative_log_posterior(
    theta: Floats, kernel: Kernel, inputs: Inputs, y: Floats, prior: NormalPrior
) -> tuple[float, Floats]:
    """Return -log p(y | X, theta) - log p(theta) up to a constant, and its gradient.

    The constant mean is profiled out: at its optimum it adds nothing to the gradient.
    """
    covariance = kernel.with_slope(theta[:-1], inputs, inputs)
    noise = float(np.exp(theta[-1]))
    diagonal = covariance.k.ravel()[:: len(y) + 1]
    diagonal += noise
    L = linear.cholesky(covariance.k)
    diagonal -= noise
    solved = linear.solve(L, np.stack([np.ones(len(y)), y], axis=1))
    constant = _constant(solved[:, 0], y)
    alpha = solved[:, 1] - constant * solved[:, 0]
    value = 0.5 * float((y - constant) @ alpha) + linear.log_determinant(L)
    # d value / d theta_j = 1/2 tr((K^-1 - alpha alpha^T) dK/d theta_j)   (R&W eq. 5.9)
    M = linear.half_of_inverse_less(L, alpha)
    gradient = np.empty(len(theta))
    gradient[:-1] = kernel.contract(theta[:-1], inputs, covariance, M)
    gradient[-1] = noise * float(M.ravel(order="K")[:: len(y) + 1].sum())
    penalty, slope = prior.negative_log(theta)
    return value + penalty, gradient + slope


def _constant(weights: Floats, y: Floats) -> float:
    """Return 1^T K^-1 y / 1^T K^-1 1, given weights = K^-1 1."""
    return float(weights @ y / weights.sum())


class Factor(NamedTuple):
    """The covariances of n rows, factorised."""

    inputs: Inputs
    L: Floats  # (n, n), lower


def factorise(kernel: Kernel, theta: Floats, X: Floats, noise: Floats) -> Factor:
    """Return the factor of the rows of `X`, shape (n, d), with their noise variances, (n,)."""
    return _factor(kernel, theta, kernel.inputs(X), noise)


def _factor(kernel: Kernel, theta: Floats, inputs: Inputs, noise: Floats) -> Factor:
    return Factor(inputs, linear.cholesky(kernel(theta, inputs, inputs) + np.diag(noise)))


def extend(kernel: Kernel, theta: Floats, factor: Factor, X: Floats, noise: Floats) -> Factor:
    """Return the factor with p rows more: `X`, shape (p, d), noise variances of shape (p,)."""
    inputs = kernel.inputs(X)
    S = linear.forward(factor.L, kernel(theta, factor.inputs, inputs))
    rest = kernel(theta, inputs, inputs) + np.diag(noise) - S.T @ S
    both = map(np.concatenate, zip(factor.inputs, inputs, strict=True))
    return Factor(Inputs(*both), linear.extended(factor.L, S, rest))


@dataclass(frozen=True, slots=True, eq=False)
class GaussianProcess:
    """A process conditioned on data.

    Args:
        kernel: The covariance function.
        theta: Its hyperparameters, shape (d+1,), without the noise.
        constant: The mean of the process before it saw data.
        inputs: The rows of X, n of them.
        L: The factor of their covariance, noise included.
        alpha: What multiplies the covariances with them, shape (n,).
    """

    kernel: Kernel
    theta: Floats
    constant: float
    inputs: Inputs
    L: Floats
    alpha: Floats

    @classmethod
    def condition(
        cls,
        kernel: Kernel,
        theta: Floats,
        data: tuple[Floats, Floats, Floats],
        constant: float | None = None,
    ) -> "GaussianProcess":
        """Return the process given data.

        Args:
            kernel: The covariance function.
            theta: Its hyperparameters, shape (d+1,).
            data: X, shape (n, d), y, shape (n,), and the noise variance of each y, shape (n,).
            constant: The mean of the process; None for its estimate from the data.
        """
        X, y, noise = data
        return cls.of(kernel, theta, factorise(kernel, theta, X, noise), y, constant)

    @classmethod
    def of(
        cls,
        kernel: Kernel,
        theta: Floats,
        factor: Factor,
        y: Floats,
        constant: float | None = None,
    ) -> "GaussianProcess":
        """Return the process given `y`, shape (n,), where the covariances are factorised."""
        inputs, L = factor
        solved = linear.solve(L, np.column_stack([np.ones(len(y)), y]))
        if constant is None:
            constant = _constant(solved[:, 0], y)
        alpha = solved[:, 1] - constant * solved[:, 0]
        return cls(kernel, theta, constant, inputs, L, alpha)

    def believe(self, P: Floats) -> "GaussianProcess":
        """Return the process with its own mean observed at `P`, shape (p, d), without noise.

        The factor grows by p rows (Chevalier, Ginsbourger and Emery 2014); what is observed
        as expected changes no mean, so that its entries of alpha are zero.
        """
        noise = np.full(len(P), _BELIEVED_NOISE * float(np.exp(self.theta[-1])))
        factor = extend(self.kernel, self.theta, Factor(self.inputs, self.L), P, noise)
        alpha = np.append(self.alpha, np.zeros(len(P)))
        return replace(self, inputs=factor.inputs, L=factor.L, alpha=alpha)

    def suppose(self, P: Floats, y: Floats) -> "GaussianProcess":
        """Return the process with `y`, shape (p,), observed at `P`, with the noise of the data.

        Its constant stays. What is observed counts by how far it is from what was expected.
        """
        noise = np.full(len(P), self.noise)
        factor = extend(self.kernel, self.theta, Factor(self.inputs, self.L), P, noise)
        surprise = np.append(np.zeros(len(self.alpha)), y - self.mean(P))
        alpha = np.append(self.alpha, np.zeros(len(P))) + linear.solve(factor.L, surprise)
        return replace(self, inputs=factor.inputs, L=factor.L, alpha=alpha)

    def doubted(self, share: float) -> "GaussianProcess":
        """Return the process of the same data with length scales that are `share` of these."""
        theta = self.theta.copy()
        theta[self.kernel.numeric] += np.log(share)
        signal = float(np.exp(self.theta[-1]))
        beyond = np.einsum("ij,ij->i", self.L, self.L) - signal
        noise = np.maximum(beyond, _BELIEVED_NOISE * signal)
        y = self.constant + self.L @ (self.L.T @ self.alpha)
        factor = _factor(self.kernel, theta, self.inputs, noise)
        return GaussianProcess.of(self.kernel, theta, factor, y)

    @property
    def noise(self) -> float:
        """The mean noise variance of the data: what their factor has beyond the kernel."""
        signal = float(np.exp(self.theta[-1]))
        beyond = np.einsum("ij,ij->i", self.L, self.L) - signal
        return max(float(beyond.mean()), _BELIEVED_NOISE * signal)

    def mean(self, X: Floats) -> Floats:
        """Predict the mean alone at `X`, shape (m, d)."""
        k = self.kernel(self.theta, self.kernel.inputs(X), self.inputs)
        return np.asarray(self.constant + k @ self.alpha)

    def mean_gradient(self, X: Floats) -> Floats:
        """Return the derivatives of the mean alone by `X`, shape (m, d)."""
        inputs = self.kernel.inputs(X)
        _, slope = self.kernel.with_slope(self.theta, inputs, self.inputs)
        return self._pull_back(inputs, slope * self.alpha)

    def predict(self, X: Floats) -> Normal:
        """Predict the noise-free function at `X`, shape (m, d)."""
        k = self.kernel(self.theta, self.kernel.inputs(X), self.inputs)  # (m, n)
        V = linear.forward(self.L, k.T)
        return Normal(self.constant + k @ self.alpha, self.variance(V))

    def predict_with_gradient(self, X: Floats) -> NormalWithGradient:
        """Predict at `X`, shape (m, d), with derivatives by `X`."""
        inputs = self.kernel.inputs(X)
        k, slope = self.kernel.with_slope(self.theta, inputs, self.inputs)
        V = linear.forward(self.L, k.T)  # (n, m)
        KinvK = linear.backward(self.L, V)
        mean_gradient = self._pull_back(inputs, slope * self.alpha)
        variance_gradient = self._pull_back(inputs, -2.0 * slope * KinvK.T)
        mean = self.constant + k @ self.alpha
        return NormalWithGradient(mean, self.variance(V), mean_gradient, variance_gradient)

    def variance(self, V: Floats) -> Floats:
        """Return the variances of m points, given V = L^-1 k(X, x), shape (n, m)."""
        signal = float(np.exp(self.theta[-1]))
        variance = signal - np.einsum("ij,ij->j", V, V)
        return np.asarray(np.maximum(variance, _LEAST_VARIANCE * signal))

    def _pull_back(self, inputs: Inputs, weights: Floats) -> Floats:
        return self.kernel.pull_back(self.theta, inputs, self.inputs, weights)


def maximum_a_posteriori(
    kernel: Kernel, X: Floats, y: Floats, prior: NormalPrior, starts: list[Floats]
) -> Floats:
    """Return the theta, shape (d+2,), that is best of those L-BFGS-B reaches from `starts`."""
    inputs = kernel.inputs(X)

    def function(theta: Floats) -> tuple[float, Floats]:
        return negative_log_posterior(theta, kernel, inputs, y, prior)

    return race(function, starts, prior.bounds, _STOP)
