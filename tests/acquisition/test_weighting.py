import numpy as np
import pytest

from hmserve.acquisition.improvement import LogExpectedImprovement
from hmserve.acquisition.weighting import LogFeasibility, TimesFeasibility
from hmserve.surrogate.feasibility import FeasibilityModel
from hmserve.surrogate.kernel import Kernel

X = np.random.default_rng(2).random((8, 2))


@pytest.fixture
def feasibility():
    rng = np.random.default_rng(0)
    points = rng.random((25, 2))
    theta = np.array([-1.0, -0.7, 1.0])
    return FeasibilityModel.condition(Kernel((0, 0)), theta, points, points.sum(1) < 1.0)


def test_the_weight_grows_with_the_probability_of_feasibility_and_is_never_a_gain(
    models, feasibility
):
    Z = np.random.default_rng(3).random((200, 2))
    alone = LogExpectedImprovement(models.process(0), 0.0)
    weight = TimesFeasibility(alone, feasibility)(Z) - alone(Z)
    log_p = feasibility.log_probability(Z)
    assert (np.diff(weight[np.argsort(log_p)]) >= -1e-9).all()
    assert (weight <= log_p + 1e-9).all()


def test_the_gradient_of_the_weighted_is_that_of_its_value(models, feasibility):
    alone = LogExpectedImprovement(models.process(0), 0.0)
    models.assert_gradients_agree(TimesFeasibility(alone, feasibility), X)


def test_weighting_keeps_whether_there_is_a_gradient(models, feasibility):
    class Plain:
        differentiable = False

    assert not TimesFeasibility(Plain(), feasibility).differentiable
    alone = LogExpectedImprovement(models.process(0), 0.0)
    assert TimesFeasibility(alone, feasibility).differentiable


def test_feasibility_alone_is_the_log_probability(models, feasibility):
    acquisition = LogFeasibility(feasibility)
    np.testing.assert_array_equal(acquisition(X), feasibility.log_probability(X))
    assert acquisition.differentiable
    models.assert_gradients_agree(acquisition, X)
