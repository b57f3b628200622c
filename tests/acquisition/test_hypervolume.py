import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.acquisition.hypervolume import LogExpectedHypervolumeImprovement
from hmserve.multiobjective.hypervolume import hypervolume
from hmserve.multiobjective.pareto import non_dominated

REFERENCE = np.array([1.0, 1.5])
FRONT = np.array([[-1.0, 1.0], [-0.2, 0.1], [0.6, -1.0]])
NONE = np.empty((0, 2))


def lines(models, means, deviations):
    """Two models that predict the same everywhere."""
    return [models.Line(m, 0.0, s) for m, s in zip(means, deviations, strict=True)]


def value(models, means, deviations, front=FRONT, reference=REFERENCE):
    acquisition = LogExpectedHypervolumeImprovement(
        lines(models, means, deviations), front, reference
    )
    return float(acquisition(np.zeros((1, 2)))[0])


def improvement(y, front, reference):
    return hypervolume(np.vstack([front, y]), reference) - hypervolume(front, reference)


CASES = [
    ((-0.5, -0.5), (0.4, 0.3)),
    ((0.9, 1.4), (0.5, 0.5)),
    ((-2.0, 2.0), (0.7, 1.0)),
    ((0.0, 0.0), (0.05, 2.0)),
]


@pytest.mark.parametrize(("means", "deviations"), CASES)
@pytest.mark.parametrize("front", [FRONT, FRONT[:1], NONE])
def test_it_is_the_mean_of_the_improvement_of_hypervolume(models, means, deviations, front):
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    expected = 0.0
    for (u, a), (v, b) in itertools.product(zip(nodes, weights, strict=True), repeat=2):
        if a * b > 1e-14:
            y = np.array(means) + np.array(deviations) * [u, v]
            expected += a * b * improvement(y, front, REFERENCE) / weights.sum() ** 2
    # The integrand has kinks, which quadrature feels.
    assert np.exp(value(models, means, deviations, front)) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("means", "deviations"), CASES)
def test_it_agrees_with_monte_carlo(models, means, deviations):
    draws = np.random.default_rng(0).normal(means, deviations, (4000, 2))
    gains = np.array([improvement(y, FRONT, REFERENCE) for y in draws])
    error = gains.std() / np.sqrt(len(gains))
    found = np.exp(value(models, means, deviations))
    assert found == pytest.approx(gains.mean(), abs=4.0 * error)


@given(st.floats(-2.0, 1.4), st.floats(-2.0, 1.4))
@settings(deadline=None, max_examples=50)
def test_of_a_sure_outcome_it_is_the_improvement_itself(a, b):
    from types import SimpleNamespace

    from hmserve.surrogate.base import Normal

    sure = [
        SimpleNamespace(
            predict=lambda X, m=m: Normal(np.full(len(X), m), np.full(len(X), 1e-16))
        )
        for m in (a, b)
    ]
    found = LogExpectedHypervolumeImprovement(sure, FRONT, REFERENCE)(np.zeros((1, 2)))
    expected = improvement(np.array([a, b]), FRONT, REFERENCE)
    assert np.exp(found[0]) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_points_of_the_front_beyond_the_reference_do_not_count(models):
    beyond = np.vstack([FRONT, [[-3.0, 1.5]], [[1.0, -3.0]], [[5.0, 5.0]]])
    for means, deviations in CASES:
        assert value(models, means, deviations, beyond) == value(models, means, deviations)


def test_the_order_of_the_front_and_repeated_points_do_not_matter(models):
    repeated = FRONT[[2, 0, 1, 0, 2, 2]]
    for means, deviations in CASES:
        found = value(models, means, deviations, repeated)
        assert found == pytest.approx(value(models, means, deviations), rel=1e-12)


def test_the_objectives_can_be_exchanged(models):
    for means, deviations in CASES:
        swapped = value(models, means[::-1], deviations[::-1], FRONT[:, ::-1], REFERENCE[::-1])
        assert swapped == pytest.approx(value(models, means, deviations), rel=1e-9)


@pytest.mark.parametrize("distance", [3.0, 40.0, 1e3, 1e5])
def test_far_beyond_the_front_it_still_tells_near_from_far(models, distance):
    s = (0.1, 0.1)
    far = [
        value(models, (1.0 + 0.1 * distance * t, 1.5 + 0.1 * distance * t), s)
        for t in (1.0, 1.1, 1.2)
    ]
    assert np.isfinite(far).all()
    assert far[0] > far[1] > far[2]


@pytest.mark.parametrize("front", [FRONT, FRONT[:1], NONE, FRONT[[0, 0, 1, 2, 2]]])
def test_its_gradient_is_that_of_its_value(models, front):
    posteriors = [models.process(0), models.process(1)]
    acquisition = LogExpectedHypervolumeImprovement(posteriors, front, REFERENCE)
    assert acquisition.differentiable
    models.assert_gradients_agree(acquisition, np.random.default_rng(2).random((6, 2)))


@pytest.mark.parametrize("distance", [40.0, 1e3])
def test_its_gradient_is_that_of_its_value_in_the_tail(models, distance):
    s = 0.01
    posteriors = [models.Line(1.0 + s * distance, 0.3, s), models.Line(1.5, -0.2, s)]
    acquisition = LogExpectedHypervolumeImprovement(posteriors, FRONT, REFERENCE)
    models.assert_gradients_agree(acquisition, np.array([[0.5, 0.5]]), rtol=1e-4)


def test_repeated_points_of_the_front_leave_the_gradient_finite_in_the_tail(models):
    # A strip of no width has the logarithm of nothing, in the tail of a tail.
    posteriors = [models.Line(100.0, 1.0, 1e-4), models.Line(100.0, 1.0, 1e-4)]
    repeated = np.repeat(FRONT, 3, axis=0)
    acquisition = LogExpectedHypervolumeImprovement(posteriors, repeated, REFERENCE)
    _, gradient = acquisition.value_and_gradient(np.array([[0.5, 0.5]]))
    assert np.isfinite(gradient).all()
    assert gradient[0, 0] < 0.0


@given(st.integers(0, 2**20), st.integers(0, 12), st.floats(1e-6, 3.0))
@settings(deadline=None, max_examples=60)
def test_any_front_gives_finite_values_and_gradients(seed, size, scale):
    from hmserve.surrogate.base import Normal, NormalWithGradient

    rng = np.random.default_rng(seed)
    Y = np.round(rng.normal(size=(size, 2)), rng.integers(0, 12))
    front = Y[non_dominated(Y)]
    X = rng.random((5, 2))

    class Model:
        def __init__(self):
            self.at = rng.normal(0.0, 3.0, 5), scale * rng.random(5) + 1e-12

        def predict(self, X):
            del X
            return Normal(*self.at)

        def predict_with_gradient(self, X):
            return NormalWithGradient(*self.at, np.ones_like(X), np.ones_like(X))

    acquisition = LogExpectedHypervolumeImprovement([Model(), Model()], front, np.ones(2))
    value, gradient = acquisition.value_and_gradient(X)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(value, acquisition(X), rtol=1e-12)
