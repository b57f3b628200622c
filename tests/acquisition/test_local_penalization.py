import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from hmserve.acquisition.local_penalization import Ball, Landscape, LocalPenalty, survey

NUMBERS = np.array([False, False])
LABELLED = np.array([False, True])


def penalty(P, mean, deviation, hard=False, labels=NUMBERS, steep=2.0, least=-1.0):
    ball = Ball(np.array(mean), np.array(deviation), Landscape(steep, least), hard)
    return LocalPenalty(np.array(P), [ball], labels)


def test_the_soft_one_is_the_probability_to_be_outside_the_ball():
    P, X = [[0.2, 0.3]], np.random.default_rng(0).random((20, 2))
    found = np.exp(penalty(P, [0.5], [0.4])(X))
    f = 0.5 + 0.4 * np.random.default_rng(1).standard_normal(200_000)
    r = np.linalg.norm(X - P[0], axis=1)
    share = [(distance > (f + 1.0) / 2.0).mean() for distance in r]
    np.testing.assert_allclose(found, share, atol=0.005)


def test_the_soft_one_is_the_paper_s_complementary_error_function():
    # 1/2 erfc(-z), z = (L r - mu + M) / sqrt(2 s^2)      (Gonzalez et al. 2016, eq. 8)
    X = np.random.default_rng(2).random((20, 2))
    r = np.linalg.norm(X - 0.5, axis=1)
    z = (2.0 * r - 0.3 - 1.0) / math.sqrt(2.0 * 0.2**2)
    expected = np.log(0.5 * special.erfc(-z))
    np.testing.assert_allclose(penalty([[0.5, 0.5]], [0.3], [0.2])(X), expected, rtol=1e-9)


def test_the_hard_one_is_the_paper_s_norm():
    # (u^p + 1)^(1/p), p = -5      (Alvi et al. 2019, eq. 7)
    X = np.random.default_rng(3).random((20, 2))
    u = np.linalg.norm(X - 0.5, axis=1) * 2.0 / (0.3 + 1.0 + 0.2)
    expected = np.log((u**-5.0 + 1.0) ** (-1.0 / 5.0))
    found = penalty([[0.5, 0.5]], [0.3], [0.2], hard=True)(X)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("hard", [False, True])
def test_it_repels_the_more_the_nearer(hard):
    towards = np.linspace(0.9, 0.5, 40)[:, None] * np.ones(2)
    values = penalty([[0.5, 0.5]], [0.0], [0.1], hard)(towards)
    assert (np.diff(values) < 0.0).all()
    assert values[0] > -0.5
    assert values[-1] < -5.0
    assert np.isfinite(values).all()


def test_several_add_up_and_several_objectives_share():
    X = np.random.default_rng(4).random((9, 2))
    one, two = penalty([[0.1, 0.2]], [0.0], [0.1]), penalty([[0.7, 0.6]], [0.4], [0.2])
    both = penalty([[0.1, 0.2], [0.7, 0.6]], [0.0, 0.4], [0.1, 0.2])
    np.testing.assert_allclose(both(X), one(X) + two(X))
    ball = Ball(np.array([0.0]), np.array([0.1]), Landscape(2.0, -1.0))
    twice = LocalPenalty(np.array([[0.1, 0.2]]), [ball, ball], NUMBERS)
    np.testing.assert_allclose(twice(X), one(X))


def test_two_labels_are_one_apart():
    near, far = penalty([[0.5, 0.25]], [0.0], [0.1], labels=LABELLED)(
        np.array([[0.5, 0.25], [0.5, 0.75]])
    )
    assert near < -5.0
    assert far > -0.01


@given(seed=st.integers(0, 10**6), hard=st.booleans(), labelled=st.booleans())
@settings(max_examples=25)
def test_its_gradient_is_that_of_its_value(seed, hard, labelled):
    rng = np.random.default_rng(seed)
    P, X = rng.random((3, 2)), rng.random((4, 2))
    labels = LABELLED if labelled else NUMBERS
    if labelled:
        P[:, 1], X[:, 1] = 0.25, 0.75
    made = penalty(P, rng.normal(size=3), 0.05 + rng.random(3), hard, labels)
    value, gradient = made.value_and_gradient(X)
    np.testing.assert_allclose(value, made(X), rtol=1e-12)
    step = np.array([1e-7, 0.0])
    expected = (made(X + step) - made(X - step)) / 2e-7
    np.testing.assert_allclose(gradient[:, 0], expected, rtol=1e-4, atol=1e-4)
    assert not labelled or not gradient[:, 1].any()


def test_the_steepest_slope_is_found_between_the_points(models):
    model = models.process(0, n=25)
    coarse = survey(model, np.random.default_rng(0).random((40, 2)), NUMBERS)
    grid = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, 200)] * 2), axis=-1).reshape(-1, 2)
    steepest = np.linalg.norm(model.mean_gradient(grid), axis=1).max()
    assert 0.9 * steepest <= coarse.lipschitz <= 1.02 * steepest


def test_what_is_flat_is_taken_for_steep(models):
    X = np.random.default_rng(1).random((10, 2))
    assert survey(models.Line(3.0, 0.0, 1.0), X, NUMBERS) == Landscape(10.0, 3.0)


def test_without_gradients_the_secants_count(models):
    X = np.random.default_rng(2).random((50, 2))
    found = survey(models.Line(0.0, -4.0, 1.0), X, NUMBERS)
    assert 3.5 < found.lipschitz <= 4.0 + 1e-9
    assert found.least == pytest.approx(-4.0 * X[:, 0].max())
