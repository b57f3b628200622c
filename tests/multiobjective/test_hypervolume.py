from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hmserve.multiobjective.hypervolume import hypervolume, hypervolumes


def by_inclusion_and_exclusion(Y, reference):
    """The volume of a union of boxes by its definition, for a handful of boxes."""
    total = 0.0
    for size in range(1, len(Y) + 1):
        for subset in combinations(Y, size):
            sides = np.clip(reference - np.max(subset, axis=0), 0, None)
            total -= (-1) ** size * float(np.prod(sides))
    return total


def sets(max_points=6, max_objectives=5):
    shapes = st.tuples(st.integers(0, max_points), st.integers(1, max_objectives))
    return shapes.flatmap(lambda shape: arrays(float, shape, elements=st.integers(-3, 5)))


def corner(Y):
    return np.full(Y.shape[1], 4.0)


@given(sets())
def test_it_is_the_volume_of_the_union(Y):
    # Small integers: every sum is exact.
    assert hypervolume(Y, corner(Y)) == by_inclusion_and_exclusion(Y, corner(Y))


@given(sets(max_points=20), st.randoms(use_true_random=False))
def test_the_order_of_points_and_of_objectives_does_not_matter(Y, random):
    points, objectives = list(range(len(Y))), list(range(Y.shape[1]))
    random.shuffle(points)
    random.shuffle(objectives)
    assert hypervolume(Y[points][:, objectives], corner(Y)) == hypervolume(Y, corner(Y))


@given(sets(max_points=15))
def test_it_grows_with_a_new_point_and_not_with_a_dominated_one(Y):
    if len(Y) == 0:
        return
    before = hypervolume(Y[1:], corner(Y))
    after = hypervolume(Y, corner(Y))
    dominated = any((other <= Y[0]).all() for other in Y[1:])
    assert after == before if dominated or (Y[0] >= corner(Y)).any() else after > before


@given(sets(max_points=10))
def test_points_beyond_the_reference_add_nothing(Y):
    beyond = np.vstack([Y, np.eye(Y.shape[1]) * 100 - 50])
    assert hypervolume(beyond, corner(Y)) == hypervolume(Y, corner(Y))


@settings(max_examples=20)
@given(arrays(float, (8, 4), elements=st.floats(0, 1)), st.floats(0.01, 100))
def test_it_scales_with_the_unit_of_an_objective(Y, unit):
    scale = np.array([unit, 1, 1, 1])
    expected = unit * hypervolume(Y, np.ones(4))
    assert hypervolume(Y * scale, scale) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(sets(max_points=12, max_objectives=6))
def test_the_volumes_of_a_growing_set_are_those_of_its_beginnings(Y):
    # Small integers again; points come that are dominated, equal, or dominate earlier ones.
    expected = [hypervolume(Y[: n + 1], corner(Y)) for n in range(len(Y))]
    assert hypervolumes(Y, corner(Y)).tolist() == expected


def test_rows_without_a_value_add_nothing_to_a_growing_set():
    Y = np.array([[3.0, 3.0], [np.nan, 1.0], [1.0, 5.0], [2.0, 2.0]])
    assert hypervolumes(Y, np.array([4.0, 4.0])).tolist() == [1.0, 1.0, 1.0, 4.0]


@pytest.mark.parametrize("objectives", [3, 4, 5, 6, 7])
def test_a_linear_front_has_the_volume_of_its_steps(objectives):
    """All points with integer coordinates of sum k: only cells with a smaller sum are left."""
    k = 4
    cells = list(product(range(k + 1), repeat=objectives))
    points = np.array([cell for cell in cells if sum(cell) == k], dtype=float)
    left = sum(sum(cell) < k for cell in cells)
    assert hypervolume(points, np.full(objectives, k + 1.0)) == len(cells) - left


@pytest.mark.parametrize("objectives", [2, 3, 4, 5, 6])
def test_it_agrees_with_monte_carlo(objectives):
    rng = np.random.default_rng(objectives)
    Y = rng.dirichlet(np.ones(objectives), size=20)
    inside = np.zeros(200_000, dtype=bool)
    draws = rng.random((len(inside), objectives))
    for y in Y:
        inside |= (draws >= y).all(axis=1)
    # Five standard errors.
    assert hypervolume(Y, np.ones(objectives)) == pytest.approx(inside.mean(), abs=0.006)


@pytest.mark.parametrize(("objectives", "n"), [(2, 100_000), (3, 400), (4, 60)])
def test_a_large_front_on_a_simplex_has_less_than_the_simplex_leaves(objectives, n):
    Y = np.random.default_rng(3).dirichlet(np.ones(objectives), size=n)
    whole = 1 - 1 / np.prod(np.arange(1, objectives + 1))
    assert 0.7 * whole < hypervolume(Y, np.ones(objectives)) < whole


def test_one_objective_is_the_distance_to_the_reference():
    assert hypervolume(np.array([[3.0], [1.0], [7.0]]), np.array([5.0])) == 4.0
