"""Optimizers that work on one run: what each is given, and what it keeps to itself."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.engine.build import build, build_ranked, shared_design
from hmserve.engine.rank import ALONE, Exploration, Rank
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Evaluation, Trial

REAL = {"parameter_type": "real", "values": [0, 1]}
FEW = {"parameter_type": "ordinal", "values": [1, 2, 3, 4]}

sizes = st.integers(1, 64)
seeds = st.integers(0, 2**32)


def scenario(parameters, samples=4, **others):
    return Scenario.parse(
        {
            "optimization_objectives": ["y"],
            "input_parameters": {f"p{k}": p for k, p in enumerate(parameters)},
            "design_of_experiment": {"number_of_samples": samples},
            "optimization_iterations": 10**6,
            **others,
        }
    )


def value(configuration):
    return sum((float(x) - 0.3) ** 2 for x in configuration.values())


def answered(trial):
    return Evaluation(trial, {"y": value(trial.configuration)})


def heard(trial):
    """What another rank hears of an answered trial."""
    return Evaluation(Trial(OUTSIDE, trial.configuration), {"y": value(trial.configuration)})


def ranked(chosen, rank, seed=1, **others):
    designed = shared_design(chosen, seed, rank.size)[rank.number :: rank.size]
    return build_ranked(chosen, seed, rank, designed, **others)


def run(optimizer, n):
    """Ask and answer `n` trials, one at a time."""
    trials = []
    for _ in range(n):
        for trial in optimizer.ask(1):
            trials.append(trial)
            optimizer.tell([answered(trial)])
    return trials


# ---------------------------------------------------------------- ranks and their exploration


@given(sizes, seeds)
def test_ranks_draw_from_streams_of_their_own_and_the_first_from_that_of_the_run(size, seed):
    drawn = [Rank(r, size).seed(seed) for r in range(size)]
    assert drawn[0] == seed
    assert len(set(drawn)) == size
    assert drawn == [Rank(r, size).seed(seed) for r in range(size)]


@given(sizes, seeds)
def test_shares_are_spread_evenly_whatever_the_seed(size, seed):
    shares = sorted(Rank(r, size).share(seed) for r in range(size))
    assert shares == pytest.approx([(k + 0.5) / size for k in range(size)])


def test_which_rank_has_which_share_depends_on_the_seed():
    rows = {tuple(Rank(r, 8).share(seed) for r in range(8)) for seed in range(20)}
    assert len(rows) > 15


@given(st.integers(4, 400), seeds)
def test_few_ranks_explore_as_much_on_average_as_many(size, seed):
    steady = Exploration(kappa=2.0, period=10, rate=0.0)
    kappas = [steady.at(Rank(r, size), 0, seed) for r in range(size)]
    assert statistics.fmean(kappas) == pytest.approx(2.0, rel=0.15)
    assert min(kappas) < 0.3
    assert max(kappas) > 4.0


def test_exploration_falls_within_a_period_and_begins_anew_after_it():
    fading = Exploration(kappa=2.0, period=5, rate=0.2)
    first, *rest = [fading.at(Rank(0, 1), t, 3) for t in range(6)]
    assert rest[:4] == pytest.approx([first * math.exp(-0.2 * t) for t in range(1, 5)])
    assert rest[4] == first


def test_ranks_are_out_of_phase():
    fading = Exploration(kappa=2.0, period=8, rate=0.2)

    def peak(r):
        return max(range(8), key=lambda t: fading.at(Rank(r, 4), t, 3))

    assert sorted(peak(r) for r in range(4)) == [0, 2, 4, 6]


# ---------------------------------------------------------------- optimizers of ranks


@given(st.integers(1, 40), st.integers(0, 12))
def test_the_design_is_sliced_and_everyone_has_a_part(size, samples):
    chosen = scenario([REAL, REAL], samples)
    design = shared_design(chosen, 5, size)
    assert len(design) == max(samples, size)
    asked = [t for r in range(size) for t in ranked(chosen, Rank(r, size), 5).ask(len(design))]
    assert sorted(map(str, (t.configuration for t in asked))) == sorted(map(str, design))


@given(st.integers(1, 9), st.integers(0, 8), st.integers(0, 50))
def test_no_two_ranks_give_a_trial_the_same_number(size, number, first):
    rank = Rank(number % size, size)
    chosen = scenario([REAL], 3 * size)
    trials = ranked(chosen, rank, first=first).ask(3)
    assert [t.id % size for t in trials] == [rank.number] * 3
    assert min(t.id for t in trials) >= first
    assert sorted(t.id for t in trials) == [trials[0].id + k * size for k in range(3)]


def test_a_rank_that_is_alone_proposes_what_the_ordinary_optimizer_does():
    chosen = scenario([REAL, REAL])
    assert run(ranked(chosen, ALONE, 7), 9) == run(build(chosen, 7), 9)


@pytest.mark.parametrize("diversity", ["auto", "pending", "thompson", "kappa"])
def test_ranks_that_know_the_same_propose_different_things(diversity):
    chosen = scenario([REAL, REAL], 4, distributed={"diversity": diversity})
    optimizers = [ranked(chosen, Rank(r, 4), 7) for r in range(4)]
    for r, optimizer in enumerate(optimizers):
        (trial,) = optimizer.ask(1)
        optimizer.tell([answered(trial)])
        for other in optimizers[:r] + optimizers[r + 1 :]:
            other.observe([heard(trial)])
    out = []
    for optimizer in optimizers:
        optimizer.attend(list(out))
        out.extend(optimizer.ask(1))
    points = {tuple(t.configuration.values()) for t in out}
    assert len(points) == 4


def test_what_another_rank_evaluates_is_not_proposed_again():
    chosen = scenario([FEW, FEW], 2)
    optimizer = ranked(chosen, Rank(0, 2), 3)
    run(optimizer, 1)
    space = [{"p0": a, "p1": b} for a in FEW["values"] for b in FEW["values"]]
    asked = {tuple(t.configuration.values()) for t in optimizer.pending}
    others = [Trial(OUTSIDE, c) for c in space[:12]]
    optimizer.attend(others)
    for trial in run(optimizer, 6):
        assert trial.configuration not in space[:12]
        asked.add(tuple(trial.configuration.values()))
    assert len(asked) <= 4


# ---------------------------------------------------------------- parts of a finite space


class Halves:
    """Two parts, by the first coordinate; which of them are held can be changed."""

    def __init__(self, held):
        self.held = held

    def part(self, point):
        import numpy as np

        return int(np.frombuffer(point)[0] > 0.5)


def first_of(trial):
    return trial.configuration["p0"]


@pytest.mark.parametrize("second", [FEW, REAL], ids=["listed", "unlisted"])
def test_only_what_is_in_parts_that_are_held_is_proposed(second):
    parts = Halves([False, True])
    optimizer = ranked(scenario([FEW, second], 0), Rank(1, 2, parts), 3)
    optimizer.observe([heard(Trial(OUTSIDE, {"p0": a, "p1": 1})) for a in FEW["values"][:2]])
    assert {first_of(t) for t in run(optimizer, 6)} <= {3, 4}


def test_a_rank_whose_parts_are_used_up_goes_on_when_it_is_given_another():
    parts = Halves([False, True])
    optimizer = ranked(scenario([FEW, FEW], 0), Rank(1, 2, parts), 3)
    optimizer.observe([heard(Trial(OUTSIDE, {"p0": 1, "p1": 1}))])
    assert len(run(optimizer, 12)) == 8
    assert not optimizer.finished
    assert not optimizer.ask(1)
    parts.held = [True, True]
    more = run(optimizer, 12)
    assert {first_of(t) for t in more} == {1, 2}
    assert len(more) == 7
    assert optimizer.finished
