import numpy as np
import pytest

from hmserve.surrogate import linear

SIZES = [1, 2, 7, 60]


def positive_definite(n):
    A = np.random.default_rng(n).random((n, n))
    return A @ A.T + np.eye(n)


@pytest.mark.parametrize("n", SIZES)
def test_a_factor_is_lower_triangular_and_gives_the_matrix_back(n):
    K = positive_definite(n)
    before = K.copy()
    L = linear.cholesky(K)
    np.testing.assert_allclose(L @ L.T, K)
    assert (np.triu(L, 1) == 0.0).all()
    assert (before == K).all()


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("columns", [0, 1, 3])
def test_solutions_solve_and_keep_their_shape(n, columns):
    K = positive_definite(n)
    L = linear.cholesky(K)
    B = np.random.default_rng(1).random((n, columns) if columns else n)
    for found, matrix in (
        (linear.solve(L, B), K),
        (linear.forward(L, B), L),
        (linear.backward(L, B), L.T),
    ):
        assert found.shape == B.shape
        np.testing.assert_allclose(matrix @ found, B, atol=1e-12)


@pytest.mark.parametrize("n", SIZES)
def test_the_triangle_contracts_with_a_symmetric_matrix_as_the_whole_does(n):
    K, S = positive_definite(n), positive_definite(n)
    alpha = np.random.default_rng(2).random(n)
    M = linear.half_of_inverse_less(linear.cholesky(K), alpha)
    whole = 0.5 * (np.linalg.inv(K) - np.outer(alpha, alpha))
    np.testing.assert_allclose((M * S).sum(), (whole * S).sum())
    np.testing.assert_allclose(np.trace(M), np.trace(whole))


def test_half_the_log_determinant():
    K = positive_definite(7)
    half = 0.5 * np.linalg.slogdet(K).logabsdet
    np.testing.assert_allclose(linear.log_determinant(linear.cholesky(K)), half)


def test_an_extended_factor_is_that_of_the_larger_matrix():
    K = positive_definite(9)
    L = linear.cholesky(K[:6, :6])
    S = linear.forward(L, K[:6, 6:])
    larger = linear.extended(L, S, K[6:, 6:] - S.T @ S)
    np.testing.assert_allclose(larger, linear.cholesky(K), atol=1e-12)


def test_a_matrix_with_nan_has_no_factor():
    with pytest.raises(np.linalg.LinAlgError):
        linear.cholesky(np.full((2, 2), np.nan))
