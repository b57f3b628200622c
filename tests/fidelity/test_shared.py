"""Successive halving on several ranks: each promotes its own by the results of all."""

from collections import Counter

import pytest

from hmserve.fidelity.ranking import Outcome
from hmserve.fidelity.rungs import Ladder
from hmserve.fidelity.scheduling import Place
from hmserve.fidelity.shared import Shared, starts

LADDER = Ladder.of(1, 9, 3)
ALWAYS_LOWEST = starts(LADDER, "paper", every=False)


def begin(scheduler: Shared, trial: int) -> Place:
    place = scheduler.next()
    assert place is not None
    assert place.root is None
    scheduler.enter(trial, place)
    return place


def test_own_configuration_goes_on_when_it_is_among_the_best_of_all() -> None:
    scheduler = Shared(LADDER, ALWAYS_LOWEST, rank=0, size=2)
    begin(scheduler, 0)
    scheduler.settle(0, Outcome((1.0,)))
    assert scheduler.next().root is None
    for value in (2.0, 3.0):
        scheduler.hear(1.0, Outcome((value,)))
    assert scheduler.next() == Place(LADDER.rung(0, 1), root=0, previous=1.0)


def test_own_configuration_waits_while_those_of_others_are_better() -> None:
    scheduler = Shared(LADDER, ALWAYS_LOWEST, rank=0, size=2)
    begin(scheduler, 0)
    scheduler.settle(0, Outcome((3.0,)))
    for value in (1.0, 2.0):
        scheduler.hear(1.0, Outcome((value,)))
    assert scheduler.next().root is None
    for value in range(4, 11):
        scheduler.hear(1.0, Outcome((float(value),)))
    assert scheduler.next().root == 0


def test_configurations_of_others_are_never_promoted_here() -> None:
    scheduler = Shared(LADDER, ALWAYS_LOWEST, rank=0, size=2)
    for value in range(30):
        scheduler.hear(1.0, Outcome((float(value),)))
    assert scheduler.next().root is None


def test_failures_of_others_make_room_in_a_rung() -> None:
    scheduler = Shared(LADDER, ALWAYS_LOWEST, rank=0, size=2)
    begin(scheduler, 0)
    scheduler.settle(0, Outcome((1.0,)))
    for _ in range(2):
        scheduler.hear(1.0, None)
    assert scheduler.next().root == 0


def test_what_was_stopped_between_two_rungs_counts_in_neither() -> None:
    scheduler = Shared(LADDER, ALWAYS_LOWEST, rank=0, size=2)
    begin(scheduler, 0)
    scheduler.settle(0, Outcome((1.0,)))
    for _ in range(5):
        scheduler.hear(2.0, Outcome((2.0,)))
    assert scheduler.next().root is None


@pytest.mark.parametrize("rounding", ["paper", "table"])
@pytest.mark.parametrize("maximum", [1, 9, 81])
def test_brackets_begin_as_often_as_they_have_configurations(rounding, maximum) -> None:
    ladder = Ladder.of(1, maximum, 3)
    order = starts(ladder, rounding, every=True)
    counts = Counter(order)
    known = {
        ("paper", 1): [1],
        ("paper", 9): [9, 5, 3],
        ("paper", 81): [81, 34, 15, 8, 5],
        ("table", 1): [1],
        ("table", 9): [9, 3, 3],
        ("table", 81): [81, 27, 9, 6, 5],
    }
    assert [counts[start] for start in range(len(ladder))] == known[rounding, maximum]
    # Well mixed: in any half of them the longest bracket has about its share.
    half = order[: len(order) // 2]
    assert abs(half.count(0) - counts[0] / 2) <= len(ladder)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_ranks_together_begin_what_the_order_says(size) -> None:
    order = starts(LADDER, "paper", every=True)
    begun = []
    for rank in range(size):
        scheduler = Shared(LADDER, order, rank, size)
        turns = range(rank, len(order), size)
        begun += [(turn, begin(scheduler, turn).rung.index) for turn in turns]
    assert [index for _, index in sorted(begun)] == list(order)


def test_promoted_configuration_keeps_the_bracket_it_began_in() -> None:
    scheduler = Shared(LADDER, (1,), rank=0, size=1)
    place = begin(scheduler, 0)
    assert (place.rung.bracket, place.rung.fidelity) == (1, 3.0)
    scheduler.settle(0, Outcome((1.0,)))
    for _ in range(2):
        scheduler.hear(3.0, None)
    assert scheduler.next() == Place(LADDER.rung(1, 2), root=0, previous=3.0)


def test_configuration_cannot_begin_at_a_rung_of_another_bracket() -> None:
    scheduler = Shared(LADDER, (0,), rank=0, size=1)
    with pytest.raises(ValueError, match="no configuration begins in rung 2"):
        scheduler.enter(0, Place(LADDER.rung(0, 2)))
