import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.space.parameters import Categorical, Integer, Ordinal, Parameter, Real
from hmserve.space.space import Space, levels_of

KINDS = st.sampled_from(
    [
        lambda name: Real(name, -1e3, 1e-7),
        lambda name: Real(name, 2.0, 2.0),
        lambda name: Integer(name, -7, 12),
        lambda name: Ordinal(name, [1, 2.5, 4, 8]),
        lambda name: Categorical(name, ["a", "bb", "c d"]),
    ]
)
SPACES = st.lists(KINDS, min_size=1, max_size=6).map(
    lambda kinds: Space([make(f"p{i}") for i, make in enumerate(kinds)])
)


def mixed() -> Space:
    return Space([Integer("i", 0, 2), Ordinal("o", [1, 0.5]), Categorical("c", ["y", "x"])])


@given(SPACES, st.data())
def test_a_configuration_survives_the_way_through_the_unit_cube(
    space: Space, data: st.DataObject
) -> None:
    unit = st.lists(st.floats(0, 1), min_size=space.dimension, max_size=space.dimension)
    configuration = space.decode(data.draw(unit))
    assert space.contains(configuration)
    assert list(configuration) == list(space.names)
    again = space.decode(space.encode(configuration))
    for name, parameter in zip(space.names, space.parameters, strict=True):
        if parameter.size < math.inf:
            assert again[name] == configuration[name]
        else:
            assert again[name] == pytest.approx(configuration[name], rel=1e-12, abs=1e-12)


def test_two_and_two_point_zero_are_one_configuration() -> None:
    space = mixed()
    whole = {"i": 2, "o": 1, "c": "x"}
    assert space.key(whole) == space.key({"c": "x", "o": 1.0, "i": 2.0})
    assert hash(space.key(whole)) == hash(space.key({"i": 2.0, "o": 1.0, "c": "x"}))
    assert space.key(whole) != space.key({**whole, "c": "y"})


def test_enumerating_gives_every_configuration_once_the_last_parameter_fastest() -> None:
    space = mixed()
    configurations = list(space.enumerate())
    assert len(configurations) == space.size == 12
    assert len({space.key(c) for c in configurations}) == 12
    assert all(space.contains(c) for c in configurations)
    assert configurations[0] == {"i": 0, "o": 0.5, "c": "y"}
    assert configurations[1] == {"i": 0, "o": 0.5, "c": "x"}
    assert configurations[2] == {"i": 0, "o": 1, "c": "y"}


@pytest.mark.parametrize(
    "other",
    [
        {"i": 1, "o": 1},
        {"i": 1, "o": 1, "c": "x", "d": 0},
        {"i": 3, "o": 1, "c": "x"},
        {"i": 1, "o": 1, "c": None},
    ],
)
def test_a_configuration_with_other_names_or_values_is_not_contained(
    other: dict[str, object],
) -> None:
    assert not mixed().contains(other)


def test_a_draw_takes_one_quantile_a_parameter() -> None:
    assert mixed().draw([0.99, 0.0, 0.5]) == {"i": 2, "o": 0.5, "c": "x"}
    with pytest.raises(ValueError, match="shorter"):
        mixed().draw([0.5, 0.5])


def test_the_size_of_a_space_with_a_real_is_infinite_however_large_the_rest() -> None:
    huge: list[Parameter] = [Integer(f"i{k}", 0, 2**50) for k in range(30)]
    assert Space([*huge, Real("x", 0.0, 1.0)]).size == math.inf
    assert Space(huge).size == (2**50 + 1) ** 30
    assert Space([Real("x", 1.0, 1.0), Integer("i", 1, 5)]).size == 5


def test_levels_come_in_the_order_of_the_parameter() -> None:
    assert list(levels_of(Integer("i", -1, 2))) == [-1, 0, 1, 2]
    assert list(levels_of(Ordinal("o", [4, 1, 2]))) == [1, 2, 4]
    assert list(levels_of(Categorical("c", ["b", "a"]))) == ["b", "a"]
    assert list(levels_of(Real("x", 3.0, 3.0))) == [3.0]
    with pytest.raises(ValueError, match="x is real"):
        levels_of(Real("x", 0.0, 1.0))


def test_a_space_without_parameters_or_with_two_of_one_name_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Space([])
    with pytest.raises(ValueError, match="same name"):
        Space([Integer("i", 0, 1), Real("i", 0.0, 1.0)])
