"""What every strategy for pending trials keeps, with every model, goal and space."""

import numpy as np
import pytest

from hmserve.engine.build import build
from hmserve.scenario import Scenario
from hmserve.space.encoding import Encoding
from hmserve.trial import OUTSIDE, Evaluation, Trial

REAL = {"parameter_type": "real", "values": [0, 1]}
GUIDED = {**REAL, "prior": "gaussian"}
INTEGER = {"parameter_type": "integer", "values": [0, 99]}
ORDINAL = {"parameter_type": "ordinal", "values": [1, 2, 4, 8]}
LABELS = {"parameter_type": "categorical", "values": ["a", "b", "c"]}
FOREST = {"models": {"model": "random_forest", "number_of_trees": 5}}

STRATEGIES = [
    *("believer", "fantasies", "liar_min", "liar_mean", "liar_max"),
    *("local_penalization", "hard_local_penalization", "gibbon"),
    *("joint_ei", "thompson", "ignore", "auto"),
]
REPELLING = [name for name in STRATEGIES if name not in {"ignore", "thompson"}]

SITUATIONS = {
    "reals": ([REAL, REAL], {}),
    "mixed": ([REAL, LABELS, INTEGER], {}),
    "a small space": ([ORDINAL, LABELS], {}),
    "a forest": ([REAL, LABELS], FOREST),
    "a forest of several": ([REAL, ORDINAL], {**FOREST, "objectives": 2}),
    "two objectives": ([REAL, LABELS], {"objectives": 2}),
    "three objectives": ([REAL], {"objectives": 3}),
    "scalarised": ([REAL, REAL], {"objectives": 2, "acquisition_function": "UCB"}),
    "failures": ([REAL, REAL], {}),
    "limits": ([REAL, REAL], {"output_constraints": {"g": [None, 1.2]}}),
    "out of limits": ([REAL, REAL], {"output_constraints": {"g": [None, -1.0]}}),
    "a prior": ([GUIDED, REAL], {}),
    "odds": ([GUIDED, REAL], {"acquisition_function": "EI_BOPRO"}),
    "a draw": ([REAL, LABELS], {"acquisition_function": "TS"}),
    "known constraints": ([REAL, REAL], {"constraints": ["p0 + p1 <= 1.5"]}),
    "a value to reach": ([REAL, REAL], {"objective_value_target": -1.0}),
}


def scenario(parameters, objectives=1, batch=1, **others):
    return Scenario.parse(
        {
            "optimization_objectives": [f"y{k}" for k in range(objectives)],
            "input_parameters": {f"p{k}": p for k, p in enumerate(parameters)},
            "design_of_experiment": {"number_of_samples": 0},
            "optimization_iterations": 10**6,
            "evaluations_per_optimization_iteration": batch,
            **others,
        }
    )


def told(situation, strategy, batch=1, n=9, seed=1):
    """An optimizer in a situation, that knows n results."""
    parameters, others = SITUATIONS[situation]
    found = scenario(parameters, batch=batch, pending_strategy=strategy, **others)
    optimizer, rng = build(found, seed), np.random.default_rng(0)
    drawn = [found.space.draw(row) for row in rng.random((99, found.space.dimension)).tolist()]
    distinct = {found.space.key(c): c for c in drawn if allowed(situation, c)}
    some = list(distinct.values())[:n]
    optimizer.observe([measured(found, situation, Trial(OUTSIDE, c)) for c in some])
    return found, optimizer, some


def allowed(situation, configuration):
    return situation != "known constraints" or sum(configuration.values()) <= 1.5


def measured(found, situation, trial):
    x = Encoding(found.space).encode([trial.configuration])[0]
    limits = {"g": float(x.sum())} if found.output_constraints else {}
    failed = situation == "failures" and x.sum() > 1.4
    within = not limits or x.sum() <= found.output_constraints["g"][1]
    values = [float(((x - 0.3 - 0.2 * k) ** 2).sum()) for k in range(len(found.objectives))]
    objectives = {} if failed else dict(zip(found.objectives, values, strict=True))
    return Evaluation(trial, objectives, not failed and within, limits)


def asked(optimizer, n, batch):
    return [trial for _ in range(n) for trial in optimizer.ask(batch)]


PAIRS = [
    # A fifth of all pairs, each strategy and each situation several times, is for every day.
    pytest.param(situation, strategy, marks=() if (i + 2 * j) % 5 == 0 else pytest.mark.slow)
    for i, situation in enumerate(SITUATIONS)
    for j, strategy in enumerate(STRATEGIES)
]


@pytest.mark.parametrize(("situation", "strategy"), PAIRS)
def test_nothing_is_proposed_twice_and_everything_again_the_same(situation, strategy):
    found, optimizer, known = told(situation, strategy, batch=2)
    trials = asked(optimizer, 2, 2)
    keys = [found.space.key(c) for c in known]
    keys += [found.space.key(trial.configuration) for trial in trials]
    assert len(set(keys)) == len(keys)
    expected = min(4, found.space.size - len(known))
    assert len(trials) == expected
    assert all(allowed(situation, trial.configuration) for trial in trials)
    _, again, _ = told(situation, strategy, batch=2)
    assert asked(again, 2, 2) == trials


@pytest.mark.parametrize("strategy", REPELLING)
def test_what_is_pending_repels(strategy):
    found, optimizer, _ = told("reals", strategy, n=15)
    X = Encoding(found.space).encode(t.configuration for t in asked(optimizer, 5, 1))
    apart = np.linalg.norm(X[:, None] - X[None], axis=2)[~np.eye(len(X), dtype=bool)]
    assert apart.min() > 1e-3


@pytest.mark.parametrize("strategy", REPELLING)
def test_what_was_given_back_repels_no_more(strategy):
    found, optimizer, _ = told("reals", strategy, n=15)
    _, other, _ = told("reals", strategy, n=15)
    first = optimizer.ask(1)
    optimizer.drop(first)
    other.drop(other.ask(1))
    assert optimizer.ask(1) == other.ask(1)
    first = Encoding(found.space).encode(t.configuration for t in first)
    second = Encoding(found.space).encode(t.configuration for t in optimizer.pending)
    np.testing.assert_allclose(first, second, atol=0.25)


def test_who_ignores_what_is_pending_asks_nearly_the_same_again():
    found, optimizer, _ = told("reals", "ignore", n=15)
    X = Encoding(found.space).encode(t.configuration for t in asked(optimizer, 3, 2))
    near = np.linalg.norm(X[0] - X[2])
    assert near < 0.05


def test_strategies_differ():
    chosen = {}
    for strategy in STRATEGIES:
        _, optimizer, _ = told("reals", strategy, n=15)
        asked(optimizer, 2, 1)
        chosen[strategy] = tuple(optimizer.ask(1)[0].configuration.values())
    assert chosen["auto"] == chosen["believer"]
    assert chosen["joint_ei"] == chosen["fantasies"]
    assert len(set(chosen.values())) == len(STRATEGIES) - 2


def test_a_batch_is_settled_together():
    _, greedy, _ = told("reals", "fantasies", batch=3, n=15)
    found, jointly, _ = told("reals", "joint_ei", batch=3, n=15)
    one, other = greedy.ask(3), jointly.ask(3)
    assert len(other) == 3
    A, B = (
        Encoding(found.space).encode(t.configuration for t in batch) for batch in (one, other)
    )
    assert not np.allclose(A, B)
    # It starts from the greedy choice, and stays near it.
    assert np.abs(A - B).max() < 0.5
