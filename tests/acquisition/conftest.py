from types import SimpleNamespace

import numpy as np
import pytest

from hmserve.surrogate import gp
from hmserve.surrogate.base import Normal, NormalWithGradient
from hmserve.surrogate.kernel import Kernel


def given_theta(kernel, X, y, theta):
    """A process with homoscedastic noise at known hyperparameters, shape (d+2,)."""
    noise = np.full(len(y), np.exp(theta[-1]))
    return gp.GaussianProcess.condition(kernel, theta[:-1], (X, y, noise))


class Line:
    """A model whose mean is `level` plus `slope` times the first coordinate."""

    def __init__(self, level, slope, deviation):
        self.level, self.slope, self.deviation = level, slope, deviation

    def mean(self, X):
        return self.level + self.slope * X[:, 0]

    def predict(self, X):
        return Normal(self.mean(X), np.full(len(X), self.deviation**2))

    def predict_with_gradient(self, X):
        gradient = np.zeros_like(X)
        gradient[:, 0] = self.slope
        return NormalWithGradient(*self.predict(X), gradient, np.zeros_like(X))


def process(seed, n=15, d=2, noise=1e-4):
    """A Gaussian process given a smooth function of d numbers."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    y = np.sin(6.0 * X[:, 0] + seed) + X.sum(1) ** 2
    theta = np.append(rng.normal(-0.7, 0.3, d), [0.0, np.log(noise)])
    return given_theta(Kernel([0] * d), X, (y - y.mean()) / y.std(), theta)


def slopes(function, x, step=1e-6):
    """Derivatives by central differences."""
    steps = step * np.eye(len(x))
    return np.array([(function(x + e) - function(x - e)) / (2.0 * step) for e in steps])


def assert_gradients_agree(acquisition, X, rtol=1e-5):
    """Check `value_and_gradient` against the values, at each row of X."""
    value, gradient = acquisition.value_and_gradient(X)
    np.testing.assert_allclose(value, acquisition(X), rtol=1e-9)
    for x, v, found in zip(X, value, gradient, strict=True):
        expected = slopes(lambda u: acquisition(u[None])[0], x)
        # A difference of two values loses their last digits.
        slack = rtol * max(np.abs(expected).max(), 1e-3) + 1e-9 * abs(v)
        np.testing.assert_allclose(found, expected, atol=slack)


@pytest.fixture(scope="session")
def models():
    return SimpleNamespace(
        Line=Line,
        process=process,
        slopes=slopes,
        assert_gradients_agree=assert_gradients_agree,
    )
