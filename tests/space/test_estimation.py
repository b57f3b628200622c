import math
import random
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from hmserve.space.estimation import estimate, level_of
from hmserve.space.fixed import Fixed
from hmserve.space.joint_prior import JointKde
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.permutation import Permutation

REAL = Real("r", -5, 10)
LOG = Real("l", 1e-4, 1, log=True)
INTEGER = Integer("i", 10, 29)
LOG_INTEGER = Integer("li", 1, 1024, log=True)
ORDINAL = Ordinal("o", [1, 2, 4, 8])
LABELS = Categorical("c", ["x", "y", "z"])
ORDER = Permutation("p", 4, "spearman")
ALL = [REAL, LOG, INTEGER, LOG_INTEGER, ORDINAL, LABELS, ORDER]


@dataclass(frozen=True)
class Options:
    prior_estimation_quantile: float = 0.1
    estimate_multivariate_priors: bool = False
    bandwidth_parameter: int = 0
    bandwidth_n_factor: int = 100


def evaluations(n=100, seed=0):
    """Configurations, of which those near the middle of everything are good."""
    rng = random.Random(seed)
    found = [{p.name: p.draw(rng.random()) for p in ALL} for _ in range(n)]
    return found, [abs(c["r"] - 2.0) + abs(c["i"] - 20) + (c["c"] != "y") * 9.0 for c in found]


def share(prior, low, high):
    return prior.cdf(high) - prior.cdf(low)


def test_every_kind_of_parameter_has_an_estimate():
    found = estimate(ALL, *evaluations(), Options())
    assert set(found) == {p.name for p in ALL}
    for p in ALL:
        drawn = [p.draw(found[p.name].quantile(i / 50)) for i in range(51)]
        assert all(map(p.contains, drawn))


def test_good_values_are_likely_and_bad_ones_possible():
    configurations, values = evaluations(400)
    found = estimate(ALL, configurations, values, Options())
    assert share(found["r"], REAL.encode(-2.0), REAL.encode(6.0)) > 0.75
    assert share(found["i"], 0.0, 0.2) < 0.1
    weights = [share(found["c"], i / 3, (i + 1) / 3) for i in range(3)]
    assert weights[1] > 0.8
    assert min(weights) > 0.0


def test_of_reals_it_is_the_kernel_density_estimate_of_hypermapper():
    rng = np.random.default_rng(1)
    places = rng.normal(0.5, 0.1, 30)
    configurations = [{"r": REAL.decode(z)} for z in places]
    options = Options(
        prior_estimation_quantile=1.0, bandwidth_parameter=4, bandwidth_n_factor=1
    )
    found = estimate([REAL], configurations, [0.0] * 30, options)["r"]
    theirs = stats.gaussian_kde(places, bw_method=lambda k: k.n ** (-1.0 / (k.d + 4)))
    for z in (0.3, 0.45, 0.5, 0.62):
        assert found.density(z) == pytest.approx(theirs(z)[0], rel=1e-4)


def test_only_the_best_share_counts():
    configurations = [{"r": float(value)} for value in (-4, 0, 3, 9)]
    one = estimate([REAL], configurations, [3.0, 1.0, 2.0, math.nan], Options())["r"]
    assert share(one, REAL.encode(-1.0), REAL.encode(1.0)) > 0.99
    options = Options(prior_estimation_quantile=0.5)
    two = estimate([REAL], configurations, [3.0, 1.0, 2.0, math.nan], options)["r"]
    assert two.cdf(REAL.encode(1.5)) == pytest.approx(0.5)


def test_nothing_to_learn_from_is_an_error():
    for values in ([], [math.nan, math.inf]):
        configurations = [{"r": 1.0}] * len(values)
        with pytest.raises(ValueError, match="no feasible evaluation"):
            estimate([REAL], configurations, values, Options())


@pytest.mark.parametrize("joint", [False, True])
def test_equal_points_are_no_difficulty(joint):
    configuration = {p.name: p.draw(0.3) for p in ALL}
    options = Options(estimate_multivariate_priors=joint)
    found = estimate(ALL, [configuration] * 5, [1.0] * 5, options)
    if isinstance(found, JointKde):
        drawn = found.draw([0.5] * len(ALL))
    else:
        drawn = [found[p.name].quantile(0.5) for p in ALL]
    for p, z in zip(ALL, drawn, strict=True):
        if p is not REAL and p is not LOG:
            assert p.level(int(z * p.size)) == configuration[p.name]


def test_values_that_are_inactive_or_outside_do_not_count():
    configurations = [{"r": None, "i": 11}, {"r": 1.0, "i": 5}, {"r": 77.0, "i": 29}]
    found = estimate([REAL, INTEGER], configurations, [1.0, 1.0, 1.0], Options())
    assert share(found["r"], REAL.encode(0.5), REAL.encode(1.5)) > 0.99
    assert found["i"].cdf(0.5) == pytest.approx(0.5)
    nothing = estimate([REAL], [{"r": None}], [1.0], Options())
    assert nothing == {}


def test_what_cannot_vary_gets_no_estimate():
    fixed = Fixed(REAL, 1.0)
    assert estimate([fixed], [{"r": 1.0}], [0.0], Options()) == {}


def test_a_joint_estimate_draws_all_kinds_of_parameters_as_they_go_together():
    rng = random.Random(3)
    configurations = []
    for _ in range(40):
        high = rng.random() < 0.5
        row = {p.name: p.draw(rng.random()) for p in ALL}
        row.update(r=9.0 if high else -4.0, c="z" if high else "x", i=28 if high else 11)
        configurations.append(row)
    options = Options(prior_estimation_quantile=1.0, estimate_multivariate_priors=True,
                      bandwidth_n_factor=10_000)  # fmt: skip
    found = estimate(ALL, configurations, [0.0] * 40, options)
    together = []
    for _ in range(100):
        places = found.draw([rng.random() for _ in ALL])
        values = {
            p.name: p.draw(z) if p.size == math.inf else p.level(int(z * p.size))
            for p, z in zip(ALL, places, strict=True)
        }
        assert all(p.contains(values[p.name]) for p in ALL)
        together.append((values["r"] > 2.5) == (values["i"] > 19) == (values["c"] == "z"))
    # A label is one of all of them with the probability that its bandwidth says.
    assert np.mean(together) > 0.6


@pytest.mark.parametrize("parameter", [INTEGER, LOG_INTEGER, ORDINAL, LABELS, ORDER])
def test_the_number_of_a_level_is_its_place(parameter):
    for i in range(0, int(parameter.size), 5):
        assert level_of(parameter, parameter.level(i)) == i
