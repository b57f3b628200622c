"""Matern-5/2 over numbers times a Hamming kernel over categories, both with one scale a column.

Notation:
    l (p,), w (c,)  length scales of the p numeric, weights of the c categorical columns
    x (q,)          numbers: numeric columns, and the vectors of permutations, whose entries
                    share one length scale; a permutation of the kind naive is categorical
    R2              sum_j (x_j - x'_j)^2 / l_j^2
    k(x, x')        v (1 + s + s^2/3) exp(-s) exp(-sum_j w_j [x_j != x'_j]),  s = sqrt(5 R2)
    theta (d+1,)    log l or log w, a column of X each, then log v
    M (n, n)        any weights

Sums over pairs of rows are matrix products: no array of shape (n, n, d) is ever formed. In
these a category of few levels is one-hot. That costs n^2 a level: one of many levels is
compared instead, some rows at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from hmserve.arrays import Floats, Ints
from hmserve.space.permutation import Permutation
from hmserve.surrogate.orders import features, ranks

_FEW = 16
"""Up to so many levels a product of one-hot codes is faster than a comparison."""

_BLOCK = 2**16
"""How many comparisons are made at a time: what fits into a processor's cache."""


class Inputs(NamedTuple):
    """Rows of X, split by kind."""

    numbers: Floats  # (n, q)
    codes: Floats  # (n, k), one-hot: the levels of all categories that have few
    labels: Floats  # (n, c), the number of the level of each category


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
    k = s * s
    k /= 3.0
    slope = s + 1.0
    k += slope
    np.negative(s, out=s)
    decay = np.exp(s, out=s)
    k *= decay
    decay *= -5.0 / 6.0
    slope *= decay
    return k, slope


class Kernel:
    """The covariance function, given how many levels each column has.

    Args:
        levels: The number of levels of a categorical column, 0 for any other; length d.
        orders: The columns that hold permutations.

    Attributes:
        numeric: The columns of X that are numbers.
        categorical: The columns of X that are categories, in the order of `Inputs.labels`:
            permutations come last.
        levels: How many levels each of them has that is not a permutation.
        scaled_by: The column of theta, and of X, of each of `Inputs.numbers`.
        plain: How many of these, the first ones, are columns of X as they are.
    """

    def __init__(
        self, levels: Sequence[int], orders: Mapping[int, Permutation] = MappingProxyType({})
    ) -> None:
        self.dimension = len(levels)
        self._orders = dict(orders)
        naive = [j for j, order in orders.items() if order.parametrization == "naive"]
        self._plain = [j for j, n in enumerate(levels) if n == 0 and j not in orders]
        self._vectors = [j for j in orders if j not in naive]
        self.numeric = _columns(sorted(self._plain + self._vectors))
        coded = [j for j, n in enumerate(levels) if n > 0]
        self.categorical = _columns(coded + naive)
        widths = [features(orders[j], np.zeros(1)).shape[1] for j in self._vectors]
        self.scaled_by = _columns(
            self._plain + np.repeat(self._vectors, widths).astype(int).tolist()
        )
        self.plain = len(self._plain)
        self._numberless = not len(self.scaled_by) and len(self.categorical) > 0
        self.levels = tuple(levels[j] for j in coded)
        # Small integers are compared several times as fast.
        small = max(self.levels, default=0) < 2**15 and not naive
        self._compared = np.int16 if small else np.float64
        # Which labels are one-hot as well, and of each code the label and its level.
        few = [i for i, n in enumerate(self.levels) if n <= _FEW]
        self._few = _columns(few)
        self._many = _columns([i for i in range(len(self.categorical)) if i not in few])
        self._coded_by = _columns([i for i in few for _ in range(self.levels[i])])
        self._level = _columns([level for i in few for level in range(self.levels[i])])

    def inputs(self, X: Floats) -> Inputs:
        """Split `X`, shape (n, d), into numbers, one-hot codes and labels."""
        vectors = [features(self._orders[j], X[:, j]) for j in self._vectors]
        numbers = np.concatenate([X[:, self._plain], *vectors], axis=1)
        labels = np.empty((len(X), len(self.categorical)))
        n = len(self.levels)
        labels[:, :n] = np.floor(X[:, self.categorical[:n]] * self.levels)
        for i, j in enumerate(self.categorical[n:], n):
            labels[:, i] = ranks(self._orders[j], X[:, j])
        codes = (labels[:, self._coded_by] == self._level).astype(float)
        return Inputs(numbers, codes, labels)

    def __call__(self, theta: Floats, A: Inputs, B: Inputs) -> Floats:
        """Return the covariances of the rows of `A` with those of `B`, shape (n, m)."""
        factor = self._factor(theta, A, B)
        if self._numberless:
            return factor
        k = matern52(self._distances(theta, A, B))
        k *= factor
        return k

    def with_slope(self, theta: Floats, A: Inputs, B: Inputs) -> Covariance:
        """Return the covariances and their derivatives by the scaled squared distance."""
        factor = self._factor(theta, A, B)
        if self._numberless:
            return Covariance(factor, (-5.0 / 6.0) * factor)
        k, slope = matern52_with_slope(self._distances(theta, A, B))
        k *= factor
        slope *= factor
        return Covariance(k, slope)

    def _distances(self, theta: Floats, A: Inputs, B: Inputs) -> Floats:
        """Return R2, shape (n, m)."""
        scale = np.exp(-theta[self.scaled_by])
        a = A.numbers * scale
        b = a if B is A else B.numbers * scale
        R2 = a @ (-2.0 * b.T)
        R2 += np.einsum("ij,ij->i", a, a)[:, None]
        R2 += np.einsum("ij,ij->i", b, b)
        return np.asarray(np.maximum(R2, 0.0, out=R2))

    def _factor(self, theta: Floats, A: Inputs, B: Inputs) -> Floats:
        """Return v exp(-sum_j w_j [x_j != x'_j]), shape (n, m) or ()."""
        if not len(self.categorical):
            return np.asarray(np.exp(theta[-1]))
        w = np.exp(theta[self.categorical])
        exponent = (A.codes * w[self._coded_by]) @ B.codes.T
        exponent += theta[-1] - w[self._few].sum()
        for rows, unequal in self._unequal(A, B):
            exponent[rows] -= (w[self._many] @ unequal).reshape(-1, len(B.labels))
        return np.asarray(np.exp(exponent, out=exponent))

    def _unequal(self, A: Inputs, B: Inputs) -> Iterator[tuple[slice, Floats]]:
        """Yield 1 where labels of many levels differ, else 0, shape (c', rows * m), by rows."""
        c, m = len(self._many), len(B.labels)
        if not c:
            return
        a = A.labels.T[self._many].astype(self._compared)[:, :, None]
        b = B.labels.T[self._many].astype(self._compared)[:, None, :]
        step = 1 + _BLOCK // (1 + c * m)
        for start in range(0, len(A.labels), step):
            rows = slice(start, start + step)
            yield rows, np.not_equal(a[:, rows], b).astype(float).reshape(c, -1)

    def contract(self, theta: Floats, A: Inputs, covariance: Covariance, M: Floats) -> Floats:
        """Return sum_ab M_ab dk_ab / dtheta_j for every j, shape (d+1,)."""
        gradient = np.zeros(self.dimension + 1)
        if len(self.scaled_by):
            by_number = self._stretches(theta, A, M.T * covariance.slope)
            gradient += np.bincount(self.scaled_by, by_number, len(gradient))
        C = M.T * covariance.k  # contracts to the same as M * k, and is in C order
        total = C.sum()
        gradient[-1] = total
        if len(self.categorical):
            w = np.exp(theta[self.categorical])
            gradient[self.categorical] = -w * self._mismatches(A, C, total)
        return gradient

    def _stretches(self, theta: Floats, A: Inputs, B: Floats) -> Floats:
        """Return sum_ab B_ab dR2_ab / dlog l for the scale of every number, shape (q,)."""
        x = A.numbers
        # sum_ab B_ab (x_a - x_b)^2 = x^2 . (rowsum(B) + colsum(B)) - 2 x^T B x
        squares = (B.sum(0) + B.sum(1)) @ (x * x)
        squares -= 2.0 * np.einsum("ij,ij->j", x, B @ x)
        return np.asarray(-2.0 * np.exp(-2.0 * theta[self.scaled_by]) * squares)

    def _mismatches(self, A: Inputs, C: Floats, total: float) -> Floats:
        """Return sum_ab C_ab [x_aj != x_bj] for every category, given the sum of all C_ab."""
        pairs = np.einsum("ij,ij->j", A.codes, C @ A.codes)
        found = total - np.bincount(self._coded_by, pairs, len(self.categorical))
        found[self._many] = 0.0
        for rows, unequal in self._unequal(A, A):
            found[self._many] += unequal @ C[rows].ravel()
        return np.asarray(found)

    def pull_back(self, theta: Floats, A: Inputs, B: Inputs, weights: Floats) -> Floats:
        """Return d/dx_a sum_b W_ab k(x_a, x_b), given weights = W * slope, shape (n, d).

        Zero in the columns of categories and permutations.
        """
        gradient = np.zeros((len(A.numbers), self.dimension))
        a, b = A.numbers[:, : self.plain], B.numbers[:, : self.plain]
        inner = a * weights.sum(1)[:, None] - weights @ b
        gradient[:, self._plain] = 2.0 * np.exp(-2.0 * theta[self._plain]) * inner
        return gradient


def _columns(numbers: Sequence[int]) -> Ints:
    return np.array(numbers, dtype=np.int64)
