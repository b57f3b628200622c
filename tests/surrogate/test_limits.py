import numpy as np
import pytest
from scipy import optimize, stats

from hmserve.acquisition.improvement import LogExpectedImprovement
from hmserve.acquisition.weighting import LogFeasibility, Product
from hmserve.surrogate.base import Normal, NormalWithGradient
from hmserve.surrogate.gp import GaussianProcess
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.limits import WithinLimits

X = np.random.default_rng(4).random((8, 2))


class Line:
    """A model whose mean is `level` plus the first coordinate."""

    def __init__(self, level, deviation):
        self.level, self.deviation = level, deviation

    def mean(self, X):
        return self.level + X[:, 0]

    def predict(self, X):
        return Normal(self.mean(X), np.full(len(X), self.deviation**2))

    def predict_with_gradient(self, X):
        return NormalWithGradient(
            *self.predict(X), np.tile([1.0, 0.0], (len(X), 1)), np.zeros_like(X)
        )


def process(seed, n=12):
    """A Gaussian process given a smooth function of two numbers."""
    points = np.random.default_rng(seed).random((n, 2))
    y = np.sin(5.0 * points[:, 0] + seed) + points.sum(1) - 1.0
    data = points, y, np.full(n, 1e-4)
    return GaussianProcess.condition(Kernel((0, 0)), np.array([-0.7, -0.4, 0.0]), data)


def assert_gradients_agree(value, gradient):
    for x, found in zip(X, gradient(X), strict=True):
        expected = optimize.approx_fprime(x, lambda u: value(u[None])[0], 1e-7)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_it_is_the_log_probability_that_every_slack_is_positive():
    slacks = [Line(-0.5, 0.3), Line(0.2, 2.0)]
    expected = sum(stats.norm.logcdf(slack.mean(X) / slack.deviation) for slack in slacks)
    np.testing.assert_allclose(WithinLimits(slacks).log_probability(X), expected)


def test_its_gradient_is_that_of_its_value():
    limits = WithinLimits([process(1), process(2)])
    np.testing.assert_allclose(
        limits.log_probability_with_gradient(X)[0], limits.log_probability(X)
    )
    assert_gradients_agree(
        limits.log_probability, lambda X: limits.log_probability_with_gradient(X)[1]
    )


@pytest.mark.parametrize("level", [-1e6, -300.0, -40.0, 40.0, 1e6])
def test_far_from_a_limit_value_and_gradient_stay_numbers(level):
    limits = WithinLimits([Line(level, 0.5)])
    value, gradient = limits.log_probability_with_gradient(X)
    assert np.isfinite(value).all()
    # d log Phi(z) is nearly -z dz far below.
    slope = -(level + X[:, 0]) / 0.25 if level < 0.0 else np.zeros(len(X))
    np.testing.assert_allclose(gradient[:, 0], slope, rtol=1e-2, atol=1e-12)


def test_what_is_expected_is_what_every_mean_says():
    limits = WithinLimits([Line(-0.5, 9.0), Line(-0.6, 0.1)])
    np.testing.assert_array_equal(limits.expected(X), X[:, 0] >= 0.6)
    assert limits.expected(X[:0]).shape == (0,)


def test_believing_keeps_what_is_expected_and_makes_it_certain():
    before = WithinLimits([process(1), process(2)])
    after = before.believe(X)
    np.testing.assert_array_equal(after.expected(X), before.expected(X))
    far = np.abs(before.slacks[0].mean(X)) > 0.05
    far &= np.abs(before.slacks[1].mean(X)) > 0.05
    likely = np.exp(after.log_probability(X[far]))
    np.testing.assert_allclose(likely, after.expected(X[far]), atol=1e-3)


def test_a_product_adds_logarithms_and_their_gradients():
    gain = LogExpectedImprovement(process(0), 0.0)
    likely = LogFeasibility(WithinLimits([process(1)]))
    product = Product(gain, likely)
    assert product.differentiable
    np.testing.assert_array_equal(product(X), gain(X) + likely(X))
    assert_gradients_agree(product, lambda X: product.value_and_gradient(X)[1])


def test_a_product_has_no_gradient_where_a_factor_has_none():
    class Plain:
        differentiable = False

    assert not Product(LogFeasibility(WithinLimits([process(1)])), Plain()).differentiable
