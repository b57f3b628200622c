import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.engine.novelty import Hashed, Listed
from hmserve.space.encoding import Encoding
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.space import Space

FINITE = Encoding(
    Space([Integer("i", -2, 4), Ordinal("o", [1, 10, 100]), Categorical("c", ["x", "y"])])
)
MIXED = Encoding(Space([Real("a", -5.0, 10.0), Integer("i", 0, 9), Real("b", 0.1, 0.3)]))


def listed():
    return Listed(FINITE, FINITE.enumerate())


@given(st.sets(st.integers(0, 41)), st.lists(st.integers(0, 41), max_size=60))
def test_both_kinds_say_what_was_taken(taken, asked):
    points = FINITE.enumerate()
    for novelty in (listed(), Hashed(FINITE)):
        novelty.take(points[sorted(taken)])
        assert novelty(points[asked]).tolist() == [k not in taken for k in asked]


@given(st.sets(st.integers(0, 41)))
def test_what_is_free_is_all_but_what_was_taken(taken):
    novelty, points = listed(), FINITE.enumerate()
    novelty.take(points[sorted(taken)])
    assert (novelty.free == np.delete(points, sorted(taken), axis=0)).all()


@settings(max_examples=100)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1))
def test_what_became_a_configuration_and_came_back_is_taken(rows):
    X = np.array(rows)
    novelty = Hashed(MIXED)
    novelty.take(MIXED.encode(MIXED.decode(X)))
    assert not novelty(X).any()
    assert not novelty(MIXED.encode(MIXED.decode(X))).any()


def test_a_real_with_few_floats_has_few_points():
    encoding = Encoding(Space([Real("x", 1e16, 1e16 + 8.0)]))
    novelty = Hashed(encoding)
    novelty.take(encoding.encode([{"x": 1e16 + 2.0 * k} for k in range(5)]))
    assert not novelty(np.random.default_rng(0).random((1000, 1))).any()


def test_points_that_are_not_contiguous_in_memory_are_the_same_points():
    points = np.asfortranarray(FINITE.enumerate())
    novelty = Hashed(FINITE)
    novelty.take(points[::2])
    assert novelty(points[::-1]).tolist() == [True, False] * 21


@pytest.mark.parametrize("make", [listed, lambda: Hashed(FINITE)])
def test_of_no_points_none_is_taken(make):
    novelty, nothing = make(), np.empty((0, 3))
    novelty.take(nothing)
    assert novelty(nothing).shape == (0,)
    assert novelty(FINITE.enumerate()).all()
