import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hmserve.acquisition.gibbon import Gibbon, Information, minima
from hmserve.surrogate.joint import joint

NONE = np.empty((0, 2))
GRID = np.random.default_rng(0).random((300, 2))


def information(model, P=NONE):
    return Information(joint(model, P), minima(model, GRID))


def test_quality_is_the_formula_of_the_paper(models):
    model, X = models.process(0, noise=0.1), GRID[:20]
    mean, variance = model.predict(X)
    rho2 = (variance / (variance + model.noise))[:, None]
    gamma = (minima(model, GRID) - mean[:, None]) / np.sqrt(variance)[:, None]
    ratio = stats.norm.pdf(gamma) / stats.norm.cdf(-gamma)
    expected = -0.5 * np.log(1.0 - rho2 * ratio * (ratio - gamma)).mean(axis=1)
    np.testing.assert_allclose(information(model)(X), expected, rtol=1e-6, atol=1e-12)


def test_it_is_below_what_a_minimum_tells_without_noise(models):
    # As noise goes, GIBBON is a lower bound of max-value entropy search (Moss et al., eq. 9).
    model, X = models.process(1, noise=1e-8), GRID[:50]
    mean, variance = model.predict(X)
    gamma = (minima(model, GRID) - mean[:, None]) / np.sqrt(variance)[:, None]
    ratio = stats.norm.pdf(gamma) / stats.norm.cdf(-gamma)
    entropy = (-0.5 * gamma * ratio - stats.norm.logcdf(-gamma)).mean(axis=1)
    found = information(model)(X)
    assert (found <= entropy + 1e-9).all()
    assert (found >= -1e-12).all()


def test_noise_that_drowns_all_leaves_nothing_to_be_told(models):
    quiet, loud = (models.process(2, noise=noise) for noise in (1e-4, 1e4))
    assert information(loud)(GRID).max() < 1e-3 * information(quiet)(GRID).max()


def test_what_is_far_from_all_that_is_pending_is_not_repelled(models):
    model = models.process(3, n=4)
    X = np.array([[0.5, 0.5]])
    far = information(model, np.array([[60.0, 60.0]]))(X)
    assert far == pytest.approx(information(model)(X), abs=1e-9)
    assert information(model, X + 1e-3)(X) < information(model)(X) - 0.5


def test_repulsion_is_that_of_the_determinant(models):
    model, rng = models.process(4, noise=0.05), np.random.default_rng(4)
    P, x = rng.random((3, 2)), rng.random((1, 2))
    t2 = joint(model, P).noise
    both = joint(model, np.concatenate([P, x])).covariance + t2 * np.eye(4)
    alone = joint(model, P).covariance + t2 * np.eye(3)
    ratio = np.linalg.slogdet(both)[1] - np.linalg.slogdet(alone)[1] - np.log(both[3, 3])
    found = information(model, P)(x) - information(model)(x)
    assert found[0] == pytest.approx(0.5 * ratio / 9.0, rel=1e-6)


def test_minima_have_the_quartiles_of_the_least_of_many(models):
    model = models.process(5)
    mean, variance = model.predict(GRID)
    y = minima(model, GRID, 4000)
    for q in (0.25, 0.75):
        at = np.quantile(y, q)
        if at < mean.min() - 1e-9:
            least = 1.0 - np.exp(stats.norm.logcdf((mean - at) / np.sqrt(variance)).sum())
            assert least == pytest.approx(q, abs=0.01)
    assert y.max() <= mean.min()


@given(seed=st.integers(0, 10**6), p=st.integers(0, 3), noise=st.sampled_from([1e-4, 0.1]))
@settings(max_examples=20)
def test_gradients_are_those_of_the_values(models, seed, p, noise):
    rng, model = np.random.default_rng(seed), models.process(seed % 5, noise=noise)
    term = information(model, rng.random((p, 2)))
    models.assert_gradients_agree(term, rng.random((3, 2)), 1e-4)
    models.assert_gradients_agree(Gibbon([term, term], GRID), rng.random((3, 2)), 1e-4)


def test_it_grows_with_the_information_and_is_always_a_number(models):
    model = models.process(6, noise=1e-6)
    term = information(model, GRID[:5])
    order = np.argsort(term(GRID))
    values = Gibbon([term], GRID)(GRID)
    assert np.isfinite(values).all()
    assert (np.diff(values[order]) >= -1e-12).all()
