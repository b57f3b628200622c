import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hmserve.multiobjective.pareto import non_dominated
from hmserve.multiobjective.scalarize import hypervolume_weights, tchebyshev

WEIGHTS = arrays(float, 3, elements=st.floats(0.01, 1.0))


@given(arrays(float, (8, 3), elements=st.floats(-10.0, 10.0)), WEIGHTS)
def test_it_is_its_definition(Z, weights):
    for z, found in zip(Z, tchebyshev(Z, weights), strict=True):
        terms = [w * value for w, value in zip(weights, z, strict=True)]
        assert found == pytest.approx(max(terms) + 0.05 * sum(terms), rel=1e-9, abs=1e-12)


@given(arrays(float, (12, 3), elements=st.integers(0, 5).map(float)), WEIGHTS)
def test_what_dominates_is_smaller(Z, weights):
    value = tchebyshev(Z, weights)
    for i, a in enumerate(Z):
        dominated = (a <= Z).all(axis=1) & (a < Z).any(axis=1)
        assert (value[dominated] > value[i]).all()
    assert non_dominated(Z)[np.argmin(value)]


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
