"""Matern-5/2 over numbers times a Hamming kernel over categories, both with one scale a column.

Notation:
    l (p,), w (c,)  length scales of the p numeric, weights of the c categorical columns
    R2              sum_j (x_j - x'_j)^2 / l_j^2
    k(x, x')        v (1 + s + s^2/3) exp(-s) exp(-sum_j w_j [x_j != x'_j]),  s = sqrt(5 R2)
    theta (d+1,)    log l or log w, a column of X each, then log v
    M (n, n)        any symmetric weights

Sums over pairs of rows are matrix products: no array of shape (n, n, d) is ever formed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hmserve.arrays import Floats


class Inputs(NamedTuple):
    """Rows of X, split by kind."""

    numbers: Floats  # (n, p)
    codes: Floats  # (n, sum of levels), one-hot


class Covariance(NamedTuple):
    """A covariance matrix and its derivative by the scaled squared distance."""

    k: Floats  # (n, m)
    slope: Floats  # (n, m), dk / dR2


def matern52(R2: Floats) -> Floats:
    """Return the Matern-5/2 correlation at scaled squared distances (R&W eq. 4.17)."""
    s = np.sqrt(5.0 * R2)
    k = s * s
    k /= 3.0
    k += s
    k += 1.0
    # In place: candidates by observations is the largest array there is.
    np.negative(s, out=s)
    k *= np.exp(s, out=s)
    return k


def matern52_with_slope(R2: Floats) -> tuple[Floats, Floats]:
    """Return the correlation and its derivative by `R2`, -5/6 (1 + s) exp(-s).

    Unlike dk/dR the derivative is finite at R2 = 0.
    """
    s = np.sqrt(5.0 * R2)
    decay = np.exp(-s)
    slope = 1.0 + s
    k = s * s
    k /= 3.0
    k += slope
    k *= decay
    slope *= decay
    slope *= -5.0 / 6.0
    return k, slope


class Kernel:
    """The covariance function, given how many levels each column has.

    Args:
        levels: The number of levels of a categorical column, 0 for a numeric one; length d.
    """

    def __init__(self, levels: Sequence[int]) -> None:
        self.dimension = len(levels)
        self.numeric = np.flatnonzero(np.array(levels) == 0)
        self.categorical = np.flatnonzero(np.array(levels) > 0)
        self._levels = [n for n in levels if n > 0]
        self._owner = np.repeat(np.arange(len(self._levels)), self._levels)

    def inputs(self, X: Floats) -> Inputs:
        """Split `X`, shape (n, d), into numbers and one-hot codes."""
        codes = [
            np.floor(X[:, j, None] * n) == np.arange(n)
            for j, n in zip(self.categorical, self._levels, strict=True)
        ]
        onehot = np.concatenate(codes, axis=1) if codes else np.empty((len(X), 0))
        return Inputs(X[:, self.numeric], onehot.astype(float))

    def __call__(self, theta: Floats, A: Inputs, B: Inputs) -> Floats:
        """Return the covariances of the rows of `A` with those of `B`, shape (n, m)."""
        k = matern52(self._distances(theta, A, B))
        k *= self._factor(theta, A, B)
        return k

    def with_slope(self, theta: Floats, A: Inputs, B: Inputs) -> Covariance:
        """Return the covariances and their derivatives by the scaled squared distance."""
        k, slope = matern52_with_slope(self._distances(theta, A, B))
        factor = self._factor(theta, A, B)
        return Covariance(k * factor, slope * factor)

    def _distances(self, theta: Floats, A: Inputs, B: Inputs) -> Floats:
        """Return R2, shape (n, m)."""
        scale = np.exp(-theta[self.numeric])
        a, b = A.numbers * scale, B.numbers * scale
        R2 = a @ (-2.0 * b.T)
        R2 += (a * a).sum(1)[:, None]
        R2 += (b * b).sum(1)
        return np.asarray(np.maximum(R2, 0.0, out=R2))

    def _factor(self, theta: Floats, A: Inputs, B: Inputs) -> Floats:
        """Return v exp(-sum_j w_j [x_j != x'_j]), shape (n, m) or ()."""
        v = np.exp(theta[-1])
        if not len(self.categorical):
            return np.asarray(v)
        w = np.exp(theta[self.categorical])
        same = (A.codes * w[self._owner]) @ B.codes.T
        return np.asarray(v * np.exp(same - w.sum()))

    def contract(self, theta: Floats, A: Inputs, covariance: Covariance, M: Floats) -> Floats:
        """Return sum_ab M_ab dk_ab / dtheta_j for every j, shape (d+1,)."""
        gradient = np.empty(self.dimension + 1)
        B = M * covariance.slope
        x = A.numbers
        # sum_ab B_ab (x_a - x_b)^2 = 2 x^2 . rowsum(B) - 2 x^T B x
        squares = 2.0 * ((x * x).T @ B.sum(1) - (x * (B @ x)).sum(0))
        gradient[self.numeric] = -2.0 * np.exp(-2.0 * theta[self.numeric]) * squares
        C = M * covariance.k
        total = C.sum()
        if len(self.categorical):
            same = np.bincount(self._owner, (A.codes * (C @ A.codes)).sum(0))
            gradient[self.categorical] = np.exp(theta[self.categorical]) * (same - total)
        gradient[-1] = total
        return gradient

    def pull_back(self, theta: Floats, A: Inputs, B: Inputs, weights: Floats) -> Floats:
        """Return d/dx_a sum_b W_ab k(x_a, x_b), given weights = W * slope, shape (n, d).

        Zero in the categorical columns.
        """
        gradient = np.zeros((len(A.numbers), self.dimension))
        inner = A.numbers * weights.sum(1)[:, None] - weights @ B.numbers
        gradient[:, self.numeric] = 2.0 * np.exp(-2.0 * theta[self.numeric]) * inner
        return gradient
