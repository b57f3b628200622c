import math

import numpy as np
import pytest
from scipy import stats

from hmserve.acquisition.improvement import LogExpectedImprovement
from hmserve.acquisition.prior import (
    LogPrior,
    LogPriorOdds,
    PriorPosterior,
    TimesPrior,
    pibo_exponent,
)
from hmserve.acquisition.weighting import TimesFeasibility
from hmserve.space.encoding import Encoding
from hmserve.space.normal_mixture import NormalMixture
from hmserve.space.parameters import Categorical, Real
from hmserve.space.prior_model import IndependentPriors
from hmserve.space.priors import PiecewiseLinear, cells
from hmserve.space.space import Space
from hmserve.surrogate.base import ForestOptions
from hmserve.surrogate.feasibility import FeasibilityModel
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import ForestRegression

REALS = Encoding(Space([Real("a", 0, 1), Real("b", 0, 1)]))
MIXED = Encoding(Space([Real("a", 0, 1), Categorical("c", ["x", "y"])]))
HILL = {"a": NormalMixture([0.3], [0.2]), "b": NormalMixture([0.6, 0.9], [0.3, 0.1])}
X = np.random.default_rng(2).random((8, 2))


def prior(encoding=REALS, priors=HILL):
    return IndependentPriors(encoding, priors)


def test_the_floor_is_added_to_the_prior():
    steep = prior(REALS, {"a": PiecewiseLinear([0.0, 0.0, 1.0])})
    points = np.array([[0.2, 0.5], [0.9, 0.5]])
    found = np.exp(LogPrior(steep, 0.25)(points))
    np.testing.assert_allclose(found, np.exp(steep.log_density(points)) + 0.25)
    assert np.isfinite(LogPrior(steep, 0.0)(points)).all()


def test_the_gradient_of_the_log_prior_is_that_of_its_value(models):
    models.assert_gradients_agree(LogPrior(prior(), 0.5), X)


def test_the_gradient_of_the_odds_is_that_of_their_value(models):
    models.assert_gradients_agree(LogPriorOdds(prior(), 1e-8), X)


def test_the_odds_go_from_the_least_density_to_the_largest():
    odds = LogPriorOdds(prior(), 1e-3)
    low, high = prior().log_limits
    grid = np.random.default_rng(0).random((4000, 2))
    found = odds(grid)
    height = (np.exp(prior().log_density(grid)) - math.exp(low)) / (
        math.exp(high) - math.exp(low)
    )
    expected = np.minimum(1e-3 + (1.0 - 1e-3) * height, 0.9)
    np.testing.assert_allclose(found, np.log(expected / (1.0 - expected)), rtol=1e-6)
    assert found.max() == pytest.approx(math.log(9.0))


@pytest.mark.parametrize("limit", [5e-324, 1e-300, 1.0, 1e300, 1.7e308])
def test_whatever_the_least_odds_are_they_are_finite(limit):
    steep = prior(REALS, {"a": PiecewiseLinear([0.0, 0.0, 1.0])})
    for some in (steep, prior()):
        odds, points = LogPriorOdds(some, limit), np.concatenate([X, [[1.0, 0.5], [0.0, 0.5]]])
        value, gradient = odds.value_and_gradient(points)
        assert (value == odds(points)).all()
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()
        assert value.max() <= math.log(9.0) + 1e-12


@pytest.mark.parametrize("exponent", [1e300, 1.7e308, math.inf])
def test_any_trust_leaves_the_values_finite(models, exponent):
    line = models.Line(0.5, -1.0, 0.3)
    odds = LogPriorOdds(prior(), 1e-8)
    trusting = [
        PriorPosterior(line, 0.1, odds, exponent),
        TimesPrior(LogExpectedImprovement(line, 0.0), LogPrior(prior(), 0.0), exponent),
    ]
    for each in trusting:
        value, gradient = each.value_and_gradient(X)
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()


def test_the_odds_of_a_uniform_prior_are_even():
    odds = LogPriorOdds(prior(REALS, {}), 1e-8)
    value, gradient = odds.value_and_gradient(X)
    assert (value == 0.0).all()
    assert (gradient == 0.0).all()


def test_times_prior_is_the_acquisition_times_a_power_of_the_prior(models):
    alone = LogExpectedImprovement(models.process(0), 0.0)
    both = TimesPrior(alone, LogPrior(prior(), 1e-6), 2.5)
    expected = np.exp(alone(X)) * (np.exp(prior().log_density(X)) + 1e-6) ** 2.5
    np.testing.assert_allclose(np.exp(both(X)), expected, rtol=1e-9)
    models.assert_gradients_agree(both, X)


def test_times_prior_goes_with_feasibility(models):
    rng = np.random.default_rng(0)
    points = rng.random((25, 2))
    theta = np.array([-1.0, -0.7, 1.0])
    feasibility = FeasibilityModel.condition(Kernel((0, 0)), theta, points, points.sum(1) < 1)
    alone = LogExpectedImprovement(models.process(0), 0.0)
    both = TimesFeasibility(TimesPrior(alone, LogPrior(prior(), 1e-6), 1.0), feasibility)
    assert both.differentiable
    models.assert_gradients_agree(both, X)


def test_weighting_keeps_whether_there_is_a_gradient(models):
    class Plain:
        differentiable = False

    log_prior = LogPrior(prior(), 1e-6)
    assert not TimesPrior(Plain(), log_prior, 1.0).differentiable
    assert TimesPrior(
        LogExpectedImprovement(models.process(0), 0.0), log_prior, 1.0
    ).differentiable


def test_the_posterior_weighs_good_against_bad(models):
    line = models.Line(0.5, -1.0, 0.3)
    found = PriorPosterior(line, 0.1, LogPriorOdds(prior(), 1e-8), 0.7)
    good = stats.norm.cdf((0.1 - line.mean(X)) / math.hypot(0.3, 0.1))
    odds = LogPriorOdds(prior(), 1e-8)(X)
    np.testing.assert_allclose(found(X), odds + 0.7 * np.log(good / (1.0 - good)))


def test_the_gradient_of_the_posterior_is_that_of_its_value(models):
    found = PriorPosterior(models.process(1), -0.5, LogPriorOdds(prior(), 1e-8), 1.3)
    models.assert_gradients_agree(found, X)


def test_a_point_already_seen_has_no_unbounded_odds(models):
    process = models.process(0, noise=1e-10)
    odds = PriorPosterior(process, 0.0, LogPriorOdds(prior(REALS, {}), 1e-8), 1.0)
    seen = np.random.default_rng(0).random((15, 2))
    # Good by two standard deviations of the targets at most, each worth 10 of the noise.
    assert np.abs(odds(seen)).max() < 0.5 * (10.0 * 3.5) ** 2


def test_the_posterior_takes_forests_and_labels():
    rng = np.random.default_rng(0)
    points = MIXED.draw(rng.random((30, 2)))
    options = ForestOptions(10, 1.0, False, 2)
    forest, _ = ForestRegression([0, 2], options).fit(points, points.sum(1), None, 0)
    labels = LogPriorOdds(prior(MIXED, {"c": cells([0.8, 0.2])}), 1e-8)
    found = PriorPosterior(forest, 0.2, labels, 0.01)
    assert not found.differentiable
    Z = np.array([[0.5, 0.25], [0.5, 0.75]])
    assert found(Z)[0] > found(Z)[1]


@pytest.mark.parametrize(
    ("beta", "t", "exponent"), [(-1, 1, 5.0), (-1, 10, 0.5), (3.0, 6, 0.5), (0, 2, 0.0)]
)
def test_the_trust_in_a_prior_falls_with_the_iterations(beta, t, exponent):
    assert pibo_exponent(beta, 50, t) == pytest.approx(exponent)
