"""What schedulers promise, under any number of workers and any order of answers.

`Race` beside a scheduler keeps account of what was handed out and what came of it; it knows
the rules from the papers alone.
"""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.fidelity.asha import Asynchronous
from hmserve.fidelity.brackets import Brackets
from hmserve.fidelity.ranking import Outcome
from hmserve.fidelity.rungs import Ladder, sizes
from hmserve.fidelity.scheduling import Place
from hmserve.trial import WHOLE

LADDER = Ladder.of(1, 27, 3)


def hyperband(count, ladder=LADDER):
    kinds = [sizes(ladder, m, "paper") for m in range(len(ladder), 0, -1)]
    return Brackets(ladder, kinds, count)


def halving(count, ladder=LADDER):
    return Brackets(ladder, [sizes(ladder, len(ladder), "paper")], count)


def asha(count, ladder=LADDER):
    return Asynchronous(ladder, 12 * count)


SCHEDULERS = {"hyperband": hyperband, "successive halving": halving, "asha": asha}


def good(value):
    return Outcome((float(value),))


class Race:
    """A scheduler, and an account of its trials: where each went, and what came of it."""

    def __init__(self, scheduler):
        self.scheduler = scheduler
        self.number = 0
        self.places, self.root, self.outcome = {}, {}, {}
        self.out, self.expired = [], []

    @property
    def synchronous(self):
        return isinstance(self.scheduler, Brackets)

    def ask(self, n):
        """Hand out up to n trials, one after the other."""
        for _ in range(n):
            place = self.scheduler.next()
            if place is None:
                break
            assert self.scheduler.next() == place
            self.check(place)
            trial, self.number = self.number, self.number + 1
            self.scheduler.enter(trial, place)
            self.places[trial] = place
            self.root[trial] = trial if place.root is None else place.root
            self.out.append(trial)

    def at(self, bracket, index):
        return [t for t, p in self.places.items() if p.rung[:2] == (bracket, index)]

    def check(self, place):
        """A promotion is one of a result that is there, made once, and not before its time."""
        bracket, index, fidelity = place.rung
        assert fidelity == LADDER.fidelities[index]
        if place.root is None:
            assert place.previous == 0.0
            assert place.room >= 1
            return
        below = self.at(bracket, index - 1)
        assert place.previous == LADDER.fidelities[index - 1]
        assert place.root in [self.root[t] for t in below if self.outcome.get(t)]
        assert place.root not in [self.root[t] for t in self.at(bracket, index)]
        if self.synchronous:
            assert not set(below) & set(self.out)

    def settle(self, k, outcome):
        if self.out:
            trial = self.out.pop(k % len(self.out))
            self.outcome[trial] = outcome
            self.scheduler.settle(trial, outcome)

    def expire(self, k):
        if self.out:
            trial = self.out.pop(k % len(self.out))
            self.expired.append(trial)
            self.scheduler.settle(trial, None)

    def answer_late(self, k, value):
        if self.expired:
            trial = self.expired.pop(k % len(self.expired))
            self.outcome[trial] = good(value)
            self.scheduler.settle(trial, good(value))

    def release(self, k, late=False):
        some = self.expired if late else self.out
        if some:
            trial = some.pop(k % len(some))
            self.scheduler.release(trial)
            del self.places[trial], self.root[trial]

    def finish(self):
        for _ in range(10_000):
            self.ask(3)
            if not self.out:
                break
            self.settle(1, good(self.number % 7))
        assert self.scheduler.next() is None
        assert not self.out

    def counts(self):
        return Counter(place.rung[:2] for place in self.places.values())


ACTIONS = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 30)),
    st.tuples(st.just("settle"), st.integers(0, 99), st.integers(0, 5).map(good)),
    st.tuples(st.just("settle"), st.integers(0, 99), st.none()),
    st.tuples(st.just("expire"), st.integers(0, 99)),
    st.tuples(st.just("answer_late"), st.integers(0, 99), st.integers(0, 5)),
    st.tuples(st.just("release"), st.integers(0, 99), st.booleans()),
)


@pytest.mark.parametrize("name", SCHEDULERS)
@settings(max_examples=80, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=60), count=st.integers(1, 5))
def test_whatever_happens_nothing_is_promoted_early_and_nothing_is_stuck(name, actions, count):
    race = Race(SCHEDULERS[name](count))
    for verb, *arguments in actions:
        getattr(race, verb)(*arguments)
    race.finish()
    assert len(race.places) <= race.scheduler.most


@settings(max_examples=60, deadline=None)
@given(actions=st.lists(ACTIONS.filter(lambda a: a[0] != "release"), max_size=80))
def test_every_bracket_has_as_many_configurations_as_its_schedule_says(actions):
    race = Race(hyperband(5))
    for verb, *arguments in actions:
        getattr(race, verb)(*arguments)
    race.finish()
    kinds = [sizes(LADDER, m, "paper") for m in (4, 3, 2, 1, 4)]
    planned = {
        (number, 4 - len(kind) + k): n
        for number, kind in enumerate(kinds)
        for k, n in enumerate(kind)
    }
    assert race.counts() == planned
    assert len(race.places) == race.scheduler.most == sum(map(sum, kinds))


@pytest.mark.parametrize("workers", [1, 2, 7, 100])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_best_go_on_whatever_the_number_of_workers(name, workers):
    race = Race(SCHEDULERS[name](1))
    while race.scheduler.next() or race.out:
        race.ask(workers)
        first = race.out[0]
        race.settle(0, good((race.root[first] * 7) % 27))
    top = race.at(0, len(LADDER) - 1)
    assert 0 in [(race.root[t] * 7) % 27 for t in top]


def test_a_rung_waits_for_its_last_result_and_other_brackets_go_on_meanwhile():
    race = Race(hyperband(2))
    race.ask(27)
    for _ in range(26):
        race.settle(1, good(1))
    place = race.scheduler.next()
    assert (place.rung[:2], place.root, place.room) == ((1, 1), None, 12)
    race.ask(WHOLE // 2**50)
    assert race.scheduler.next() is None
    assert race.counts() == {(0, 0): 27, (1, 1): 12}
    race.settle(0, good(0))
    assert race.scheduler.next() == Place(LADDER.rung(0, 1), 0, 1.0)


def test_with_no_results_at_all_as_many_come_out_as_begin():
    race = Race(hyperband(4, Ladder.of(3, 27, 3)))
    while race.scheduler.next():
        place = race.scheduler.next()
        race.scheduler.enter(race.number, place)
        race.places[race.number], race.number = place, race.number + 1
    assert race.counts() == {(0, 0): 9, (1, 1): 5, (2, 2): 3, (3, 0): 9}


def test_the_best_of_a_rung_go_on_first_and_of_equal_ones_the_older():
    race = Race(halving(1))
    race.ask(27)
    for trial in range(27):
        race.settle(0, good(0 if trial == 20 else 1))
    race.ask(9)
    assert [race.root[t] for t in race.out] == [20, 0, 1, 2, 3, 4, 5, 6, 7]


def test_where_too_few_have_a_result_new_ones_begin_higher():
    race = Race(halving(1))
    race.ask(27)
    for trial in range(27):
        race.settle(0, good(trial) if trial < 2 else None)
    race.ask(9)
    assert [race.places[t].root for t in race.out] == [0, 1, *[None] * 7]
    for _ in range(9):
        race.settle(0, None)
    race.ask(3)
    assert [(p.root, p.rung.fidelity) for p in map(race.places.get, race.out)] == [
        (None, 9.0)
    ] * 3


def test_a_straggler_that_answers_while_its_rung_is_open_is_promoted():
    race = Race(halving(1))
    race.ask(27)
    race.expire(0)
    race.answer_late(0, 0)
    for _ in range(26):
        race.settle(0, good(1))
    assert race.scheduler.next().root == 0


def test_a_straggler_that_answers_too_late_changes_nothing():
    race = Race(halving(1))
    race.ask(27)
    race.expire(0)
    for _ in range(26):
        race.settle(0, good(1))
    before = race.scheduler.next()
    race.answer_late(0, 0)
    assert race.scheduler.next() == before
    assert before.root == 1


def test_one_worker_fills_every_rung_before_the_next_begins():
    race = Race(halving(1))
    rungs = []
    while race.scheduler.next():
        race.ask(1)
        rungs.append(race.places[race.number - 1].rung.index)
        race.settle(0, good(1))
    assert rungs == [0] * 27 + [1] * 9 + [2] * 3 + [3]


def test_a_promotion_that_is_given_back_is_made_again_by_asha_as_well():
    race = Race(asha(1))
    race.ask(3)
    for value in (3, 1, 2):
        race.settle(0, good(value))
    race.ask(1)
    assert race.scheduler.next().root is None
    race.release(0)
    assert race.scheduler.next() == Place(LADDER.rung(0, 1), 1, 1.0)


def test_what_is_given_back_is_handed_out_again():
    race = Race(halving(1))
    race.ask(27)
    race.release(5)
    assert race.scheduler.next() == Place(LADDER.rung(0, 0), room=1)
    race.ask(1)
    for _ in range(27):
        race.settle(0, good(1))
    first = race.scheduler.next()
    race.ask(2)
    race.release(0)
    assert race.scheduler.next() == first


def test_asha_promotes_as_soon_as_one_is_among_the_best_third():
    race = Race(asha(1))
    race.ask(3)
    for value in (3, 1):
        race.settle(0, good(value))
        assert race.scheduler.next().root is None
    race.settle(0, good(2))
    assert race.scheduler.next() == Place(LADDER.rung(0, 1), 1, 1.0)


def test_asha_promotes_from_the_highest_rung_first():
    race = Race(asha(10))
    race.ask(9)
    for value in range(9):
        race.settle(0, good(value))
    race.ask(3)
    assert [race.root[t] for t in race.out] == [0, 1, 2]
    for value in range(3):
        race.settle(0, good(value))
    assert race.scheduler.next() == Place(LADDER.rung(0, 2), 0, 3.0)


def test_asha_of_few_configurations_ends_with_a_full_evaluation():
    race = Race(Asynchronous(LADDER, 2))
    race.ask(2)
    race.settle(0, good(1))
    assert race.scheduler.next() is None
    race.finish()
    assert race.counts() == {(0, k): 2 if k == 0 else 1 for k in range(4)}


@pytest.mark.parametrize("name", SCHEDULERS)
@given(st.integers(1, 26), st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_without_new_configurations_those_that_are_there_go_on_to_the_end(name, n, workers):
    race = Race(SCHEDULERS[name](3))
    begun = 0
    while race.scheduler.next() or race.out:
        place = race.scheduler.next()
        while place and len(race.out) < workers and (place.root is not None or begun < n):
            begun += place.root is None
            race.ask(1)
            place = race.scheduler.next()
        if place and place.root is None and begun >= n:
            race.scheduler.starve()
        race.settle(0, good(race.number % 5))
    assert begun <= n
    assert race.at(0, len(LADDER) - 1)


def test_fed_again_it_wants_new_configurations_again():
    scheduler = hyperband(1)
    scheduler.enter(0, scheduler.next())
    scheduler.starve()
    assert scheduler.next() is None
    scheduler.feed()
    scheduler.release(0)
    assert scheduler.next() == Place(LADDER.rung(0, 0), room=27)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_place_that_cannot_be_had_is_refused_and_nothing_changes(name):
    race = Race(SCHEDULERS[name](2))
    race.ask(5)
    before = race.scheduler.next()
    for place in (
        Place(LADDER.rung(0, 1), 0, 1.0),
        Place(LADDER.rung(0, 1), 99, 1.0),
        Place(LADDER.rung(0, 2), None),
        Place(LADDER.rung(9, 0), None),
    ):
        with pytest.raises(ValueError, match=r"bracket|rung"):
            race.scheduler.enter(50, place)
        assert race.scheduler.next() == before


def test_many_trials_cost_little_each():
    scheduler, out = Asynchronous(Ladder.of(1, 81, 3), None), []
    for trial in range(1500):
        scheduler.enter(trial, scheduler.next())
        out.append(trial)
        if len(out) > 20:
            scheduler.settle(out[0], good((out[0] * 7919) % 1013))
            del out[0]
    assert scheduler.most is None
