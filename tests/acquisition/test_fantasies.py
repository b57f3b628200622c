import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.acquisition.fantasies import LogMean, improvement
from hmserve.acquisition.improvement import LogExpectedImprovement, log_h
from hmserve.acquisition.joint_improvement import JointImprovement
from hmserve.surrogate.fantasies import Shared, imagine, normals
from hmserve.surrogate.joint import joint


def imagined(model, P, n=64, seed=0):
    e = normals(n, len(P), np.random.default_rng(seed))
    return imagine(model, P, e, np.ones(len(P), dtype=bool))


def exact(model, P, x, incumbent):
    """E[EI(x) given the result at the one point of P], by quadrature."""
    given = joint(model, P)
    found = given.predict(x[None])
    mean, sd = given.mean[0], math.sqrt(given.covariance[0, 0])
    f = mean + sd * np.linspace(-9.0, 9.0, 20001)
    density = np.exp(-0.5 * ((f - mean) / sd) ** 2)
    share = found.covariance[0, 0] / sd**2
    s = math.sqrt(found.variance[0] - share**2 * sd**2)
    gain = np.minimum(incumbent, f) - found.mean[0] - share * (f - mean)
    mean = (density * s * np.exp(log_h(gain / s))).sum() / density.sum()
    return math.log(max(mean, 1e-300))


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10)
def test_with_one_trial_pending_it_is_the_exact_mean(models, seed):
    rng, model = np.random.default_rng(seed), models.process(seed % 7)
    P, X = rng.random((1, 2)), rng.random((4, 2))
    incumbent = float(model.mean(rng.random((20, 2))).min())
    found = improvement(imagined(model, P, 4096), incumbent)(X)
    for x, value in zip(X, found, strict=True):
        expected = exact(model, P, x, incumbent)
        # What only the rarest results of the pending trial promise, few draws tell.
        if expected > -6.0:
            assert value == pytest.approx(expected, abs=0.03)


def test_it_is_the_gain_of_one_more_evaluation_at_once(models):
    model, rng = models.process(1), np.random.default_rng(1)
    P = rng.random((3, 2))
    counts = np.ones(3, dtype=bool)
    monte_carlo = JointImprovement(joint(model, P), 0.2, counts, normals(200_000, 4, rng))
    averaged = improvement(imagined(model, P, 4096), 0.2)
    for x in rng.random((5, 2)):
        expected = math.exp(averaged(x[None])[0])
        assert monte_carlo(x[None]) == pytest.approx(expected, rel=0.02, abs=2e-4)


@given(seed=st.integers(0, 10**6), incumbent=st.sampled_from([1.0, 0.0, -1.0, -20.0]))
@settings(max_examples=15)
def test_its_gradient_is_that_of_its_value(models, seed, incumbent):
    rng = np.random.default_rng(seed)
    found = imagined(models.process(seed % 5), rng.random((3, 2)), 16, seed)
    models.assert_gradients_agree(improvement(found, incumbent), rng.random((3, 2)))


def test_far_from_all_hope_it_is_finite_and_meets_what_is_near(models):
    model, rng = models.process(2), np.random.default_rng(2)
    found, X = imagined(model, rng.random((2, 2))), rng.random((50, 2))
    incumbents = np.linspace(0.0, -60.0, 400)
    rows = np.array([improvement(found, eta)(X) for eta in incumbents])
    assert np.isfinite(rows).all()
    # Less to improve on is less of an improvement, across the change of formulas too.
    assert (np.diff(rows, axis=0) <= 1e-9).all()


def test_what_is_pending_repels(models):
    model = models.process(3, noise=1e-6)
    P = np.random.default_rng(3).random((1, 2))
    near = P + np.array([[1e-3, 0.0]])
    plain = LogExpectedImprovement(model, 0.3)
    assert improvement(imagined(model, P), 0.3)(near) < plain(near) - 1.0


def test_without_fantasies_it_is_the_plain_one(models):
    model, X = models.process(4), np.random.default_rng(4).random((9, 2))
    expected = LogExpectedImprovement(model, 0.1)(X)
    np.testing.assert_allclose(improvement(model, 0.3, 0.2)(X), expected)


def test_the_mean_over_worlds_is_in_the_end_the_averaged_improvement(models):
    model, rng = models.process(5), np.random.default_rng(5)
    found, X = imagined(model, rng.random((2, 2)), 16), rng.random((6, 2))
    worlds = zip(Shared(found).each, found.targets(0.2), strict=True)
    mean = LogMean([LogExpectedImprovement(world, eta) for world, eta in worlds])
    np.testing.assert_allclose(mean(X), improvement(found, 0.2)(X), rtol=1e-9)
    models.assert_gradients_agree(mean, X)
