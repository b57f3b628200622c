"""Conditional parameters: what is active, what is one configuration, how many there are."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.space.conditions import Conditions
from hmserve.space.encoding import Encoding
from hmserve.space.parameters import Categorical, Integer, Ordinal, Parameter, Real
from hmserve.space.space import Space

PARAMETERS: list[Parameter] = [
    Real("momentum", 0.0, 1.0),
    Categorical("algorithm", ["adam", "sgd", "none"]),
    Integer("layers", 1, 3),
    Ordinal("width", [8, 16]),
]
CONDITIONS = {
    "momentum": {"algorithm": ["sgd"]},
    "layers": {"algorithm": ["adam", "sgd"]},
    "width": {"layers": [2, 3]},
}
SPACE = Space(PARAMETERS, conditions=CONDITIONS)
DISCRETE = Space(PARAMETERS[1:], conditions={k: CONDITIONS[k] for k in ("layers", "width")})


def test_a_child_of_an_inactive_parent_is_inactive() -> None:
    drawn = {"momentum": 0.5, "algorithm": "none", "layers": 3, "width": 8}
    assert SPACE.conditions.settle(drawn) == {
        "momentum": None,
        "algorithm": "none",
        "layers": None,
        "width": None,
    }


def test_all_parents_must_have_one_of_their_values() -> None:
    both = Conditions({"c": {"a": [1], "b": ["x", "y"]}})
    assert both.is_active("c", {"a": 1, "b": "y"})
    assert not both.is_active("c", {"a": 1, "b": "z"})
    assert not both.is_active("c", {"a": 2, "b": "y"})


def test_conditions_that_go_round_in_a_circle_are_refused() -> None:
    with pytest.raises(ValueError, match="a, b go round in a circle"):
        Conditions({"a": {"b": [1]}, "b": {"a": [1]}})


def test_a_value_of_an_inactive_parameter_is_a_fault() -> None:
    good = {"momentum": None, "algorithm": "adam", "layers": 1, "width": None}
    assert SPACE.fault(good) is None
    assert SPACE.fault({**good, "momentum": 0.5}) == "momentum is inactive, so it has no value"
    assert SPACE.fault({**good, "layers": None}) == "layers cannot be None"


def test_configurations_are_counted_and_listed_each_once() -> None:
    listed = list(DISCRETE.enumerate())
    keys = {DISCRETE.key(configuration) for configuration in listed}
    # none; adam and sgd with one layer, or with two or three layers of two widths.
    assert len(listed) == len(keys) == DISCRETE.size == 1 + 2 * (1 + 2 * 2)
    assert SPACE.size == math.inf


def test_too_many_parents_are_counted_from_above() -> None:
    parents: list[Parameter] = [Integer(f"p{i}", 1, 100) for i in range(4)]
    conditions = {"child": {f"p{i}": [1] for i in range(4)}}
    space = Space([*parents, Integer("child", 1, 2)], conditions=conditions)
    assert space.size == 2 * 100**4


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_points_and_configurations_go_there_and_back(variates: list[float]) -> None:
    encoding = Encoding(SPACE)
    drawn = SPACE.draw(variates)
    assert SPACE.fault(drawn) is None
    X = encoding.encode([drawn])
    assert encoding.decode(encoding.snap(X)) == encoding.decode(X) == [drawn]


def test_equal_configurations_are_equal_points() -> None:
    encoding = Encoding(SPACE)
    X = encoding.draw(np.random.default_rng(1).random((300, 4)))
    points = {x.tobytes() for x in X}
    assert len(points) == len({SPACE.key(c) for c in encoding.decode(X)})
    assert np.array_equal(encoding.encode(encoding.decode(X)), X)


def test_neighbours_change_something_and_stay_in_the_space() -> None:
    encoding = Encoding(DISCRETE)
    for configuration in DISCRETE.enumerate():
        (x,) = encoding.encode([configuration])
        around = encoding.decode(encoding.neighbours(x))
        assert around
        assert all(DISCRETE.fault(other) is None for other in around)
        assert configuration not in around


def test_the_enumerated_points_are_the_configurations() -> None:
    encoding = Encoding(DISCRETE)
    assert encoding.decode(encoding.enumerate()) == list(DISCRETE.enumerate())


@settings(max_examples=30)
@given(st.data())
def test_size_is_the_number_of_configurations(data: st.DataObject) -> None:
    names = ["a", "b", "c", "d"]
    parameters: list[Parameter] = [
        Integer(name, 1, data.draw(st.integers(1, 3))) for name in names
    ]
    conditions = {}
    for i, name in enumerate(names[1:], 1):
        parents = data.draw(st.sets(st.sampled_from(names[:i]), max_size=2))
        if parents:
            conditions[name] = {parent: [data.draw(st.integers(1, 3))] for parent in parents}
    space = Space(parameters, conditions=conditions)
    levels = [range(1, int(p.size) + 1) for p in parameters]
    brute = {
        tuple(space.conditions.settle(dict(zip(names, values, strict=True))).values())
        for values in itertools.product(*levels)
    }
    assert space.size == len(brute) == len(list(space.enumerate()))
