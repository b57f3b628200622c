import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.exchange.permits import Permits
from hmserve.exchange.records import UNLIMITED


@given(st.integers(1, 50), st.integers(0, 1000))
def test_shares_are_fair_and_add_up_to_the_budget(size: int, budget: int) -> None:
    shares = [Permits(rank, size, budget).left for rank in range(size)]
    assert sum(shares) == budget
    assert max(shares) - min(shares) <= 1


def test_no_more_is_spent_than_there_is() -> None:
    permits = Permits(0, 2, 10)
    assert [permits.spend(n) for n in (3, 4, 1)] == [3, 2, 0]
    permits.restore(2)
    assert permits.left == 2


def test_without_a_budget_nothing_runs_out() -> None:
    permits = Permits(1, 3, None)
    assert permits.spend(10**9) == 10**9
    permits.restore(1)
    permits.heard(0, 5)
    permits.given(1, 7)
    assert permits.left == permits.known(0) == UNLIMITED
    assert permits.level([0, 1]) == 0


def test_half_is_given_and_the_last_one_is_kept() -> None:
    permits = Permits(0, 2, 11)
    assert [permits.give() for _ in range(4)] == [3, 1, 1, 0]
    assert permits.left == 1


def test_who_is_known_to_have_most_is_asked() -> None:
    permits = Permits(0, 4, 0)
    for rank, left in ((1, 3), (2, 9), (3, 8)):
        permits.heard(rank, left)
    assert permits.target() == 2


@pytest.mark.parametrize("left", [0, 1])
def test_who_has_fewer_than_two_is_not_asked(left: int) -> None:
    permits = Permits(0, 2, 0)
    permits.heard(1, left)
    assert permits.target() is None


def test_who_is_asked_by_many_is_asked_by_no_more() -> None:
    permits = Permits(0, 3, 0)
    permits.heard(1, 8)
    permits.heard(2, 3)
    permits.asked(1, 1)
    assert permits.target() == 1
    permits.asked(1, 1)
    assert permits.target() == 2
    permits.asked(1, -1)
    assert permits.target() == 1


def test_not_all_ask_the_same_one_of_equals() -> None:
    targets = []
    for rank in range(4):
        permits = Permits(rank, 4, 0)
        for other in range(4):
            permits.heard(other, 5)
        targets.append(permits.target())
    assert targets == [1, 2, 3, 0]


def test_a_gift_counts_for_its_receiver_alone() -> None:
    permits = Permits(0, 3, 0)
    permits.given(1, 4)
    assert (permits.left, permits.known(1)) == (0, 4)
    permits.given(0, 2)
    assert permits.left == 2


@given(st.lists(st.integers(0, 20), min_size=2, max_size=9), st.data())
def test_levelling_conserves_and_evens_out(lefts: list[int], data: st.DataObject) -> None:
    size = len(lefts)
    active = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1)))
    after = []
    for rank in range(size):
        permits = Permits(rank, size, 0)
        permits.given(rank, lefts[rank])
        for other, left in enumerate(lefts):
            permits.heard(other, left)
        gain = permits.level(active)
        assert permits.left == lefts[rank] + gain
        after.append(permits.left)
    assert sum(after) == sum(lefts)
    shares = [after[rank] for rank in active]
    assert max(shares) - min(shares) <= 1
