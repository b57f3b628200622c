import itertools

import numpy as np
import pytest

from hmserve.engine.history import History
from hmserve.engine.random_search import EpsilonGreedy, RandomProposer, distinct
from hmserve.space.encoding import Encoding
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.space import Space
from hmserve.trial import OUTSIDE, Evaluation, Trial

MIXED = [Real("x", -1, 1), Integer("i", 0, 40), Categorical("c", ["a", "b", "c"])]
SMALL = [Ordinal("o", [1, 2, 4, 8]), Categorical("c", ["a", "b", "c"])]
WIDE = [Integer("i", 0, 299), Integer("j", 0, 199)]
"""More than are enumerated."""


def proposer(parameters, seed=0, draw=None):
    encoding = Encoding(Space(parameters))
    return RandomProposer(encoding, draw or encoding.sample, seed)


def observed(parameters, configurations=()):
    history = History(Space(parameters))
    history.observe([Evaluation(Trial(OUTSIDE, c), {"y": 0.0}) for c in configurations])
    return history


@pytest.mark.parametrize("parameters", [MIXED, SMALL, WIDE])
def test_what_it_proposes_is_new(parameters):
    some = proposer(parameters, seed=9).propose(observed(parameters), 5, 0)
    history = observed(parameters, some[:2])
    history.ask([Trial(0, some[2]), Trial(1, some[3])])
    history.abandon([Trial(1, some[3])])
    for number in range(20):
        found = proposer(parameters).propose(history, 4, number)
        assert len({history.space.key(c) for c in found}) == 4
        assert all(history.space.contains(c) and not history.has(c) for c in found)


@pytest.mark.parametrize("parameters", [SMALL, [Integer("i", 0, 50_000)]])
def test_the_last_configurations_of_a_finite_space_are_found(parameters):
    everything = list(Space(parameters).enumerate())
    left = [everything[k] for k in (5, 7, 11)]
    history = observed(parameters, [c for c in everything if c not in left])
    found = proposer(parameters).propose(history, 5, 0)
    assert sorted(map(str, found)) == sorted(map(str, left))


def test_of_an_exhausted_space_nothing_is_proposed():
    history = observed(SMALL, Space(SMALL).enumerate())
    assert proposer(SMALL).propose(history, 2, 0) == []


def test_every_configuration_is_as_likely_as_another():
    found = [proposer(SMALL).propose(observed(SMALL), 1, k)[0] for k in range(1200)]
    counts = [found.count(c) for c in Space(SMALL).enumerate()]
    assert len(counts) == 12
    assert min(counts) > 60
    assert max(counts) < 140


def test_points_come_from_where_they_are_drawn_while_there_are_any():
    encoding = Encoding(Space(SMALL))
    some = encoding.enumerate()[:3]

    def draw(n, rng):
        return some[rng.integers(3, size=n)]

    found = proposer(SMALL, draw=draw).propose(observed(SMALL), 3, 0)
    assert sorted(map(str, found)) == sorted(map(str, encoding.decode(some)))
    assert len(proposer(SMALL, draw=draw).propose(observed(SMALL), 9, 0)) == 9


def test_where_nothing_can_be_drawn_the_rest_is_found_all_the_same():
    def draw(n, rng):
        return rng.random((n, 2))[:0]

    found = proposer(SMALL, draw=draw).propose(observed(SMALL), 12, 0)
    assert len({tuple(c.values()) for c in found}) == 12


def test_the_seed_and_the_number_of_the_trial_decide():
    history = observed(MIXED)
    found = [
        proposer(MIXED, seed).propose(history, 2, k) for seed, k in ((1, 5), (2, 5), (1, 6))
    ]
    assert found[0] == proposer(MIXED, 1).propose(history, 2, 5)
    assert found[0] != found[1]
    assert found[0] != found[2]


def test_who_knows_what_the_seed_of_the_run_draws_is_asked_for_something_else():
    cube = [Real(f"x{k}", 0, 1) for k in range(6)]
    drawn = np.random.default_rng(1).random((10_000, 6))
    history = observed(cube, Encoding(Space(cube)).decode(drawn))
    found = proposer(cube, seed=1).propose(history, 1, 0)
    assert len(found) == 1
    assert not history.has(found[0])


def test_in_an_infinite_space_it_draws_until_there_is_something_new():
    random, novelty = proposer(MIXED), proposer(MIXED).novelty(observed(MIXED))
    novelty.take(random.encoding.sample(20_000, np.random.default_rng(0)))
    (point,) = random.points(1, novelty, np.random.default_rng(0))
    assert novelty(point[None])[0]


def test_a_range_of_few_numbers_comes_to_an_end():
    few = [Real("x", 1.0, 1.0 + 100 * 2.0**-52)]
    history = observed(few, [{"x": 1.0 + k * 2.0**-52} for k in range(101)])
    assert proposer(few).propose(history, 2, 0) == []


def test_it_has_nothing_to_remember():
    random = proposer(MIXED)
    random.restore({"calls": 1})
    assert random.state == {}


def test_distinct_rows_keep_their_order():
    X = np.array([[2.0, 1.0], [0.0, 0.0], [2.0, 1.0], [1.0, 5.0], [0.0, 0.0]])
    assert distinct(X).tolist() == [[2.0, 1.0], [0.0, 0.0], [1.0, 5.0]]
    assert distinct(X[:0]).shape == (0, 2)


class InOrder:
    """Proposes what is new in a fixed order; its state is how often it was asked."""

    def __init__(self):
        self.state = {"calls": 0}

    def restore(self, state):
        self.state = dict(state)

    def propose(self, history, n, first_id, *, quick=False):
        del quick
        assert n > 0
        assert first_id >= 0
        self.state = {"calls": self.state["calls"] + 1}
        new = (c for c in history.space.enumerate() if not history.has(c))
        return list(itertools.islice(new, n))


def greedy(epsilon, parameters=WIDE, seed=3):
    return EpsilonGreedy(InOrder(), proposer(parameters), epsilon, seed)


@pytest.mark.parametrize("n", [1, 4])
def test_now_and_then_a_trial_is_a_random_one(n):
    history, best = observed(WIDE), InOrder().propose(observed(WIDE), n, 0)
    asked = [greedy(0.2).propose(history, n, n * k) for k in range(600)]
    assert all(len({history.space.key(c) for c in found}) == n for found in asked)
    random = sum(c not in best for found in asked for c in found)
    assert 0.16 < random / (600 * n) < 0.24


def test_never_and_always_are_what_they_say():
    history = observed(WIDE)
    for k in range(30):
        assert greedy(0.0).propose(history, 2, k) == InOrder().propose(history, 2, k)
        assert greedy(1.0).propose(history, 2, k) == proposer(WIDE).propose(history, 2, k)


def test_a_small_space_is_proposed_to_its_end_and_nothing_twice():
    history, seen = observed(SMALL), []
    for k in range(10):
        found = greedy(0.5, SMALL).propose(history, 2, 2 * k)
        seen += [history.space.key(c) for c in found]
        history.observe([Evaluation(Trial(OUTSIDE, c), {"y": 0.0}) for c in found])
    assert len(seen) == len(set(seen)) == 12


def test_its_state_is_that_of_the_proposer_it_leads():
    one = greedy(0.0)
    one.propose(observed(WIDE), 1, 0)
    assert one.state == {"calls": 1}
    two = greedy(1.0)
    two.restore(one.state)
    two.propose(observed(WIDE), 1, 0)
    assert two.state == {"calls": 1}
