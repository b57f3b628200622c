import numpy as np
import pytest

from hmserve.surrogate.fantasies import Shared, imagine, normals
from hmserve.surrogate.gp import GaussianProcess
from hmserve.surrogate.kernel import Kernel

THETA = np.array([-0.8, -0.5, 0.0])


def process(noise=1e-9, n=10):
    rng = np.random.default_rng(0)
    X = rng.random((n, 2))
    data = (X, np.sin(6.0 * X[:, 0]) + X[:, 1], np.full(n, noise))
    return GaussianProcess.condition(Kernel([0, 0]), THETA, data)


def fantasies(model, P, n=16, seed=1):
    e = normals(n, len(P), np.random.default_rng(seed))
    return imagine(model, P, e, np.ones(len(P), dtype=bool))


@pytest.mark.parametrize("p", [1, 5, 15])
def test_draws_have_exactly_the_first_two_moments(p):
    e = normals(64, p, np.random.default_rng(p))
    np.testing.assert_allclose(e.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(e.T @ e / 64, np.eye(p), atol=1e-12)


def test_draws_of_many_dimensions_are_still_draws():
    e = normals(64, 50, np.random.default_rng(0))
    np.testing.assert_allclose(e.mean(axis=0), 0.0, atol=1e-12)
    assert 0.8 < (e * e).mean() < 1.2


def test_to_others_it_is_the_model_that_believes():
    model, rng = process(), np.random.default_rng(2)
    P, X = rng.random((4, 2)), rng.random((20, 2))
    found, believed = fantasies(model, P).predict(X), model.believe(P).predict(X)
    np.testing.assert_allclose(found.mean, believed.mean, atol=1e-9)
    np.testing.assert_allclose(found.variance, believed.variance, rtol=1e-3, atol=1e-5)


def test_each_draw_is_the_model_that_has_seen_it():
    model, rng = process(), np.random.default_rng(3)
    P, X = rng.random((3, 2)), rng.random((20, 2))
    several = fantasies(model, P)
    for world, drawn in zip(Shared(several).each, several.draws, strict=True):
        seen = model.suppose(P, drawn)
        np.testing.assert_allclose(world.mean(X), seen.mean(X), atol=1e-4)
        np.testing.assert_allclose(world.mean(P), drawn, atol=1e-4)


def test_what_is_shared_is_computed_anew_for_other_points():
    model, rng = process(), np.random.default_rng(4)
    P = rng.random((3, 2))
    world = Shared(fantasies(model, P)).each[0]
    X, Y = rng.random((5, 2)), rng.random((5, 2))
    fresh = Shared(fantasies(model, P)).each[0]
    world.predict(X)
    world.predict_with_gradient(X)
    np.testing.assert_array_equal(world.predict(Y).mean, fresh.predict(Y).mean)
    slopes = fresh.predict_with_gradient(Y).mean_gradient
    np.testing.assert_array_equal(world.predict_with_gradient(Y).mean_gradient, slopes)


def test_the_value_to_improve_on_is_the_best_of_what_is_known_and_what_counts():
    model, P = process(), np.random.default_rng(5).random((2, 2))
    e = normals(8, 2, np.random.default_rng(6))
    first = imagine(model, P, e, np.array([True, False]))
    none = imagine(model, P, e, np.array([False, False]))
    np.testing.assert_allclose(first.targets(0.5), np.minimum(first.draws[:, 0], 0.5))
    np.testing.assert_array_equal(none.targets(0.5), 0.5)
