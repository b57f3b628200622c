import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.acquisition.improvement import LogExpectedImprovement, log_h
from hmserve.acquisition.joint_improvement import JointImprovement
from hmserve.surrogate.fantasies import normals
from hmserve.surrogate.joint import joint

NONE = np.empty((0, 2))


def gain(model, P, incumbent, q, n=1024, seed=0):
    e = normals(n, len(P) + q, np.random.default_rng(seed))
    return JointImprovement(joint(model, P), incumbent, np.ones(len(P), dtype=bool), e)


def exact(model, X, incumbent):
    """qEI of two points: that of the first, and of the second beyond it, by quadrature."""
    found, _ = joint(model, NONE).together(X)
    (m1, m2), C = found.mean, found.covariance
    sd = math.sqrt(C[0, 0])
    f = m1 + sd * np.linspace(-9.0, 9.0, 20001)
    density = np.exp(-0.5 * ((f - m1) / sd) ** 2)
    s = math.sqrt(C[1, 1] - C[0, 1] ** 2 / C[0, 0])
    second = m2 + C[0, 1] / C[0, 0] * (f - m1)
    more = s * np.exp(log_h((np.minimum(f, incumbent) - second) / s))
    return (density * (np.maximum(incumbent - f, 0.0) + more)).sum() / density.sum()


def test_of_one_point_it_is_expected_improvement(models):
    model, rng = models.process(0), np.random.default_rng(0)
    for x in rng.random((5, 2)):
        expected = math.exp(LogExpectedImprovement(model, 0.3)(x[None])[0])
        found = gain(model, NONE, 0.3, 1, 100_000)(x[None])
        assert found == pytest.approx(expected, rel=0.02, abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_of_two_points_it_is_the_exact_value(models, seed):
    model, rng = models.process(seed), np.random.default_rng(seed)
    X = rng.random((2, 2))
    found = gain(model, NONE, 0.5, 2, 100_000)(X)
    assert found == pytest.approx(exact(model, X, 0.5), rel=0.02, abs=1e-4)


def test_pending_points_are_prepended_and_taken_off(models):
    model, rng = models.process(1), np.random.default_rng(1)
    P, X = rng.random((1, 2)), rng.random((1, 2))
    both = exact(model, np.concatenate([P, X]), 0.5)
    alone = math.exp(LogExpectedImprovement(model, 0.5)(P)[0])
    found = gain(model, P, 0.5, 1, 100_000)(X)
    assert found == pytest.approx(both - alone, rel=0.03, abs=2e-4)


def test_the_order_of_the_points_does_not_matter(models):
    model, X = models.process(2), np.random.default_rng(2).random((3, 2))
    e = normals(50_000, 3, np.random.default_rng(3))
    found = JointImprovement(joint(model, NONE), 0.5, np.ones(0, dtype=bool), e)
    assert found(X) == pytest.approx(found(X[::-1]), rel=0.02)


@given(seed=st.integers(0, 10**6), p=st.integers(0, 3), q=st.integers(1, 3))
@settings(max_examples=20)
def test_its_gradient_is_that_of_its_value(models, seed, p, q):
    rng, model = np.random.default_rng(seed), models.process(seed % 5)
    function = gain(model, rng.random((p, 2)), 0.8, q, 256, seed)
    X = rng.random((q, 2))
    value, gradient = function.value_and_gradient(X)
    assert value == pytest.approx(function(X))
    for i, j in np.ndindex(X.shape):
        step = np.zeros_like(X)
        step[i, j] = 1e-7
        expected = (function(X + step) - function(X - step)) / 2e-7
        # Where the best point of a draw changes the value has a kink.
        assert gradient[i, j] == pytest.approx(expected, rel=1e-3, abs=1e-3)
