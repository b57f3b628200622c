"""Who is better than whom."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.fidelity.ranking import Outcome, ranked


def one(*values):
    return [Outcome((value,)) for value in values]


def two(*points):
    return [Outcome(point) for point in points]


def test_of_one_objective_the_smallest_comes_first_and_of_equal_ones_the_older():
    assert ranked(one(3.0, 1.0, 2.0, 1.0)) == [1, 3, 2, 0]
    assert ranked(one(*[7.0] * 81)) == list(range(81))
    assert ranked([]) == []


def test_of_several_objectives_fronts_come_in_turn():
    points = two((2.0, 2.0), (1.0, 1.0), (3.0, 0.0), (0.0, 3.0), (4.0, 4.0))
    assert set(ranked(points)[:3]) == {1, 2, 3}
    assert ranked(points)[3:] == [0, 4]


def test_within_a_front_its_ends_and_what_stands_alone_come_first():
    points = two((0.0, 10.0), (1.0, 9.0), (1.5, 8.5), (6.0, 4.0), (10.0, 0.0))
    assert ranked(points) == [0, 4, 3, 2, 1]


def test_the_same_point_again_adds_nothing_to_a_front():
    points = two((0.0, 2.0), (0.0, 2.0), (1.0, 1.0), (2.0, 0.0))
    assert ranked(points) == [0, 3, 2, 1]


def test_infeasible_ones_follow_by_what_they_violate_in_units_of_each_constraint():
    good, bad = Outcome((9.0,), (0.0, 0.0)), Outcome((), (1.0, 500.0))
    worse, worst = Outcome((), (2.0, 400.0)), Outcome((0.0,), (4.0, 1000.0))
    assert ranked([worst, worse, bad, good]) == [3, 2, 1, 0]


@pytest.mark.parametrize("values", [(1e308, -1e308, 0.0), (5e-324, 0.0, 1e-323)])
def test_extreme_values_are_ranked_too(values):
    assert ranked(one(*values)) == sorted(range(3), key=lambda i: values[i])
    points = [Outcome((value, -value)) for value in values]
    assert sorted(ranked(points)) == [0, 1, 2]


POINTS = st.lists(
    st.tuples(*[st.integers(0, 4)] * 2, st.sampled_from([0.0, 0.0, 1.0, 2.0])), max_size=30
)


@given(POINTS)
def test_nothing_comes_before_what_dominates_it(points):
    outcomes = [Outcome((float(a), float(b)), (g,)) for a, b, g in points]
    order = ranked(outcomes)
    assert sorted(order) == list(range(len(points)))
    place = {i: k for k, i in enumerate(order)}
    for i, (a, b, g) in enumerate(points):
        for j, (c, d, h) in enumerate(points):
            better = a <= c and b <= d and (a, b) != (c, d)
            if g < h or (g == h == 0 and better):
                assert place[i] < place[j]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30))
def test_the_first_is_the_least(values):
    order = ranked(one(*values))
    assert not order or values[order[0]] == min(values, default=math.inf)
