import json
import math
import statistics

import numpy as np
import pytest

from hmserve.design.samplers import design
from hmserve.engine.history import History
from hmserve.engine.local_search import LocalSearchProposer
from hmserve.engine.random_search import RandomProposer
from hmserve.engine.staged import StagedOptimizer
from hmserve.space.encoding import Encoding
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.space import Space
from hmserve.trial import OUTSIDE, Evaluation, Trial

REALS = [Real(f"x{k}", 0, 1) for k in range(3)]
MIXED = [Real("x", 0, 1), Ordinal("o", [1, 2, 4, 8, 16]), Categorical("c", ["a", "b", "c"])]
GRID = [Integer("i", 0, 60), Integer("j", 0, 60)]
SMALL = [Ordinal("o", [1, 2, 4, 8]), Categorical("c", ["a", "b", "c"])]
SPACES = {"reals": REALS, "mixed": MIXED, "grid": GRID, "small": SMALL}


def bowl(configuration, space):
    """A bowl about 0.3 in unit coordinates."""
    return float(((np.array(space.encode(configuration)) - 0.3) ** 2).sum())


def searching(parameters, seed=0, starts=10, weights=(1.0,)):
    encoding = Encoding(Space(parameters))
    random = RandomProposer(encoding, encoding.sample, seed)
    names = [f"y{k}" for k in range(len(weights))]
    return LocalSearchProposer(names, weights, random, starts, seed)


def optimizer(parameters, seed=0, samples=10, iterations=90, batch=1):
    space = Space(parameters)
    configurations = design(space, "random sampling", samples, seed)
    return StagedOptimizer(
        History(space), configurations, lambda: searching(parameters, seed), iterations, batch
    )


def evaluation(trial, *values, feasible=True):
    objectives = {f"y{k}": float(v) for k, v in enumerate(values)} if feasible else {}
    return Evaluation(trial, objectives, feasible)


def run(parameters, function, seed=0, batch=1, **sizes):
    """Trials and losses of a whole run; the loss of what fails is infinite."""
    found, trials, losses = optimizer(parameters, seed, batch=batch, **sizes), [], []
    while not found.finished:
        asked = found.ask(batch)
        values = [function(trial.configuration) for trial in asked]
        pairs = zip(asked, values, strict=True)
        found.tell([evaluation(t, v, feasible=math.isfinite(v)) for t, v in pairs])
        trials += asked
        losses += values
    return trials, losses


def branin(c):
    x, y = 15.0 * c["x"] - 5.0, 15.0 * c["y"]
    valley = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10 - 0.39788735772973816


def mixed(c):
    place, height = {"a": (0.2, 0.0), "b": (0.5, 0.3), "c": (0.8, 0.2)}[c["c"]]
    return 4.0 * (c["x"] - place) ** 2 + 0.1 * (math.log2(c["o"]) - 3.0) ** 2 + height


def gorge(c):
    """Half of the space fails."""
    i, j = c["i"] - 23, c["j"] - 41
    return math.inf if (c["i"] + 2 * c["j"]) % 4 == 3 else abs(i) + 0.5 * abs(j) + 0.01 * i * j


PROBLEMS = {
    "branin": ([Real("x", 0, 1), Real("y", 0, 1)], branin, 100.0),
    "mixed": (MIXED, mixed, 4.0),
    "gorge": (GRID, gorge, 4.0),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_it_is_far_better_than_random_search(name):
    parameters, function, factor = PROBLEMS[name]
    found = [min(run(parameters, function, seed)[1]) for seed in range(5)]
    rng, space = np.random.default_rng(0), Space(parameters)
    draws = rng.random((5, 100, space.dimension)).tolist()
    random = [min(function(space.draw(u)) for u in some) for some in draws]
    assert factor * statistics.median(found) < statistics.median(random)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("batch", [1, 4])
def test_nothing_is_proposed_twice(name, batch):
    space = Space(SPACES[name])
    trials, _ = run(
        SPACES[name], lambda c: bowl(c, space), batch=batch, iterations=120 // batch
    )
    keys = [space.key(trial.configuration) for trial in trials]
    assert len(set(keys)) == len(keys) == min(130, space.size)
    assert all(space.contains(trial.configuration) for trial in trials)


def told(parameters, pairs):
    """A history of these configurations and their values; None for a failure."""
    history = History(Space(parameters))
    for configuration, value in pairs:
        values = value if isinstance(value, tuple) else (value,)
        trial = Trial(OUTSIDE, configuration)
        history.observe([evaluation(trial, *values, feasible=value is not None)])
    return history


def at(o, c):
    return {"o": o, "c": c}


def differ(a, b):
    return sum(a[name] != b[name] for name in a)


def test_it_tries_the_neighbours_of_the_best_point():
    history = told(SMALL, [(at(1, "a"), 5.0), (at(4, "b"), 2.0), (at(8, "c"), 3.0)])
    found = searching(SMALL).propose(history, 4, 7)
    assert len(found) == 4
    assert all(differ(c, at(4, "b")) == 1 for c in found)


def test_what_is_infeasible_is_never_where_it_goes():
    history = told(SMALL, [(at(1, "a"), None), (at(4, "b"), 9.0), (at(8, "c"), None)])
    found = searching(SMALL).propose(history, 4, 7)
    assert all(differ(c, at(4, "b")) == 1 for c in found)


def test_it_moves_on_as_soon_as_a_neighbour_is_better_to_the_best_of_them():
    search = searching(SMALL)
    pairs = [(at(4, "b"), 2.0)]
    search.propose(told(SMALL, pairs), 1, 1)
    pairs += [(at(4, "a"), 1.5), (at(8, "b"), 1.0), (at(1, "b"), 3.0)]
    found = search.propose(told(SMALL, pairs), 2, 2)
    assert all(differ(c, at(8, "b")) == 1 for c in found)


def test_from_a_local_minimum_it_goes_to_the_next_start():
    around = [(at(4, "a"), 8.0), (at(4, "c"), 8.0)]
    around += [(at(o, "b"), 8.0) for o in (1, 2, 8)]
    history = told(SMALL, [(at(4, "b"), 2.0), *around, (at(1, "c"), 7.0)])
    search = searching(SMALL)
    found = search.propose(history, 1, 9)[0]
    assert differ(found, at(1, "c")) == 1
    assert len(search.state["waiting"]) == 5


def test_when_all_starts_have_been_climbed_it_starts_at_random():
    around = [(at(4, "a"), 8.0), (at(4, "c"), 8.0)]
    around += [(at(o, "b"), 8.0) for o in (1, 2, 8)]
    history = told(SMALL, [(at(4, "b"), 2.0), *around])
    found = {
        str(searching(SMALL, seed, starts=1).propose(history, 1, 9)[0]) for seed in range(40)
    }
    assert len(found) == 6


def test_steps_of_real_parameters_are_halved_until_one_gains():
    search, pairs = searching([Real("x", 0, 1)], starts=1), [({"x": 0.5}, 0.0)]
    steps = []
    for k in range(16):
        (found,) = search.propose(told([Real("x", 0, 1)], pairs), 1, k)
        steps.append(abs(found["x"] - 0.5))
        pairs.append((found, 1.0))
    np.testing.assert_allclose(steps[::2], 0.1 * 0.5 ** np.arange(8.0), rtol=1e-6)
    np.testing.assert_allclose(steps[1::2], steps[::2], rtol=1e-6)


def test_it_comes_down_to_the_bottom_of_a_bowl():
    space = Space(REALS)
    _, losses = run(REALS, lambda c: bowl(c, space), iterations=120)
    assert min(losses) < 1e-4


def test_several_objectives_are_weighted_after_they_are_scaled():
    scattered = [(at(1, "a"), (0.0, 9e6)), (at(8, "c"), (1.0, 0.0)), (at(2, "b"), (0.4, 1e6))]
    for weights, best in (((1.0, 0.0), at(1, "a")), ((0.0, 1.0), at(8, "c"))):
        search = searching(SMALL, weights=weights)
        (found,) = search.propose(told(SMALL, scattered), 1, 3)
        assert differ(found, best) == 1
    (found,) = searching(SMALL, weights=(0.5, 0.5)).propose(told(SMALL, scattered), 1, 3)
    assert differ(found, at(2, "b")) == 1


def test_with_nothing_known_or_everything_failed_it_searches_at_random():
    failed = told(SMALL, [(at(1, "a"), None)])
    for history in (History(Space(SMALL)), failed):
        found = {str(searching(SMALL, seed).propose(history, 1, 1)[0]) for seed in range(60)}
        assert len(found) >= 10


def test_while_a_start_is_awaited_others_are_drawn():
    search, history = searching(GRID), History(Space(GRID))
    (first,) = search.propose(history, 1, 0)
    history.ask([Trial(0, first)])
    others = search.propose(history, 3, 1)
    assert len(others) == 3
    assert first not in others
    history.tell([evaluation(Trial(0, first), 1.0)])
    (found,) = search.propose(history, 1, 4)
    assert differ(found, first) == 1


def test_what_is_dropped_is_tried_again_and_what_is_abandoned_is_not():
    around = [{"o": o, "c": "b"} for o in (1, 2, 8)] + [at(4, "a"), at(4, "c")]
    history = told(SMALL, [(at(4, "b"), 2.0)])
    search = searching(SMALL, starts=1)
    trials = [Trial(k, c) for k, c in enumerate(search.propose(history, 5, 0))]
    assert sorted(map(str, around)) == sorted(str(trial.configuration) for trial in trials)
    history.ask(trials)
    history.drop(trials[:1])
    history.abandon(trials[1:2])
    assert search.propose(history, 1, 5) == [trials[0].configuration]


@pytest.mark.parametrize("name", SPACES)
def test_a_run_that_was_cut_off_goes_on_as_if_it_had_not_been(name):
    parameters, space = SPACES[name], Space(SPACES[name])
    rng, run = np.random.default_rng(3), optimizer(SPACES[name], batch=3, iterations=12)
    calls = []
    while not run.finished:
        asked = run.ask(int(rng.integers(1, 4)))
        if asked:
            calls.append(("replay", asked, json.loads(json.dumps(run.state))))
        pending = list(run.pending)
        some = [pending[k] for k in rng.permutation(len(pending))[: rng.integers(1, 4)]]
        verb = ["tell", "tell", "tell", "drop", "abandon"][rng.integers(5)]
        values = [bowl(t.configuration, space) for t in some]
        given = [evaluation(t, v, feasible=v < 0.5) for t, v in zip(some, values, strict=True)]
        calls.append((verb, given if verb == "tell" else some))
        getattr(run, verb)(calls[-1][1])
    for cut in range(8, len(calls), 7):
        again = optimizer(parameters, batch=3, iterations=12)
        for k, (verb, *given) in enumerate(calls):
            if verb == "replay" and k >= cut:
                assert list(again.ask(len(given[0]))) == list(given[0])
                assert json.loads(json.dumps(again.state)) == given[1]
            else:
                getattr(again, verb)(*given)


def test_the_seed_decides_everything():
    space = Space(MIXED)
    one, same, other = (
        [t.configuration for t in run(MIXED, lambda c: bowl(c, space), seed, iterations=20)[0]]
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other
