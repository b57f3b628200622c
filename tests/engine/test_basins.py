"""Basins beside that of the best point: when they are looked for, and what is made of them."""

import numpy as np
import pytest

from hmserve.acquisition.improvement import LogExpectedImprovement
from hmserve.engine.basins import Basin, Within, elsewhere, others
from hmserve.engine.build import build
from hmserve.scenario import Scenario
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import GaussianProcessRegression
from hmserve.trial import OUTSIDE, Evaluation, Trial

SHALLOW, DEEP = np.array([0.8, 0.75]), np.array([0.2, 0.3])


def bowl(X):
    return ((X - SHALLOW) ** 2).sum(1)


def two_wells(X):
    """A wide well that is 1 deep and one that is 1.5 deep, on a plain."""

    def well(middle, width):
        return np.exp(-((X - middle) ** 2).sum(1) / width**2)

    return -well(SHALLOW, 0.2) - 1.5 * well(DEEP, 0.15)


def settled(function, near):
    """Points all over the square, and many of them about `near`; what is measured there."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.random((24, 2)), near + 0.01 * rng.standard_normal((10, 2))])
    return X, function(X)


def fitted(X, y, levels=(0, 0)):
    z = (y - y.mean()) / y.std()
    return GaussianProcessRegression(Kernel(list(levels))).fit(X, z, None, 0)[0]


def sought(X, y, pending=(), levels=(0, 0)):
    def fit(rows):
        return fitted(X[rows], y[rows], levels)

    P = np.reshape(np.array(pending, dtype=float), (-1, 2))
    return elsewhere(fitted(X, y, levels), X, P, fit, np.random.default_rng(1))


def test_a_point_with_a_hump_between_it_and_the_best_has_a_basin_of_its_own():
    X, y = settled(two_wells, SHALLOW)
    basins = others(fitted(X, y), X)
    assert basins
    assert np.abs(basins[0].point - DEEP).max() < 0.2
    assert not (basins[0].distance(SHALLOW[None]) <= 1.0).any()


def test_where_all_ways_lead_down_to_the_best_there_is_no_other_basin():
    X, y = settled(bowl, SHALLOW)
    assert not others(fitted(X, y), X)


def test_nothing_better_than_the_point_of_a_basin_lies_in_it():
    X, y = settled(two_wells, SHALLOW)
    model = fitted(X, y)
    mean = model.mean(X)
    for basin in others(model, X):
        assert (mean[basin.distance(X) <= 1.0] >= basin.mean - 1e-9).all()


def test_the_model_of_a_basin_knows_of_nothing_better():
    X, y = settled(two_wells, SHALLOW)
    found = sought(X, y)
    assert found.model.mean(SHALLOW[None])[0] > found.model.mean(found.basin.point[None])[0]


def test_nobody_looks_elsewhere_before_the_best_basin_is_known():
    X, y = settled(two_wells, SHALLOW)
    assert sought(X, y) is not None
    assert sought(X[:26], y[:26]) is None


def test_with_many_trials_out_the_best_basin_counts_as_known_earlier():
    X, y = settled(two_wells, SHALLOW)
    X, y = X[:26], y[:26]
    assert sought(X, y, [SHALLOW + 0.02 * k for k in (-1, 1)]) is None
    far = [SHALLOW + 0.02 * np.array([k, 1]) for k in range(-4, 4)]
    assert sought(X, y, far) is not None


def test_a_space_with_labels_has_no_such_basins():
    X, y = settled(two_wells, SHALLOW)
    X[:, 1] = np.round(X[:, 1])
    assert sought(X, y, levels=(0, 2)) is None


def test_an_acquisition_is_what_it_is_inside_a_basin_and_falls_outside():
    X, y = settled(two_wells, SHALLOW)
    gain = LogExpectedImprovement(fitted(X, y), -1.0)
    within = Within(gain, Basin(DEEP, 0.0, np.array([0.1, 0.2])))
    inside, beyond, far = np.array([[0.25, 0.35], [0.2, 0.6], [0.2, 0.9]])
    assert within(inside[None]) == gain(inside[None])
    lost = (gain(np.array([beyond, far])) - within(np.array([beyond, far]))).tolist()
    assert 0.0 < lost[0] < lost[1]


def test_gradients_are_those_of_the_values_inside_and_outside():
    X, y = settled(two_wells, SHALLOW)
    gain = LogExpectedImprovement(fitted(X, y), -1.0)
    within = Within(gain, Basin(DEEP, 0.0, np.array([0.1, 0.2])))
    Z = np.random.default_rng(2).random((20, 2))
    value, gradient = within.value_and_gradient(Z)
    assert value == pytest.approx(within(Z))
    for j, step in enumerate(1e-6 * np.eye(2)):
        slope = (within(Z + step) - within(Z - step)) / 2e-6
        assert gradient[:, j] == pytest.approx(slope, rel=1e-3, abs=1e-3)


def test_a_run_that_has_settled_in_the_shallower_well_finds_the_deeper_one():
    real = {"parameter_type": "real", "values": [0, 1]}
    scenario = Scenario.parse(
        {
            "optimization_objectives": ["y"],
            "input_parameters": {"a": real, "b": real},
            "design_of_experiment": {"number_of_samples": 0},
            "optimization_iterations": 24,
        }
    )

    def evaluation(trial):
        x = np.array([list(trial.configuration.values())])
        return Evaluation(trial, {"y": float(narrow(x)[0])})

    def narrow(X):
        # So narrow that improvement is not expected there, at 0.15 of its depth.
        return two_wells(X) * np.where(X[:, 0] > 0.5, 1.0, 0.9)

    X, _ = settled(narrow, SHALLOW)
    X = X[np.abs(X - DEEP).max(1) > 0.17]
    optimizer = build(scenario, 3)
    optimizer.observe(
        [evaluation(Trial(OUTSIDE, {"a": float(a), "b": float(b)})) for a, b in X]
    )
    values = []
    while not optimizer.finished:
        for trial in optimizer.ask(1):
            found = evaluation(trial)
            values.append(found.objectives["y"])
            optimizer.tell([found])
    assert min(values) < -1.34
