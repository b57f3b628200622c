import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hmserve.document import Findings, show_path
from hmserve.prior_entries import read_prior
from hmserve.space.fixed import Fixed
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.permutation import Permutation

REAL = Real("x", -2.0, 6.0)
LOG = Real("x", 1e-3, 10.0, log=True)
INTEGER = Integer("x", 10, 19)
LOG_INTEGER = Integer("x", 1, 64, log=True)
ORDINAL = Ordinal("x", [8, 1, 2, 4])
LABELS = Categorical("x", ["a", "b", "c"])
ORDER = Permutation("x", 3, "spearman")


def read(parameter, prior, others=(), **entry):
    """The prior, and what was found."""
    names = ["custom_gaussian_prior_means", "custom_gaussian_prior_stds"]
    given_entry = {"prior": prior, "prior_parameters": None, **dict.fromkeys(names), **entry}
    document = {
        "input_parameters": {"x": given_entry, **{name: {} for name in others}},
        "custom_gaussian_prior_means": [0],
        "custom_gaussian_prior_stds": [-1],
    }
    for key in names:
        if f"all_{key}" in entry:
            document[key] = given_entry.pop(f"all_{key}")
    findings = Findings()
    return read_prior(parameter, given_entry, document, findings), findings


def usable(parameter, prior, **entry):
    found, findings = read(parameter, prior, **entry)
    assert findings.problems == []
    return found


def refused(parameter, prior, **entry):
    """Where the only complaint points, and what it says."""
    found, findings = read(parameter, prior, **entry)
    assert found is None
    (problem,) = findings.problems
    return f"{show_path(problem.path)}: {problem.message}"


def shares(parameter, prior):
    n = int(parameter.size)
    return [prior.cdf((i + 1) / n) - prior.cdf(i / n) for i in range(n)]


def normal_on(mean, deviation, low, high):
    a, b = (low - mean) / deviation, (high - mean) / deviation
    return stats.truncnorm(a, b, loc=mean, scale=deviation)


@pytest.mark.parametrize("parameter", [REAL, INTEGER, ORDINAL, LABELS, ORDER])
def test_a_uniform_prior_and_one_to_be_estimated_are_none(parameter):
    assert usable(parameter, "uniform") is None
    assert usable(parameter, "estimate") is None


@pytest.mark.parametrize("parameter", [REAL, LOG, INTEGER, ORDINAL])
@pytest.mark.parametrize(
    ("name", "a", "b"), [("gaussian", 3, 3), ("decay", 0.8, 1), ("exponential", 1, 0.8)]
)
def test_named_shapes_are_beta_distributions(parameter, name, a, b):
    prior = usable(parameter, name)
    for z in (0.1, 0.5, 0.75):
        assert prior.cdf(z) == pytest.approx(stats.beta.cdf(z, a, b))


def test_an_integer_on_a_log_scale_has_the_shape_on_that_scale():
    prior = usable(LOG_INTEGER, "gaussian")
    for value in (1, 8, 63):
        place = math.log((value + 0.5) / 0.5) / math.log(64.5 / 0.5)
        assert prior.cdf(value / 64) == pytest.approx(stats.beta.cdf(place, 3, 3))


@pytest.mark.parametrize("parameter", [REAL, LOG])
@pytest.mark.parametrize(("mean", "deviation"), [(1.0, 0.5), (0.01, 0.1), (-4.0, 1.0)])
def test_prior_parameters_are_a_normal_in_units_of_the_parameter(parameter, mean, deviation):
    prior = usable(parameter, "gaussian", prior_parameters=[mean, deviation])
    normal = normal_on(mean, deviation, parameter.low, parameter.high)
    for u in (0.05, 0.5, 0.95):
        assert parameter.draw(prior.quantile(u)) == pytest.approx(normal.ppf(u), rel=1e-6)


@pytest.mark.parametrize("parameter", [INTEGER, LOG_INTEGER])
def test_each_integer_owns_half_a_step_on_either_side(parameter):
    prior = usable(parameter, "gaussian", prior_parameters=[12.0, 1.5])
    low, high = parameter.low - 0.5, parameter.high + 0.5
    edges = normal_on(12.0, 1.5, low, high).cdf(np.arange(parameter.size + 1) + low)
    np.testing.assert_allclose(shares(parameter, prior), np.diff(edges), atol=1e-9)


def test_levels_of_an_ordinal_weigh_as_the_normal_is_high_there():
    prior = usable(ORDINAL, "gaussian", prior_parameters=[2.0, 1.5])
    heights = stats.norm.pdf([1, 2, 4, 8], 2.0, 1.5)
    np.testing.assert_allclose(shares(ORDINAL, prior), heights / heights.sum())


def test_several_means_are_a_mixture_of_equal_weights():
    own = {"custom_gaussian_prior_means": [-1, 5], "custom_gaussian_prior_stds": [0.1, 0.2]}
    prior = usable(REAL, "custom_gaussian", **own)
    assert prior.cdf(0.5) == pytest.approx(0.5)
    assert prior.density(REAL.encode(-1)) > 10 * prior.density(REAL.encode(2))


def test_without_deviations_they_are_half_the_range():
    prior = usable(REAL, "custom_gaussian", custom_gaussian_prior_means=[0])
    normal = normal_on(0.0, 4.0, -2.0, 6.0)
    assert prior.cdf(0.25) == pytest.approx(normal.cdf(0.0))


def test_without_means_it_is_the_middle_of_the_range():
    prior = usable(REAL, "custom_gaussian", custom_gaussian_prior_stds=[0.5])
    assert prior.quantile(0.5) == pytest.approx(REAL.encode(2.0))


def test_a_parameter_that_says_nothing_takes_what_holds_for_all():
    lists = {"all_custom_gaussian_prior_means": [3], "all_custom_gaussian_prior_stds": [0.1]}
    prior = usable(REAL, "custom_gaussian", **lists)
    assert prior.quantile(0.5) == pytest.approx(REAL.encode(3.0))
    assert usable(REAL, "custom_gaussian").quantile(0.5) < 0.5  # around 0


def test_what_holds_for_all_may_have_one_number_a_parameter():
    lists = {
        "others": ["y", "z"],
        "all_custom_gaussian_prior_means": [5, 0, 0],
        "all_custom_gaussian_prior_stds": [0.1, 1, 1],
    }
    assert usable(REAL, "custom_gaussian", **lists).quantile(0.5) == pytest.approx(7 / 8)
    lists["all_custom_gaussian_prior_means"] = [5, 0]
    assert "expected 1 number for all, or 3" in refused(REAL, "custom_gaussian", **lists)


@given(st.lists(st.floats(0.0, 10.0), min_size=4, max_size=4).filter(lambda w: sum(w) > 1e-3))
def test_weights_of_an_ordinal_follow_its_ascending_values(weights):
    found, _ = read(ORDINAL, weights)
    np.testing.assert_allclose(
        shares(ORDINAL, found), np.array(weights) / sum(weights), atol=1e-9
    )


@pytest.mark.parametrize(
    ("parameter", "n"), [(LABELS, 3), (INTEGER, 10), (LOG_INTEGER, 64), (ORDER, 6)]
)
def test_every_discrete_parameter_takes_one_weight_a_value(parameter, n):
    weights = [1.0 / n] * n
    assert shares(parameter, usable(parameter, weights)) == pytest.approx(weights)
    message = refused(parameter, weights[1:])
    assert f"expected {n} weights, one a " in message
    assert f"got {n - 1}" in message


def test_ten_weights_of_a_tenth_are_no_complaint():
    parameter = Categorical("x", [f"v{i}" for i in range(10)])
    assert read(parameter, [0.1] * 10)[1].warnings == []


def test_weights_that_do_not_sum_to_one_are_scaled_with_a_warning():
    found, findings = read(LABELS, [2.0, 1.0, 1.0])
    assert shares(LABELS, found) == pytest.approx([0.5, 0.25, 0.25])
    (warning,) = findings.warnings
    assert warning == "$.input_parameters.x.prior: the weights sum to 4; scaled to 1"


def test_weights_of_a_real_are_knots_between_its_bounds():
    prior = usable(REAL, [1, 2, 1])
    assert [prior.density(z) for z in (0.0, 0.25, 0.5)] == pytest.approx([2 / 3, 1.0, 4 / 3])
    assert "at least 2 weights" in refused(REAL, [1.0])


def test_weights_may_be_given_by_label():
    found = shares(LABELS, usable(LABELS, {"c": 0.75, "a": 0.25}))
    assert found == pytest.approx([0.25, 0.0, 0.75])
    assert shares(ORDINAL, usable(ORDINAL, {"8": 1.0}))[3] == pytest.approx(1.0)
    assert shares(ORDER, usable(ORDER, {"(2, 1, 0)": 1.0}))[5] == pytest.approx(1.0)
    assert refused(LABELS, {"d": 1.0}) == "$.input_parameters.x.prior.d: is no value of x"
    assert "is real" in refused(REAL, {"1.0": 1.0})


@pytest.mark.parametrize("parameter", [LABELS, ORDER])
@pytest.mark.parametrize("name", ["gaussian", "decay", "exponential", "custom_gaussian"])
def test_what_has_no_order_takes_no_shape(parameter, name):
    assert "has no order: expected weights, one a value" in refused(parameter, name)


def test_a_misspelt_name_is_met_with_the_right_one():
    message = refused(REAL, "gausian")
    assert "gausian" in message
    assert 'did you mean "gaussian"' in message


@pytest.mark.parametrize("parameter", [REAL, LOG, INTEGER, ORDINAL])
@pytest.mark.parametrize(
    ("means", "deviations"),
    [([0], [0]), ([0], [-2]), ([1, 2], [1]), ([1], [1, 2]), ([1e9], [1])],
)
def test_impossible_normals_are_refused_at_their_parameter(parameter, means, deviations):
    own = {"custom_gaussian_prior_means": means, "custom_gaussian_prior_stds": deviations}
    message = refused(parameter, "custom_gaussian", **own)
    assert message.startswith("$.input_parameters.x.prior: ")


def test_prior_parameters_are_two_numbers():
    assert "expected [mean, standard deviation]" in refused(
        REAL, "gaussian", prior_parameters=[1, 2, 3]
    )


def test_weights_of_zero_are_refused():
    assert "expected a weight above 0" in refused(LABELS, [0, 0, 0])


def test_extreme_numbers_do_no_harm():
    huge = Real("x", -1.7e308, 1.7e308)
    prior = usable(huge, "gaussian", prior_parameters=[0, 1e308])
    assert prior.quantile(0.5) == pytest.approx(0.5)
    tiny = {"custom_gaussian_prior_means": [2], "custom_gaussian_prior_stds": [1e-200]}
    assert shares(ORDINAL, usable(ORDINAL, "custom_gaussian", **tiny)) == [0, 1, 0, 0]
    whole = usable(INTEGER, "gaussian", prior_parameters=[12, 1e-6])
    assert shares(INTEGER, whole)[2] == pytest.approx(1.0)


def test_what_is_held_fixed_needs_no_prior():
    assert usable(Fixed(REAL, 1.0), "gaussian") is None
