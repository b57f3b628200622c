import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hmserve.acquisition.hypervolume import LogExpectedHypervolumeImprovement
from hmserve.acquisition.hypervolume3 import LogExpectedVolumeImprovement, boxes
from hmserve.multiobjective.hypervolume import hypervolume
from hmserve.multiobjective.pareto import non_dominated

FRONTS = st.integers(0, 12).flatmap(
    lambda n: arrays(float, (n, 3), elements=st.integers(0, 6).map(lambda k: k / 8.0))
)
ONES = np.ones(3)


def front(n, seed):
    """n points of a front below (1, 1, 1): a part of a sphere, a little roughened."""
    rng = np.random.default_rng(seed)
    Y = np.abs(rng.normal(size=(4 * n, 3)))
    Y = 0.95 - 0.9 * Y / np.linalg.norm(Y, axis=1)[:, None] * rng.uniform(0.9, 1.0, (4 * n, 1))
    return Y[non_dominated(Y)][:n]


def three(models):
    return [models.process(seed) for seed in (0, 1, 2)]


@settings(max_examples=150, deadline=None)
@given(FRONTS)
def test_boxes_are_what_no_point_dominates_each_place_in_one(Y):
    lower, upper = boxes(Y, ONES)
    places = np.random.default_rng(0).uniform(-0.5, 1.0, (300, 3))[:, None]
    inside = ((lower <= places) & (places < upper)).all(axis=2).sum(axis=1)
    dominated = (places >= Y).all(axis=2).any(axis=1)
    assert (inside == ~dominated).all()
    assert len(lower) <= 2 * len(Y) + 1


@settings(max_examples=100, deadline=None)
@given(FRONTS)
def test_the_volume_of_the_boxes_is_what_the_front_leaves(Y):
    lower, upper = boxes(Y, ONES)
    volume = np.prod(upper - np.maximum(lower, -1.0), axis=1).sum()
    assert volume == pytest.approx(8.0 - hypervolume(Y, ONES))


@pytest.mark.parametrize("n", [0, 1, 8])
def test_it_is_the_expected_growth_of_the_volume(models, n):
    posteriors, Y, X = three(models), front(n, 3), np.random.default_rng(5).random((4, 2))
    found = np.exp(LogExpectedVolumeImprovement(posteriors, Y, ONES)(X))
    predictions = [posterior.predict(X) for posterior in posteriors]
    mean = np.stack([p.mean for p in predictions], axis=1)
    s = np.sqrt(np.stack([p.variance for p in predictions], axis=1))
    drawn = mean + s * np.random.default_rng(1).normal(size=(400, 4, 3))
    before = hypervolume(Y, ONES)
    for i, expected in enumerate(found):
        gains = [hypervolume(np.vstack([Y, y]), ONES) - before for y in drawn[:, i]]
        error = np.std(gains) / np.sqrt(len(gains))
        assert np.mean(gains) == pytest.approx(expected, abs=4.5 * error + 1e-9)


@pytest.mark.parametrize("n", [0, 1, 12])
def test_its_gradient_is_that_of_its_value(models, n):
    acquisition = LogExpectedVolumeImprovement(three(models), front(n, 3), ONES)
    assert acquisition.differentiable
    models.assert_gradients_agree(acquisition, np.random.default_rng(2).random((8, 2)))


def test_far_from_any_gain_it_is_a_finite_number_that_points_to_one(models):
    posteriors = [models.Line(level, slope, 1e-3) for level, slope in ((2, 1), (2, 1), (3, 2))]
    acquisition = LogExpectedVolumeImprovement(posteriors, front(5, 1), ONES)
    value, gradient = acquisition.value_and_gradient(np.array([[0.2, 0.5], [0.9, 0.5]]))
    assert np.isfinite(value).all()
    assert value[0] > value[1]
    assert (value < -1e5).all()
    assert (gradient[:, 0] < 0.0).all()


@pytest.mark.parametrize("distance", [1e5, 1e9, 1e100, 1e200])
@pytest.mark.parametrize("s", [1.0, 1e-6])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_however_far_the_models_are_off_it_is_finite_and_points_to_more(
    models, distance, s, sign
):
    posteriors = [models.Line(sign * distance, 1.0, s) for _ in range(3)]
    X = np.array([[0.2, 0.5]])
    for acquisition in (
        LogExpectedVolumeImprovement(posteriors, front(5, 1), ONES),
        LogExpectedHypervolumeImprovement(posteriors[:2], front(5, 2)[:, :2], ONES[:2]),
    ):
        value, gradient = acquisition.value_and_gradient(X)
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()
        assert gradient[0, 0] < 0.0


def test_an_objective_that_is_surely_gained_leaves_the_problem_of_the_others(models):
    # Where the third objective is certain, the volume is an area times what it gains.
    one, two = models.process(0), models.process(1)
    flat = np.column_stack([front(6, 2)[:, :2], np.full(6, 0.25)])
    flat = flat[non_dominated(flat)]
    X = np.random.default_rng(5).random((20, 2))
    third = models.Line(0.3, 0.0, 1e-9)
    found = LogExpectedVolumeImprovement([one, two, third], flat, ONES)(X)
    area = LogExpectedHypervolumeImprovement([one, two], flat[:, :2], ONES[:2])(X)
    np.testing.assert_allclose(found, area + np.log(0.7), rtol=1e-6)


def test_the_order_of_the_objectives_does_not_matter(models):
    posteriors, Y, X = three(models), front(9, 1), np.random.default_rng(5).random((20, 2))
    expected = LogExpectedVolumeImprovement(posteriors, Y, ONES)(X)
    for order in ([1, 2, 0], [2, 1, 0]):
        turned = LogExpectedVolumeImprovement([posteriors[k] for k in order], Y[:, order], ONES)
        np.testing.assert_allclose(turned(X), expected, rtol=1e-9)


def test_points_beyond_the_reference_do_not_count(models):
    posteriors, Y, X = three(models), front(9, 1), np.random.default_rng(5).random((20, 2))
    more = np.concatenate([Y, [[-1.0, -1.0, 1.5], [1.0, 0.0, 0.0]]])
    one, two = (LogExpectedVolumeImprovement(posteriors, F, ONES)(X) for F in (Y, more))
    assert (one == two).all()
