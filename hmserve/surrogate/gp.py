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

import contextlib
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from hmserve.arrays import Floats
from hmserve.descent import descend_from_each
from hmserve.surrogate.base import Normal, NormalWithGradient
from hmserve.surrogate.hyperprior import NormalPrior
from hmserve.surrogate.kernel import Inputs, Kernel

_LEAST_VARIANCE = 1e-12
"""Variances are kept above this share of the signal variance: a square root follows."""

_BELIEVED_NOISE = 1e-8
"""Noise of what is believed, as a share of the signal variance."""


def cholesky(K: Floats) -> Floats:
    """Return the lower factor of `K`, with the least jitter that makes it positive definite.

    Raises:
        numpy.linalg.LinAlgError: Even one per cent of the mean diagonal is too little.
    """
    size = float(np.mean(np.diag(K)))
    jitters = (0.0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)
    for jitter in jitters:
        with contextlib.suppress(linalg.LinAlgError):
            return np.asarray(
                linalg.cholesky(
                    K + jitter * size * np.eye(len(K)), lower=True, check_finite=False
                )
            )
    raise linalg.LinAlgError(f"no factor even with {jitters[-1]:g} of the diagonal added")


def negative_log_posterior(
    theta: Floats, kernel: Kernel, inputs: Inputs, y: Floats, prior: NormalPrior
) -> tuple[float, Floats]:
    """Return -log p(y | X, theta) - log p(theta) up to a constant, and its gradient.

    The constant mean is profiled out: at its optimum it adds nothing to the gradient.
    """
    n = len(y)
    covariance = kernel.with_slope(theta[:-1], inputs, inputs)
    noise = float(np.exp(theta[-1]))
    L = cholesky(covariance.k + noise * np.eye(n))
    Kinv = linalg.cho_solve((L, True), np.eye(n), check_finite=False)
    residual = y - _constant(Kinv.sum(0), y)
    alpha = Kinv @ residual
    value = 0.5 * float(residual @ alpha) + float(np.log(np.diag(L)).sum())
    # d value / d theta_j = 1/2 tr((K^-1 - alpha alpha^T) dK/d theta_j)   (R&W eq. 5.9)
    M = 0.5 * (Kinv - np.outer(alpha, alpha))
    gradient = np.append(
        kernel.contract(theta[:-1], inputs, covariance, M), noise * float(np.trace(M))
    )
    penalty, slope = prior.negative_log(theta)
    return value + penalty, gradient + slope


def _constant(weights: Floats, y: Floats) -> float:
    """Return 1^T K^-1 y / 1^T K^-1 1, given weights = K^-1 1."""
    return float(weights @ y / weights.sum())


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
        inputs = kernel.inputs(X)
        L = cholesky(kernel(theta, inputs, inputs) + np.diag(noise))
        if constant is None:
            weights = linalg.cho_solve((L, True), np.ones(len(y)), check_finite=False)
            constant = _constant(weights, y)
        alpha = linalg.cho_solve((L, True), y - constant, check_finite=False)
        return cls(kernel, theta, constant, inputs, L, alpha)

    def believe(self, P: Floats) -> "GaussianProcess":
        """Return the process with its own mean observed at `P`, shape (p, d), without noise.

        The factor grows by p rows (Chevalier, Ginsbourger and Emery 2014); what is observed
        as expected changes no mean, so that its entries of alpha are zero.
        """
        inputs, n, p = self.kernel.inputs(P), len(self.alpha), len(P)
        k = self.kernel(self.theta, self.inputs, inputs)  # (n, p)
        S = linalg.solve_triangular(self.L, k, lower=True, check_finite=False)
        noise = _BELIEVED_NOISE * float(np.exp(self.theta[-1]))
        rest = self.kernel(self.theta, inputs, inputs) + noise * np.eye(p) - S.T @ S
        L = np.zeros((n + p, n + p), order="F")
        L[:n, :n], L[n:, :n], L[n:, n:] = self.L, S.T, cholesky(rest)
        return GaussianProcess(
            self.kernel,
            self.theta,
            self.constant,
            Inputs(*map(np.concatenate, zip(self.inputs, inputs, strict=True))),
            L,
            np.append(self.alpha, np.zeros(p)),
        )

    def mean(self, X: Floats) -> Floats:
        """Predict the mean alone at `X`, shape (m, d)."""
        k = self.kernel(self.theta, self.kernel.inputs(X), self.inputs)
        return np.asarray(self.constant + k @ self.alpha)

    def predict(self, X: Floats) -> Normal:
        """Predict the noise-free function at `X`, shape (m, d)."""
        k = self.kernel(self.theta, self.kernel.inputs(X), self.inputs)  # (m, n)
        V = linalg.solve_triangular(self.L, k.T, lower=True, check_finite=False)
        return Normal(self.constant + k @ self.alpha, self._variance(V))

    def predict_with_gradient(self, X: Floats) -> NormalWithGradient:
        """Predict at `X`, shape (m, d), with derivatives by `X`."""
        inputs = self.kernel.inputs(X)
        k, slope = self.kernel.with_slope(self.theta, inputs, self.inputs)
        V = linalg.solve_triangular(self.L, k.T, lower=True, check_finite=False)  # (n, m)
        KinvK = linalg.solve_triangular(self.L, V, lower=True, trans="T", check_finite=False)
        mean_gradient = self._pull_back(inputs, slope * self.alpha)
        variance_gradient = self._pull_back(inputs, -2.0 * slope * KinvK.T)
        mean = self.constant + k @ self.alpha
        return NormalWithGradient(mean, self._variance(V), mean_gradient, variance_gradient)

    def _variance(self, V: Floats) -> Floats:
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

    return descend_from_each(function, starts, prior.bounds, iterations=100)


def given_theta(kernel: Kernel, X: Floats, y: Floats, theta: Floats) -> GaussianProcess:
    """Return the process with homoscedastic noise at known hyperparameters, shape (d+2,)."""
    noise = np.full(len(y), float(np.exp(theta[-1])))
    return GaussianProcess.condition(kernel, theta[:-1], (X, y, noise))
