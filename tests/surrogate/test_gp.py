import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from hmserve.surrogate import gp, linear
from hmserve.surrogate.hyperprior import LengthPrior, kernel_prior, with_noise
from hmserve.surrogate.kernel import Kernel


def given_theta(kernel, X, y, theta):
    """A process with homoscedastic noise at known hyperparameters, shape (d+2,)."""
    noise = np.full(len(y), np.exp(theta[-1]))
    return gp.GaussianProcess.condition(kernel, theta[:-1], (X, y, noise))


MIXED = (0, 0, 3, 0, 2)
NUMERIC = (0, 0, 0)


def data(n=30, levels=MIXED, seed=0):
    rng = np.random.default_rng(seed)
    columns = [(rng.integers(0, m, n) + 0.5) / m if m else rng.random(n) for m in levels]
    X = np.column_stack(columns)
    y = np.sin(5.0 * X[:, 0]) + X[:, -1] ** 2 + 0.1 * rng.normal(size=n)
    return X, (y - y.mean()) / (y.std() or 1.0)


def slopes(function, x, step=1e-5):
    """Derivatives by central differences."""
    steps = step * np.eye(len(x))
    return np.array([(function(x + e) - function(x - e)) / (2.0 * step) for e in steps])


def prior(levels=MIXED):
    numeric = np.array([float(m == 0) for m in levels])
    return with_noise(kernel_prior(numeric, LengthPrior(0.0, 1.0), (0.0, 1.0)), -4.0, 1.0)


def theta(levels=MIXED, noise=1e-3, seed=0):
    rng = np.random.default_rng([seed, 2])
    return np.append(rng.normal(-0.5, 0.5, len(levels) + 1), np.log(noise))


def given_data(levels=MIXED, noise=1e-3, n=30):
    X, y = data(n, levels)
    return given_theta(Kernel(levels), X, y, theta(levels, noise))


def joint_covariance(model, A, B):
    """c(A, B) of the posterior, by its definition."""
    kernel, t = model.kernel, model.theta
    a, b = kernel.inputs(A), kernel.inputs(B)
    left = linalg.solve_triangular(model.L, kernel(t, model.inputs, a), lower=True)
    right = linalg.solve_triangular(model.L, kernel(t, model.inputs, b), lower=True)
    return kernel(t, a, b) - left.T @ right


@pytest.mark.parametrize("noise", [1e-6, 1e-2])
def test_predictions_are_those_of_scikit_learn(noise):
    X, y = data(levels=NUMERIC)
    t = theta(NUMERIC, noise)
    model = given_theta(Kernel(NUMERIC), X, y, t)
    v = np.exp(t[-2])
    oracle = GaussianProcessRegressor(
        ConstantKernel(v) * Matern(np.exp(t[:-2]), nu=2.5), alpha=noise, optimizer=None
    ).fit(X, y - model.constant)
    Z, _ = data(200, NUMERIC, seed=1)
    mean, deviation = oracle.predict(Z, return_std=True)
    np.testing.assert_allclose(model.predict(Z).mean, mean + model.constant, atol=1e-8)
    np.testing.assert_allclose(model.predict(Z).variance, deviation**2, atol=1e-8)


def test_the_likelihood_is_that_of_scikit_learn():
    X, y = data(levels=NUMERIC)
    t, p = theta(NUMERIC), prior(NUMERIC)
    kernel = Kernel(NUMERIC)
    constant = given_theta(kernel, X, y, t).constant
    matern = ConstantKernel(np.exp(t[-2])) * Matern(np.exp(t[:-2]), nu=2.5)
    oracle = GaussianProcessRegressor(matern, alpha=np.exp(t[-1]), optimizer=None)
    oracle.fit(X, y - constant)
    value, _ = gp.negative_log_posterior(t, kernel, kernel.inputs(X), y, p)
    expected = -oracle.log_marginal_likelihood_value_ - 0.5 * len(y) * np.log(2.0 * np.pi)
    assert value == pytest.approx(expected + p.negative_log(t)[0], rel=1e-9)


@pytest.mark.parametrize("levels", [MIXED, NUMERIC, (0,), (4, 2)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_gradient_by_the_hyperparameters_is_that_of_the_value(levels, seed):
    X, y = data(levels=levels, seed=seed)
    kernel, p, t = Kernel(levels), prior(levels), theta(levels, seed=seed)
    inputs = kernel.inputs(X)

    gradient = gp.negative_log_posterior(t, kernel, inputs, y, p)[1]
    numeric = slopes(lambda t: gp.negative_log_posterior(t, kernel, inputs, y, p)[0], t)
    assert np.linalg.norm(gradient - numeric) < 1e-5 * np.linalg.norm(gradient)


@pytest.mark.parametrize("levels", [MIXED, NUMERIC, (0,)])
def test_gradients_of_predictions_are_those_of_the_values(levels):
    model = given_data(levels)
    Z, _ = data(8, levels, seed=3)
    found = model.predict_with_gradient(Z)
    numbers = [j for j, m in enumerate(levels) if not m]
    for i, z in enumerate(Z):
        for values, gradients in ((0, found.mean_gradient), (1, found.variance_gradient)):
            numeric = slopes(lambda x, k=values: model.predict(x[None])[k][0], z)
            np.testing.assert_allclose(gradients[i, numbers], numeric[numbers], atol=1e-6)
            assert (np.delete(gradients[i], numbers) == 0.0).all()


def test_predicting_the_mean_alone_or_with_gradients_gives_the_same_numbers():
    model = given_data()
    Z, _ = data(20, seed=3)
    mean, variance = model.predict(Z)
    assert (model.mean(Z) == mean).all()
    both = model.predict_with_gradient(Z)
    np.testing.assert_allclose(both.mean, mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(both.variance, variance, rtol=1e-9)


def test_without_noise_it_passes_through_the_data():
    X, y = data()
    model = given_theta(Kernel(MIXED), X, y, theta(noise=1e-8))
    mean, variance = model.predict(X)
    np.testing.assert_allclose(mean, y, atol=1e-5)
    assert variance.max() < 1e-6 * np.exp(model.theta[-1])


def test_the_constant_is_the_generalised_least_squares_estimate():
    X, y = data()
    model = given_theta(Kernel(MIXED), X, y, theta())
    K = model.L @ model.L.T
    ones = np.ones(len(y))
    expected = ones @ linalg.solve(K, y) / (ones @ linalg.solve(K, ones))
    assert model.constant == pytest.approx(expected, rel=1e-8)
    shifted = given_theta(Kernel(MIXED), X, y + 7.0, theta())
    np.testing.assert_allclose(shifted.mean(X), model.mean(X) + 7.0, atol=1e-8)


@pytest.mark.parametrize("p", [1, 4])
def test_believing_changes_no_mean_and_leaves_no_variance_there(p):
    model = given_data()
    P, _ = data(p, seed=5)
    Z, _ = data(50, seed=6)
    believed = model.believe(P)
    np.testing.assert_allclose(believed.mean(Z), model.mean(Z), rtol=1e-12, atol=1e-12)
    assert (believed.predict(P).variance < 1e-7 * np.exp(model.theta[-1])).all()
    assert (believed.predict(Z).variance <= model.predict(Z).variance + 1e-12).all()


@pytest.mark.parametrize("noise", [1e-6, 1e-2])
def test_believing_is_conditioning_on_the_joint_posterior(noise):
    model = given_data(noise=noise)
    P, _ = data(5, seed=5)
    Z, _ = data(50, seed=6)
    B = joint_covariance(model, P, P)
    A = joint_covariance(model, P, Z)
    expected = model.predict(Z).variance - np.einsum("ij,ij->j", A, linalg.solve(B, A))
    np.testing.assert_allclose(model.believe(P).predict(Z).variance, expected, atol=1e-6)


def test_believing_twice_is_believing_both():
    model = given_data()
    P, _ = data(6, seed=5)
    Z, _ = data(50, seed=6)
    at_once, in_turn = model.believe(P), model.believe(P[:2]).believe(P[2:])
    np.testing.assert_allclose(at_once.mean(Z), in_turn.mean(Z), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        at_once.predict(Z).variance, in_turn.predict(Z).variance, rtol=1e-6, atol=1e-9
    )


def test_gradients_of_a_believing_model_are_those_of_its_values():
    model = given_data(NUMERIC).believe(data(3, NUMERIC, seed=5)[0])
    z = data(1, NUMERIC, seed=7)[0]
    found = model.predict_with_gradient(z).variance_gradient[0]
    numeric = slopes(lambda x: model.predict(x[None]).variance[0], z[0])
    np.testing.assert_allclose(found, numeric, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**20),
    st.sampled_from(["low", "high", "location"]),
    st.sampled_from([1e-8, 1e-6, 1.0]),
    st.sampled_from([0.0, 1e-12, 1e-6]),
)
def test_points_that_all_but_coincide_are_no_obstacle(seed, place, noise, apart):
    rng = np.random.default_rng(seed)
    X, y = data(12, seed=seed)
    numeric = np.array([m == 0 for m in MIXED])
    near = np.clip(X[:4] + apart * rng.normal(size=(4, len(MIXED))) * numeric, 0.0, 1.0)
    t = np.append(getattr(prior(), place)[:-1], np.log(noise))
    X, y = np.concatenate([X, near, X[:1]]), np.append(y, np.zeros(5))
    model = given_theta(Kernel(MIXED), X, y, t)
    believed = model.believe(np.concatenate([near, near[:2], X[5:7]]))
    for m in (model, believed):
        mean, variance = m.predict(X)
        assert np.isfinite(mean).all()
        assert (variance > 0.0).all()


def test_a_fit_is_at_least_as_probable_as_where_it_began():
    X, y = data()
    kernel, p = Kernel(MIXED), prior()
    starts = [p.location, theta()]
    found = gp.maximum_a_posteriori(kernel, X, y, p, starts)

    def value(t):
        return gp.negative_log_posterior(t, kernel, kernel.inputs(X), y, p)[0]

    assert value(found) < min(value(start) for start in starts)
    assert (p.low <= found).all()
    assert (found <= p.high).all()
    # A mode in the interior: nothing is gained by a small step.
    assert all(value(found + step) >= value(found) - 1e-4 for step in 0.01 * np.eye(len(found)))


def test_a_fit_tells_a_column_that_matters_from_one_that_does_not():
    rng = np.random.default_rng(0)
    X = rng.random((40, 2))
    y = np.sin(6.0 * X[:, 0])
    found = gp.maximum_a_posteriori(
        Kernel((0, 0)), X, y, prior((0, 0)), [prior((0, 0)).location]
    )
    assert found[1] > found[0] + 1.0


@pytest.mark.parametrize("y", [np.zeros(6), np.array([1.0, 0, 0, 0, 0, 0])])
def test_constant_and_all_but_constant_targets_can_be_fitted(y):
    X, _ = data(6)
    found = gp.maximum_a_posteriori(Kernel(MIXED), X, y, prior(), [prior().location])
    mean, variance = given_theta(Kernel(MIXED), X, y, found).predict(X)
    assert np.isfinite(mean).all()
    assert (variance > 0.0).all()


def test_a_single_observation_is_enough():
    X, y = np.array([[0.25, 0.5]]), np.array([3.0])
    found = gp.maximum_a_posteriori(
        Kernel((0, 0)), X, y, prior((0, 0)), [prior((0, 0)).location]
    )
    model = given_theta(Kernel((0, 0)), X, y, found)
    assert model.mean(X) == pytest.approx([3.0])
    assert model.predict(np.array([[1.0, 1.0]])).variance > model.predict(X).variance


def test_the_factor_of_a_definite_matrix_is_exact_and_of_a_singular_one_nearly():
    A = np.random.default_rng(0).normal(size=(6, 6))
    K = A @ A.T + np.eye(6)
    L = linear.cholesky(K)
    np.testing.assert_allclose(L @ L.T, K, rtol=1e-12)
    singular = np.ones((6, 6))
    L = linear.cholesky(singular)
    np.testing.assert_allclose(L @ L.T, singular, atol=1e-6)


def test_a_matrix_that_is_not_nearly_definite_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match="no factor"):
        linear.cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]))


@pytest.mark.parametrize("levels", [NUMERIC, MIXED])
def test_a_process_that_is_doubted_is_one_of_the_same_data_with_shorter_scales(levels):
    X, y = data(30, levels)
    t = theta(levels)
    shorter = t.copy()
    numbers = [k for k, m in enumerate(levels) if m == 0]
    shorter[numbers] -= np.log(4.0)
    model = given_theta(Kernel(levels), X, y, t)
    expected, doubted = given_theta(Kernel(levels), X, y, shorter), model.doubted(0.25)
    Z, _ = data(20, levels, seed=5)
    for found, wanted in zip(doubted.predict(Z), expected.predict(Z), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(
        doubted.doubted(4.0).mean(Z), model.mean(Z), rtol=1e-6, atol=1e-8
    )
