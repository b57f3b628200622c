import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.surrogate import linear
from hmserve.surrogate.base import ForestOptions
from hmserve.surrogate.forest import Forest
from hmserve.surrogate.gp import GaussianProcess
from hmserve.surrogate.joint import joint
from hmserve.surrogate.kernel import Kernel

MIXED = (0, 0, 3, 0)


def points(n, rng, levels=MIXED):
    columns = [(rng.integers(0, m, n) + 0.5) / m if m else rng.random(n) for m in levels]
    return np.column_stack(columns)


def process(seed, noise=1e-3, n=12):
    rng = np.random.default_rng(seed)
    X = points(n, rng)
    theta = np.append(rng.normal(-0.5, 0.3, len(MIXED)), 0.1)
    y = np.sin(5.0 * X[:, 0]) + X[:, 2]
    return GaussianProcess.condition(Kernel(MIXED), theta, (X, y, np.full(n, noise)))


def covariance(model, A, B):
    """c(A, B) of the posterior, by its definition."""
    kernel, t = model.kernel, model.theta
    a, b = kernel.inputs(A), kernel.inputs(B)
    inner = linear.solve(model.L, kernel(t, model.inputs, b))
    return kernel(t, a, b) - kernel(t, a, model.inputs) @ inner


def forest(seed=0, n=40):
    rng = np.random.default_rng(seed)
    X = points(n, rng)
    options = ForestOptions(20, 0.7, True, 4)
    return Forest.fit((X, np.sin(5.0 * X[:, 0]) + X[:, 2]), MIXED, options, seed)


@pytest.mark.parametrize("p", [0, 1, 5])
def test_covariances_are_those_of_the_definition(p):
    rng, model = np.random.default_rng(p), process(p)
    P, X = points(p, rng), points(7, rng)
    given = joint(model, P)
    found = given.predict(X)
    np.testing.assert_allclose(found.mean, model.mean(X), atol=1e-12)
    np.testing.assert_allclose(found.variance, model.predict(X).variance, atol=1e-12)
    np.testing.assert_allclose(found.covariance, covariance(model, X, P), atol=1e-10)
    np.testing.assert_allclose(given.covariance, covariance(model, P, P), atol=1e-10)
    np.testing.assert_allclose(given.mean, model.mean(P), atol=1e-12)
    together, _ = given.together(X)
    np.testing.assert_allclose(together.covariance, covariance(model, X, X), atol=1e-10)
    np.testing.assert_allclose(together.given, found.covariance, atol=1e-12)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), p=st.integers(1, 4))
def test_what_is_pulled_back_are_the_slopes(seed, p):
    rng, model = np.random.default_rng(seed), process(seed)
    P, X = points(p, rng), points(3, rng)
    given = joint(model, P)
    weights = rng.normal(size=3), rng.normal(size=3), rng.normal(size=(3, p))
    _, pull = given.predict_with_pull_back(X)
    _, pull_together = given.together(X)
    own = rng.normal(size=(3, 3))
    own += own.T
    kinds = [
        (lambda Z: total(given.predict(Z), weights), pull(*weights)),
        (
            lambda Z: total(given.together(Z)[0], (weights[0], own, weights[2])),
            pull_together(weights[0], own, weights[2]),
        ),
    ]
    for function, gradient in kinds:
        for i, j in np.ndindex(X.shape):
            step = np.zeros_like(X)
            step[i, j] = 0.0 if MIXED[j] else 1e-6
            expected = (function(X + step) - function(X - step)) / 2e-6
            assert gradient[i, j] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def total(parts, weights):
    return sum(float((part * w).sum()) for part, w in zip(parts, weights, strict=True))


def test_what_is_supposed_is_what_is_conditioned_on():
    rng, model = np.random.default_rng(1), process(1, noise=0.01)
    X = points(12, np.random.default_rng(1))
    y = np.sin(5.0 * X[:, 0]) + X[:, 2]
    P, lies, A = points(3, rng), np.array([-1.0, 2.0, 0.5]), points(9, rng)
    data = (np.concatenate([X, P]), np.append(y, lies), np.full(15, 0.01))
    whole = GaussianProcess.condition(model.kernel, model.theta, data, model.constant)
    found = model.suppose(P, lies)
    np.testing.assert_allclose(found.mean(A), whole.mean(A), atol=1e-9)
    np.testing.assert_allclose(found.predict(A).variance, whole.predict(A).variance, atol=1e-9)


def test_what_is_supposed_as_expected_changes_no_mean():
    rng, model = np.random.default_rng(2), process(2)
    P, A = points(3, rng), points(9, rng)
    np.testing.assert_allclose(model.suppose(P, model.mean(P)).mean(A), model.mean(A))


@pytest.mark.parametrize("noise", [1e-4, 0.01, 0.3])
def test_the_noise_is_that_of_the_data(noise):
    assert process(0, noise).noise == pytest.approx(noise, rel=1e-6)
    assert joint(process(0, noise), points(1, np.random.default_rng(0))).noise >= noise / 2


def test_the_slope_of_the_mean_alone_is_that_of_the_prediction():
    model, X = process(3), points(6, np.random.default_rng(3))
    expected = model.predict_with_gradient(X).mean_gradient
    np.testing.assert_allclose(model.mean_gradient(X), expected, atol=1e-12)


def test_a_forest_has_the_variances_of_its_predictions():
    rng, model = np.random.default_rng(4), forest()
    P, X = points(6, rng), points(9, rng)
    given = joint(model, P)
    found = given.predict(X)
    np.testing.assert_allclose(found.mean, model.predict(X).mean)
    np.testing.assert_allclose(found.variance, model.predict(X).variance)
    np.testing.assert_allclose(np.diag(given.covariance), model.predict(P).variance)
    assert np.linalg.eigvalsh(given.covariance).min() > -1e-9


def test_in_a_forest_what_all_trees_put_into_one_leaf_goes_together():
    model, P = forest(), points(1, np.random.default_rng(5))
    given = joint(model, P)
    assert given.predict(P).covariance[0, 0] == pytest.approx(given.covariance[0, 0], rel=0.2)


def test_a_forest_that_supposes_its_means_is_one_that_believes():
    model, rng = forest(), np.random.default_rng(6)
    P, X = points(3, rng), points(5, rng)
    same = model.suppose(P, model.mean(P)).predict(X)
    np.testing.assert_array_equal(same.mean, model.believe(P).predict(X).mean)


def test_a_forest_has_no_slopes():
    given = joint(forest(), points(2, np.random.default_rng(7)))
    assert not given.differentiable
    with pytest.raises(TypeError, match="no gradients"):
        given.predict_with_pull_back(points(2, np.random.default_rng(8)))
