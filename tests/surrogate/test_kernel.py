import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from sklearn.gaussian_process.kernels import Matern

from hmserve.space.permutation import Permutation
from hmserve.surrogate.kernel import Kernel, matern52, matern52_with_slope

LEVELS = (0, 3, 0, 2, 0)
MANY = [(16, 17), (40,), (0, 3000), (70_000, 0), (64, 3, 0, 20, 2), (20,) * 12]
"""With categories of many levels, which are treated in another way than those of few."""


def points(n, levels=LEVELS, seed=0):
    """Random snapped points of a space with these columns."""
    rng = np.random.default_rng(seed)
    columns = [(rng.integers(0, m, n) + 0.5) / m if m else rng.random(n) for m in levels]
    return np.column_stack(columns)


def thetas(levels=LEVELS, seed=0):
    return np.random.default_rng([seed, 1]).normal(0.0, 0.7, len(levels) + 1)


def by_definition(theta, levels, A, B):
    """The formula of the module, one pair at a time."""
    k = np.empty((len(A), len(B)))
    for a, x in enumerate(A):
        for b, y in enumerate(B):
            squares, mismatch = 0.0, 0.0
            for j, m in enumerate(levels):
                if m:
                    mismatch += np.exp(theta[j]) * (x[j] != y[j])
                else:
                    squares += ((x[j] - y[j]) / np.exp(theta[j])) ** 2
            s = np.sqrt(5.0 * squares)
            matern = (1.0 + s + s * s / 3.0) * np.exp(-s)
            k[a, b] = np.exp(theta[-1]) * matern * np.exp(-mismatch)
    return k


def covariances(levels, theta, A, B):
    kernel = Kernel(levels)
    return kernel(theta, kernel.inputs(A), kernel.inputs(B))


@pytest.mark.parametrize("levels", [LEVELS, (0,), (4,), (2, 5, 3), (0, 0), (1, 0), *MANY])
def test_it_is_its_definition(levels):
    A, B, theta = points(12, levels), points(9, levels, seed=1), thetas(levels)
    expected = by_definition(theta, levels, A, B)
    np.testing.assert_allclose(covariances(levels, theta, A, B), expected, rtol=1e-12)


def test_over_numbers_it_is_the_matern_kernel_of_scikit_learn():
    A, B = points(15, (0,) * 4), points(8, (0,) * 4, seed=1)
    theta = np.array([-1.0, 0.3, -2.0, 0.0, np.log(2.5)])
    expected = 2.5 * Matern(length_scale=np.exp(theta[:-1]), nu=2.5)(A, B)
    np.testing.assert_allclose(covariances((0,) * 4, theta, A, B), expected, rtol=1e-9)


def test_it_is_the_product_of_the_kernels_of_its_columns():
    A, B, theta = points(10), points(7, seed=2), thetas()
    product = covariances([0, 0, 0], theta[[0, 2, 4, 5]], A[:, [0, 2, 4]], B[:, [0, 2, 4]])
    for j in (1, 3):
        alone = covariances([LEVELS[j]], np.array([theta[j], 0.0]), A[:, [j]], B[:, [j]])
        product = product * alone
    np.testing.assert_allclose(covariances(LEVELS, theta, A, B), product, rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([0, 0, 1, 2, 15, 64]), min_size=1, max_size=6),
    st.integers(0, 2**20),
    st.floats(-5.0, 5.0),
)
def test_it_is_a_covariance_at_every_hyperparameter(levels, seed, level):
    X = points(20, levels, seed)
    theta = np.clip(thetas(levels, seed) + level, np.log(0.005), np.log(1e3))
    K = covariances(levels, theta, X, X)
    v = np.exp(theta[-1])
    np.testing.assert_allclose(np.diag(K), v, rtol=1e-9)
    np.testing.assert_allclose(K, K.T, atol=1e-9 * v)
    assert np.linalg.eigvalsh(K).min() > -1e-8 * v


def test_the_slope_of_the_matern_correlation_is_its_derivative_and_finite_at_zero():
    R2 = np.array([1e-3, 0.1, 1.0, 7.0, 40.0])
    step = 1e-6 * R2
    numeric = (matern52(R2 + step) - matern52(R2 - step)) / (2.0 * step)
    k, slope = matern52_with_slope(R2)
    np.testing.assert_allclose(slope, numeric, rtol=1e-6)
    np.testing.assert_allclose(k, matern52(R2), rtol=1e-14)
    assert matern52(np.zeros(1)) == 1.0
    assert matern52_with_slope(np.zeros(1)) == (1.0, -5.0 / 6.0)


def test_the_correlation_leaves_its_argument_alone():
    R2 = np.array([0.5, 2.0])
    matern52(R2)
    matern52_with_slope(R2)
    assert R2.tolist() == [0.5, 2.0]


def brute_force(theta, X, Y):
    """The kernel of the categories `X` and `Y`, all pairs of rows at once."""
    mismatch = (X[:, None, :] != Y[None, :, :]) @ np.exp(theta[:-1])
    return np.exp(theta[-1] - mismatch)


@pytest.mark.parametrize(("levels", "n", "m"), [((64,) * 5, 400, 90), ((300,), 700, 300)])
def test_rows_too_many_to_be_compared_at_once_are_compared_as_well(levels, n, m):
    A, B, theta = points(n, levels), points(m, levels, seed=1), thetas(levels)
    # What is rare among many levels: rows that agree.
    B[: m // 2] = A[-(m // 2) :]
    expected = brute_force(theta, A, B)
    np.testing.assert_allclose(covariances(levels, theta, A, B), expected, rtol=1e-12)
    M = np.random.default_rng(0).normal(size=(n, n))
    kernel = Kernel(levels)
    inputs = kernel.inputs(A)
    K = kernel.with_slope(theta, inputs, inputs)
    by_column = [
        -np.exp(theta[j]) * (M * K.k * (A[:, j, None] != A[:, j])).sum()
        for j in range(len(levels))
    ]
    gradient = kernel.contract(theta, inputs, K, M)
    np.testing.assert_allclose(gradient, [*by_column, (M * K.k).sum()], atol=1e-10 * n * n)


@pytest.mark.parametrize("levels", [(0, 0), (3, 0), (64, 0)])
def test_permutations_that_are_only_same_or_different_are_categories(levels):
    order = Permutation("p", 12, "naive")
    rng = np.random.default_rng(0)
    some = [order.encode(tuple(rng.permutation(12).tolist())) for _ in range(4)]
    X = np.column_stack([points(20, levels[:1])[:, 0], rng.choice(some, 20)])
    theta, kernel = thetas(levels), Kernel(levels, {1: order})
    inputs = kernel.inputs(X)
    K = kernel(theta, inputs, inputs)
    alone = covariances(levels[:1], theta[[0, 2]], X[:, :1], X[:, :1])
    different = X[:, 1, None] != X[:, 1]
    np.testing.assert_allclose(K, alone * np.exp(-np.exp(theta[1]) * different), rtol=1e-12)
    M = rng.normal(size=(20, 20))
    gradient = kernel.contract(theta, inputs, kernel.with_slope(theta, inputs, inputs), M)
    numeric = approx_fprime(theta, lambda t: (M * kernel(t, inputs, inputs)).sum(), 1e-6)
    np.testing.assert_allclose(gradient, numeric, atol=1e-5 * np.abs(numeric).max())


@pytest.mark.parametrize("levels", [(3000,), (64,) * 20, (0, 3000)])
def test_what_it_takes_does_not_grow_with_the_number_of_levels(levels):
    A, B, theta, kernel = (
        points(300, levels),
        points(30, levels, 1),
        thetas(levels),
        Kernel(levels),
    )
    tracemalloc.start()
    a, b = kernel.inputs(A), kernel.inputs(B)
    covariance = kernel.with_slope(theta, b, b)
    kernel.contract(theta, b, covariance, covariance.k)
    kernel(theta, a, b)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # One double for each of 300 rows and 1,000 levels would have 2.4 MB.
    assert peak < 2e6


@pytest.mark.parametrize("levels", [LEVELS, (0,), (3, 2), (0, 0, 0), *MANY])
def test_contracting_gives_the_derivatives_by_the_hyperparameters(levels):
    X, theta = points(14, levels), thetas(levels)
    M = np.random.default_rng(3).normal(size=(14, 14))
    M = M + M.T
    kernel = Kernel(levels)
    inputs = kernel.inputs(X)
    gradient = kernel.contract(theta, inputs, kernel.with_slope(theta, inputs, inputs), M)
    numeric = approx_fprime(theta, lambda t: (M * kernel(t, inputs, inputs)).sum(), 1e-6)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-5 * np.abs(numeric).max())


@pytest.mark.parametrize("levels", [LEVELS, (0,), (3, 2), (64, 0, 20)])
def test_pulling_back_gives_the_derivatives_by_the_points(levels):
    A, B, theta = points(6, levels), points(11, levels, seed=4), thetas(levels)
    W = np.random.default_rng(5).normal(size=(6, 11))
    kernel = Kernel(levels)
    a, b = kernel.inputs(A), kernel.inputs(B)
    slope = kernel.with_slope(theta, a, b).slope
    gradient = kernel.pull_back(theta, a, b, W * slope)
    for i, x in enumerate(A):
        for j, m in enumerate(levels):
            if m:
                assert gradient[i, j] == 0.0
                continue
            step = np.zeros(len(levels))
            step[j] = 1e-6
            up = covariances(levels, theta, x[None] + step, B)[0]
            down = covariances(levels, theta, x[None] - step, B)[0]
            assert gradient[i, j] == pytest.approx(
                W[i] @ (up - down) / 2e-6, rel=1e-5, abs=1e-7
            )


def test_the_gradient_at_a_training_point_is_finite():
    X, theta = points(5, (0, 0)), thetas((0, 0))
    kernel = Kernel((0, 0))
    inputs = kernel.inputs(X)
    slope = kernel.with_slope(theta, inputs, inputs).slope
    assert np.isfinite(kernel.pull_back(theta, inputs, inputs, slope)).all()
