import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hmserve.space.encoding import Encoding
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.space import Space

KINDS = st.sampled_from(
    [
        lambda name: Real(name, -1e3, 1e-7),
        lambda name: Real(name, 2.0, 2.0),
        lambda name: Real(name, -1.7e308, 1.7e308),
        lambda name: Real(name, 1e16, 1e16 + 8.0),
        lambda name: Real(name, 0.0, 5e-324),
        lambda name: Integer(name, -7, 12),
        lambda name: Integer(name, 5, 5),
        lambda name: Integer(name, -(2**50), 2**50),
        lambda name: Ordinal(name, [1, 2.5, 4, 8]),
        lambda name: Ordinal(name, [3]),
        lambda name: Ordinal(name, [2**k for k in range(40)]),
        lambda name: Categorical(name, ["a", "bb", "c d"]),
        lambda name: Categorical(name, [f"v{k}" for k in range(64)]),
    ]
)
SPACES = st.lists(KINDS, min_size=1, max_size=5).map(
    lambda kinds: Space([make(f"p{i}") for i, make in enumerate(kinds)])
)
SMALL = [Integer("i", 0, 4), Ordinal("o", [1, 10, 100]), Categorical("c", ["x", "y"])]


@st.composite
def spaces_with_points(draw):
    space = draw(SPACES)
    coordinate = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 0.5, 1.0]))
    row = st.lists(coordinate, min_size=space.dimension, max_size=space.dimension)
    return space, np.array(draw(st.lists(row, min_size=1, max_size=5)))


@settings(max_examples=200, deadline=None)
@given(spaces_with_points())
def test_snapping_is_decoding_and_encoding_to_the_bit(case):
    space, X = case
    encoding = Encoding(space)
    assert (encoding.snap(X) == encoding.encode(encoding.decode(X))).all()


@settings(max_examples=200, deadline=None)
@given(spaces_with_points())
def test_snapped_points_are_configurations_in_the_cube(case):
    space, X = case
    encoding = Encoding(space)
    snapped = encoding.snap(X)
    assert ((snapped >= 0.0) & (snapped <= 1.0)).all()
    assert all(space.contains(configuration) for configuration in encoding.decode(snapped))
    again = encoding.snap(snapped)
    assert (again == snapped)[:, encoding.discrete].all()
    for j, parameter in enumerate(space.parameters):
        if parameter.size == math.inf and parameter.high - parameter.low > 1e-300:
            # A range of few floats has few coordinates.
            step = 4.0 * np.spacing(max(abs(parameter.low), abs(parameter.high)))
            slack = step / 2.0 / (parameter.high / 2.0 - parameter.low / 2.0)
            np.testing.assert_allclose(again[:, j], snapped[:, j], atol=slack)


@settings(max_examples=200, deadline=None)
@given(spaces_with_points())
@example((Space([Integer("i", 0, 10**9)]), np.array([[0.3], [0.999999999999]])))
def test_drawing_many_is_drawing_each(case):
    space, U = case
    U = np.minimum(U, np.nextafter(1.0, 0.0))
    encoding = Encoding(space)
    drawn = encoding.draw(U)
    discrete = [p for p in space.parameters if p.size < math.inf]
    for row, u in zip(encoding.decode(drawn), U.tolist(), strict=True):
        expected = space.draw(u)
        assert all(row[p.name] == expected[p.name] for p in discrete)


def test_levels_are_drawn_equally_often_wherever_they_lie():
    encoding = Encoding(Space([Ordinal("o", [1, 2, 1000])]))
    drawn = encoding.draw((np.arange(3000.0)[:, None] + 0.5) / 3000.0)
    assert np.unique(drawn, return_counts=True)[1].tolist() == [1000, 1000, 1000]


def test_enumerating_gives_the_points_of_the_configurations_in_their_order():
    encoding = Encoding(Space(SMALL))
    expected = encoding.encode(encoding.space.enumerate())
    assert (encoding.enumerate() == expected).all()


@settings(max_examples=50, deadline=None)
@given(st.permutations(SMALL), st.integers(1, 3))
def test_the_number_of_a_point_is_its_place_in_the_enumeration(parameters, keep):
    encoding = Encoding(Space(parameters[:keep]))
    points = encoding.enumerate()
    assert encoding.numbers(points).tolist() == list(range(len(points)))
    assert len(points) == encoding.space.size


def test_neighbours_differ_in_one_discrete_parameter():
    parameters = [*SMALL, Real("a", 0, 1), Integer("k", 0, 1000), Real("b", 2, 2)]
    encoding = Encoding(Space(parameters))
    x = encoding.draw(np.full((1, 6), 0.4))[0]
    N = encoding.neighbours(x)
    changed = x != N
    assert (changed.sum(1) == 1).all()
    assert not changed[:, ~encoding.discrete].any()
    assert (encoding.snap(N) == N)[:, encoding.discrete].all()
    assert len(np.unique(N, axis=0)) == len(N)
    # All of a few levels; steps of every size among many.
    assert changed.sum(0)[:3].tolist() == [4, 2, 1]
    steps = np.abs(N[changed[:, 4], 4] - x[4]) * 1000
    assert steps.min() == pytest.approx(1.0)
    assert steps.max() > 250.0
    assert len(steps) < 25


@settings(max_examples=100, deadline=None)
@given(SPACES, st.integers(0, 2**20))
def test_neighbours_are_configurations_whatever_the_space(space, seed):
    encoding = Encoding(space)
    x = encoding.draw(np.random.default_rng(seed).random((1, space.dimension)))[0]
    N = encoding.neighbours(x)
    assert N.shape[1] == space.dimension
    assert all(space.contains(configuration) for configuration in encoding.decode(N))
    assert ((x != N).sum(1) == 1).all()


def test_every_level_of_a_label_is_a_neighbour_of_every_other():
    encoding = Encoding(Space([Categorical("c", [f"v{k}" for k in range(64)])]))
    for x in encoding.enumerate()[::9]:
        reached = np.append(encoding.neighbours(x)[:, 0], x)
        assert len(np.unique(reached)) == 64


def test_no_configurations_and_no_points_have_the_right_shape():
    encoding = Encoding(Space(SMALL))
    assert encoding.encode([]).shape == (0, 3)
    assert encoding.decode(np.empty((0, 3))) == []
    assert encoding.snap(np.empty((0, 3))).shape == (0, 3)
