"""The arithmetic of stages and budgets; tests/contract has it under any order of calls."""

import numpy as np
import pytest

from hmserve.engine.history import History
from hmserve.engine.staged import StagedOptimizer
from hmserve.space.parameters import Integer, Real
from hmserve.space.space import Space
from hmserve.trial import OUTSIDE, WHOLE, Evaluation, Trial

WIDE = Space([Real("x", 0.0, 1.0)])


class InOrder:
    """Proposes what is new in a fixed order; its state is how often it was asked."""

    def __init__(self):
        self.state = {"calls": 0}

    def restore(self, state):
        self.state = dict(state)

    def propose(self, history, n, first_id, *, quick=False):
        del quick
        assert first_id >= 0
        self.state = {"calls": self.state["calls"] + 1}
        finite = history.space.size < float("inf")
        some = history.space.enumerate() if finite else ({"x": k / 1000} for k in range(1000))
        return [c for c in some if not history.has(c)][:n]


def optimizer(design=3, iterations=2, batch=2, space=WIDE):
    rng = np.random.default_rng(1)
    if space is WIDE:
        configurations = [{"x": float(x)} for x in rng.random(design)]
    else:
        configurations = list(space.enumerate())[:design]
    return StagedOptimizer(History(space), configurations, InOrder, iterations, batch)


def told(trials, y=0.0):
    return [Evaluation(trial, {"y": y}) for trial in trials]


def outside(configuration):
    return Evaluation(Trial(OUTSIDE, configuration), {"y": 0.0})


def test_the_design_comes_first_in_its_order_then_batches():
    run = optimizer(design=3, iterations=2, batch=2)
    assert run.budget == 7
    first = run.ask(2)
    assert [trial.id for trial in first] == [0, 1]
    assert [len(run.ask(WHOLE)) for _ in range(4)] == [1, 2, 2, 0]
    assert [trial.id for trial in run.pending] == list(range(7))
    assert not run.finished
    run.tell(told(run.pending))
    assert run.finished
    assert run.ask(5) == ()


def test_asked_for_a_number_it_returns_so_many_proposals_whatever_the_batch():
    run = optimizer(design=3, iterations=4, batch=2)
    assert [len(run.ask(5)) for _ in range(4)] == [3, 5, 3, 0]


@pytest.mark.parametrize("n", [0, -1])
def test_asked_for_nothing_it_returns_nothing(n):
    assert optimizer().ask(n) == ()


def test_what_is_dropped_is_asked_for_again_under_another_number():
    run = optimizer(design=1, iterations=2, batch=1)
    trials = [run.ask(1)[0] for _ in range(3)]
    assert run.ask(1) == ()
    run.drop([trials[1]])
    assert run.ask(1)[0].id == 3
    assert run.ask(1) == ()


def test_a_design_keeps_its_shape_whatever_is_dropped():
    run = optimizer(design=4, iterations=2, batch=1)
    design = run.ask(3)
    run.drop(design[1:])
    again = run.ask(9)
    assert [trial.configuration for trial in again[:2]] == [t.configuration for t in design[1:]]
    assert [trial.id for trial in again] == [3, 4, 5]
    proposed = run.ask(1)
    run.drop(proposed)
    assert len(run.ask(1)) == len(run.ask(1)) == 1
    assert run.ask(1) == ()


def test_of_the_design_nothing_is_asked_again_that_was_observed_meanwhile():
    run = optimizer(design=2, iterations=1, batch=1)
    first, second = run.ask(2)
    run.observe([outside(first.configuration)])
    run.drop([first, second])
    assert [trial.configuration for trial in run.ask(2)] == [second.configuration]
    assert run.ask(1)[0].configuration != first.configuration


def test_what_is_abandoned_is_spent():
    run = optimizer(design=2, iterations=0)
    run.abandon(run.ask(2))
    assert run.finished
    assert run.ask(1) == ()


def test_what_was_observed_is_not_asked_in_the_design():
    run = optimizer(design=3, iterations=1, batch=1)
    design = [trial.configuration for trial in optimizer(design=3).ask(3)]
    assert run.ask(1)[0].configuration == design[0]
    run.observe([outside(design[1]), outside({"x": 0.123})])
    assert run.budget == 3
    assert [trial.configuration for trial in run.ask(5)] == [design[2]]
    assert len(run.ask(5)) == 1
    assert run.ask(5) == ()


def test_a_design_that_repeats_itself_is_asked_as_it_is():
    again = [{"x": 0.5}, {"x": 0.25}, {"x": 0.5}, {"x": 0.75}, {"x": 0.25}]
    run = StagedOptimizer(History(WIDE), again, InOrder, 0, 1)
    run.tell(told(run.ask(2)))
    run.observe([])
    run.observe([outside({"x": 0.75})])
    assert [trial.configuration for trial in run.ask(9)] == [{"x": 0.5}, {"x": 0.25}]
    assert run.budget == 4


def test_a_long_design_is_not_gone_through_at_every_observation():
    looked = 0

    class Watched(Space):
        def key(self, configuration):
            nonlocal looked
            looked += 1
            return super().key(configuration)

    n = 300
    design = [{"x": k / n} for k in range(n)]
    run = StagedOptimizer(History(Watched([Real("x", 0.0, 1.0)])), design, InOrder, 1, 1)
    for configuration in design[1:]:
        run.observe([outside(configuration)])
    assert [trial.configuration for trial in run.ask(n)] == design[:1]
    assert run.budget == 2
    assert looked < 10 * n


def test_what_is_dropped_of_a_design_that_repeats_itself_comes_again_until_it_is_observed():
    a, b = {"x": 0.5}, {"x": 0.25}
    run = StagedOptimizer(History(WIDE), [a, b, a], InOrder, 0, 1)
    first, second = run.ask(2)
    run.drop([first, second])
    assert [trial.configuration for trial in run.ask(2)] == [a, b]
    run.observe([outside(a)])
    run.drop(run.pending)
    assert [trial.configuration for trial in run.ask(9)] == [b]


def test_an_observation_does_not_end_the_run():
    run = optimizer(design=2, iterations=1, batch=1)
    run.observe([outside({"x": k / 100}) for k in range(50)])
    assert run.budget == 3
    assert not run.finished


def test_a_small_space_ends_before_the_budget():
    run = optimizer(design=2, iterations=100, space=Space([Integer("i", 0, 4)]))
    asked = []
    while not run.finished:
        trials = run.ask(3)
        asked += [trial.configuration["i"] for trial in trials]
        run.tell(told(trials))
    assert sorted(asked) == [0, 1, 2, 3, 4]


def test_in_an_exhausted_space_what_is_dropped_is_asked_again():
    run = optimizer(design=5, iterations=100, space=Space([Integer("i", 0, 4)]))
    trials = run.ask(9)
    assert run.ask(1) == ()
    run.drop(trials[2:3])
    assert [trial.configuration for trial in run.ask(9)] == [trials[2].configuration]


def test_stopped_it_waits_for_what_is_pending():
    run = optimizer()
    trials = run.ask(2)
    run.stop()
    assert run.ask(1) == ()
    assert not run.finished
    run.tell(told(trials))
    assert run.finished


def test_the_learner_is_made_when_it_is_first_needed():
    made = []

    def make():
        made.append(1)
        return InOrder()

    run = StagedOptimizer(History(WIDE), [{"x": 0.5}], make, 2, 1)
    assert run.state == {}
    run.ask(1)
    assert made == []
    run.ask(1)
    run.ask(1)
    assert made == [1]
    assert run.state == {"calls": 2}


@pytest.mark.parametrize("numbers", [[1], [0, 2], [-1], [1, 0]])
def test_a_replay_out_of_turn_is_refused_and_changes_nothing(numbers):
    run = optimizer()
    with pytest.raises(ValueError, match="do not follow"):
        run.replay([Trial(number, {"x": 0.5}) for number in numbers], {"calls": 9})
    assert run.pending == ()
    assert [trial.id for trial in run.ask(9)] == [0, 1, 2]
