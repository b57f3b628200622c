import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import check_grad

from hmserve.surrogate.hyperprior import LengthPrior, kernel_prior, log_normal, with_noise

HVARFNER = LengthPrior(0.0, math.sqrt(3.0))


def mixed(d=4):
    numeric = np.ones(d)
    numeric[1] = 0.0
    return with_noise(kernel_prior(numeric, HVARFNER, (0.5, 2.0)), -4.0, 1.5)


def test_the_gradient_is_that_of_the_value():
    prior = mixed()
    theta = np.random.default_rng(0).normal(size=6)
    error = check_grad(
        lambda t: prior.negative_log(t)[0], lambda t: prior.negative_log(t)[1], theta
    )
    assert error < 1e-5 * np.linalg.norm(prior.negative_log(theta)[1])


def test_the_location_is_the_most_probable_place_and_lies_within_the_bounds():
    prior = mixed()
    value, slope = prior.negative_log(prior.location)
    assert value == 0.0
    assert (slope == 0.0).all()
    assert all(
        low < m < high for m, (low, high) in zip(prior.location, prior.bounds, strict=True)
    )


def test_entries_are_independent_normals():
    prior = mixed()
    for j, (m, s) in enumerate(zip(prior.location, prior.scale, strict=True)):
        moved = prior.location.copy()
        moved[j] = m + 2.0 * s
        assert prior.negative_log(moved)[0] == pytest.approx(2.0)


@pytest.mark.parametrize("d", [1, 3, 30])
def test_lengths_grow_with_the_square_root_of_the_dimension(d):
    prior = kernel_prior(np.ones(d), HVARFNER, (0.0, 1.0))
    assert prior.location[:d] == pytest.approx(math.sqrt(2.0) + 0.5 * math.log(d))
    assert len(prior.location) == len(prior.bounds) == d + 1


def test_a_weight_mirrors_a_length():
    prior = kernel_prior(np.array([1.0, 0.0]), HVARFNER, (0.0, 1.0))
    assert prior.location[1] == -prior.location[0]


def test_noise_comes_last():
    prior = mixed()
    assert (prior.location[-2:], prior.scale[-2:]) == (
        pytest.approx([0.5, -4.0]),
        pytest.approx([2.0, 1.5]),
    )


@pytest.mark.parametrize(
    ("name", "parameters", "location", "scale"),
    [
        ("lognormal", [0.4, 0.7], 0.4, 0.7),
        ("gamma", [1.0, 1.0], -0.577215664901533, math.pi / math.sqrt(6.0)),
        # The log-normal whose mean and deviation are these.
        ("normal", [2.0, 1.0], math.log(2.0) - math.log(1.25) / 2, math.sqrt(math.log(1.25))),
        ("uniform", [0.0, 2.0], -math.log(4 / 3) / 2, math.sqrt(math.log(4 / 3))),
    ],
)
def test_a_named_prior_has_the_place_and_spread_of_its_logarithm(
    name, parameters, location, scale
):
    assert log_normal(name, parameters) == pytest.approx((location, scale))


positive = st.floats(5e-324, 1.7e308)


@given(
    st.one_of(
        st.tuples(st.just("lognormal"), st.floats(-1.7e308, 1.7e308), positive),
        st.tuples(st.sampled_from(["gamma", "normal"]), positive, positive),
        st.tuples(st.just("uniform"), st.floats(0, 1e300), st.floats(2e300, 1.7e308)),
    )
)
def test_the_penalty_of_any_named_prior_and_its_slope_are_finite(given):
    name, *parameters = given
    location, scale = log_normal(name, parameters)
    prior = with_noise(kernel_prior(np.ones(2), HVARFNER, (location, scale)), location, scale)
    for theta in (prior.low, prior.high):
        value, slope = prior.negative_log(theta)
        assert np.isfinite(value)
        assert np.isfinite(slope).all()
