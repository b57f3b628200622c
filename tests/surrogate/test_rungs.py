"""The process over points and fidelities: gradients, and what cheap results are worth to it."""

import numpy as np
import pytest
from scipy import optimize

from hmserve.surrogate.hyperprior import NormalPrior
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import Before
from hmserve.surrogate.rungs import (
    MultiRung,
    ProcessAtTop,
    Rows,
    negative_log_posterior,
)

PLACES = np.array([0.0, 0.5, 1.0])


def bump(X):
    return np.sin(5 * X[:, 0]) + X[:, 1] ** 2


def data(counts, low, rng):
    """X with the fidelity last, y; `low` makes of true values those of the lowest rung."""
    X = rng.random((sum(counts), 2))
    z = np.repeat(PLACES, counts)
    y = bump(X)
    y[z == 0] = low(y[z == 0])
    return np.column_stack([X, z]), y


def error(X, y):
    """The error at the top of what was fitted, in standard deviations of the function."""
    regression = MultiRung(Kernel([0, 0, 0]), PLACES)
    model, _ = regression.fit(X, (y - y.mean()) / y.std(), None, 0)
    grid = np.random.default_rng(9).random((300, 2))
    found = ProcessAtTop(model).mean(grid) * y.std() + y.mean()
    return float(np.std(found - bump(grid)) / np.std(bump(grid)))


def test_the_gradient_of_the_posterior_is_right():
    rng = np.random.default_rng(0)
    X, y = data((8, 5, 3), lambda v: 2 * v + 1, rng)
    X = np.column_stack([X[:, :2], rng.integers(0, 3, len(X)) / 3 + 0.1, X[:, 2]])
    kernel = Kernel([0, 0, 3, 0])
    regression = MultiRung(kernel, PLACES)
    _, memory = regression.fit(X, y, None, 0)
    rows = Rows(kernel.inputs(X), y, np.abs(X[:, -1, None] - PLACES).argmin(1))
    far = np.full(len(memory), 9.0)
    prior = NormalPrior(np.zeros(len(memory)), 9 * np.ones(len(memory)), -far, far)
    theta = np.array(memory) + 0.1 * rng.standard_normal(len(memory))
    wrong = optimize.check_grad(
        lambda t: negative_log_posterior(t, kernel, rows, prior)[0],
        lambda t: negative_log_posterior(t, kernel, rows, prior)[1],
        theta,
    )
    assert wrong < 1e-4


def test_slopes_at_the_top_are_those_of_the_mean():
    X, y = data((10, 5, 4), lambda v: v, np.random.default_rng(1))
    model, _ = MultiRung(Kernel([0, 0, 0]), PLACES).fit(X, y, None, 0)
    top = ProcessAtTop(model)
    found = top.predict_with_gradient(np.array([[0.3, 0.6]]))
    for j, step in enumerate(1e-6 * np.eye(2)):
        up, down = (top.mean(np.array([[0.3, 0.6]]) + s * step)[0] for s in (1, -1))
        assert found.mean_gradient[0, j] == pytest.approx((up - down) / 2e-6, rel=1e-3)


def test_cheap_results_in_other_units_help():
    rng = np.random.default_rng(2)
    X, y = data((40, 0, 5), lambda v: 1.7 * v + 3, rng)
    alone = X[:, -1] == 1.0
    assert error(X, y) < 0.5 * error(X[alone], y[alone])


def test_noise_at_a_low_rung_stays_there():
    rng = np.random.default_rng(3)
    X, y = data((60, 0, 25), lambda v: 3 * rng.standard_normal(len(v)), rng)
    alone = X[:, -1] == 1.0
    assert error(X, y) < 2.0 * error(X[alone], y[alone]) + 0.05


def test_believing_moves_no_mean_and_leaves_less_to_learn():
    X, y = data((20, 5, 4), lambda v: v, np.random.default_rng(4))
    top = ProcessAtTop(MultiRung(Kernel([0, 0, 0]), PLACES).fit(X, y, None, 0)[0])
    P = np.array([[0.9, 0.1]])
    after = top.believe(P)
    np.testing.assert_allclose(after.mean(X[:5, :2]), top.mean(X[:5, :2]), atol=1e-9)
    assert after.predict(P).variance[0] < 1e-3 * top.predict(P).variance[0]


def test_a_model_of_what_was_fitted_before_is_the_same():
    X, y = data((20, 5, 4), lambda v: v, np.random.default_rng(5))
    regression = MultiRung(Kernel([0, 0, 0]), PLACES)
    model, memory = regression.fit(X, y, None, 0)
    again = MultiRung(Kernel([0, 0, 0]), PLACES).condition(X, y, Before(memory, len(X)), 0)
    np.testing.assert_array_equal(again.mean(X), model.mean(X))
