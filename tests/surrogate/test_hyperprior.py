import math

import numpy as np
import pytest
from scipy.optimize import check_grad

from hmserve.surrogate.hyperprior import LengthPrior, kernel_prior, with_noise

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
