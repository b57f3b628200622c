import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hmserve.multiobjective.pareto import non_dominated


def by_definition(Y):
    """Compare every pair, as the definition says."""
    smaller = (Y[:, None] <= Y[None]).all(axis=2) & (Y[:, None] < Y[None]).any(axis=2)
    return ~smaller.any(axis=0)


def sets(max_objectives=5):
    """Small integers, so that ties and repeated points are common."""
    shapes = st.tuples(st.integers(1, 30), st.integers(1, max_objectives))
    return shapes.flatmap(lambda shape: arrays(float, shape, elements=st.integers(-3, 3)))


@given(sets())
def test_it_is_the_definition(Y):
    assert (non_dominated(Y) == by_definition(Y)).all()


@given(sets(), st.randoms(use_true_random=False))
def test_the_order_of_points_does_not_matter(Y, random):
    order = list(range(len(Y)))
    random.shuffle(order)
    assert (non_dominated(Y[order]) == non_dominated(Y)[order]).all()


@given(arrays(float, (12, 3), elements=st.floats(allow_nan=False)))
def test_every_float_but_nan_is_a_value(Y):
    assert (non_dominated(Y) == by_definition(Y)).all()


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_equal_points_of_the_front_are_all_kept(objectives):
    Y = np.zeros((3, objectives))
    assert non_dominated(Y).all()


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_of_no_points_none_is_kept(objectives):
    assert non_dominated(np.empty((0, objectives))).shape == (0,)


def test_the_third_objective_counts():
    assert non_dominated(np.array([[1.0, 1.0, 2.0], [2.0, 2.0, 1.0]])).all()


@pytest.mark.parametrize(("objectives", "n"), [(2, 100_000), (3, 20_000)])
def test_many_points_of_which_few_are_on_the_front(objectives, n):
    Y = np.random.default_rng(1).random((n, objectives))
    front = Y[non_dominated(Y)]
    assert by_definition(front).all()
    some = Y[~non_dominated(Y)][:500]
    assert ((front[:, None] <= some[None]).all(axis=2).any(axis=0)).all()


def test_100000_points_that_are_all_on_the_front():
    x = np.random.default_rng(2).random(100_000)
    assert non_dominated(np.stack([x, -x], axis=1)).all()
