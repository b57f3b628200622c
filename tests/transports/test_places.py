"""When workers get trials ahead of time, and when proposals have to be quick."""

import pytest

from hmserve.transports import places
from hmserve.transports.places import Places


class Clock:
    """A clock that goes on by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(places.time, "monotonic", lambda: self.now)

    def work(self, group: Places, seconds: float, wait: float, times: int = 30) -> None:
        """Let evaluations of some seconds be followed by a wait for the next trial."""
        for _ in range(times):
            group.vacated(seconds)
            group.offered()
            self.now += wait
            group.filled()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_nobody_gets_a_trial_ahead_whose_evaluations_take_long(clock: Clock) -> None:
    group = Places(4, 1)
    clock.work(group, seconds=1.0, wait=0.02)
    assert [group.free(held) for held in (4, 3, 0)] == [0, 1, 4]
    assert not group.hungry


@pytest.mark.parametrize(("seconds", "wait"), [(0.05, 0.001), (1.0, 0.2)])
def test_who_would_wait_too_long_gets_its_next_trial_ahead(
    clock: Clock, seconds: float, wait: float
) -> None:
    group = Places(4, 1)
    clock.work(group, seconds, wait)
    assert [group.free(held) for held in (8, 7, 4)] == [0, 1, 4]
    assert not group.hungry


def test_where_proposals_are_slower_than_evaluations_many_are_wanted_at_once(
    clock: Clock,
) -> None:
    group = Places(4, 1)
    clock.work(group, seconds=0.05, wait=0.04)
    assert group.hungry
    assert group.free(16) == 0
    assert group.free(15) == 0  # not one by one
    assert group.free(14) == 2
    clock.work(group, seconds=0.05, wait=0.02)
    assert group.hungry  # it would come and go
    clock.work(group, seconds=0.05, wait=0.001)
    assert not group.hungry


@pytest.mark.parametrize(("workers", "batch_size"), [(1, 1), (4, 2)])
def test_one_worker_and_batches_never_get_trials_ahead(
    clock: Clock, workers: int, batch_size: int
) -> None:
    group = Places(workers, batch_size)
    clock.work(group, seconds=0.05, wait=0.04)
    assert not group.ahead
    assert not group.hungry
    assert group.free(workers) == 0


def test_trials_come_again_when_a_batch_of_places_is_free() -> None:
    group = Places(4, 3)
    assert group.free(0) == 4
    assert [group.free(held) for held in (4, 3, 2, 1, 2, 3, 4)] == [0, 0, 0, 3, 2, 1, 0]


def test_waiting_for_a_second_place_is_not_the_time_of_a_proposal(clock: Clock) -> None:
    group = Places(1, 1, eager=True)
    clock.work(group, seconds=0.05, wait=0.04)
    assert group.hungry
    for held in (4, 3, 2):
        # Evaluations have become slow, proposals have not.
        group.vacated(5.0)
        if group.free(held):
            clock.now += 0.05
            group.filled()
        clock.now += 5.0
    clock.work(group, seconds=5.0, wait=0.05)
    assert not group.hungry
    assert group.free(1) == 0


def test_one_worker_alone_bridges_the_longest_proposal_it_has_seen(clock: Clock) -> None:
    group = Places(1, 1, eager=True)
    clock.work(group, seconds=0.05, wait=0.04)
    assert group.most == 4
    clock.work(group, seconds=0.05, wait=0.25, times=1)
    assert group.most == 7
    clock.work(group, seconds=0.05, wait=0.5, times=1)
    assert group.most == 8
    clock.work(group, seconds=0.05, wait=0.04, times=100)
    assert group.most == 4


def test_trials_that_nobody_was_offered_a_place_for_say_nothing(clock: Clock) -> None:
    group = Places(4, 1)
    for _ in range(30):
        group.vacated(0.05)
        clock.now += 1.0
        group.filled()
    assert not group.ahead


def test_short_runs_of_evaluations_that_take_no_time_are_chosen_one_by_one(
    clock: Clock,
) -> None:
    group = Places(1, 1, eager=True)
    clock.work(group, seconds=0.001, wait=0.02, times=90)
    assert not group.ahead
    clock.work(group, seconds=0.001, wait=0.02, times=30)
    assert group.hungry
