import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hmserve.space.joint_prior import JointKde, LabelKernels, NumberKernels
from hmserve.space.scales import LogInside

POINTS = ([0.2, 0.25, 0.8], [0.7, 0.75, 0.1])
variates = st.floats(0.0, 1.0)


def joint(deviation=0.05):
    return JointKde([NumberKernels(column, deviation) for column in POINTS])


def draws(kde, n, seed=0):
    rng = random.Random(seed)
    return np.array([kde.draw([rng.random() for _ in kde.columns]) for _ in range(n)])


@given(variates, variates)
def test_draws_are_never_out_of_bounds(u, v):
    drawn = joint(0.5).draw([u, v])
    assert all(0.0 <= z <= 1.0 for z in drawn)


def test_draws_keep_how_parameters_go_together():
    drawn = draws(joint(), 400)
    high = drawn[:, 0] > 0.5
    assert high.mean() == pytest.approx(1 / 3, abs=0.08)
    assert (drawn[high, 1] < 0.5).all()
    assert (drawn[~high, 1] > 0.5).all()


def test_each_parameter_alone_is_the_mixture_of_its_kernels():
    drawn = draws(joint(), 1500)
    for column, z in zip(joint().columns, drawn.T, strict=True):
        alone = column.mixture([1.0] * 3)
        assert stats.kstest(z, np.vectorize(alone.cdf)).pvalue > 1e-3


def test_strata_of_the_first_variate_are_strata_of_the_first_parameter():
    kde = joint()
    alone = kde.columns[0].mixture([1.0] * 3)
    drawn = [kde.draw([(i + 0.5) / 20, 0.3])[0] for i in range(20)]
    assert [int(alone.cdf(z) * 20) for z in drawn] == list(range(20))


def test_labels_follow_the_points_and_now_and_then_anything_else():
    kde = JointKde([NumberKernels([0.1, 0.9], 0.02), LabelKernels([0, 4], 0.2, 5)])
    drawn = draws(kde, 2000)
    labels = np.floor(drawn[:, 1] * 5).astype(int)
    low = labels[drawn[:, 0] < 0.5]
    shares = np.bincount(low, minlength=5) / len(low)
    assert shares == pytest.approx([0.84, 0.04, 0.04, 0.04, 0.04], abs=0.04)


def test_a_point_that_does_not_say_leaves_a_parameter_free():
    kde = JointKde(
        [NumberKernels([0.1, 0.9], 0.02), NumberKernels([None, 0.5], 0.02),
         LabelKernels([None, 1], 0.01, 2)]
    )  # fmt: skip
    drawn = draws(kde, 1500)
    silent = drawn[drawn[:, 0] < 0.5]
    for j in (1, 2):
        assert stats.kstest(silent[:, j], "uniform").pvalue > 1e-3
    assert drawn[drawn[:, 0] > 0.5, 1] == pytest.approx(0.5, abs=0.12)


def test_kernels_on_the_log_scale_of_an_integer_are_wide_where_it_is():
    ratio = math.log(1024.5 / 0.5)
    kernels = NumberKernels([0.5], 0.1, levels=1024, scale=LogInside(ratio))
    prior = kernels.mixture([1.0])
    below, above = (0.5 + 1024 * prior.quantile(u) for u in (0.1587, 0.8413))
    middle = math.sqrt(0.5 * 1024.5)
    assert above / middle == pytest.approx(middle / below, rel=1e-3)
    assert above / middle == pytest.approx(math.exp(0.1 * ratio), rel=1e-2)


def test_it_survives_variates_where_every_kernel_vanishes():
    kde = JointKde([NumberKernels([0.5, 0.5], 1e-3), NumberKernels([0.1, 0.9], 1e-3)])
    for u in (0.0, 1e-300, 1.0):
        assert all(0.0 <= z <= 1.0 for z in kde.draw([u, 0.5]))
