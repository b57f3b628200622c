"""Parameters on a logarithmic scale."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.space.encoding import Encoding
from hmserve.space.parameters import Integer, Ordinal, Real
from hmserve.space.space import Space, levels_of

REAL = Real("r", 1e-5, 10.0, log=True)
INTEGER = Integer("i", 1, 1000, log=True)
ENCODING = Encoding(Space([REAL, INTEGER]))


def test_the_middle_is_the_geometric_mean() -> None:
    assert math.isclose(REAL.decode(0.5), 1e-2)
    assert INTEGER.decode(0.5) in (31, 32)


def test_the_ends_are_exact() -> None:
    for parameter in (REAL, INTEGER, Real("tiny", 1e-300, 1e300, log=True)):
        assert (parameter.decode(0.0), parameter.decode(1.0)) == (parameter.low, parameter.high)
        assert (parameter.encode(parameter.low), parameter.encode(parameter.high)) == (0.0, 1.0)


@given(st.integers(1, 1000))
def test_every_integer_survives_its_coordinate(value: int) -> None:
    assert INTEGER.decode(INTEGER.encode(value)) == value


@given(st.floats(0, 1), st.floats(0, 1))
def test_arrays_and_single_values_agree(u: float, v: float) -> None:
    (x,) = ENCODING.snap(np.array([[u, v]]))
    (configuration,) = ENCODING.decode(x[None])
    assert np.array_equal(ENCODING.encode([configuration])[0], x)
    assert configuration["i"] == INTEGER.decode(v)
    assert math.isclose(configuration["r"], REAL.decode(u), rel_tol=1e-9)


def test_integers_are_drawn_by_their_share_of_the_scale() -> None:
    drawn = [INTEGER.draw(u) for u in (np.arange(20_000) + 0.5) / 20_000]
    assert set(range(1, 100)) <= set(drawn)
    ones, large = drawn.count(1) / len(drawn), sum(v > 31 for v in drawn) / len(drawn)
    assert ones == pytest.approx(math.log(1.5 / 0.5) / math.log(1000.5 / 0.5), abs=0.001)
    assert large == pytest.approx(math.log(1000.5 / 31.5) / math.log(2001), abs=0.001)


def test_the_levels_of_an_integer_are_all_of_them() -> None:
    assert levels_of(Integer("i", 3, 7, log=True)) == [3, 4, 5, 6, 7]


def test_an_ordinal_is_spaced_by_logarithms_when_told_so() -> None:
    assert Ordinal("o", [1, 2, 3]).coordinates[1] == 0.5
    assert Ordinal("o", [1, 2, 3], log=True).coordinates[1] == pytest.approx(
        math.log(2) / math.log(3)
    )
