"""Measured constraints: slacks, their models, and proposals that keep to the limits."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.engine.build import build
from hmserve.engine.insights import Insights
from hmserve.engine.measured import Limited, slacks, targets
from hmserve.engine.models import Data, Modeller, subset
from hmserve.scenario import Scenario
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import FitOptions, GaussianProcessRegression
from hmserve.trial import Evaluation, Limits, Trial, within

INF = math.inf
KERNEL = Kernel((0, 0))
LIMITS = {"g": Limits(-INF, 1.0), "h": Limits(0.0, 2.0)}


def evaluation(g, h, objective=1.0):
    measured = {name: value for name, value in (("g", g), ("h", h)) if value is not None}
    good = bool(measured) and within(measured, LIMITS)
    return Evaluation(Trial(0, {}), {"f": objective} if measured else {}, good, measured)


def test_a_slack_is_the_distance_to_a_limit_and_each_limit_has_its_own():
    found = slacks([evaluation(0.25, 0.5), evaluation(None, None)], LIMITS)
    np.testing.assert_array_equal(found, [[0.75, 0.5, 1.5], [np.nan] * 3])
    assert Limited(LIMITS).width == 3


def test_the_difference_of_the_largest_numbers_is_a_number():
    limits = {"g": Limits(-1.7e308, 1.7e308)}
    far = Evaluation(Trial(0, {}), {"f": 1.0}, constraints={"g": 1.7e308})
    assert np.isfinite(slacks([far], limits)).all()


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite, min_size=1, max_size=20))
def test_targets_keep_the_order_and_the_side_of_the_limit(values):
    slack = slacks(
        [Evaluation(Trial(0, {}), {"f": 1.0}, constraints={"g": v}) for v in values],
        {"g": Limits(0.0, INF)},
    )[:, 0]
    found = targets(slack)
    assert np.isfinite(found).all()
    assert (np.diff(found[np.argsort(slack)]) >= 0.0).all()
    assert (found[slack >= 0.0] >= 0.0).all()
    assert (found[slack < 0.0] <= 0.0).all()


def test_counts_that_lie_on_the_limit_are_well_on_the_good_side():
    found = targets(np.array([0.0, -1.0, 0.0, -3.0]))
    assert found[0] == pytest.approx(-found[1])
    assert found[0] > 0.1


def known(n=40, column=False, failed=0):
    """A slope that is worth most where g = x0 + x1 exceeds 1; some rows failed."""
    X = np.random.default_rng(0).random((n, 2))
    g = X.sum(1)
    Y = -X[:, :1]
    Y[:failed], g[:failed] = np.nan, np.nan
    violated = g > 1.0
    measured = Limited({"g": Limits(-INF, 1.0)}, column).measure(
        [
            Evaluation(
                Trial(0, {}),
                {} if np.isnan(v) else {"f": 0.0},
                v <= 1.0,
                {} if np.isnan(v) else {"g": v},
            )
            for v in g
        ]
    )
    return Data(X, Y, (g <= 1.0) & ~np.isnan(g), measured=measured), violated


def fitted(data):
    modeller = Modeller(GaussianProcessRegression(KERNEL, FitOptions(noise=False)), KERNEL)
    return modeller, modeller.fit(data, data.Y[data.valued], 0)


def test_what_merely_violates_a_limit_teaches_objectives_and_limits_and_is_no_failure():
    data, violated = known()
    assert 5 < violated.sum() < 35
    assert data.valued.all()
    _, models = fitted(data)
    assert models.feasibility is None
    (objective,), (slack,) = models.objectives, models.limits.slacks
    np.testing.assert_allclose(objective.mean(data.X), data.Y[:, 0], atol=0.01)
    assert ((slack.mean(data.X) >= 0.0) == ~violated).all()
    corners = np.array([[0.1, 0.1], [0.95, 0.95]])
    assert models.limits.expected(corners).tolist() == [True, False]


def test_failures_are_learnt_apart_from_limits():
    data, _ = known(failed=10)
    X, worked = data.judged
    assert len(X) == 40
    np.testing.assert_array_equal(worked, np.arange(40) >= 10)
    _, models = fitted(data)
    assert models.feasibility is not None
    assert np.isfinite(models.limits.slacks[0].mean(data.X)).all()


def test_beyond_a_limit_it_is_not_known_what_a_feasibility_column_said():
    data, violated = known(column=True)
    X, worked = data.judged
    np.testing.assert_array_equal(X, data.X[~violated])
    assert worked.all()


def test_what_was_fitted_goes_through_json_and_is_the_same_afterwards():
    data, _ = known()
    modeller, _ = fitted(data)
    state = json.loads(json.dumps(modeller.state))
    assert len(state["constraints"]) == 1
    other, _ = fitted(data)
    other.restore(state)
    assert other.state == modeller.state
    other.restore({key: state[key] for key in ("objectives", "feasibility", "fitted")})
    assert "constraints" not in other.state


def test_infeasible_rows_are_ordered_by_how_much_they_violate():
    data, violated = known()
    order = data.best
    bad = order[~data.feasible[order]]
    assert set(bad) == set(np.flatnonzero(violated))
    assert (np.diff(data.X[bad].sum(1)) >= 0.0).all()


def test_a_subset_keeps_the_constraints_of_its_rows():
    data, violated = known(1500)
    part = subset(data, 0)
    assert len(part.X) == 900
    np.testing.assert_array_equal(part.measured.violated, part.X.sum(1) > 1.0)
    np.testing.assert_allclose(part.measured.slack[:, 0], 1.0 - part.X.sum(1))
    assert part.omitted == 600
    assert violated.sum() > part.measured.violated.sum()


REAL = {"parameter_type": "real", "values": [0, 1]}


def scenario(limits, objectives=1, samples=6, **others):
    return Scenario.parse(
        {
            "optimization_objectives": [f"f{k}" for k in range(objectives)],
            "output_constraints": limits,
            "design_of_experiment": {"number_of_samples": samples},
            "optimization_iterations": 20,
            "input_parameters": {"x": REAL, "y": REAL, "z": REAL},
            **others,
        }
    )


def run(found, function, seed=0, batch=1):
    """Evaluate `function`, from a configuration to objectives and constraints, or None."""
    optimizer, evaluations = build(found, seed), []
    while trials := optimizer.ask(batch):
        for trial in trials:
            values = function(**trial.configuration)
            if values is None:
                told = Evaluation(trial, feasible=False)
            else:
                objectives, constraints = values
                good = within(constraints, found.output_constraints)
                told = Evaluation(
                    trial,
                    dict(zip(found.objectives, objectives, strict=True)),
                    good,
                    constraints,
                )
            optimizer.tell([told])
            evaluations.append(told)
    return evaluations


def corner(x, y, z):
    """The least sum of coordinates whose product is a tenth: 3 * 0.1^(1/3)."""
    return [x + y + z], {"product": x * y * z}


def least(evaluations):
    return min((e.objectives["f0"] for e in evaluations if e.feasible), default=INF)


def test_the_optimum_at_the_edge_of_what_is_allowed_is_found():
    evaluations = run(scenario({"product": [0.1, None]}), corner)
    assert least(evaluations) == pytest.approx(3 * 0.1 ** (1 / 3), rel=1e-3)


def test_a_feasible_region_that_the_design_missed_is_found():
    def small(x, y, z):
        return [x], {"a": x - y, "b": z}

    found = scenario({"a": [0.2, 0.22], "b": [0.7, 0.72]})
    evaluations = run(found, small)
    assert not any(e.feasible for e in evaluations[:6]), "an easy design shows nothing"
    assert sum(e.feasible for e in evaluations[6:]) >= 4


def test_a_batch_does_not_ask_the_same_place_while_nothing_is_feasible():
    found = scenario({"sum": [2.9, None]}, evaluations_per_optimization_iteration=5)
    optimizer = build(found, 0)
    first = optimizer.ask(6)
    optimizer.tell(
        [
            Evaluation(t, {"f0": 0.0}, False, {"sum": sum(t.configuration.values())})
            for t in first
        ]
    )
    X = np.array([list(t.configuration.values()) for t in optimizer.ask(5)])
    apart = np.linalg.norm(X[:, None] - X[None], axis=2)[~np.eye(5, dtype=bool)]
    assert len(X) == 5
    assert apart.min() > 1e-3


def test_failures_limits_and_two_objectives_go_together():
    def two(x, y, z):
        if x > 0.8:
            return None
        return [x + z, y + z], {"circle": (x - 0.5) ** 2 + (y - 0.5) ** 2}

    evaluations = run(scenario({"circle": [None, 0.09]}, objectives=2), two)
    good = [e for e in evaluations[6:] if e.feasible]
    assert len(good) >= 10
    assert min(e.objectives["f0"] for e in good) < 0.3
    assert min(e.objectives["f1"] for e in good) < 0.3


def test_forests_keep_to_limits_too():
    found = scenario(
        {"product": [0.1, None]}, models={"model": "random_forest"}, optimization_iterations=10
    )
    evaluations = run(found, corner)
    assert sum(e.feasible for e in evaluations[6:]) >= 3


def test_the_minimum_that_a_model_expects_lies_within_the_limits():
    found = scenario({"product": [0.1, None]})
    best = Insights(found, 0).minimum(run(found, corner))
    _, measured = corner(**best.configuration)
    assert measured["product"] > 0.099
    assert best.value == pytest.approx(3 * 0.1 ** (1 / 3), rel=0.02)


@pytest.mark.parametrize(
    ("limits", "values"),
    [
        ([None, 0], [0.0]),
        ([None, 0], [5e-324, -5e-324, 0.0]),
        ([0, None], [1.7e308, -1.7e308, 1.0, -1.0]),
        ([-1.7e308, 1.7e308], [1.7e308, -1.7e308, 0.0]),
        ([3, 3], [3.0, 2.0, 4.0, 3.5]),
        ([1e-300, None], [1e-301, 1.0, 1e300]),
        ([None, -1], [1.0]),
    ],
)
def test_whatever_is_measured_proposals_are_made(limits, values):
    found = scenario({"g": limits}, optimization_iterations=4)
    asked = []

    def strange(x, y, z):
        asked.append((x, y, z))
        return [x + y], {"g": values[len(asked) % len(values)]}

    assert len(run(found, strange)) == 10
    assert len(set(asked)) == 10
