"""Matern-5/2 over numbers times a Hamming kernel over categories, both with one scale a column.

Notation:
    l (p,), w (c,)  length scales of the p numeric, weights of the c categorical columns
    x (q,)          numbers: numeric columns, and the vectors of permutations, whose entries
                    share one length scale; a permutation of the kind naive is categorical
    R2              sum_j (x_j - x'_j)^2 / l_j^2
    k(x, x')        v (1 + s + s^2/3) exp(-s) exp(-sum_j w_j [x_j != x'_j]),  s = sqrt(5 R2)
    theta (d+1,)    log l or log w, a column of X each, then log v
    M (n, n)        any symmetric weights

Sums over pairs of rows are matrix products: no array of shape (n, n, d) is ever formed.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from hmserve.arrays import Floats, Mask
from hmserve.space.permutation import Permutation
from hmserve.surrogate.orders import features


class Inputs(NamedTuple):
    """Rows of X, split by kind."""

    numbers: Floats  # (n, q)
    codes: Floats  # (n, sum of levels), one-hot
    labels: Floats  # (n, c'), what only equals itself and has too many levels for codes


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
        levels: The number of levels of a categorical column, 0 for any other; length d.
        orders: The columns that hold permutations.
    """

    def __init__(
        self, levels: Sequence[int], orders: Mapping[int, Permutation] = MappingProxyType({})
    ) -> None:
        self.dimension = len(levels)
        self._orders = dict(orders)
        naive = [j for j, order in orders.items() if order.parametrization == "naive"]
        coded = [j for j, n in enumerate(levels) if n > 0]
        self._plain = [j for j, n in enumerate(levels) if n == 0 and j not in orders]
        self._vectors = [j for j in orders if j not in naive]
        self._naive = np.array(naive, dtype=np.int64)
        self._coded = np.array(coded, dtype=np.int64)
        self.numeric = np.array(sorted(self._plain + self._vectors), dtype=np.int64)
        self.categorical = np.array(sorted(coded + naive), dtype=np.int64)
        self._levels = [levels[j] for j in coded]
        self._owner = np.repeat(self._coded, np.array(self._levels, dtype=np.int64))
        widths = [features(orders[j], np.zeros(1)).shape[1] for j in self._vectors]
        # The column of theta that scales each number.
        self._scaled_by = np.array(
            self._plain + np.repeat(self._vectors, widths).tolist(), dtype=np.int64
        )

    def inputs(self, X: Floats) -> Inputs:
        """Split `X`, shape (n, d), into numbers, one-hot codes and labels."""
        codes = [
            np.floor(X[:, j, None] * n) == np.arange(n)
            for j, n in zip(self._coded, self._levels, strict=True)
        ]
        onehot = np.concatenate(codes, axis=1) if codes else np.empty((len(X), 0))
        vectors = [features(self._orders[j], X[:, j]) for j in self._vectors]
        numbers = np.concatenate([X[:, self._plain], *vectors], axis=1)
        return Inputs(numbers, onehot.astype(float), X[:, self._naive])

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
        scale = np.exp(-theta[self._scaled_by])
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
        same = (A.codes * np.exp(theta[self._owner])) @ B.codes.T
        for j, equal in zip(self._naive, _equal(A, B), strict=True):
            same += np.exp(theta[j]) * equal
        return np.asarray(v * np.exp(same - np.exp(theta[self.categorical]).sum()))

    def contract(self, theta: Floats, A: Inputs, covariance: Covariance, M: Floats) -> Floats:
        """Return sum_ab M_ab dk_ab / dtheta_j for every j, shape (d+1,)."""
        gradient = np.zeros(self.dimension + 1)
        B = M * covariance.slope
        x = A.numbers
        # sum_ab B_ab (x_a - x_b)^2 = 2 x^2 . rowsum(B) - 2 x^T B x
        squares = 2.0 * ((x * x).T @ B.sum(1) - (x * (B @ x)).sum(0))
        squares *= -2.0 * np.exp(-2.0 * theta[self._scaled_by])
        gradient += np.bincount(self._scaled_by, squares, len(gradient))
        C = M * covariance.k
        total = C.sum()
        if len(self.categorical):
            pairs = (A.codes * (C @ A.codes)).sum(0)
            same = np.bincount(self._owner, pairs, len(gradient))
            same[self._naive] = [(C * equal).sum() for equal in _equal(A, A)]
            own = self.categorical
            gradient[own] = np.exp(theta[own]) * (same[own] - total)
        gradient[-1] = total
        return gradient

    def pull_back(self, theta: Floats, A: Inputs, B: Inputs, weights: Floats) -> Floats:
        """Return d/dx_a sum_b W_ab k(x_a, x_b), given weights = W * slope, shape (n, d).

        Zero in the columns of categories and permutations.
        """
        gradient = np.zeros((len(A.numbers), self.dimension))
        a, b = A.numbers[:, : len(self._plain)], B.numbers[:, : len(self._plain)]
        inner = a * weights.sum(1)[:, None] - weights @ b
        gradient[:, self._plain] = 2.0 * np.exp(-2.0 * theta[self._plain]) * inner
        return gradient


def _equal(A: Inputs, B: Inputs) -> list[Mask]:
    """Return which rows have equal labels, one array of shape (n, m) a label."""
    return [a[:, None] == b[None, :] for a, b in zip(A.labels.T, B.labels.T, strict=True)]
