import json

import numpy as np
import pytest

from hmserve.surrogate import gp
from hmserve.surrogate.base import ForestOptions
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import (
    Before,
    FitOptions,
    ForestRegression,
    GaussianProcessRegression,
    fitting_rows,
)

LEVELS = (0, 3, 0)


def data(n=25, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.random(n), (rng.integers(0, 3, n) + 0.5) / 3, rng.random(n)])
    z = np.sin(5.0 * X[:, 0]) + X[:, 1]
    return X, (z - z.mean()) / z.std()


def gaussian_process(noise=True):
    return GaussianProcessRegression(Kernel(LEVELS), FitOptions(noise=noise))


def forest():
    return ForestRegression(LEVELS, ForestOptions(10, 0.5, True, 5))


@pytest.mark.parametrize("kind", [gaussian_process, forest])
def test_conditioning_on_the_same_data_gives_the_fitted_model(kind):
    X, z = data()
    fitted, memory = kind().fit(X, z, None, 7)
    again = kind().condition(X, z, Before(json.loads(json.dumps(memory)), len(X)), 7)
    Z, _ = data(40, seed=1)
    assert (again.predict(Z).mean == fitted.predict(Z).mean).all()
    assert (again.predict(Z).variance == fitted.predict(Z).variance).all()


@pytest.mark.parametrize("kind", [gaussian_process, forest])
def test_a_fit_learns_from_the_data_whatever_it_remembers(kind):
    X, z = data(60)
    _, memory = kind().fit(X, np.zeros(60), None, 0)
    model, _ = kind().fit(X, z, memory, 0)
    Z, expected = data(200, seed=1)
    assert np.corrcoef(model.mean(Z), expected)[0, 1] > 0.7


def test_a_fit_that_begins_at_its_own_result_stays_there():
    X, z = data()
    kind = gaussian_process()
    _, first = kind.fit(X, z, None, 0)
    _, second = kind.fit(X, z, first, 0)
    np.testing.assert_allclose(second, first, atol=0.05)


def test_a_fit_starts_where_the_last_ended_and_once_afresh(monkeypatch):
    X, z = data()
    fit, seen = gp.maximum_a_posteriori, []

    def looking(*given):
        seen.append([start.tolist() for start in given[-1]])
        return fit(*given)

    monkeypatch.setattr(gp, "maximum_a_posteriori", looking)
    kind = gaussian_process()
    _, memory = kind.fit(X, z, None, 0)
    kind.fit(X, z, memory, 0)
    (fresh,) = seen[0]
    assert seen[1] == [memory, fresh]


@pytest.mark.parametrize("n", [1, 300, 301, 1000])
def test_hyperparameters_are_fitted_to_a_bounded_number_of_different_rows(n):
    rows = fitting_rows(n, 5)
    assert len(rows) == min(n, 300)
    assert (np.diff(rows) > 0).all()
    assert 0 <= rows[0] <= rows[-1] < n
    assert (rows == fitting_rows(n, 5)).all()
    assert n <= 300 or (rows != fitting_rows(n, 6)).any()


def test_noise_is_learnt_if_there_may_be_some_and_else_next_to_nothing():
    X, z = data(60)
    noisy = z + 0.5 * np.random.default_rng(0).normal(size=60)
    variance = {
        noise: np.exp(gaussian_process(noise).fit(X, noisy, None, 0)[1][-1])
        for noise in (True, False)
    }
    assert 0.02 < variance[True] < 1.0
    assert variance[False] < 1e-5


@pytest.mark.parametrize("n", [301, 400])
def test_a_large_fit_is_a_function_of_the_seed_and_predicts_from_all_rows(n):
    X, z = data(n)
    kind = gaussian_process(noise=False)
    one, two = (kind.fit(X, z, None, 3) for _ in range(2))
    assert one[1] == two[1]
    np.testing.assert_allclose(one[0].mean(X), z, atol=1e-2)


def test_rows_that_came_since_the_last_fit_are_as_good_as_all_at_once():
    X, z = data(60)
    kind = gaussian_process()
    _, memory = kind.fit(X[:50], z[:50], None, 0)
    grown = kind.condition(X, z, Before(memory, 50), 0)
    whole = gaussian_process().condition(X, z, Before(memory, 60), 0)
    Z, _ = data(40, seed=1)
    np.testing.assert_allclose(grown.predict(Z), whole.predict(Z), rtol=1e-6, atol=1e-9)


def test_a_factor_that_is_kept_gives_the_same_bits_as_one_computed_again():
    X, z = data(60)
    kind = gaussian_process()
    _, memory = kind.fit(X[:50], z[:50], None, 0)
    Z, _ = data(40, seed=1)
    for n in (52, 60):
        kept = kind.condition(X[:n], z[:n], Before(memory, 50), 0).predict(Z)
        anew = gaussian_process().condition(X[:n], z[:n], Before(memory, 50), 0).predict(Z)
        assert (kept.mean == anew.mean).all()
        assert (kept.variance == anew.variance).all()
