"""Whole runs of many ranks, in virtual time (tests/bench/ranks/network.py)."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranks.network import Network, World

SPACE = [(float(a), float(b)) for a in range(8) for b in range(8)]


def wild(rng: Random) -> float:
    """Return a latency that lets everything overtake everything."""
    return rng.random() * rng.choice([1e-4, 1e-2, 1.0, 20.0])


def uneven(rank: int, rng: Random) -> float:
    """Return the seconds of an evaluation: some ranks are 50 times faster than others."""
    return (1 + rank % 7) ** 2 * rng.uniform(0.5, 1.5)


def run(size: int, budget: int | None, world: World) -> Network:
    """Run to the end, and check what holds of every run."""
    network = Network(size, budget, world)
    network.run()
    members = [rank.member for rank in network.ranks]
    assert all(member.complete for member in members)
    assert len({tuple(member.counts) for member in members}) == 1
    for rank in network.ranks:
        others = [other for other in network.ranks if other is not rank]
        assert len(rank.heard) == sum(len(other.evaluated) for other in others)
        assert not rank.member.pending_elsewhere
        for other in others:
            found = [r for r in rank.heard if r.origin == other.member.rank]
            assert [r.coordinates for r in found] == other.evaluated
            assert found == sorted(found, key=lambda r: r.sequence)
    return network


def done(network: Network) -> list[tuple[float, ...]]:
    return [c for rank in network.ranks for c in rank.evaluated]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 16, 33, 64])
@pytest.mark.parametrize("budget", [0, 1, 10, 100])
def test_a_budget_is_spent_exactly(size: int, budget: int) -> None:
    assert len(done(run(size, budget, World(seed=budget)))) == budget


def test_a_budget_is_spent_exactly_by_200_ranks() -> None:
    assert len(done(run(200, 20, World()))) == 20


@pytest.mark.slow
def test_a_budget_is_spent_exactly_by_1024_ranks() -> None:
    assert len(done(run(1024, 30, World()))) == 30


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(0, 80), st.integers(0, 2**32))
def test_whatever_is_late_stalls_or_is_withdrawn_nothing_hangs_or_is_lost(
    size: int, budget: int, seed: int
) -> None:
    rng = Random(seed)
    stalls = [(rng.randrange(size), rng.uniform(0, 60), rng.uniform(0, 300)) for _ in range(3)]
    world = World(
        latency=wild,
        duration=uneven,
        stalls=stalls,
        withdraws=rng.choice([0.0, 0.3]),
        most_bytes=rng.choice([1, 300, 1 << 14]),
        seed=seed,
    )
    assert len(done(run(size, budget, world))) == budget


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10), st.sampled_from([None, 3, 200, 10**18]), st.integers(0, 2**32))
def test_after_a_stop_at_any_moment_all_finish(
    size: int, budget: int | None, seed: int
) -> None:
    rng = Random(seed)
    stops = [(rng.randrange(size), rng.choice([0.0, 1.0, rng.uniform(0, 30)])) for _ in "ab"]
    world = World(latency=wild, duration=uneven, stops=stops, seed=seed)
    network = run(size, budget, world)
    assert len(done(network)) <= (budget if budget is not None else math.inf)
    assert all(rank.member.stopped == 1 for rank in network.ranks)


def test_nobody_waits_for_a_straggler_that_could_give() -> None:
    def duration(rank: int, _: Random) -> float:
        return 100.0 if rank == 0 else 1.0

    network = run(8, 400, World(duration=duration))
    assert len(done(network)) == 400
    assert len(network.ranks[0].evaluated) <= 2
    assert network.now < 210


def test_all_may_ask_at_once() -> None:
    def duration(rank: int, _: Random) -> float:
        return 1000.0 if rank == 0 else 1.0

    # All but one run out in the same instant, and that one holds 19.
    network = run(33, 33 * 20, World(latency=lambda _: 1.0, duration=duration))
    assert len(done(network)) == 33 * 20
    assert len(network.ranks[0].evaluated) <= 3


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("budget", [None, 64, 100, 40])
def test_a_finite_space_is_evaluated_once_and_to_the_end(
    counted: bool, budget: int | None
) -> None:
    for seed in range(4):
        world = World(duration=uneven, space=SPACE, counted=counted, seed=seed)
        found = done(run(4, budget, world))
        assert len(found) == len(set(found)) == min(64, 64 if budget is None else budget)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.one_of(st.none(), st.integers(0, 80)), st.integers(0, 2**32))
def test_nothing_finite_is_evaluated_twice_whatever_is_late(
    size: int, budget: int | None, seed: int
) -> None:
    rng = Random(seed)
    stalls = [(rng.randrange(size), rng.uniform(0, 60), rng.uniform(0, 300))]
    world = World(
        latency=wild,
        duration=uneven,
        stalls=stalls,
        space=SPACE[: rng.randint(1, 64)],
        counted=rng.random() < 0.5,
        seed=seed,
    )
    found = done(run(size, budget, world))
    expected = min(len(world.space), len(world.space) if budget is None else budget)
    assert len(found) == len(set(found)) == expected


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**32))
def test_what_was_withdrawn_may_be_evaluated_later(size: int, seed: int) -> None:
    world = World(duration=uneven, space=SPACE[:30], withdraws=0.2, seed=seed)
    found = done(run(size, None, world))
    assert len(found) == len(set(found)) == 30


@pytest.mark.parametrize("space", [(), SPACE])
@pytest.mark.parametrize("budget", [0, 3, 50, 64, 100])
def test_synchronous_rounds_are_the_same_whatever_the_delays(
    space: list[tuple[float, ...]], budget: int
) -> None:
    runs = []
    for seed in range(4):
        stalls = [(seed, 1.0, 50.0 * seed)]
        world = World(wild, uneven, stalls, space=space, per_round=3, seed=seed)
        network = run(5, budget, world)
        stamps = [[[r[:5] for r in heard] for heard in rank.told] for rank in network.ranks]
        runs.append((stamps, [rank.evaluated for rank in network.ranks]))
    assert all(found == runs[0] for found in runs)
    assert sum(map(len, runs[0][1])) == min(budget, len(space) or budget)
    told = runs[0][0]
    assert all(heard == sorted(heard) for rank in told for heard in rank)


def test_a_synchronous_stop_counts_at_the_end_of_a_round() -> None:
    world = World(wild, uneven, stops=[(1, 40.0)], per_round=2, seed=1)
    network = run(4, None, world)
    rounds = {len(rank.evaluated) for rank in network.ranks if rank.member.rank != 1}
    assert len(rounds) == 1
    assert rounds.pop() % 2 == 0


@pytest.mark.slow
def test_a_million_records_reach_all_members() -> None:
    network = run(33, 15_000, World(latency=wild, duration=uneven))
    heard = sum(sum(rank.member.counts) for rank in network.ranks)
    assert heard > 1_000_000
    assert len(done(network)) == 15_000
