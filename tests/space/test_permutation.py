"""Permutations: ranks, coordinates, text, and the distances models see."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.space.encoding import Encoding
from hmserve.space.fixed import Fixed
from hmserve.space.parameters import Categorical, Real
from hmserve.space.permutation import LARGEST, PARAMETRIZATIONS, Permutation
from hmserve.space.permutations import permutation_at, rank_of
from hmserve.space.space import Space
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.orders import features


def test_ranks_are_lexicographic() -> None:
    orders = list(itertools.permutations(range(5)))
    assert [rank_of(order) for order in orders] == list(range(120))
    assert [permutation_at(rank, 5) for rank in range(120)] == orders


@given(st.permutations(range(LARGEST)))
def test_the_largest_permutations_survive_the_way_through_a_coordinate(order) -> None:
    parameter = Permutation("p", LARGEST, "kendall")
    assert parameter.decode(parameter.encode(tuple(order))) == tuple(order)


@pytest.mark.parametrize("text", ["(2, 0, 1)", "[2,0,1]", "2 0 1", "2;0;1", "( 2, 0 , 1 )"])
def test_any_brackets_are_read(text: str) -> None:
    parameter = Permutation("p", 3, "spearman")
    assert parameter.parse(text) == (2, 0, 1)
    assert parameter.format((2, 0, 1)) == "(2, 0, 1)"


@pytest.mark.parametrize(
    "text", ["", "(0, 1)", "(0, 1, 1)", "(1, 2, 3)", "(a, 0, 1)", "0.0 1 2"]
)
def test_what_is_no_order_of_all_elements_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no order of 0 to 2"):
        Permutation("p", 3, "spearman").parse(text)


def _spearman(a, b) -> float:
    return sum((a.index(i) - b.index(i)) ** 2 for i in range(len(a)))


def _kendall(a, b) -> float:
    pairs = itertools.combinations(range(len(a)), 2)
    return sum((a.index(i) < a.index(j)) != (b.index(i) < b.index(j)) for i, j in pairs)


def _hamming(a, b) -> float:
    return sum(x != y for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(
    ("parametrization", "distance"),
    [("spearman", _spearman), ("kendall", _kendall), ("hamming", _hamming)],
)
def test_features_have_the_distance_they_stand_for_scaled_to_one(
    parametrization: str, distance
) -> None:
    parameter = Permutation("p", 4, parametrization)
    orders = list(itertools.permutations(range(4)))
    F = features(parameter, np.array([parameter.encode(order) for order in orders]))
    squares = ((F[:, None, :] - F[None, :, :]) ** 2).sum(2)
    expected = np.array([[distance(a, b) for b in orders] for a in orders])
    assert np.allclose(squares, expected / expected.max())
    assert math.isclose(squares.max(), 1.0)


@pytest.mark.parametrize("parametrization", PARAMETRIZATIONS)
def test_kernels_of_permutations_have_the_right_derivatives(parametrization: str) -> None:
    rng = np.random.default_rng(0)
    space = Space(
        [Real("x", 0, 1), Permutation("p", 4, parametrization), Categorical("c", ["a", "b"])]
    )
    encoding = Encoding(space)
    kernel = Kernel([0, 0, 2], {1: space.parameters[1]})
    X = encoding.draw(rng.random((12, 3)))
    theta, M = rng.normal(-0.5, 0.3, 4), rng.random((12, 12))
    M = M + M.T
    A = kernel.inputs(X)
    K = kernel(theta, A, A)
    assert np.linalg.eigvalsh(K).min() > -1e-10
    gradient = kernel.contract(theta, A, kernel.with_slope(theta, A, A), M)
    for j, h in enumerate(np.eye(4) * 1e-6):
        numeric = (M * (kernel(theta + h, A, A) - kernel(theta - h, A, A))).sum() / 2e-6
        assert math.isclose(gradient[j], numeric, rel_tol=1e-5, abs_tol=1e-6)


def test_the_neighbours_of_a_permutation_are_one_exchange_away() -> None:
    encoding = Encoding(Space([Permutation("p", 4, "hamming")]))
    (x,) = encoding.encode([{"p": (2, 0, 3, 1)}])
    around = [configuration["p"] for configuration in encoding.decode(encoding.neighbours(x))]
    assert len(set(around)) == 6
    assert all(_hamming((2, 0, 3, 1), other) == 2 for other in around)


def test_a_fixed_parameter_has_one_value_and_one_coordinate() -> None:
    space = Space([Fixed(Permutation("p", 3, "naive"), (1, 0, 2)), Real("x", 0, 1)])
    encoding = Encoding(space)
    assert space.draw([0.9, 0.25]) == {"p": (1, 0, 2), "x": 0.25}
    assert space.fault({"p": (0, 1, 2), "x": 0.25}) == "p cannot be (0, 1, 2)"
    assert np.array_equal(encoding.snap(np.array([[0.1, 0.3]])), [[0.5, 0.3]])
