import tracemalloc

import numpy as np
import pytest
from scipy import linalg

from hmserve.acquisition.maximize import Search
from hmserve.acquisition.thompson import DrawnForest, DrawnProcess, Thompson, draw
from hmserve.randomness import stream
from hmserve.space.encoding import Encoding
from hmserve.space.parameters import Real
from hmserve.space.permutation import Permutation
from hmserve.space.space import Space
from hmserve.surrogate import gp
from hmserve.surrogate.base import ForestOptions
from hmserve.surrogate.forest import Forest
from hmserve.surrogate.kernel import Kernel


def given_theta(kernel, X, y, theta):
    """A process with homoscedastic noise at known hyperparameters, shape (d+2,)."""
    noise = np.full(len(y), np.exp(theta[-1]))
    return gp.GaussianProcess.condition(kernel, theta[:-1], (X, y, noise))


LEVELS = (0, 0, 3, 4)
THETA = np.array([-0.9, -0.3, -0.5, -1.5, 0.3])


def points(n, seed):
    """Points of a space of two numbers and two categoricals."""
    X = np.random.default_rng(seed).random((n, 4))
    for j, k in ((2, 3), (3, 4)):
        X[:, j] = (np.floor(k * X[:, j]) + 0.5) / k
    return X


def process(noise=1e-6, n=12):
    X = points(n, 1)
    y = np.sin(5.0 * X[:, 0]) + X[:, 2]
    return given_theta(Kernel(LEVELS), X, y, np.append(THETA, np.log(noise)))


def forest(trees=10, n=30):
    X = points(n, 1)
    data = (X, np.sin(5.0 * X[:, 0]) + X[:, 2])
    return Forest.fit(data, LEVELS, ForestOptions(trees, 0.5, True, 5), 3)


def draws(model, X, n):
    return np.array([draw(model, np.random.default_rng([7, s])).mean(X) for s in range(n)])


@pytest.mark.parametrize("noise", [1e-6, 1e-2])
def test_functions_drawn_from_a_process_have_its_mean_and_covariance(noise):
    model = process(noise)
    X = np.concatenate([points(8, 2), points(12, 1)[:2]])
    F = draws(model, X, 250)
    mean, variance = model.predict(X)
    np.testing.assert_allclose(F.mean(0), mean, atol=4.5 * np.sqrt(variance.max() / 250))
    inputs = model.kernel.inputs(X)
    k = model.kernel(model.theta, inputs, model.inputs)
    V = linalg.solve_triangular(model.L, k.T, lower=True)
    covariance = model.kernel(model.theta, inputs, inputs) - V.T @ V
    np.testing.assert_allclose(np.cov(F.T), covariance, atol=0.4 * variance.max())
    known = variance < 0.1 * variance.max()
    assert known.any()
    np.testing.assert_allclose(F[:, known].var(0), variance[known], rtol=0.45)


def test_where_nothing_is_known_categories_have_the_covariance_of_the_kernel():
    kernel = Kernel(LEVELS)
    far = np.full((1, 4), 0.5 / 4)
    model = given_theta(kernel, far, np.zeros(1), np.append(THETA, np.log(1e8)))
    X = np.array([[0.3, 0.3, a, b] for a in (1 / 6, 5 / 6) for b in (1 / 8, 3 / 8)])
    inputs = kernel.inputs(X)
    expected = kernel(THETA, inputs, inputs)
    np.testing.assert_allclose(np.cov(draws(model, X, 500).T), expected, atol=0.3)


@pytest.mark.parametrize("levels", [(0, 600), (600, 0), (40, 600)])
def test_where_nothing_is_known_many_labels_have_the_covariance_of_the_kernel(levels):
    kernel = Kernel(levels)
    theta = np.array([np.log(2.0) if n == 600 else -3.0 for n in levels] + [0.0])
    model = given_theta(kernel, np.full((1, 2), 0.0125), np.zeros(1), np.append(theta, 18.0))
    X = np.full((6, 2), 0.5125)
    X[:, levels.index(600)] = (np.array([0, 1, 6, 13, 333, 599]) + 0.5) / 600
    inputs = kernel.inputs(X)
    expected = kernel(theta, inputs, inputs)
    assert expected[0, 1] < 0.2
    np.testing.assert_allclose(np.cov(draws(model, X, 400).T), expected, atol=0.28)


def test_a_draw_takes_no_more_the_more_labels_there_are():
    kernel = Kernel([3000])
    X = (np.arange(500)[:, None] + 0.5) / 3000
    model = given_theta(kernel, X[:5], np.zeros(5), np.array([0.0, 0.0, -5.0]))
    tracemalloc.start()
    draw(model, np.random.default_rng(0)).mean(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A double for each row and label would have 12 MB, and one for each label and feature 25.
    assert peak < 12e6


@pytest.mark.parametrize("kind", ["spearman", "kendall", "hamming", "naive"])
def test_where_nothing_is_known_permutations_have_the_covariance_of_the_kernel(kind):
    order = Permutation("p", 4, kind)
    kernel = Kernel((0, 0), {1: order})
    theta = np.array([0.0, np.log(0.7), 0.0])
    model = given_theta(kernel, np.full((1, 2), 0.5), np.zeros(1), np.append(theta, 18.0))
    X = np.array([[0.3, order.encode(p)] for p in [(0, 1, 2, 3), (0, 1, 3, 2), (3, 2, 1, 0)]])
    inputs = kernel.inputs(X)
    expected = kernel(theta, inputs, inputs)
    assert expected[0, 2] < 0.8
    np.testing.assert_allclose(np.cov(draws(model, X, 400).T), expected, atol=0.28)
    drawn = draw(model, np.random.default_rng(0))
    gradient = drawn.predict_with_gradient(X).mean_gradient
    assert (gradient[:, 0] != 0.0).all()
    assert (gradient[:, 1] == 0.0).all()


def test_functions_drawn_from_a_forest_have_its_mean_and_variance():
    model, X = forest(), points(15, 2)
    F = draws(model, X, 600)
    mean, variance = model.predict(X)
    np.testing.assert_allclose(F.mean(0), mean, atol=4.5 * np.sqrt(variance.max() / 600))
    np.testing.assert_allclose(F.var(0), variance, rtol=0.35, atol=1e-4)


def test_points_that_no_tree_tells_apart_have_one_value():
    model = forest()
    X = np.repeat(points(1, 2), 2, axis=0)
    X[1, 0] += 1e-9
    one, two = draw(model, np.random.default_rng(0)).mean(X)
    assert one == two


@pytest.mark.parametrize("make", [process, forest])
def test_a_draw_is_a_function_that_the_generator_decides(make):
    model, X = make(), points(9, 3)
    one, same, other = (draw(model, np.random.default_rng(s)) for s in (1, 1, 2))
    assert (one.mean(X) == same.mean(X)).all()
    assert (one.mean(X) != other.mean(X)).all()
    np.testing.assert_allclose(one.mean(X[::-1])[::-1], one.mean(X), rtol=1e-10)
    assert (one.predict(X).mean == one.mean(X)).all()
    assert (one.believe(X).mean(X) == one.mean(X)).all()


def test_each_kind_of_model_has_its_kind_of_draw():
    rng = np.random.default_rng(0)
    assert isinstance(draw(process(), rng), DrawnProcess)
    assert isinstance(draw(forest(), rng), DrawnForest)


@pytest.mark.parametrize("noise", [1e-6, 1e-2])
def test_the_gradient_of_a_draw_is_that_of_its_values(models, noise):
    drawn = draw(process(noise), np.random.default_rng(0))
    X = points(6, 4)
    mean, _, gradient, _ = drawn.predict_with_gradient(X)
    np.testing.assert_allclose(mean, drawn.mean(X), rtol=1e-10)
    for x, found in zip(X, gradient, strict=True):
        slopes = models.slopes(lambda u: drawn.mean(u[None])[0], x)
        np.testing.assert_allclose(found[:2], slopes[:2], atol=1e-5 * np.abs(slopes).max())
        assert (found[2:] == 0.0).all()


def test_what_is_believed_is_drawn_as_it_is_believed():
    model, P = process(), points(3, 5)
    expected = model.mean(P)
    F = draws(model.believe(P), P, 20)
    np.testing.assert_allclose(F, np.tile(expected, (20, 1)), atol=0.01)
    assert draws(model, P, 20).std(0).min() > 0.05


@pytest.mark.parametrize("incumbent", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("make", [process, forest])
def test_the_acquisition_is_largest_where_the_draw_is_least(make, incumbent):
    model, X = make(), points(300, 6)
    acquisition = Thompson(5)(model, incumbent, 17)
    drawn = draw(model, stream(5, 17, 2)).mean(X)
    assert drawn[np.argmax(acquisition(X))] == drawn.min()
    assert (np.diff(acquisition(X)[np.argsort(drawn)]) <= 1e-9).all()


def test_the_acquisition_has_the_gradient_of_its_values(models):
    model = models.process(0)
    for incumbent in (-1.0, 0.5):
        acquisition = Thompson(0)(model, incumbent, 3)
        assert acquisition.differentiable
        models.assert_gradients_agree(acquisition, np.random.default_rng(2).random((6, 2)))
    assert not Thompson(0)(forest(), 0.0, 3).differentiable


def test_another_trial_is_another_draw():
    model, X = process(), points(20, 3)
    thompson = Thompson(5)
    assert (thompson(model, 0.0, 1)(X) == thompson(model, 0.0, 1)(X)).all()
    assert (thompson(model, 0.0, 1)(X) != thompson(model, 0.0, 2)(X)).any()
    assert (thompson(model, 0.0, 1)(X) != Thompson(6)(model, 0.0, 1)(X)).any()


def test_a_little_improvement_outweighs_a_little_risk():
    # In the units of the targets: the logarithm of a gain that is there for sure.
    model = process()
    acquisition = Thompson(5)(model, 0.0, 17)
    drawn = draw(model, stream(5, 17, 2))
    X = points(400, 6)
    a, f = acquisition(X), drawn.mean(X)
    better, worse = a[f < -0.1].min(), a[f > 0.1].max()
    assert better - worse > 10.0


def test_thompson_sampling_finds_the_lowest_of_two_valleys():
    encoding = Encoding(Space([Real("x", 0, 1)]))

    def f(x):
        return np.minimum(20.0 * (x - 0.2) ** 2, 20.0 * (x - 0.8) ** 2 - 0.3)

    X = np.array([[0.1], [0.25], [0.6]])
    for trial in range(12):
        theta = np.array([np.log(0.15), 0.0, np.log(1e-6)])
        model = given_theta(Kernel([0]), X, f(X[:, 0]), theta)
        acquisition = Thompson(0)(model, float(model.mean(X).min()), trial)
        rng = np.random.default_rng(trial)
        found = Search(encoding)(acquisition, X[:1], lambda X: np.ones(len(X), bool), rng)
        X = np.concatenate([X, found[None]])
    assert f(X[:, 0]).min() < -0.299
