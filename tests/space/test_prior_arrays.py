import math
import time

import numpy as np
import pytest

from hmserve.space.normal_mixture import NormalMixture
from hmserve.space.prior_arrays import cdfs, densities, draws, slopes, truncated_quantiles
from hmserve.space.priors import (
    Decay,
    Exponential,
    Gaussian,
    PiecewiseLinear,
    Uniform,
    cells,
    frequencies,
)
from hmserve.space.scales import LinearInside, LogInside, Rescaled


class Tent:
    """A distribution that the array functions have never heard of."""

    def quantile(self, u):
        return math.sqrt(u / 2.0) if u < 0.5 else 1.0 - math.sqrt((1.0 - u) / 2.0)

    def cdf(self, z):
        return 2.0 * z * z if z < 0.5 else 1.0 - 2.0 * (1.0 - z) ** 2

    def density(self, z):
        return 4.0 * min(z, 1.0 - z)


MIXTURE = NormalMixture([-0.2, 0.3, 0.8, 1.3], [0.1, 0.02, 0.5, 0.2], [1.0, 2.0, 1.0, 0.5])
PRIORS = {
    "uniform": Uniform(),
    "gaussian": Gaussian(),
    "decay": Decay(),
    "exponential": Exponential(),
    "cells": cells([0.2, 0.0, 0.5, 0.3]),
    "frequencies": frequencies(1000, {3: 2.0, 500: 1.0, 999: 4.0}),
    "linear": PiecewiseLinear([1.0, 0.0, 3.0, 2.0]),
    "mixture": MIXTURE,
    "mixture on a log scale": Rescaled(MIXTURE, LinearInside(5.0)),
    "gaussian on the way to a log scale": Rescaled(Gaussian(), LogInside(3.0)),
    "stranger": Tent(),
}
Z = np.linspace(0.0, 1.0, 203)


@pytest.fixture(params=PRIORS, ids=str)
def prior(request):
    return PRIORS[request.param]


def test_densities_are_those_of_the_scalars(prior):
    expected = [prior.density(z) for z in Z.tolist()]
    np.testing.assert_allclose(densities(prior, Z), expected, rtol=1e-12, atol=1e-12)


def test_cdfs_are_those_of_the_scalars(prior):
    expected = [prior.cdf(z) for z in Z.tolist()]
    np.testing.assert_allclose(cdfs(prior, Z), expected, rtol=1e-12, atol=1e-12)


def test_slopes_are_derivatives_of_the_densities(prior):
    # Between the knots of pieces, away from poles.
    z = (np.arange(60) + 0.4567) / 60
    step = 1e-7
    expected = (densities(prior, z + step) - densities(prior, z - step)) / (2.0 * step)
    np.testing.assert_allclose(slopes(prior, z), expected, rtol=1e-4, atol=1e-4)


def test_slopes_are_finite_everywhere(prior):
    assert np.isfinite(slopes(prior, Z)).all()


def test_draws_follow_the_distribution(prior):
    found = np.sort(draws(prior, (np.arange(4000) + 0.5) / 4000))
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    for z in (0.1, 0.26, 0.5, 0.77, 0.9):
        share = np.searchsorted(found, z) / len(found)
        assert share == pytest.approx(prior.cdf(z), abs=2e-3)


def test_draws_stay_inside_for_the_first_and_the_last_variate(prior):
    ends = draws(prior, np.array([0.0, 1e-300, 1.0 - 1e-16, 1.0]))
    assert np.isfinite(ends).all()
    assert ((ends >= 0.0) & (ends <= 1.0)).all()


def test_quantiles_of_cut_normals_are_exact_far_outside():
    u = np.array([1e-6, 0.5, 1.0 - 1e-6])
    for mean in (-3.0, 4.0):
        found = truncated_quantiles(np.full(3, mean), np.full(3, 0.2), u)
        scalar = NormalMixture([mean], [0.2])
        expected = [scalar.quantile(value) for value in u.tolist()]
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("deviation", [1e-300, 1e-308, 5e-324])
def test_a_normal_of_almost_no_width_is_one_number(deviation):
    needle = NormalMixture([0.5], [deviation])
    assert draws(needle, np.linspace(0.01, 0.99, 9)).tolist() == [0.5] * 9
    assert [needle.quantile(u) for u in (0.01, 0.99)] == pytest.approx([0.5] * 2, abs=1e-15)
    assert cdfs(needle, np.array([0.0, 0.4, 0.5, 0.6, 1.0])).tolist() == [0, 0, 0.5, 1, 1]
    for found in (densities(needle, Z), slopes(needle, Z)):
        assert np.isfinite(found).all()
    assert np.argmax(densities(needle, Z)) == 101


@pytest.mark.parametrize(
    ("mean", "deviation"), [(0.5, 1e300), (1e300, 1e300), (-50.0, 1e9), (2.0, 1e17)]
)
def test_a_normal_of_endless_width_is_uniform(mean, deviation):
    flat = NormalMixture([mean], [deviation])
    np.testing.assert_allclose(densities(flat, Z), 1.0, rtol=1e-7)
    np.testing.assert_allclose([flat.density(z) for z in Z], 1.0, rtol=1e-7)
    np.testing.assert_allclose(draws(flat, Z), Z, atol=1e-7)
    np.testing.assert_allclose([flat.quantile(u) for u in Z], Z, atol=1e-7)


@pytest.mark.parametrize("deviation", [2e4, 1e6, 1e12])
@pytest.mark.parametrize("away", [-30.0, -1.0, 2.0, 30.0])
def test_of_a_wide_normal_its_slope_is_seen(deviation, away):
    wide = NormalMixture([away * deviation], [deviation])
    slope = away / deviation
    expected = np.exp(slope * (Z - 0.5))
    expected /= expected.mean()
    np.testing.assert_allclose(densities(wide, Z), expected, rtol=1e-8)


def test_ten_thousand_points_meet_a_thousand_kernels_faster_than_one_by_one():
    rng = np.random.default_rng(0)
    mixture = NormalMixture(rng.random(1000).tolist(), [0.1] * 1000)
    z = rng.random(10_000)
    begin = time.perf_counter()
    for value in z[:50].tolist():
        mixture.density(value)
    alone = (time.perf_counter() - begin) / 50
    begin = time.perf_counter()
    densities(mixture, z)
    assert time.perf_counter() - begin < 0.2 * alone * len(z)
