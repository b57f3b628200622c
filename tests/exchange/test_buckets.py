from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.exchange.buckets import Buckets, Parcel, bucket_count, totals
from hmserve.exchange.records import ALL

GRID = [(float(a), float(b)) for a in range(30) for b in range(30)]


@pytest.mark.parametrize(("size", "count"), [(1, 64), (4, 256), (1024, 65536), (9999, 65536)])
def test_there_are_64_buckets_a_rank_but_not_too_many(size: int, count: int) -> None:
    assert bucket_count(size) == count
    buckets = Buckets(0, size)
    assert Counter(buckets.owner(b) for b in range(count)).keys() == set(range(size))


@pytest.mark.parametrize("size", [1, 3, 4, 16])
def test_every_configuration_belongs_to_one_rank_and_shares_are_even(size: int) -> None:
    ranks = [Buckets(rank, size) for rank in range(size)]
    owners = Counter(
        rank for c in GRID for rank, buckets in enumerate(ranks) if buckets.mine(c)
    )
    assert owners.total() == len(GRID)
    assert max(owners.values()) < 1.5 * min(owners.values())


def test_zeros_of_either_sign_are_one_configuration() -> None:
    assert Buckets(0, 8).of((0.0, 1.0)) == Buckets(0, 8).of((-0.0, 1.0))


def test_a_bucket_is_free_until_its_last_configuration_is_taken() -> None:
    buckets = Buckets(0, 1, totals(1, GRID))
    assert buckets.free_count(0) == 64
    inside = [c for c in GRID if buckets.of(c) == 5]
    for c in inside:
        assert 5 in buckets.free_of(0)
        buckets.take(c)
        buckets.take(c)
    assert 5 not in buckets.free_of(0)
    buckets.release(inside[0])
    assert 5 in buckets.free_of(0)


def test_without_a_count_only_the_owner_knows_that_nothing_is_free() -> None:
    buckets = Buckets(0, 2)
    assert buckets.exhaust(0)
    assert not buckets.exhaust(0)
    assert (buckets.free_count(0), buckets.free_elsewhere) == (0, 64)
    buckets.sought(1, ALL)
    assert buckets.free_elsewhere == 0
    inside = next(c for c in GRID if not buckets.mine(c))
    buckets.release(inside)
    assert buckets.free_elsewhere == 1


def test_what_was_withdrawn_is_free_whatever_was_said_before_that_was_heard() -> None:
    buckets = Buckets(0, 2, totals(2, GRID))
    inside = next(c for c in GRID if not buckets.mine(c))
    buckets.take(inside)
    buckets.release(inside)
    buckets.sought(1, ALL)
    assert buckets.free_of(1) == [buckets.of(inside)]


def test_half_is_given_and_the_last_one_only_if_it_is_needed_no_more() -> None:
    giver, taker = Buckets(0, 2), Buckets(1, 2)
    amounts = []
    while (parcel := giver.give(1, everything=False)) is not None:
        giver.sought(1, 0)
        taker.sought(1, 0)
        giver.handed(parcel)
        amounts.append(taker.handed(parcel))
    assert amounts == [32, 16, 8, 4, 2, 1]
    assert giver.free_count(0) == 1
    last = giver.give(1, everything=True)
    assert last is not None
    assert taker.handed(last) == 1


def test_of_two_hand_overs_the_second_may_be_heard_first() -> None:
    watcher = Buckets(2, 3)
    first, second = Parcel(0, 1, 0, 0b11, 1), Parcel(1, 2, 0, 0b01, 2)
    assert watcher.handed(second) == 0
    assert watcher.handed(first) == 1
    assert (watcher.owner(0), watcher.owner(3)) == (2, 1)


def test_a_bucket_may_be_used_when_every_earlier_hand_over_was_heard() -> None:
    taker = Buckets(2, 3)
    inside = next(c for c in GRID if taker.of(c) == 0)
    assert taker.handed(Parcel(1, 2, 0, 0b1, 2)) == 0
    assert taker.unclear
    assert not taker.mine(inside)
    assert taker.give(1, everything=True) == Parcel(2, 1, 2, 2**64 - 1, 1)
    assert taker.handed(Parcel(0, 1, 0, 0b1, 1)) == 1
    assert not taker.unclear
    assert taker.mine(inside)
    assert taker.held[0]


def test_who_has_most_to_spare_is_asked_and_nobody_with_one_in_use() -> None:
    buckets = Buckets(0, 3, totals(3, GRID))
    for c in GRID:
        if buckets.of(c) != 4 and buckets.of(c) % 3 == 1:
            buckets.take(c)
    assert buckets.target([]) == 2
    for c in GRID:
        if buckets.of(c) % 3 == 2:
            buckets.take(c)
    assert buckets.target([]) is None
    assert buckets.target([1]) == 1


def test_who_refused_is_asked_again_only_when_it_may_give() -> None:
    buckets = Buckets(0, 2)
    buckets.sought(0, 1)
    assert buckets.handed(Parcel(1, 0, 0, 0, turn=1)) == 0
    assert buckets.target([1]) is None
    buckets.relent(1)
    assert buckets.target([1]) == 1
    buckets.sought(0, 1)
    buckets.handed(Parcel(1, 0, 0, 0, turn=0))
    assert buckets.free_elsewhere == 0


def test_what_came_with_an_answer_is_not_taken_for_empty_by_the_question() -> None:
    watcher = Buckets(2, 3)
    watcher.handed(Parcel(0, 1, 0, 0b111, 1))
    watcher.sought(1, 0)
    assert watcher.free_of(1) == [0, 3, 6]


def test_a_refusal_may_come_before_the_question() -> None:
    watcher = Buckets(2, 3)
    watcher.handed(Parcel(0, 1, 0, 0, turn=5))
    watcher.sought(1, 0)
    assert watcher.free_of(1) == []
    assert watcher.free_count(0) == 64


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(0, 2**32))
def test_dealing_leaves_nobody_without_and_is_the_same_everywhere(size: int, seed: int) -> None:
    rng = Random(seed)
    taken = rng.sample(GRID, rng.randrange(len(GRID)))
    active = sorted(rng.sample(range(size), rng.randint(1, size)))
    ranks = [Buckets(rank, size, totals(size, GRID)) for rank in range(size)]
    for buckets in ranks:
        for c in taken:
            buckets.take(c)
        buckets.exhaust(active[0])
        buckets.deal(active)
    owners = [[buckets.owner(b) for b in range(bucket_count(size))] for buckets in ranks]
    assert all(found == owners[0] for found in owners)
    free = ranks[0].free_count
    if sum(map(free, range(size))) >= len(active) > 0 and len(active) > 1:
        assert all(free(rank) for rank in active)
