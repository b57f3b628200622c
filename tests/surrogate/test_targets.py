import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from hmserve.surrogate.targets import (
    compress,
    power_transform,
    standardise,
    transform,
    yeo_johnson,
)

LARGEST = np.finfo(float).max
FINITE = st.floats(allow_nan=False, allow_infinity=False)
ROUND = st.integers(-50, 50).map(float)
VALUES = st.one_of(
    arrays(float, st.integers(1, 40), elements=FINITE),
    arrays(float, st.integers(5, 40), elements=ROUND),
    arrays(float, st.integers(5, 40), elements=st.floats(-1e3, 1e3)),
)


def in_order(y, z, slack=1e-9):
    """Whether no value has overtaken another, but for rounding."""
    order = np.argsort(y, kind="stable")
    return bool((np.diff(z[order]) >= -slack * max(np.abs(z).max(), 1e-300)).all())


@settings(max_examples=300, deadline=None)
@given(VALUES)
@example(np.array([1e300, 1.0, 2.0, 3.0, 4.0, 5.0]))
@example(np.array([-1e300, 1.0, 2.0, 3.0, 4.0, 5.0]))
@example(np.array([1e300, 1e-12, 2e-12, 3e-12, 4e-12, 5e-12]))
@example(np.array([LARGEST, -LARGEST, 0.0, 1.0, 2.0]))
@example(np.full(9, 1e-300))
@example(1.0 + 1e-15 * np.arange(9.0))
@example(5e-324 * np.arange(9.0))
def test_the_order_of_values_is_kept_whatever_they_are(y):
    z = transform(y)
    assert z.shape == y.shape
    assert np.isfinite(z).all()
    assert in_order(y, z)
    assert np.abs(z).max() <= np.sqrt(len(y)) + 1e-9


@settings(max_examples=100, deadline=None)
@given(arrays(float, st.integers(5, 40), elements=st.floats(-1e3, 1e3)))
def test_what_is_transformed_is_standardised_or_zero(y):
    z = transform(y)
    if z.any():
        assert np.mean(z) == pytest.approx(0.0, abs=1e-9)
        assert np.std(z) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 4, 5, 30])
@pytest.mark.parametrize("value", [0.0, 3.7, -1e300, 1e-300])
def test_constants_become_zeros(n, value):
    assert (transform(np.full(n, value)) == 0.0).all()


def test_an_outlier_leaves_the_rest_distinguishable():
    y = np.append(np.linspace(1.0, 2.0, 20), 1e300)
    assert (np.diff(transform(y)) > 1e-3).all()


def test_outliers_of_the_good_half_stay_far():
    y = np.append(np.linspace(1.0, 2.0, 20), -8.0)
    z = compress(y)
    assert (z[-1] - z[0]) / (z[0] - z[19]) == pytest.approx((y[-1] - y[0]) / (y[0] - y[19]))


@given(st.floats(1e-150, 1e150))
def test_the_unit_of_an_objective_does_not_matter(unit):
    y = np.random.default_rng(0).gamma(1.0, size=30)
    np.testing.assert_allclose(transform(y * unit), transform(y), atol=1e-6)


@pytest.mark.parametrize("lam", [-3.0, -0.5, 0.0, 1e-9, 0.7, 1.0, 2.0, 2.0 + 1e-9, 3.0])
def test_the_power_transform_is_that_of_scipy(lam):
    z = np.linspace(-6.0, 6.0, 101)
    np.testing.assert_allclose(yeo_johnson(z, lam), stats.yeojohnson(z, lam), rtol=1e-6)


@given(
    st.floats(-3.0, 3.0),
    arrays(float, 20, elements=st.floats(-30.0, 30.0)),
)
def test_the_power_transform_keeps_the_order_at_every_power(lam, z):
    assert in_order(z, yeo_johnson(z, lam))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_power_is_the_most_likely_one(seed):
    z = standardise(np.random.default_rng(seed).gamma(1.5, size=60))
    expected, lam = stats.yeojohnson(z)
    assert -3.0 < lam < 3.0
    np.testing.assert_allclose(power_transform(z), standardise(expected), atol=1e-3)


def test_skewed_values_become_less_skewed():
    y = np.exp(np.random.default_rng(0).normal(size=200))
    assert abs(stats.skew(transform(y))) < 0.2 * stats.skew(standardise(y))


def test_standardised_values_have_mean_zero_and_variance_one_however_large():
    y = np.array([1e300, 2e300, -1e300, 5e299])
    z = standardise(y)
    assert np.mean(z) == pytest.approx(0.0, abs=1e-12)
    assert np.std(z) == pytest.approx(1.0)


def test_the_argument_is_left_alone():
    y = np.array([5.0, 1.0, 2.0, 3.0, 1e9, 4.0])
    transform(y)
    assert y.tolist() == [5.0, 1.0, 2.0, 3.0, 1e9, 4.0]
