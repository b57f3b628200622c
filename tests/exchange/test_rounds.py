from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hmserve.exchange.records import Kind, Record
from hmserve.exchange.rounds import Rounds


def script(origin: int, rounds: int) -> list[Record]:
    """Return what a rank says in so many rounds, with `origin` results in each."""
    said = []
    for number in range(1, rounds + 1):
        said += [Record(origin, 0, Kind.RESULT, trial=number) for _ in range(origin)]
        said.append(Record(origin, 0, Kind.ROUND, turn=number))
    said.append(Record(origin, 0, Kind.DONE))
    return [record._replace(sequence=i) for i, record in enumerate(said)]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.integers(0, 2**32))
def test_rounds_come_whole_and_in_order_whatever_comes_first(
    lengths: list[int], seed: int
) -> None:
    rng, rounds = Random(seed), Rounds(len(lengths))
    scripts = [script(origin, length) for origin, length in enumerate(lengths)]
    expected = [
        [r for s in scripts for r in s if r.kind == Kind.RESULT and r.trial == number]
        for number in range(1, max(lengths) + 1)
    ]
    released = []
    while any(scripts):
        rounds.hear(rng.choice([s for s in scripts if s]).pop(0))
        while heard := rounds.release():
            assert heard == sorted(heard)
            released.append([r for r in heard if r.kind == Kind.RESULT])
    assert [r for r in released if r] == [r for r in expected if r]


def test_nothing_is_let_out_before_all_have_ended() -> None:
    rounds = Rounds(2)
    rounds.hear(Record(0, 0, Kind.ROUND))
    rounds.hear(Record(0, 1, Kind.ROUND))
    rounds.hear(Record(1, 0, Kind.PENDING))
    assert (rounds.release(), rounds.released) == ([], 0)
    rounds.hear(Record(1, 1, Kind.ROUND))
    assert [r.sequence for r in rounds.release()] == [0, 0, 1]
    assert (rounds.release(), rounds.released) == ([], 1)
