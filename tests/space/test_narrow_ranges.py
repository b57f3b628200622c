"""Ranges of few doubles: every one has a coordinate of its own, and it comes back."""

import math

import numpy as np
import pytest

from hmserve.space.axis import Axis
from hmserve.space.parameters import Integer, Real

NARROW = [
    (1.0, 1.0 + 1e-12),
    (3.0, 3.0 + 1e-12),
    (1.9999999999999, 2.0000000000001),
    (1e300, 1e300 * (1.0 + 1e-12)),
    (1.7e308, 1.7e308 * (1.0 + 1e-12)),
    (5e-324, 1e-320),
    (3e-320, 4e-320),
]
BELOW_ZERO = [(-high, -low) for low, high in NARROW] + [(-1e-320, 1e-320), (0.0, 1e-320)]
REALS = [Real("x", *ends, log=log) for ends in NARROW for log in (False, True)]
REALS += [Real("x", *ends) for ends in BELOW_ZERO]
SPARSE = [*REALS, Real("x", 5e-324, 1e308, log=True), Real("x", 5e-324, 1.0, log=True)]


def doubles(real):
    """Every double of a narrow range."""
    found = [real.low]
    while found[-1] < real.high:
        found.append(math.nextafter(found[-1], math.inf))
    return found


rng = np.random.default_rng(0)
DENSE = np.concatenate([np.linspace(0.0, 1.0, 9001), rng.random(9000) * 0.01])
"""Closer together than the doubles of these ranges, where they are sparse."""


@pytest.mark.parametrize("real", REALS, ids=str)
def test_every_double_survives_its_coordinate(real):
    values = doubles(real)
    assert [real.decode(real.encode(value)) for value in values] == values


@pytest.mark.parametrize("real", SPARSE, ids=str)
def test_snapped_coordinates_differ_if_and_only_if_their_values_do(real):
    snapped = np.unique(Axis(real).snap(DENSE))
    values = [real.decode(u) for u in snapped.tolist()]
    assert len(set(values)) == len(values)
    assert [real.encode(value) for value in values] == snapped.tolist()


@pytest.mark.parametrize("real", REALS, ids=str)
def test_arrays_and_single_values_agree_to_the_bit(real):
    axis, values = Axis(real), [real.decode(u) for u in DENSE.tolist()]
    assert axis.values(DENSE).tolist() == values
    assert axis.snap(DENSE).tolist() == [real.encode(value) for value in values]


@pytest.mark.parametrize("low", [1, 2**30, 2**40, 2**50])
def test_every_integer_of_a_narrow_logarithmic_range_has_its_own_coordinate(low):
    integer = Integer("i", low, low + 100, log=True)
    values = range(low, low + 101)
    coordinates = [integer.encode(value) for value in values]
    assert [integer.decode(u) for u in coordinates] == list(values)
    assert Axis(integer).at(np.arange(101.0)).tolist() == coordinates
    assert Axis(integer).index(np.array(coordinates)).tolist() == list(range(101))


def test_every_integer_of_a_narrow_logarithmic_range_is_drawn():
    integer = Integer("i", 2**50, 2**50 + 100, log=True)
    assert len({integer.draw((k + 0.5) / 1000) for k in range(1000)}) == 101


@pytest.mark.parametrize("ratio", [1.0009, 1.00098, 1.001])
def test_where_a_logarithmic_scale_is_all_but_straight_no_one_sees_the_difference(ratio):
    real = Real("x", 5.0, 5.0 * ratio, log=True)
    for u in (0.0, 0.25, 0.5, 0.75, 1.0):
        assert real.decode(u) == pytest.approx(5.0 * ratio**u, rel=2e-7)
        assert real.encode(5.0 * ratio**u) == pytest.approx(u, abs=1.3e-4)
