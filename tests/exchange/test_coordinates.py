import math
import struct
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.exchange.coordinates import Coordinates
from hmserve.space.fixed import Fixed
from hmserve.space.parameters import Categorical, Integer, Ordinal, Parameter, Real
from hmserve.space.permutation import Permutation
from hmserve.space.space import Space, levels_of

DISCRETE: list[Parameter] = [
    Integer("x", -7, 9),
    Integer("x", 1, 300, log=True),
    Ordinal("x", [1, 2, 4, 8, 100]),
    Ordinal("x", [0.1, 0.25, 3, 7.5e300]),
    Ordinal("x", [-1e-300, 0, 1e-300]),
    Ordinal("x", [1, 10, 100, 1000], log=True),
    Ordinal("x", list(range(1000))),
    Categorical("x", ["a", "b", "c"]),
    Categorical("x", [str(i) for i in range(1000)]),
    Permutation("x", 1, "naive"),
    Permutation("x", 5, "kendall"),
    Fixed(Real("x", 0.0, 1.0), 0.1),
    Fixed(Categorical("x", ["a", "b"]), "b"),
    Fixed(Permutation("x", 3, "spearman"), (2, 0, 1)),
    Real("x", 0.3, 0.3),
]
EDGES = [0.1 + 0.2, -0.0, 5e-324, math.nextafter(1.0, 2.0), -1e308]


def travel(space: Space, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return what arrives of `configuration` at the other end."""
    coordinates = Coordinates(space)
    numbers = coordinates.encode(configuration)
    data = struct.pack(f"<{len(numbers)}d", *numbers)
    return coordinates.decode(struct.unpack(f"<{len(numbers)}d", data))


@pytest.mark.parametrize("parameter", DISCRETE, ids=lambda p: f"{type(p).__name__}{p.size}")
def test_every_value_of_a_discrete_parameter_arrives(parameter: Parameter) -> None:
    space = Space([parameter])
    for value in levels_of(parameter):
        found = travel(space, {"x": value})["x"]
        assert found == value
        assert type(found) is type(value)


@given(
    st.sampled_from([Real("x", -1e308, 1e308), Real("x", 1e-300, 1e300, log=True)]), st.data()
)
def test_a_real_arrives_bit_for_bit(parameter: Real, data: st.DataObject) -> None:
    value = data.draw(st.floats(parameter.low, parameter.high))
    assert travel(Space([parameter]), {"x": value})["x"].hex() == value.hex()


@pytest.mark.parametrize("value", EDGES)
def test_a_real_that_no_unit_coordinate_has_arrives(value: float) -> None:
    found = travel(Space([Real("x", -1e308, 1e308)]), {"x": value})["x"]
    assert struct.pack("d", found) == struct.pack("d", value)


@given(st.integers(-(2**50), 2**50), st.booleans())
def test_an_integer_of_the_widest_range_arrives(value: int, log: bool) -> None:
    # Coordinates on a log scale are too coarse for integers so large.
    parameter = Integer("x", 1, 2**50, log=True) if log else Integer("x", -(2**50), 2**50)
    value = abs(value) + 1 if log else value
    if parameter.contains(value):
        assert travel(Space([parameter]), {"x": value}) == {"x": value}


@given(st.permutations(range(17)))
def test_the_longest_permutation_arrives(order: list[int]) -> None:
    space = Space([Permutation("x", 17, "spearman")])
    assert travel(space, {"x": tuple(order)}) == {"x": tuple(order)}


def test_an_inactive_parameter_arrives_as_none() -> None:
    parameters = [Categorical("on", ["yes", "no"]), Real("x", 0.0, 1.0), Integer("k", 1, 3)]
    space = Space(parameters, conditions={"x": {"on": ["yes"]}, "k": {"on": ["yes"]}})
    for sent in ({"on": "no", "x": None, "k": None}, {"on": "yes", "x": 0.7, "k": 3}):
        assert travel(space, sent) == sent


def test_what_equals_an_integer_has_its_coordinates() -> None:
    coordinates = Coordinates(Space([Integer("x", 0, 9)]))
    assert coordinates.encode({"x": 2.0}) == coordinates.encode({"x": 2}) == (2.0,)
