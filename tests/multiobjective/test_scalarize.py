import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hmserve.multiobjective.pareto import non_dominated
from hmserve.multiobjective.scalarize import (
    SCALARISATIONS,
    BoundingBox,
    even,
    flat,
    hypervolume_weights,
    limits_of,
    linear,
    modified_tchebyshev,
    tchebyshev,
)

WEIGHTS = arrays(float, 3, elements=st.floats(0.01, 1.0))


@given(arrays(float, (8, 3), elements=st.floats(-10.0, 10.0)), WEIGHTS)
def test_each_scalarisation_is_its_definition(Z, weights):
    for i, z in enumerate(Z):
        terms = [w * value for w, value in zip(weights, z, strict=True)]
        gains = [(1.1 - value) / w for w, value in zip(weights, z, strict=True)]
        for value, expected in (
            (linear, sum(terms)),
            (tchebyshev, max(terms) + 0.05 * sum(terms)),
            (modified_tchebyshev, -min(gains)),
        ):
            assert value(Z, weights)[i] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(arrays(float, (12, 3), elements=st.integers(0, 5).map(float)), WEIGHTS)
def test_what_dominates_is_smaller(Z, weights):
    for scalarise in (linear, tchebyshev):
        value = scalarise(Z, weights)
        for i, a in enumerate(Z):
            dominated = (a <= Z).all(axis=1) & (a < Z).any(axis=1)
            assert (value[dominated] > value[i]).all()
        assert non_dominated(Z)[np.argmin(value)]


@given(arrays(float, (12, 3), elements=st.integers(0, 5).map(float)), WEIGHTS)
def test_what_is_better_in_everything_gains_more(Z, weights):
    value = modified_tchebyshev(Z, weights)
    for i, a in enumerate(Z):
        assert (value[(a < Z).all(axis=1)] > value[i]).all()


@given(st.integers(2, 8), st.integers(0, 2**20))
def test_weights_are_positive_and_add_up_to_one(m, seed):
    weights = hypervolume_weights(m, np.random.default_rng(seed))
    assert weights.shape == (m,)
    assert (weights > 0.0).all()
    assert weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("m", [2, 3])
def test_no_objective_is_preferred_on_the_whole(m):
    rng = np.random.default_rng(0)
    weights = np.array([hypervolume_weights(m, rng) for _ in range(4000)])
    np.testing.assert_allclose(weights.mean(0), 1.0 / m, atol=0.02)


@pytest.mark.parametrize("m", [2, 3])
def test_the_minima_of_random_weights_lie_all_along_a_front(m):
    # A part of a sphere, concave: no weighted sum would reach its inside.
    rng = np.random.default_rng(0)
    front = np.abs(rng.normal(size=(20_000, m)))
    front /= np.linalg.norm(front, axis=1)[:, None]
    weights = [hypervolume_weights(m, rng) for _ in range(400)]
    found = np.array([front[np.argmin(tchebyshev(front, w))] for w in weights])
    # As evenly as the front itself: the same share of minima and of front in each part.
    for edge in (0.25, 0.5, 0.75):
        np.testing.assert_allclose((found < edge).mean(0), (front < edge).mean(0), atol=0.08)


def quarter(n=20_001):
    """A concave front: the part of a circle about (1, 1) that lies in [0, 1]."""
    angles = np.linspace(0.0, np.pi / 2.0, n)
    return 1.0 - np.column_stack([np.cos(angles), np.sin(angles)])


def test_the_minima_of_the_modified_scalarisation_lie_all_along_a_front():
    rng, front = np.random.default_rng(0), 1.0 - quarter()
    found = np.array(
        [
            front[np.argmin(modified_tchebyshev(front, flat(front[0], front[0], rng)))]
            for _ in range(400)
        ]
    )
    for edge in (0.25, 0.5, 0.75):
        assert 0.1 < (found[:, 0] < edge).mean() < 0.9


@pytest.mark.parametrize("m", [2, 5])
def test_flat_weights_add_up_to_one_and_each_is_as_likely(m):
    rng, low = np.random.default_rng(0), np.zeros(m)
    weights = np.array([flat(low, low + 1.0, rng) for _ in range(4000)])
    np.testing.assert_allclose(weights.sum(1), 1.0)
    np.testing.assert_allclose(weights.mean(0), 1.0 / m, atol=0.02)
    # The marginals of the uniform distribution on a simplex.
    np.testing.assert_allclose((weights < 0.1).mean(0), 1.0 - 0.9 ** (m - 1), atol=0.03)


def test_even_weights_are_hypervolume_weights():
    found = even(np.zeros(3), np.ones(3), np.random.default_rng(4))
    assert (found == hypervolume_weights(3, np.random.default_rng(4))).all()


@pytest.mark.parametrize("name", ["tchebyshev", "modified_tchebyshev"])
@pytest.mark.parametrize("box", [((0.0, 0.1), (0.5, 0.9)), ((0.1, 0.4), (0.1, 0.4))])
def test_the_minima_under_a_bounding_box_lie_in_it(name, box):
    rng, kind, front = np.random.default_rng(0), SCALARISATIONS[name], quarter()
    units, shift = np.array([1000.0, 1e-3]), np.array([-50.0, 7.0])
    low, high = np.array(box).T * units + shift
    draw = BoundingBox(list(zip(low, high, strict=True)), kind)
    weights = [draw(shift, shift + units, rng) for _ in range(200)]
    found = np.array([front[np.argmin(kind.value(front, w))] for w in weights])
    slack = 0.12
    inside = (found >= np.array(box)[:, 0] - slack) & (found <= np.array(box)[:, 1] + slack)
    assert inside.mean() > 0.9
    assert np.ptp(found, axis=0).min() > 0.05


@pytest.mark.parametrize("name", SCALARISATIONS)
def test_a_box_of_small_values_asks_for_more_of_that_objective(name):
    rng, kind = np.random.default_rng(0), SCALARISATIONS[name]
    draw = BoundingBox([(0.0, 0.2), (0.6, 1.0)], kind)
    for _ in range(50):
        weights = draw(np.zeros(2), np.ones(2), rng)
        assert weights[0] > weights[1] > 0.0
        assert weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("front", [([0.0, 0.0], [0.0, 0.0]), ([-1e308, 0.0], [1e308, 1e-300])])
def test_whatever_the_front_weights_under_a_box_are_positive(front):
    rng = np.random.default_rng(0)
    low, high = map(np.array, front)
    for kind in SCALARISATIONS.values():
        for box in ([(0.0, 1.0)] * 2, [(-1e308, 1e308)] * 2, [(5.0, 5.0)] * 2):
            weights = BoundingBox(box, kind)(low, high, rng)
            assert (weights > 0.0).all()
            assert weights.sum() == pytest.approx(1.0)


def test_limits_are_two_for_all_objectives_or_two_for_each_in_any_order():
    assert limits_of([0, 1], 3) == [(0, 1)] * 3
    assert limits_of([1, 0], 1) == [(0, 1)]
    assert limits_of([0, 1, 5, 2], 2) == [(0, 1), (2, 5)]


@pytest.mark.parametrize(("numbers", "m"), [([], 2), ([1], 1), ([0, 1, 2], 2), ([0, 1] * 3, 2)])
def test_another_number_of_limits_is_refused(numbers, m):
    with pytest.raises(ValueError, match=f"{2 * m} limits of {m}"):
        limits_of(numbers, m)
