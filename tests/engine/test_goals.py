import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hmserve.acquisition.hypervolume import LogExpectedHypervolumeImprovement
from hmserve.acquisition.hypervolume3 import LogExpectedVolumeImprovement
from hmserve.acquisition.improvement import LogExpectedImprovement
from hmserve.engine.goals import Hypervolume, Minimum, Scalarised
from hmserve.multiobjective.scalarize import SCALARISATIONS, BoundingBox, even, flat
from hmserve.surrogate import gp
from hmserve.surrogate.base import Normal
from hmserve.surrogate.kernel import Kernel


def given_theta(kernel, X, y, theta):
    """A process with homoscedastic noise at known hyperparameters, shape (d+2,)."""
    noise = np.full(len(y), np.exp(theta[-1]))
    return gp.GaussianProcess.condition(kernel, theta[:-1], (X, y, noise))


FINITE = st.floats(allow_nan=False, allow_infinity=False)


def rng():
    return np.random.default_rng(0)


def improvement(model, incumbent, trial):
    del trial
    return LogExpectedImprovement(model, incumbent)


def process(X, z):
    return given_theta(Kernel((0, 0)), X, z, np.array([-1.0, -1.0, 0.0, np.log(1e-4)]))


def every_scalarisation():
    """Each scalarisation with each way to draw weights."""
    for kind in SCALARISATIONS.values():
        box = BoundingBox([(0.2, 0.4), (-1e300, 1e300), (5.0, 5.0)], kind)
        for weights in (even, flat, box):
            yield Scalarised(improvement, kind.value, weights)


def data(n=20, columns=1):
    X = rng().random((n, 2))
    return X, np.column_stack([((X - 0.2 - 0.3 * k) ** 2).sum(1) for k in range(columns)])


@pytest.mark.parametrize("make", [lambda: Minimum(improvement), Hypervolume])
def test_each_objective_has_its_targets_in_the_order_of_its_values(make):
    goal = make()
    Y = data(columns=1 if isinstance(goal, Minimum) else 2)[1]
    Z = goal.targets(Y, rng())
    assert Z.shape == Y.shape
    assert (np.argsort(Z, axis=0) == np.argsort(Y, axis=0)).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12).flatmap(lambda n: arrays(float, (n, 3), elements=FINITE)))
@example(np.finfo(float).max * np.array([[1.0, -1.0, 0.5], [-1.0, 1.0, -1.0], [0.0, 1.0, 1.0]]))
def test_targets_are_finite_whatever_the_objectives(Y):
    for goal, columns in (
        (Minimum(improvement), 1),
        (Hypervolume(), 2),
        (Hypervolume(), 3),
        (Scalarised(improvement), 3),
        *((goal, 3) for goal in every_scalarisation()),
    ):
        Z = goal.targets(Y[:, :columns], rng())
        assert len(Z) == len(Y)
        assert np.isfinite(Z).all()


def test_the_incumbent_is_the_least_posterior_mean_not_the_least_value():
    X, Y = data()
    noisy = Y[:, 0] + np.where(np.arange(20) == 7, -5.0, 0.0)
    theta = np.array([-1.0, -1.0, 0.0, np.log(1.0)])
    model = given_theta(Kernel((0, 0)), X, noisy, theta)
    seen = []
    Minimum(lambda *given: seen.append(given)).acquisition([model], X, 31)
    assert seen == [(model, model.mean(X).min(), 31)]
    assert seen[0][1] > noisy.min() + 1.0


def test_two_objectives_are_improved_beyond_the_front_of_posterior_means():
    X, Y = data(columns=2)
    goal = Hypervolume()
    models = [process(X, z) for z in goal.targets(Y, rng()).T]
    acquisition = goal.acquisition(models, X, 0)
    assert isinstance(acquisition, LogExpectedHypervolumeImprovement)
    # Between the two minima rather than in the far corner.
    near, far = acquisition(np.array([[0.35, 0.35], [1.0, 1.0]]))
    assert near > far


class Known:
    """A model that is all but sure of one objective, which is a column of X."""

    def __init__(self, column):
        self._column = column

    def mean(self, X):
        return X[:, self._column]

    def predict(self, X):
        return Normal(self.mean(X), np.full(len(X), 1e-12))


@pytest.mark.parametrize(("trial", "far"), [(0, 0.1), (1, 1.0), (2, 0.1)])
def test_the_ends_of_a_front_can_be_improved_at_a_cost_in_the_other_objective(trial, far):
    # In turn a tenth of the front, and a standard deviation of the targets.
    front = np.array([[0.0, 1.0], [0.4, 0.3], [1.0, 0.0]])
    acquisition = Hypervolume().acquisition([Known(0), Known(1)], front, trial)
    before, small, large, too_large = acquisition(
        np.array([[0.0, 1.0], [-0.1, 1.05], [-0.1, 0.95 + far], [-0.1, 1.1 + far]])
    )
    assert min(small, large) > -10.0
    assert max(before, too_large) < -10.0


def test_three_objectives_are_improved_beyond_their_front():
    X, Y = data(columns=3)
    goal = Hypervolume()
    Z = goal.targets(Y, rng())
    assert (np.argsort(Z, axis=0) == np.argsort(Y, axis=0)).all()
    acquisition = goal.acquisition([process(X, z) for z in Z.T], X, 0)
    assert isinstance(acquisition, LogExpectedVolumeImprovement)
    near, far = acquisition(np.array([[0.5, 0.5], [1.0, 0.0]]))
    assert near > far


@pytest.mark.parametrize("Y", [np.zeros((6, 2)), np.ones((1, 2)), np.eye(2), np.zeros((6, 3))])
def test_a_front_that_is_a_point_can_be_improved(Y):
    X = rng().random((len(Y), 2))
    goal = Hypervolume()
    models = [process(X, z) for z in goal.targets(Y, rng()).T]
    value = goal.acquisition(models, X, 0)(rng().random((30, 2)))
    assert np.isfinite(value).all()
    assert value.max() > -10.0


@pytest.mark.parametrize("goal", list(every_scalarisation()))
def test_a_scalarisation_draws_its_weights_and_keeps_the_order_of_dominance(goal):
    Y = rng().random((30, 3))
    generator = rng()
    one, two = goal.targets(Y, generator), goal.targets(Y, generator)
    assert one.shape == (30, 1)
    assert (one != two).any()
    for z in (one[:, 0], two[:, 0]):
        for i, y in enumerate(Y):
            dominated = (y <= Y).all(axis=1) & (y < Y).any(axis=1)
            assert (z[dominated] >= z[i]).all()


@pytest.mark.parametrize("name", SCALARISATIONS)
def test_the_units_of_scalarised_objectives_do_not_matter(name):
    Y = rng().random((30, 3))
    goal = Scalarised(improvement, SCALARISATIONS[name].value, flat)
    scaled = goal.targets(Y * [1e-200, 1.0, 1e200] + [0.0, 5.0, 0.0], rng())
    np.testing.assert_allclose(scaled, goal.targets(Y, rng()), atol=1e-6)
