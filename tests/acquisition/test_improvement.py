import decimal
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from hmserve.acquisition.improvement import LogExpectedImprovement, log1mexp, log_h, log_phi


def exact_log_h(z):
    """log(phi(z) + z Phi(z)) for z <= -1, to fifty digits.

    It is phi(z) (1 - t R(t)) for t = -z and the continued fraction of Mills,
    R(t) = 1 / (t + 1 / (t + 2 / (t + 3 / ...))).
    """
    with decimal.localcontext() as context:
        context.prec = 80
        t = -decimal.Decimal(z)
        tail = t
        for k in range(3000, 0, -1):
            tail = t + k / tail
        two_pi = 2 * decimal.Decimal("3.14159265358979323846264338327950288419716939937510582")
        return float(-t * t / 2 - two_pi.ln() / 2 + (1 - t / tail).ln())


@pytest.mark.parametrize("z", [-1.0, -1.5, -5.0, -40.0, -1e3, -9999.0, -10001.0, -1e5, -1e8])
def test_the_tail_is_exact(z):
    expected = exact_log_h(z)
    slack = 1e-7 + 2.0 * np.spacing(abs(expected))
    assert log_h(np.array([z]))[0] == pytest.approx(expected, rel=0.0, abs=slack)


@pytest.mark.parametrize("z", [-0.999, -0.1, 0.0, 1.0, 8.0, 1e3, 1e9])
def test_the_middle_is_the_expectation(z):
    # E[max(z - u, 0)] for a standard normal u, by Gauss and Legendre.
    low = min(z, 12.0) - max(min(z, 12.0) + 12.0, 1.0)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    u = low + (min(z, 12.0) - low) * (nodes + 1.0) / 2.0
    density = np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
    expected = (min(z, 12.0) - low) / 2.0 * (weights * (z - u) * density).sum()
    assert math.exp(log_h(np.array([z]))[0]) == pytest.approx(expected, rel=1e-9)


def test_the_pieces_meet():
    for z in (-1.0, -1e4):
        around = z * (1.0 + 1e-12 * np.array([-1.0, 1.0]))
        assert np.ptp(log_h(around)) == pytest.approx(
            abs(np.diff(log_phi(around))[0]), abs=1e-6
        )


@given(st.lists(st.floats(-1e7, 1e7), min_size=2, max_size=30))
def test_it_grows_with_z_and_is_never_nan(z):
    values = log_h(np.sort(z))
    assert np.isfinite(values).all()
    assert (np.diff(values) >= -1e-12 * np.abs(values[1:])).all()


@given(st.floats(-745.0, -1e-300))
def test_log1mexp_is_its_definition(x):
    found = log1mexp(np.array([x]))[0]
    expected = math.log(-math.expm1(x)) if x > -0.7 else math.log1p(-math.exp(x))
    assert found == pytest.approx(expected, rel=1e-12)


def test_log1mexp_of_what_rounding_has_made_zero_is_far_below_and_finite():
    found = log1mexp(np.array([0.0, 1e-20, -1e-300, -1e5]))
    assert (found[:3] < -600.0).all()
    assert np.isfinite(found).all()
    assert found[3] == 0.0


def test_it_is_the_logarithm_of_the_formula_of_jones(models):
    model = models.process(0)
    X = np.random.default_rng(1).random((50, 2))
    mean, variance = model.predict(X)
    s = np.sqrt(variance)
    z = (0.3 - mean) / s
    expected = s * (z * special.ndtr(z) + np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))
    found = LogExpectedImprovement(model, 0.3)(X)
    keep = z > -4.0
    assert keep.sum() > 20
    np.testing.assert_allclose(np.exp(found[keep]), expected[keep], rtol=1e-9)


@pytest.mark.parametrize("incumbent", [2.0, 0.0, -1.0, -20.0])
def test_its_gradient_is_that_of_its_value(models, incumbent):
    acquisition = LogExpectedImprovement(models.process(0), incumbent)
    assert acquisition.differentiable
    models.assert_gradients_agree(acquisition, np.random.default_rng(2).random((8, 2)))


@pytest.mark.parametrize("z", [3.0, -1.0, -5.0, -40.0, -1e3, -1e5])
def test_the_gradient_keeps_its_digits_in_the_tail(models, z):
    # By the mean alone: d log EI / dx = -slope Phi(z) / (s h(z)), and Phi / h -> -z.
    s, slope = 0.1, 2.0
    acquisition = LogExpectedImprovement(models.Line(1.0, slope, s), 1.0 + z * s)
    _, gradient = acquisition.value_and_gradient(np.zeros((1, 2)))
    step = 1e-6
    z = decimal.Decimal(z)
    if z <= -1:
        up, down = (
            exact_log_h(z + decimal.Decimal(step)),
            exact_log_h(z - decimal.Decimal(step)),
        )
        by_z = (up - down) / (2.0 * step) if z > -50 else -float(z)
    else:
        by_z = float(special.ndtr(3.0) / np.exp(log_h(np.array([3.0]))[0]))
    assert gradient[0, 0] == pytest.approx(-slope / s * by_z, rel=1e-4)
    assert gradient[0, 1] == 0.0


def test_it_is_largest_where_improvement_is_expected(models):
    X = np.linspace(0.0, 1.0, 11)[:, None]
    acquisition = LogExpectedImprovement(models.Line(0.0, -1.0, 0.2), 0.0)
    assert np.argmax(acquisition(X)) == 10


def test_a_model_without_gradients_has_an_acquisition_without():
    class Plain:
        def predict(self, X):
            raise NotImplementedError

    assert not LogExpectedImprovement(Plain(), 0.0).differentiable


@pytest.mark.parametrize("z", [-1e6, -1e9, -1e15, -1e40])
def test_far_from_all_hope_the_gradient_still_points_to_the_better_and_the_less_known(
    models, z
):
    # log EI -> log s - z^2/2 - 2 log |z|, whose derivatives by the mean and by s are these.
    s, slope = 0.1, 2.0
    acquisition = LogExpectedImprovement(models.Line(0.0, slope, s), z * s)
    value, gradient = acquisition.value_and_gradient(np.zeros((1, 2)))
    assert value[0] == pytest.approx(-0.5 * z * z, rel=1e-9)
    assert gradient[0, 0] == pytest.approx(slope * z / s, rel=1e-9)


@pytest.mark.parametrize("incumbent", [-1.7e308, -1e300, -1e160, 1e160, 1e300, 1.7e308])
def test_a_gain_or_a_loss_of_any_size_neither_overflows_nor_divides(models, incumbent):
    acquisition = LogExpectedImprovement(models.process(0), incumbent)
    X = np.random.default_rng(0).random((20, 2))
    value, gradient = acquisition.value_and_gradient(X)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(value, acquisition(X), rtol=1e-9)
