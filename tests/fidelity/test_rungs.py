"""The fidelities in use and the sizes of rungs; the tables of two published roundings."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.fidelity.rungs import MOST_RUNGS, Ladder, reaches, same, share, sizes

PUBLISHED = {
    (1, 81, 3): {
        "fidelities": [1, 3, 9, 27, 81],
        "paper": [[81, 27, 9, 3, 1], [34, 11, 3, 1], [15, 5, 1], [8, 2], [5]],
        "table": [[81, 27, 9, 3, 1], [27, 9, 3, 1], [9, 3, 1], [6, 2], [5]],
    },
    (1, 9, 3): {
        "fidelities": [1, 3, 9],
        "paper": [[9, 3, 1], [5, 1], [3]],
        "table": [[9, 3, 1], [3, 1], [3]],
    },
    (3, 100, 2.5): {
        "fidelities": [6.4, 16, 40, 100],
        "paper": [[16, 6, 2, 1], [9, 3, 1], [5, 2], [4]],
        "table": [[15, 6, 2, 1], [6, 2, 1], [5, 2], [4]],
    },
}


@pytest.mark.parametrize("bounds", PUBLISHED)
def test_the_published_schedules_are_met(bounds):
    ladder, known = Ladder.of(*bounds), PUBLISHED[bounds]
    assert ladder.fidelities == pytest.approx(known["fidelities"])
    for rounding in ("paper", "table"):
        brackets = range(len(ladder), 0, -1)
        assert [list(sizes(ladder, m, rounding)) for m in brackets] == known[rounding]


@pytest.mark.parametrize(
    ("low", "high", "eta", "count"),
    [(1, 243, 3, 6), (1, 1000, 10, 4), (0.01, 1, 10, 3), (1, 3**15, 3, 16), (0.1, 0.3, 3, 2)],
)
def test_exact_powers_lose_no_rung(low, high, eta, count):
    ladder = Ladder.of(low, high, eta)
    assert len(ladder) == count
    assert ladder.fidelities[0] == pytest.approx(low)
    assert sizes(ladder, count, "paper")[-1] == 1


def test_a_single_fidelity_makes_a_single_rung():
    ladder = Ladder.of(5, 5, 3)
    assert ladder.fidelities == (5,)
    assert list(sizes(ladder, 1, "paper")) == list(sizes(ladder, 1, "table")) == [1]


def test_integers_are_rounded_and_none_comes_twice():
    assert Ladder.of(3, 100, 2.5, integer=True).fidelities == (6, 16, 40, 100)
    assert Ladder.of(1, 5, 1.3, integer=True).fidelities == (1, 2, 3, 4, 5)
    assert Ladder.of(1, 2, 1.01, integer=True).fidelities == (1, 2)


BOUNDS = st.tuples(
    st.floats(1e-6, 1e6), st.floats(1.0, 1e6), st.floats(1.3, 20.0), st.booleans()
)


@given(BOUNDS)
def test_fidelities_climb_to_the_maximum_by_eta_and_stay_within_their_bounds(bounds):
    low, ratio, eta, integer = bounds
    if integer:
        low = math.ceil(low)
    high = float(math.floor(low * ratio)) if integer else low * ratio
    ladder = Ladder.of(low, high, eta, integer)
    assert 1 <= len(ladder) <= MOST_RUNGS
    assert ladder.fidelities[-1] == high
    assert ladder.fidelities[0] >= low
    assert all(a < b for a, b in zip(ladder.fidelities, ladder.fidelities[1:], strict=False))
    if integer:
        assert all(value.is_integer() for value in ladder.fidelities)
    else:
        assert len(ladder) == MOST_RUNGS or ladder.fidelities[0] / eta < low * (1 + 1e-6)


@given(BOUNDS, st.sampled_from(["paper", "table"]))
def test_rungs_never_grow_and_never_are_empty(bounds, rounding):
    low, ratio, eta, integer = bounds
    ladder = Ladder.of(low, low * ratio, eta, integer)
    for rungs in range(1, len(ladder) + 1):
        found = sizes(ladder, rungs, rounding)
        assert len(found) == rungs
        assert min(found) >= 1
        assert list(found) == sorted(found, reverse=True)


@given(st.integers(1, 6), st.integers(2, 9))
def test_one_in_eta_of_a_power_of_eta_is_exact(power, eta):
    assert share(eta**power, eta) == eta ** (power - 1)
    assert share(eta**power - 1, eta) == eta ** (power - 1) - 1


def test_a_fidelity_is_found_however_it_was_written():
    ladder = Ladder.of(1, 100, 3)
    for index, value in enumerate(ladder.fidelities):
        assert ladder.index(float(f"{value:.9g}")) == index
    assert ladder.index(2.0) is None
    assert ladder.rung(7, 1) == (7, 1, ladder.fidelities[1])


def test_what_differs_by_rounding_alone_is_the_same_fidelity():
    assert same(100 / 81, 1.2345679)
    assert reaches(1.2345679, 100 / 81)
    assert reaches(3.0, 1.0)
    assert not reaches(1.0, 1.001)
