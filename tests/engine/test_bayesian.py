from collections import Counter

import numpy as np
import pytest

from hmserve.engine.build import build
from hmserve.scenario import Scenario
from hmserve.space.encoding import Encoding
from hmserve.trial import OUTSIDE, Evaluation, Trial

REAL = {"parameter_type": "real", "values": [0, 1]}
FEW_FLOATS = {"parameter_type": "real", "values": [1e16, 1e16 + 8]}
INTEGER = {"parameter_type": "integer", "values": [0, 99]}


def scenario(*parameters, objectives=1, **others):
    return Scenario.parse(
        {
            "optimization_objectives": [f"y{k}" for k in range(objectives)],
            "input_parameters": {f"p{k}": p for k, p in enumerate(parameters)},
            "design_of_experiment": {"number_of_samples": 0},
            "optimization_iterations": 10**6,
            **others,
        }
    )


def observing(found, n, function, seed=0):
    """An optimizer that knows the values of `function` at n random points."""
    optimizer, rng = build(found, 1), np.random.default_rng(seed)
    rows = rng.random((n, found.space.dimension)).tolist()
    optimizer.observe(
        [result(found, Trial(OUTSIDE, found.space.draw(row)), function) for row in rows]
    )
    return optimizer


def result(found, trial, function):
    """The values of `function`, which takes coordinates and returns None for a failure."""
    values = function(coordinates(found, [trial])[0])
    if values is None:
        return Evaluation(trial, {}, feasible=False)
    return Evaluation(trial, dict(zip(found.objectives, values, strict=True)))


def coordinates(found, trials):
    return Encoding(found.space).encode(trial.configuration for trial in trials)


def bowl(x):
    return [float(((x - 0.3) ** 2).sum())]


def test_it_proposes_near_the_minimum_it_expects():
    found = scenario(REAL, REAL)
    optimizer = observing(found, 25, bowl)
    for _ in range(3):
        trials = optimizer.ask(1)
        optimizer.tell([result(found, trial, bowl) for trial in trials])
    np.testing.assert_allclose(coordinates(found, trials)[0], 0.3, atol=0.02)


def test_what_is_pending_is_not_proposed_again_nor_its_neighbourhood():
    found = scenario(REAL, REAL)
    optimizer = observing(found, 12, bowl)
    X = coordinates(found, [optimizer.ask(1)[0] for _ in range(6)])
    apart = np.linalg.norm(X[:, None] - X[None], axis=2)[~np.eye(6, dtype=bool)]
    assert apart.min() > 1e-3


def test_a_batch_spreads_like_pending_trials():
    found = scenario(REAL, REAL, evaluations_per_optimization_iteration=6)
    X = coordinates(found, observing(found, 12, bowl).ask(6))
    apart = np.linalg.norm(X[:, None] - X[None], axis=2)[~np.eye(6, dtype=bool)]
    assert len(X) == 6
    assert apart.min() > 1e-3


def test_what_was_abandoned_is_not_proposed_again():
    found = scenario(INTEGER)
    optimizer = observing(found, 5, bowl)
    asked = []
    for _ in range(8):
        trials = optimizer.ask(1)
        asked += [trial.configuration["p0"] for trial in trials]
        optimizer.abandon(trials)
    assert len(set(asked)) == 8


def test_what_was_dropped_is_proposed_again():
    optimizer = observing(scenario(REAL, INTEGER), 8, bowl)
    first = optimizer.ask(1)
    optimizer.drop(first)
    assert optimizer.ask(1)[0].configuration != {}
    small = observing(scenario({"parameter_type": "ordinal", "values": [1, 2]}), 1, bowl)
    dropped = small.ask(1)
    small.drop(dropped)
    assert small.ask(1)[0].configuration == dropped[0].configuration


def test_it_keeps_away_from_where_evaluations_fail():
    found = scenario(REAL, REAL)

    def half(x):
        return bowl(x) if x.sum() > 1.0 else None

    optimizer = observing(found, 30, half)
    failures = 0
    for _ in range(10):
        results = [result(found, trial, half) for trial in optimizer.ask(1)]
        failures += not results[0].feasible
        optimizer.tell(results)
    assert failures < 5


def test_while_everything_fails_it_looks_all_over_the_space():
    found = scenario(REAL, REAL)
    optimizer = observing(found, 10, lambda _: None)
    asked = []
    for _ in range(30):
        trials = optimizer.ask(1)
        asked += trials
        optimizer.tell([result(found, trial, lambda _: None) for trial in trials])
    quadrants = {tuple(x > 0.5) for x in coordinates(found, asked)}
    assert len(quadrants) == 4


def test_objectives_of_infeasible_evaluations_are_not_values():
    found = scenario(REAL)
    one, two = build(found, 1), build(found, 1)
    for optimizer, lie in ((one, -100.0), (two, 100.0)):
        for k in range(8):
            trial = Trial(OUTSIDE, {"p0": k / 8})
            y = lie if k % 3 == 0 else (k / 8 - 0.4) ** 2
            optimizer.observe([Evaluation(trial, {"y0": y}, feasible=k % 3 != 0)])
    assert one.ask(1) == two.ask(1)


def test_two_objectives_are_searched_along_their_front():
    found = scenario(REAL, REAL, objectives=2)

    def both(x):
        return [float(((x - 0.2) ** 2).sum()), float(((x - 0.8) ** 2).sum())]

    optimizer = observing(found, 12, both)
    asked = []
    for _ in range(12):
        trials = optimizer.ask(1)
        asked += trials
        optimizer.tell([result(found, trial, both) for trial in trials])
    X = coordinates(found, asked)
    on_front = np.abs(X[:, 0] - X[:, 1]) < 0.1
    assert on_front.mean() > 0.6
    assert np.ptp(X[on_front].sum(1)) > 0.7


def test_a_real_of_few_floats_is_exhausted_and_then_the_run_is_over():
    found = scenario(FEW_FLOATS)
    optimizer, asked = build(found, 1), []
    for _ in range(7):
        trials = optimizer.ask(1)
        asked += [trial.configuration["p0"] for trial in trials]
        optimizer.tell([result(found, trial, bowl) for trial in trials])
    assert len(set(asked)) == len(asked) == 5
    assert optimizer.finished


def test_each_trial_has_draws_of_its_own():
    optimizer = build(scenario(REAL), 1)
    first = optimizer.ask(1)
    optimizer.drop(first)
    assert optimizer.ask(1)[0].configuration != first[0].configuration


@pytest.mark.parametrize("pending", [0, 30])
def test_before_any_result_proposals_are_random_and_new(pending):
    found = scenario(INTEGER, evaluations_per_optimization_iteration=40)
    optimizer = build(found, 1)
    optimizer.ask(pending)
    optimizer.abandon(optimizer.pending[:10])
    optimizer.ask(40)
    counts = Counter(t.configuration["p0"] for t in optimizer.pending)
    assert max(counts.values()) == 1
    assert len(counts) == 40 + max(pending - 10, 0)


def test_thousands_of_evaluations_are_no_obstacle():
    found = scenario(REAL, REAL)
    optimizer = observing(found, 1500, bowl)
    asked = [optimizer.ask(1)[0], optimizer.ask(1)[0]]
    np.testing.assert_allclose(coordinates(found, asked[:1])[0], 0.3, atol=0.05)
    assert asked[0].configuration != asked[1].configuration
    assert sorted(view["fitted"] for view in optimizer.state["views"]) == [1500, 1500]


@pytest.mark.parametrize("known", [12, 60])
def test_the_first_of_quick_proposals_is_one_that_gains_and_all_differ(known):
    found = Scenario.parse(
        {
            "optimization_objectives": ["y"],
            "input_parameters": {
                f"x{k}": {"parameter_type": "real", "values": [0, 1]} for k in range(3)
            },
            "design_of_experiment": {"number_of_samples": known},
            "max_evaluations": 500,
        }
    )
    careful, quick = build(found, 5), build(found, 5)

    def bowl(trial):
        return sum((value - 0.6) ** 2 for value in trial.configuration.values())

    for optimizer in (careful, quick):
        designed = optimizer.ask(known)
        optimizer.tell([Evaluation(t, {"y": bowl(t)}) for t in designed])
    (best,) = careful.ask(1)
    first, *others = quick.ask(8, quick=True)
    assert max(bowl(best), bowl(first)) < min(map(bowl, designed))
    assert len({str(trial.configuration) for trial in [first, *others]}) == 8
