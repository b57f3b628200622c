"""Triangular algebra on positive definite matrices, straight from LAPACK.

scipy.linalg checks and converts what it is given; on the small matrices of most asks that costs
more than the work. Factors are lower, in Fortran order, zero above the diagonal.

    K (n, n)  symmetric, positive definite
    L (n, n)  its factor: K = L L^T
    B         shape (n,) or (n, k)
"""

import numpy as np
from scipy.linalg import blas, lapack

from hmserve.arrays import Floats

_JITTERS = (0.0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)


def cholesky(K: Floats) -> Floats:
    """Return the factor of `K`, with the least jitter that makes it positive definite.

    Args:
        K: Shape (n, n); the lower triangle counts. It is left as it is.

    Raises:
        numpy.linalg.LinAlgError: Even one per cent of the mean diagonal is too little.
    """
    size = float(np.mean(np.diagonal(K)))
    for jitter in _JITTERS:
        # The transpose of a matrix in C order is in Fortran's; it is symmetric.
        shifted = K.T if not jitter else K.T + jitter * size * np.eye(len(K))
        L, info = lapack.dpotrf(shifted, lower=1, clean=1)
        if info == 0 and np.isfinite(L[-1, -1]):
            return np.asarray(L)
    raise np.linalg.LinAlgError(f"no factor even with {_JITTERS[-1]:g} of the diagonal added")


def solve(L: Floats, B: Floats) -> Floats:
    """Return K^-1 B."""
    X, _ = lapack.dpotrs(L, B, lower=1)
    return np.asarray(X).reshape(B.shape)


def forward(L: Floats, B: Floats) -> Floats:
    """Return L^-1 B."""
    X, _ = lapack.dtrtrs(L, B, lower=1)
    return np.asarray(X).reshape(B.shape)


def backward(L: Floats, B: Floats) -> Floats:
    """Return L^-T B."""
    X, _ = lapack.dtrtrs(L, B, lower=1, trans=1)
    return np.asarray(X).reshape(B.shape)


def half_of_inverse_less(L: Floats, alpha: Floats) -> Floats:
    """Return M, lower triangular, with M + M^T = K^-1 - alpha alpha^T.

    Where M is contracted with a symmetric matrix, the triangle is as good as the whole of half
    of that, and half the work.
    """
    triangle, _ = lapack.dpotri(L, lower=1)
    M = blas.dsyr(-1.0, alpha, lower=1, a=triangle, overwrite_a=1)
    M.ravel(order="K")[:: len(L) + 1] *= 0.5
    return np.asarray(M)


def log_determinant(L: Floats) -> float:
    """Return log det K / 2, the sum of the logarithms of L's diagonal."""
    return float(np.log(np.diagonal(L)).sum())


def extended(L: Floats, S: Floats, rest: Floats) -> Floats:
    """Return the factor of a matrix that has p rows and columns more.

    Args:
        L: The factor of the first n.
        S: L^-1 k, where k are the entries between the first n and the p, shape (n, p).
        rest: The entries among the p, less S^T S, shape (p, p).
    """
    n, p = S.shape
    larger = np.zeros((n + p, n + p), order="F")
    larger[:n, :n], larger[n:, :n], larger[n:, n:] = L, S.T, cholesky(rest)
    return larger
