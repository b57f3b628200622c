import math

import numpy as np
import pytest
from scipy import special

from hmserve.space.encoding import Encoding
from hmserve.space.joint_model import JointPrior
from hmserve.space.joint_prior import JointKde, LabelKernels, NumberKernels
from hmserve.space.parameters import Categorical, Integer, Real
from hmserve.space.permutation import Permutation
from hmserve.space.scales import LogInside
from hmserve.space.space import Space

PARAMETERS = [
    Real("r", -5, 10),
    Integer("i", 0, 9),
    Integer("li", 1, 64, log=True),
    Categorical("c", ["x", "y", "z"]),
    Permutation("p", 3, "kendall"),
]
KDE = JointKde(
    [
        NumberKernels([0.1, 0.6, 0.7], 0.1),
        NumberKernels([0.05, 0.55, None], 0.2, levels=10),
        NumberKernels([0.2, 0.5, 0.9], 0.15, 64, LogInside(math.log(64.5 / 0.5))),
        LabelKernels([0, 2, 2], 0.2, 3),
        LabelKernels([5, None, 1], 0.3, 6),
    ]
)
SPACE = Space(PARAMETERS, joint_prior=KDE)
ENCODING = Encoding(SPACE)
MODEL = JointPrior(ENCODING, KDE)


def uniform_points(n, seed=0):
    """Every level equally likely."""
    rng = np.random.default_rng(seed)
    codes = [
        rng.integers(int(p.size), size=n).astype(float) if p.size < math.inf else rng.random(n)
        for p in PARAMETERS
    ]
    return ENCODING.snap(ENCODING.points(np.column_stack(codes)))


def test_the_density_is_one_on_average():
    levels = [(np.arange(20) + 0.5) / 20, *(np.arange(n) for n in (10, 64, 3, 6))]
    codes = np.stack(np.meshgrid(*levels, indexing="ij"), axis=-1).reshape(-1, 5)
    found = np.exp(MODEL.log_density(ENCODING.points(codes)))
    assert found.mean() == pytest.approx(1.0, abs=5e-3)


def test_points_that_were_drawn_have_the_density_they_should():
    # The mean of any function of draws is that of uniform points weighted by the density.
    drawn = MODEL.draw(np.random.default_rng(1).random((20_000, 5)))
    anywhere = uniform_points(100_000, seed=2)
    weights = np.exp(MODEL.log_density(anywhere))
    for j in range(5):
        expected = (weights * anywhere[:, j]).mean() / weights.mean()
        assert drawn[:, j].mean() == pytest.approx(expected, abs=0.02)
    together = (drawn[:, 0] < 0.3) & (drawn[:, 3] < 0.3)
    expected = (weights * ((anywhere[:, 0] < 0.3) & (anywhere[:, 3] < 0.3))).mean()
    assert together.mean() == pytest.approx(expected, abs=0.02)


def test_draws_of_the_design_are_of_the_same_distribution():
    rng = np.random.default_rng(3)
    design = ENCODING.encode(SPACE.draw(rng.random(5).tolist()) for _ in range(4000))
    ours = MODEL.draw(rng.random((4000, 5)))
    np.testing.assert_allclose(design.mean(0), ours.mean(0), atol=0.03)
    np.testing.assert_allclose(np.cov(design.T), np.cov(ours.T), atol=0.02)


def test_draws_are_configurations():
    X = MODEL.draw(np.vstack([np.zeros(5), np.ones(5), np.full(5, 0.3)]))
    np.testing.assert_allclose(ENCODING.snap(X), X, rtol=1e-12)
    assert all(map(SPACE.contains, ENCODING.decode(X)))


def test_gradients_are_those_of_the_values():
    X = uniform_points(20, seed=5)
    value, gradient = MODEL.log_density_with_gradient(X)
    np.testing.assert_allclose(value, MODEL.log_density(X))
    step = np.zeros(5)
    step[0] = 1e-6
    slope = (MODEL.log_density(X + step) - MODEL.log_density(X - step)) / 2e-6
    np.testing.assert_allclose(gradient[:, 0], slope, rtol=1e-5, atol=1e-6)
    assert (gradient[:, 1:] == 0.0).all()


def test_the_limits_hold_but_for_overlapping_kernels():
    low, high = MODEL.log_limits
    assert low == -math.inf
    assert MODEL.log_density(uniform_points(20_000)).max() <= high + 0.5


def test_an_inactive_parameter_has_no_say():
    def without_real(X):
        active = np.ones(X.T.shape, dtype=bool)
        active[0] = False
        return active

    X = uniform_points(50)
    model = JointPrior(ENCODING, KDE, without_real)
    moved = X.copy()
    moved[:, 0] = 0.5
    np.testing.assert_array_equal(model.log_density(X), model.log_density(moved))
    _, gradient = model.log_density_with_gradient(X)
    assert (gradient == 0.0).all()


def test_of_very_many_levels_densities_are_those_in_the_middle():
    encoding = Encoding(Space([Integer("i", 0, 2**40)]))
    model = JointPrior(encoding, JointKde([NumberKernels([0.25, 0.5], 0.1, levels=2**40 + 1)]))
    found = np.exp(model.log_density(np.array([[0.3]])))
    normals = [math.exp(-0.5 * ((0.3 - m) / 0.1) ** 2) for m in (0.25, 0.5)]
    masses = special.ndtr((1 - np.array([0.25, 0.5])) / 0.1) - special.ndtr([-2.5, -5.0])
    expected = (np.array(normals) / masses).mean() / (0.1 * math.sqrt(2.0 * math.pi))
    assert found[0] == pytest.approx(expected, rel=1e-6)
