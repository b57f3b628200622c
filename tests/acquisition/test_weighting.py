import numpy as np
import pytest

from hmserve.acquisition.improvement import LogExpectedImprovement
from hmserve.acquisition.weighting import OptimisticFeasibility, TimesFeasibility
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


def test_optimism_is_the_latent_mean_and_a_standard_deviation(models, feasibility):
    acquisition = OptimisticFeasibility(feasibility)
    mean, variance = feasibility.latent.predict(X)
    np.testing.assert_allclose(acquisition(X), mean + np.sqrt(variance), rtol=1e-12)
    assert acquisition.differentiable
    models.assert_gradients_agree(acquisition, X)


def test_optimism_prefers_the_unknown_to_what_failed():
    rng = np.random.default_rng(0)
    failed = 0.3 * rng.random((10, 2))
    theta = np.array([-1.5, -1.5, 1.0])
    kernel = Kernel((0, 0))
    model = FeasibilityModel.condition(kernel, theta, failed, np.zeros(10, dtype=bool))
    near, far = OptimisticFeasibility(model)(np.array([[0.15, 0.15], [0.9, 0.9]]))
    assert far > near
