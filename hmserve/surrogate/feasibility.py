"""Probability of feasibility: a Gaussian process classifier by Laplace's method.

Notation, after Rasmussen & Williams (2006), chapter 3 ("R&W"):

    t  (n,)   labels: 1 feasible, 0 not
    f  (n,)   latent values, prior mean m
    pi (n,)   sigma(f), the logistic function
    W  (n,)   pi (1 - pi), minus the second derivative of log p(t | f)
    a  (n,)   K^-1 (f - m)
    B         I + W^1/2 K W^1/2, L its lower Cholesky factor

At the mode the Laplace posterior equals regression on f + (t - pi) / W with noise 1 / W, so the
result is a `GaussianProcess` over the latent function, with all that one can do.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from hmserve.arrays import Floats, Mask
from hmserve.descent import Stop, race
from hmserve.surrogate import linear
from hmserve.surrogate.gp import GaussianProcess
from hmserve.surrogate.hyperprior import NormalPrior
from hmserve.surrogate.kernel import Kernel

_LEAST_CURVATURE = 1e-9
_STOP = Stop(50, gain=1e-5, slope=1e-2)


class Mode(NamedTuple):
    """The mode of p(f | X, t) and what the gradient needs of it."""

    f: Floats
    a: Floats
    W: Floats
    L: Floats
    log_evidence: float


def prior_mean(t: Floats) -> float:
    """Return the log odds of the base rate, with half a count of each class added."""
    return math.log((t.sum() + 0.5) / (len(t) - t.sum() + 0.5))


def find_mode(K: Floats, t: Floats, m: float) -> Mode:
    """Find the mode by damped Newton steps (R&W algorithm 3.1)."""
    a = np.zeros(len(t))
    f = np.full(len(t), m)
    objective = _log_likelihood(f, t)
    for _ in range(50):
        pi = special.expit(f)
        W = np.maximum(pi * (1.0 - pi), _LEAST_CURVATURE)
        root = np.sqrt(W)
        L = linear.cholesky(np.eye(len(t)) + root[:, None] * K * root)
        b = W * (f - m) + (t - pi)
        step = b - root * linear.solve(L, root * (K @ b)) - a
        a, f, gain, objective = _damped(K, t, m, (a, step, objective))
        if gain < 1e-10:
            break
    pi = special.expit(f)
    W = np.maximum(pi * (1.0 - pi), _LEAST_CURVATURE)
    root = np.sqrt(W)
    L = linear.cholesky(np.eye(len(t)) + root[:, None] * K * root)
    return Mode(f, a, W, L, objective - linear.log_determinant(L))


def _damped(
    K: Floats, t: Floats, m: float, state: tuple[Floats, Floats, float]
) -> tuple[Floats, Floats, float, float]:
    """Take the longest of the halved steps that gains; return a, f, the gain, the objective."""
    a, step, before = state
    for halving in range(12):
        new_a = a + 0.5**halving * step
        g = K @ new_a
        after = -0.5 * float(new_a @ g) + _log_likelihood(g + m, t)
        if after >= before:
            return new_a, g + m, after - before, after
    return a, K @ a + m, 0.0, before


def _log_likelihood(f: Floats, t: Floats) -> float:
    return float((special.log_expit(f) * t + special.log_expit(-f) * (1.0 - t)).sum())


def negative_log_posterior(
    theta: Floats, kernel: Kernel, X: Floats, t: Floats, prior: NormalPrior
) -> tuple[float, Floats]:
    """Return -log q(t | X, theta) - log p(theta) and its gradient (R&W algorithm 5.1)."""
    inputs = kernel.inputs(X)
    covariance = kernel.with_slope(theta, inputs, inputs)
    K = covariance.k
    mode = find_mode(K, t, prior_mean(t))
    pi = special.expit(mode.f)
    root = np.sqrt(mode.W)
    R = root[:, None] * linear.solve(mode.L, np.diag(root))
    C = linear.forward(mode.L, root[:, None] * K)
    # d log|B| / d f has the sign of dW / df = -third derivative of log p: plus one half.
    third = mode.W * (2.0 * pi - 1.0)
    s2 = 0.5 * (np.diag(K) - np.einsum("ij,ij->j", C, C)) * third
    v = s2 - R @ (K @ s2)
    g = t - pi
    # d log q / d theta_j = sum (1/2 a a^T - 1/2 R + v g^T) dK/d theta_j
    M = 0.5 * (np.outer(mode.a, mode.a) - R) + 0.5 * (np.outer(v, g) + np.outer(g, v))
    penalty, slope = prior.negative_log(theta)
    gradient = kernel.contract(theta, inputs, covariance, M)
    return penalty - mode.log_evidence, slope - gradient


@dataclass(frozen=True, slots=True, eq=False)
class FeasibilityModel:
    """A fitted classifier.

    Args:
        latent: The posterior of the latent function; positive where feasible is likely.
    """

    latent: GaussianProcess

    @classmethod
    def condition(
        cls, kernel: Kernel, theta: Floats, X: Floats, feasible: Mask
    ) -> "FeasibilityModel":
        """Return the classifier at known hyperparameters, shape (d+1,)."""
        t = feasible.astype(float)
        inputs = kernel.inputs(X)
        m = prior_mean(t)
        mode = find_mode(kernel(theta, inputs, inputs), t, m)
        targets = mode.f + (t - special.expit(mode.f)) / mode.W
        data = (X, targets, 1.0 / mode.W)
        return cls(GaussianProcess.condition(kernel, theta, data, m))

    def believe(self, P: Floats) -> "FeasibilityModel":
        """Return the classifier with its latent mean taken for true at `P`, shape (p, d)."""
        return FeasibilityModel(self.latent.believe(P))

    def log_probability(self, X: Floats) -> Floats:
        """Return log P(feasible) at `X`, shape (m,)."""
        mean, variance = self.latent.predict(X)
        return np.asarray(special.log_expit(mean / np.sqrt(1.0 + _EIGHTH_PI * variance)))

    def log_probability_with_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        """Return log P(feasible), shape (m,), and its gradient, shape (m, d)."""
        mean, variance, dmean, dvariance = self.latent.predict_with_gradient(X)
        width = 1.0 + _EIGHTH_PI * variance
        z = mean / np.sqrt(width)
        dz = (
            dmean / np.sqrt(width)[:, None]
            - (0.5 * _EIGHTH_PI * z / width)[:, None] * dvariance
        )
        return np.asarray(special.log_expit(z)), special.expit(-z)[:, None] * dz


_EIGHTH_PI = math.pi / 8.0
"""E[sigma(f)] is nearly sigma(mean / sqrt(1 + pi/8 variance)) (MacKay 1992)."""


def maximum_a_posteriori(
    kernel: Kernel, X: Floats, feasible: Mask, prior: NormalPrior, starts: list[Floats]
) -> Floats:
    """Return the theta, shape (d+1,), that is best of those L-BFGS-B reaches from `starts`."""
    t = feasible.astype(float)

    def function(theta: Floats) -> tuple[float, Floats]:
        return negative_log_posterior(theta, kernel, X, t, prior)

    return race(function, starts, prior.bounds, _STOP)
