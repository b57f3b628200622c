import pytest

from hmserve.errors import ExchangeError
from hmserve.exchange.buckets import totals
from hmserve.exchange.knowledge import Terms
from hmserve.exchange.member import Member, Outcome
from hmserve.exchange.records import UNLIMITED, Format, Status

DIGEST = b"the run."
FORM = Format(2, 1, 1)
EVERYTHING = 1 << 20


def members(size: int, terms: Terms | None = None) -> list[Member]:
    return [Member(rank, size, FORM, DIGEST, terms or Terms()) for rank in range(size)]


def talk(all_: list[Member]) -> None:
    """Send until nothing is left to be sent."""
    while any(member.waiting for member in all_):
        for member in all_:
            for to, data in member.frames(member.neighbours, EVERYTHING).items():
                all_[to].receive(member.rank, data)


def test_others_hear_what_is_pending_and_what_came_of_it() -> None:
    a, b = pair = members(2)
    a.pending(7, (0.5, 1.5), started=10.0)
    talk(pair)
    assert b.pending_elsewhere == {(0, 7): (0.5, 1.5)}
    assert [r.trial for r in b.news().pending] == [7]
    told = Outcome(7, (0.5, 1.5), (3.0,), (4.0,), Status.INFEASIBLE, 0.25, 10.0, 12.0)
    said = a.result(told)
    talk(pair)
    (found,) = b.news().results
    assert found == said
    assert (found.objectives, found.constraints, found.status) == ((3.0,), (4.0,), 1)
    assert (found.fidelity, found.started, found.finished) == (0.25, 10.0, 12.0)
    assert not b.pending_elsewhere
    assert not a.news().results


def test_news_is_told_once() -> None:
    a, b = pair = members(2)
    a.result(Outcome(0, (0.0, 0.0), (1.0,)))
    talk(pair)
    assert len(b.news().results) == 1
    assert not b.news().results


def test_a_withdrawn_trial_is_pending_no_more() -> None:
    a, b = pair = members(2, Terms(budget=4))
    assert a.spend(1) == 1
    a.pending(0, (0.0, 0.0))
    a.withdrawn(0)
    talk(pair)
    assert b.news().withdrawn == [(0, 0)]
    assert not b.pending_elsewhere
    assert a.left == 1
    a.restore(1)
    assert a.left == 2


def test_only_free_neighbours_are_sent_to() -> None:
    a = members(8)[0]
    a.stop(1)
    assert a.neighbours == (1, 2, 4)
    assert a.frames([2], EVERYTHING).keys() == {2}
    assert a.frames([2], EVERYTHING) == {}
    assert a.waiting == 2
    assert a.frames(a.neighbours, EVERYTHING).keys() == {1, 4}


def test_a_message_carries_as_much_as_it_may() -> None:
    a, b = members(2)
    for trial in range(10):
        a.pending(trial, (0.0, 0.0))
    (data,) = a.frames([1], 4 * FORM.size).values()
    b.receive(0, data)
    assert [r.trial for r in b.news().pending] == [0, 1, 2, 3]
    assert a.waiting == 6


def test_permits_are_begged_given_and_counted() -> None:
    a, b = pair = members(2, Terms(budget=20))
    assert a.spend(100) == 10
    assert a.spend(1) == 0
    assert a.beg()
    assert a.beg()
    talk(pair)
    assert (a.news().permits, a.left, b.left) == (5, 5, 5)
    assert sum(a.counts) == 2


def test_nobody_begs_without_hope() -> None:
    a, _ = pair = members(2, Terms(budget=3))
    assert a.spend(2) == 2
    assert not a.beg()
    talk(pair)
    assert sum(a.counts) == 0


def test_without_a_budget_nothing_is_missing() -> None:
    (alone,) = members(1)
    assert alone.spend(10**12) == 10**12
    assert alone.left == UNLIMITED
    assert alone.beg()
    assert not alone.seek()
    assert alone.mine((0.0, 0.0))


def test_a_rank_alone_is_complete_when_it_has_finished() -> None:
    (alone,) = members(1)
    assert not alone.complete
    alone.finish()
    alone.finish()
    assert alone.complete
    assert list(alone.counts) == [1]


def test_nobody_begins_anything_after_a_stop_but_results_count() -> None:
    a, b = pair = members(2, Terms(budget=20))
    assert b.spend(1) == 1
    a.stop(3)
    a.stop(4)
    talk(pair)
    assert (a.stopped, b.stopped, b.stop_heard) == (3, 3, 3)
    assert [m.spend(1) for m in pair] == [0, 0]
    assert [m.beg() for m in pair] == [False, False]
    b.result(Outcome(0, (0.0, 0.0), (1.0,)))
    a.finish()
    b.finish()
    talk(pair)
    assert len(a.news().results) == 1
    assert a.complete
    assert b.complete


def test_who_has_finished_still_answers_and_passes_on() -> None:
    a, b, c = all_ = members(3, Terms(budget=30))
    assert a.spend(10) == 10
    b.finish()
    talk(all_)
    assert a.beg()
    talk(all_)
    assert (a.left, b.left) == (5, 5)
    a.finish()
    talk(all_)
    assert not a.complete
    c.finish()
    talk(all_)
    assert all(member.complete for member in all_)


def test_it_is_not_complete_while_a_question_is_open() -> None:
    a, b = members(2, Terms(budget=20))
    a.spend(10)
    a.beg()
    a.stop(1)
    a.finish()
    b.finish()
    a.receive(1, b.frames([0], EVERYTHING)[0])
    question = a.frames([1], EVERYTHING)[1]
    assert not a.waiting
    assert not a.complete
    b.receive(0, question)
    a.receive(1, b.frames([0], EVERYTHING)[0])
    assert a.complete
    assert b.complete


def test_it_is_not_complete_while_something_is_to_be_sent() -> None:
    a, b = members(2)
    a.finish()
    b.finish()
    a.receive(1, b.frames([0], EVERYTHING)[0])
    assert not a.complete
    assert a.frames([1], EVERYTHING)
    assert a.complete


def test_who_has_no_permits_parts_with_its_last_bucket() -> None:
    a, b = pair = members(2, Terms(budget=4, finite=True))
    while a.seek() and b.left:
        talk(pair)
        if not a.news().buckets:
            said = sum(a.counts)
            assert a.seek()
            assert sum(a.counts) == said
            assert b.spend(2) == 2
            b.pending(0, (0.0, 0.0))
            talk(pair)
    talk(pair)
    assert a.news().buckets == 1
    assert all(a.held[bucket] for bucket in range(1, 128, 2))


def test_a_bucket_is_not_used_before_its_earlier_owners_were_heard() -> None:
    a, b, c = members(3, Terms(finite=True))
    assert b.seek()
    c.receive(1, b.frames([2], EVERYTHING)[2])
    answer = c.frames([0, 1], EVERYTHING)
    b.receive(2, answer[1])
    assert b.news().buckets == 32
    assert a.seek()
    b.receive(0, a.frames([1], EVERYTHING)[1])
    a.receive(1, b.frames([0], EVERYTHING)[0])
    said = sum(a.counts)
    assert a.news().buckets == 0
    assert a.seek()
    assert (sum(a.counts), sum(a.held)) == (said, 64)
    a.receive(2, answer[0])
    assert a.news().buckets == 16
    assert sum(a.held) == 80


def test_in_a_finite_space_each_proposes_its_own() -> None:
    a, b = pair = members(2, Terms(finite=True))
    grid = [(float(i), float(j)) for i in range(20) for j in range(20)]
    mine = [c for c in grid if a.mine(c)]
    assert all(a.mine(c) != b.mine(c) for c in grid)
    assert all(a.held[a.bucket(c)] == a.mine(c) for c in grid)
    assert a.seek()
    talk(pair)
    assert a.news().buckets == 32
    assert len([c for c in grid if a.mine(c)]) > len(mine)
    assert all(a.mine(c) != b.mine(c) for c in grid)


def test_a_round_is_complete_when_all_have_ended_it() -> None:
    a, b = pair = members(2, Terms(budget=10, synchronous=True))
    assert a.round_complete
    a.result(Outcome(0, (0.0, 0.0), (1.0,)))
    a.round()
    talk(pair)
    assert not a.round_complete
    assert a.spend(1) == 0
    assert not b.news().results
    b.result(Outcome(0, (1.0, 1.0), (2.0,)))
    b.round()
    assert len(b.news().results) == 1
    assert b.round_complete
    talk(pair)
    assert a.round_complete
    assert [r.origin for r in a.news().results] == [1]


def test_a_round_shares_what_is_left() -> None:
    a, b = pair = members(2, Terms(budget=10, synchronous=True))
    assert a.spend(4) == 4
    a.round()
    b.round()
    talk(pair)
    assert (a.left, b.left) == (3, 3)
    assert (a.news().permits, b.news().permits) == (2, -2)


def test_a_stop_in_synchronous_mode_is_heard_at_once_and_counts_later() -> None:
    a, b = pair = members(2, Terms(synchronous=True))
    a.stop(5)
    talk(pair)
    assert (b.stop_heard, b.stopped) == (5, None)
    a.round()
    b.round()
    talk(pair)
    assert (a.stopped, b.stopped) == (5, 5)


def test_a_message_of_another_run_is_refused() -> None:
    ours = members(2)[0]
    theirs = Member(1, 2, FORM, b"another.", Terms())
    theirs.stop(1)
    with pytest.raises(ExchangeError, match="give all ranks the same scenario"):
        ours.receive(1, theirs.frames([0], EVERYTHING)[0])


def test_what_was_known_before_is_not_free() -> None:
    grid = [(0.0, 0.0), (1.0, 0.0)]
    pair = members(2, Terms(finite=True, totals=totals(2, grid)))
    for member in pair:
        for c in grid:
            member.known(c)
    assert not any(member.seek() for member in pair)
