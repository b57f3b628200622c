import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from hmserve.space.normal_mixture import NormalMixture
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.priors import (
    POLE,
    Decay,
    Exponential,
    Gaussian,
    PiecewiseLinear,
    Steps,
    Uniform,
    cells,
    frequencies,
)
from hmserve.space.scales import LinearInside, LogInside, Rescaled
from hmserve.space.space import Space

VARIATES = [0.0, 1e-12, 1e-6, *(i / 41 for i in range(1, 41)), 1.0 - 1e-9, 1.0]

weights = st.lists(
    st.one_of(st.just(0.0), st.floats(1e-3, 1e3)), min_size=2, max_size=12
).filter(any)
normals = st.lists(
    st.tuples(st.floats(-0.5, 1.5), st.floats(0.05, 3.0)), min_size=1, max_size=4
)
mixtures = normals.map(lambda parts: NormalMixture(*zip(*parts, strict=True)))
free = st.one_of(
    st.sampled_from([Uniform(), Gaussian()]),
    weights.map(cells),
    weights.map(PiecewiseLinear),
    mixtures,
)
with_pole = st.sampled_from([Decay(), Exponential()])
ratios = st.floats(0.1, 12.0)
scales = st.one_of(st.builds(LinearInside, ratios), st.builds(LogInside, ratios))
priors = st.one_of(free, with_pole, st.builds(Rescaled, st.one_of(free, with_pole), scales))
off_poles = st.one_of(free, with_pole, st.builds(Rescaled, free, scales))


@given(priors, st.floats(0.0, 1.0))
def test_the_cdf_of_a_quantile_is_the_variate(prior, u):
    z = prior.quantile(u)
    assert 0.0 <= z <= 1.0
    assert prior.cdf(z) == pytest.approx(u, abs=1e-9)


@given(priors)
def test_quantiles_and_cdfs_never_fall(prior):
    quantiles = [prior.quantile(u) for u in VARIATES]
    assert all(b >= a - 1e-12 for a, b in itertools.pairwise(quantiles))
    below = [prior.cdf(z / 50) for z in range(51)]
    assert all(b >= a - 1e-12 for a, b in itertools.pairwise(below))
    assert below[0] == pytest.approx(0.0, abs=1e-12)
    assert below[-1] == pytest.approx(1.0, abs=1e-12)


@given(off_poles, st.floats(0.01, 0.99))
def test_the_density_is_the_slope_of_the_cdf(prior, z):
    step = 1e-5
    slope = (prior.cdf(z + step) - prior.cdf(z - step)) / (2.0 * step)
    around = [prior.density(z + side * step) for side in (-1.0, 0.0, 1.0)]
    assert min(around) * (1.0 - 1e-4) - 1e-4 <= slope <= max(around) * (1.0 + 1e-4) + 1e-4


@given(priors)
def test_densities_are_finite_and_never_negative(prior):
    found = [prior.density(z / 50) for z in range(51)]
    assert all(0.0 <= value < math.inf for value in found)


@pytest.mark.parametrize(
    ("prior", "a", "b"),
    [(Uniform(), 1, 1), (Gaussian(), 3, 3), (Decay(), 0.8, 1), (Exponential(), 1, 0.8)],
)
def test_named_shapes_are_the_beta_distributions_of_hypermapper(prior, a, b):
    beta = stats.beta(a, b)
    for u in VARIATES:
        assert prior.quantile(u) == pytest.approx(beta.ppf(u), abs=1e-12)
        assert prior.cdf(u) == pytest.approx(beta.cdf(u), abs=1e-12)
    for z in (0.01, 0.3, 0.5, 0.99):
        assert prior.density(z) == pytest.approx(beta.pdf(z))


def test_an_ordinal_of_five_levels_has_the_published_gaussian_weights():
    edges = [Gaussian().cdf(i / 5) for i in range(6)]
    shares = [b - a for a, b in itertools.pairwise(edges)]
    assert shares == pytest.approx([0.0579, 0.2595, 0.3651, 0.2595, 0.0579], abs=1e-4)


@pytest.mark.parametrize(("prior", "pole"), [(Decay(), 0.0), (Exponential(), 1.0)])
def test_next_to_a_pole_the_density_is_its_average_there(prior, pole):
    beside = abs(pole - POLE)
    share = abs(prior.cdf(beside) - prior.cdf(pole))
    assert prior.density(pole) == pytest.approx(share / POLE)
    assert prior.density(abs(pole - POLE / 2)) == prior.density(pole)


@given(weights)
def test_cells_have_the_shares_of_their_weights(given_weights):
    n, total = len(given_weights), sum(given_weights)
    prior = cells(given_weights)
    for i, weight in enumerate(given_weights):
        assert prior.cdf((i + 1) / n) - prior.cdf(i / n) == pytest.approx(weight / total)
        assert prior.density((i + 0.5) / n) == pytest.approx(n * weight / total)


@given(weights, st.floats(0.0, 1.0))
def test_a_level_of_weight_zero_is_never_drawn(given_weights, u):
    labels = [str(i) for i in range(len(given_weights))]
    parameter = Categorical("c", labels)
    for variate in (u, 0.0, 1.0, *(i / len(labels) for i in range(len(labels)))):
        drawn = parameter.draw(cells(given_weights).quantile(variate))
        assert given_weights[int(drawn)] > 0.0


@pytest.mark.parametrize("n", [3, 49, 100, 1000])
def test_variates_at_the_boundaries_of_cells_give_the_cell_that_begins_there(n):
    prior, parameter = cells([1.0] * n), Integer("i", 0, n - 1)
    drawn = [parameter.draw(prior.quantile((i + 0.25) / n)) for i in range(n)]
    assert drawn == list(range(n))
    # Whichever side rounding takes a boundary to, it stays next to it.
    edges = [parameter.draw(prior.quantile(i / n)) for i in range(n)]
    assert all(i - 1 <= drawn <= i for i, drawn in enumerate(edges))


def test_weights_may_be_as_large_as_numbers_are():
    assert cells([1e308, 1e308]).cdf(0.5) == pytest.approx(0.5)


def test_observed_levels_are_likely_and_others_possible():
    prior = frequencies(10, {2: 3.0, 3: 1.0, 9: 1.0})
    shares = [prior.cdf((i + 1) / 10) - prior.cdf(i / 10) for i in range(10)]
    assert shares == pytest.approx(
        [(count + 0.1) / 6 for count in (0, 0, 3, 1, 0, 0, 0, 0, 0, 1)]
    )


@given(st.dictionaries(st.integers(0, 10**9 - 1), st.integers(1, 9), min_size=1, max_size=5))
def test_of_a_huge_number_of_levels_only_the_observed_ones_are_kept(counts):
    prior, n = frequencies(10**9, counts), 10**9
    assert len(prior.edges) <= 2 * len(counts) + 2
    total = sum(counts.values()) + 1.0
    for level, count in counts.items():
        assert prior.density((level + 0.5) / n) == pytest.approx(
            (count * n + 1.0) / total, rel=1e-5
        )


def test_linear_pieces_have_the_density_of_the_interpolated_weights():
    heights = [1.0, 4.0, 0.0, 2.0]
    prior = PiecewiseLinear(heights)
    knots = np.linspace(0.0, 1.0, 4)
    area = integrate.trapezoid(heights, knots)
    for z in np.linspace(0.0, 1.0, 17):
        assert prior.density(z) == pytest.approx(np.interp(z, knots, heights) / area)


def test_a_piece_without_weight_is_jumped_over():
    prior = PiecewiseLinear([1.0, 0.0, 0.0, 1.0])
    assert prior.quantile(0.5 - 1e-6) < 1 / 3
    assert prior.quantile(0.5 + 1e-6) > 2 / 3


@pytest.mark.parametrize(
    ("mean", "deviation"), [(0.3, 0.1), (0.5, 5.0), (0.0, 0.01), (1.4, 0.1), (-3.0, 0.2)]
)
def test_a_normal_is_cut_off_at_the_ends(mean, deviation):
    prior = NormalMixture([mean], [deviation])
    a, b = -mean / deviation, (1.0 - mean) / deviation
    normal = stats.truncnorm(a, b, loc=mean, scale=deviation)
    for z in (0.0, 0.001, 0.2, 0.5, 0.99, 1.0):
        assert prior.cdf(z) == pytest.approx(normal.cdf(z), rel=1e-8, abs=1e-13)
        assert prior.density(z) == pytest.approx(normal.pdf(z), rel=1e-8, abs=1e-13)
    for u in (1e-10, 0.01, 0.5, 0.999):
        assert prior.quantile(u) == pytest.approx(normal.ppf(u), rel=1e-7, abs=1e-9)


def test_each_normal_of_a_mixture_keeps_its_weight():
    prior = NormalMixture([0.0, 0.9], [0.02, 0.02])
    assert prior.cdf(0.5) == pytest.approx(0.5)
    assert NormalMixture([0.0, 0.9], [0.02, 0.02], [3.0, 1.0]).cdf(0.5) == pytest.approx(0.75)


def test_a_mixture_of_many_kernels_integrates_to_one():
    rng = np.random.default_rng(0)
    prior = NormalMixture(rng.random(200).tolist(), rng.uniform(0.01, 0.1, 200).tolist())
    grid = np.linspace(0.0, 1.0, 4001)
    total = integrate.simpson([prior.density(z) for z in grid], x=grid)
    assert total == pytest.approx(1.0, abs=1e-6)


def test_narrow_normals_keep_the_exactness_of_their_quantiles():
    prior = NormalMixture([0.3, 0.7], [1e-4, 1e-3])
    for u in (1e-9, 0.1, 0.4999, 0.5001, 0.9, 1.0 - 1e-9):
        assert prior.cdf(prior.quantile(u)) == pytest.approx(u, abs=1e-9)


def test_a_normal_of_which_nothing_is_left_is_refused():
    with pytest.raises(ValueError, match=r"nothing of N\(50"):
        NormalMixture([0.5, 50.0], [0.1, 1.0])


@given(ratios, st.floats(0.0, 1.0))
def test_the_scales_are_inverse_to_each_other(ratio, z):
    for scale in (LinearInside(ratio), LogInside(ratio)):
        assert scale.outward(scale.inward(z)) == pytest.approx(z, abs=1e-9)
        step = 1e-5 * (1.0 if z < 0.5 else -1.0)
        ends = scale.inward(z), scale.inward(z + step)
        slopes = scale.slope(z), scale.slope(z + step)
        slack = 1e-2 * max(slopes) + 1e-9
        assert min(slopes) - slack <= (ends[1] - ends[0]) / step <= max(slopes) + slack


def test_a_normal_given_in_units_of_a_parameter_on_a_log_scale_is_one():
    low, high, mean, deviation = 1e-3, 10.0, 0.5, 0.4
    parameter = Real("x", low, high, log=True)
    width = high - low
    base = NormalMixture([(mean - low) / width], [deviation / width])
    prior = Rescaled(base, LinearInside(math.log(high / low)))
    normal = stats.truncnorm(
        (low - mean) / deviation, (high - mean) / deviation, loc=mean, scale=deviation
    )
    for u in (0.01, 0.3, 0.5, 0.9):
        assert parameter.draw(prior.quantile(u)) == pytest.approx(normal.ppf(u), rel=1e-6)


PARAMETERS = [
    (Real("x", -5, 10), NormalMixture([0.3], [0.1])),
    (Real("x", 1e-3, 10, log=True), Gaussian()),
    (Integer("x", 1, 200), Decay()),
    (Ordinal("x", [1, 2, 4, 8, 16, 32, 64]), cells([1, 2, 4, 8, 4, 2, 0])),
    (Categorical("x", ["a", "b", "c"]), cells([0.6, 0.3, 0.1])),
]


@pytest.mark.parametrize(("parameter", "prior"), PARAMETERS, ids=lambda item: repr(item)[:20])
def test_strata_of_variates_are_strata_of_equal_prior_probability(parameter, prior):
    space = Space([parameter], priors={"x": prior})
    n = 40
    drawn = [space.draw([(i + 0.5) / n])["x"] for i in range(n)]
    if parameter.size == math.inf:
        places = [prior.cdf(parameter.encode(value)) for value in drawn]
        assert [int(place * n) for place in places] == list(range(n))
        return
    levels = [parameter.level(i) for i in range(int(parameter.size))]
    for i, level in enumerate(levels):
        expected = prior.cdf((i + 1) / len(levels)) - prior.cdf(i / len(levels))
        assert abs(drawn.count(level) - n * expected) <= 1.0


def test_steps_take_edges_of_any_width():
    prior = Steps([0.0, 0.1, 1.0], [1.0, 1.0])
    assert prior.quantile(0.5 + 1e-9) == pytest.approx(0.1, abs=1e-6)
    assert [prior.density(0.05), prior.density(0.5)] == pytest.approx([5.0, 0.5 / 0.9])
