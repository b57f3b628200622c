"""Expected improvement of several evaluations at once, by Monte Carlo: qEI.

With P the pending points, X those to be chosen, and b of both (Ginsbourger et al. 2010; Wilson,
Hutter and Deisenroth 2018, "Maximizing acquisition functions for Bayesian optimization"):

    mu (b,), C (b, b)  joint posterior of P and X, in this order; L its Cholesky factor
    e_s (b,)           standard normals, the same at every call; S of them
    f_s = mu + L e_s
    eta_s = min(eta, min_P f_s)
    gain(X) = 1/S sum_s max(eta_s - min_X f_s, 0) = qEI(P and X) - qEI(P)

The gradient goes back through the factor (Murray 2016, "Differentiation of the Cholesky
decomposition", eq. 10):

    Lbar  d gain / d L;   Q  the lower triangle of L^T Lbar, its diagonal halved
    Cbar = 1/2 L^-T (Q + Q^T) L^-1
"""

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.surrogate import linear
from hmserve.surrogate.joint import JointProcess, Together

_SURE = 1e-8
"""What is added to the variances, as a share of the largest one."""


class JointImprovement:
    """gain(X), for any number q of points.

    Args:
        given: A process at any points together with the p pending ones.
        incumbent: eta, the value to improve on.
        counts: Which pending results may be what is to be improved on, shape (p,).
        e: Standard normals, shape (S, p + q).
    """

    def __init__(self, given: JointProcess, incumbent: float, counts: Mask, e: Floats) -> None:
        self._given = given
        self._e = e
        self._most = float(np.diagonal(given.covariance).max(initial=0.0))
        p = len(given.mean)
        eta = np.full(len(e), incumbent)
        if p:
            self._most = max(self._most, 1e-300)
            L = linear.cholesky(given.covariance + _SURE * self._most * np.eye(p))
            drawn = given.mean + e[:, :p] @ L.T
            eta = np.minimum(eta, drawn[:, counts].min(axis=1, initial=np.inf))
        self._eta = eta

    def __call__(self, X: Floats) -> float:
        """Return the gain of all rows of `X`, shape (q, d), together."""
        found, _ = self._given.together(X)
        return float(self._gains(found.mean, self._factor(found))[0].mean())

    def value_and_gradient(self, X: Floats) -> tuple[float, Floats]:
        """Return the gain, and its gradient by `X`, shape (q, d)."""
        found, pull = self._given.together(X)
        L = self._factor(found)
        gains, first = self._gains(found.mean, L)
        q, S, p = len(X), len(gains), len(self._given.mean)
        better = (gains > 0.0)[:, None] & (first[:, None] == np.arange(q))  # (S, q)
        by_mean = -better.sum(axis=0) / S
        Lbar = np.zeros_like(L)
        Lbar[p:] = -(better.T @ self._e) / S
        Cbar = _through_cholesky(L, np.tril(Lbar))
        # Cbar is symmetric: what stands on both sides of the diagonal counts twice.
        return float(gains.mean()), pull(by_mean, Cbar[p:, p:], 2.0 * Cbar[p:, :p])

    def _factor(self, found: Together) -> Floats:
        _, own, given = found
        C = np.block([[self._given.covariance, given.T], [given, own]])
        return linear.cholesky(C + _SURE * max(self._most, 1e-12) * np.eye(len(C)))

    def _gains(self, mean: Floats, L: Floats) -> tuple[Floats, Ints]:
        """Return the gain of each draw, shape (S,), and which point it is had at."""
        f = mean + self._e @ L[len(self._given.mean) :].T
        first = f.argmin(axis=1)
        return np.maximum(self._eta - f.min(axis=1), 0.0), first


def _through_cholesky(L: Floats, Lbar: Floats) -> Floats:
    """Return the derivative by C of what has the derivative `Lbar` by L, symmetric."""
    Q = np.tril(L.T @ Lbar)
    Q[np.diag_indices_from(Q)] *= 0.5
    left = linear.backward(L, Q + Q.T)
    return 0.5 * linear.backward(L, left.T).T
