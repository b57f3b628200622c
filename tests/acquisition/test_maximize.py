import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.acquisition.maximize import Search, best_of, quasi_random, values
from hmserve.space.encoding import Encoding
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.space import Space

SPACES = {
    "reals": [Real("a", 0, 1), Real("b", -5, 5), Real("c", 0, 1e6)],
    "mixed": [Real("a", 0, 1), Integer("i", 0, 40), Categorical("c", ["x", "y", "z"])],
    "ordinals": [Ordinal(f"o{i}", [1, 2, 4, 8, 16, 32, 64]) for i in range(7)],
    "large integers": [Integer("i", 0, 10**9), Integer("j", -5, 10**6), Real("a", 0, 1)],
    "labels": [Categorical(f"c{i}", [f"v{k}" for k in range(64)]) for i in range(4)],
    "one of each": [
        Real("a", 0, 1),
        Integer("i", 3, 3),
        Categorical("c", ["x", "y"]),
        Ordinal("o", [1, 10, 100]),
        Real("b", 2, 2),
    ],
}


class Bowl:
    """Largest at a known point; categories count as right or wrong."""

    def __init__(self, encoding, centre, differentiable=True):
        self.centre, self.differentiable = centre, differentiable
        self._labels = encoding.categorical
        self.asked = 0

    def __call__(self, X):
        self.asked += len(X)
        away = X - self.centre
        squares = np.where(self._labels, np.abs(away) > 1e-9, 4.0 * away**2)
        return -squares.sum(1)

    def value_and_gradient(self, X):
        return self(X), np.where(self._labels, 0.0, -8.0 * (X - self.centre))


class Ripples(Bowl):
    """The same with many local maxima."""

    def __call__(self, X):
        waves = np.cos(25.0 * (X - self.centre)) - 1.0
        return super().__call__(X) + 0.2 * np.where(self._labels, 0.0, waves).sum(1)

    def value_and_gradient(self, X):
        slope = -5.0 * np.sin(25.0 * (X - self.centre))
        gradient = super().value_and_gradient(X)[1]
        return self(X), gradient + np.where(self._labels, 0.0, slope)


def anything(X):
    return np.ones(len(X), dtype=bool)


def nothing(X):
    return np.zeros(len(X), dtype=bool)


def search(encoding, acquisition, fresh=anything, anchors=0, seed=0):
    rng = np.random.default_rng(seed)
    around = encoding.draw(rng.random((anchors, len(encoding.axes))))
    return Search(encoding)(acquisition, around, fresh, rng)


def somewhere(encoding, seed):
    return encoding.draw(np.random.default_rng([seed, 9]).random((1, len(encoding.axes))))[0]


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_finds_the_top_of_a_hill(name, seed):
    encoding = Encoding(Space(SPACES[name]))
    centre = somewhere(encoding, seed)
    found = search(encoding, Bowl(encoding, centre), anchors=3, seed=seed)
    np.testing.assert_allclose(found, centre, atol=1e-4)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_finds_the_highest_of_many_hills_as_exhaustion_does(seed):
    grid = [
        Integer("i", 0, 30),
        Categorical("c", ["x", "y", "z"]),
        Ordinal("o", [1, 2, 4, 8, 16, 32, 64]),
        Integer("j", 0, 30),
    ]
    encoding = Encoding(Space(grid))
    acquisition = Ripples(encoding, somewhere(encoding, seed))
    best = acquisition(best_of(acquisition, encoding.enumerate())[None])[0]
    found = search(encoding, acquisition, anchors=5, seed=seed)
    assert acquisition(found[None])[0] == best


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_finds_the_highest_of_many_hills_of_a_mixed_space(seed):
    encoding = Encoding(Space([Real("a", 0, 1), Integer("i", 0, 9), Real("b", 0, 1)]))
    acquisition = Ripples(encoding, somewhere(encoding, seed))
    found = search(encoding, acquisition, anchors=5, seed=seed)
    assert acquisition(found[None])[0] > -1e-6


@pytest.mark.parametrize("name", SPACES)
def test_what_it_returns_is_a_configuration(name):
    encoding = Encoding(Space(SPACES[name]))
    found = search(encoding, Bowl(encoding, somewhere(encoding, 1)), anchors=2)
    snapped = encoding.snap(found[None])[0]
    np.testing.assert_allclose(snapped, found, atol=1e-12)
    assert (snapped == found)[encoding.discrete].all()
    assert encoding.space.contains(encoding.decode(found[None])[0])


def test_without_gradients_it_still_climbs():
    encoding = Encoding(Space(SPACES["reals"]))
    centre = somewhere(encoding, 0)
    found = search(encoding, Bowl(encoding, centre, differentiable=False), anchors=0)
    np.testing.assert_allclose(found, centre, atol=0.15)


def test_a_maximum_at_a_corner_is_reached_exactly():
    encoding = Encoding(Space([Real("a", 0, 1), Real("b", 0, 1)]))
    assert search(encoding, Bowl(encoding, np.array([2.0, -1.0]))).tolist() == [1.0, 0.0]


def test_where_everything_is_taken_there_is_nothing():
    encoding = Encoding(Space(SPACES["mixed"]))
    assert search(encoding, Bowl(encoding, somewhere(encoding, 0)), nothing, anchors=3) is None


@pytest.mark.parametrize("name", ["mixed", "ordinals", "one of each"])
def test_it_returns_the_best_of_what_is_free(name):
    encoding = Encoding(Space(SPACES[name]))
    centre = somewhere(encoding, 4)

    def free(X):
        return (X[:, encoding.discrete] != centre[encoding.discrete]).any(axis=1)

    found = search(encoding, Bowl(encoding, centre), free, anchors=3)
    assert free(found[None])[0]
    assert ((found != centre)[encoding.discrete]).sum() == 1


@pytest.mark.parametrize("name", ["reals", "mixed"])
def test_where_only_the_peak_is_taken_it_stays_beside_it(name):
    encoding = Encoding(Space(SPACES[name]))
    centre = somewhere(encoding, 4)

    def free(X):
        return (np.abs(X - centre) > 1e-3).any(axis=1)

    found = search(encoding, Bowl(encoding, centre), free, anchors=3)
    assert free(found[None])[0]


def test_the_generator_decides_everything():
    encoding = Encoding(Space(SPACES["mixed"]))
    acquisition = Ripples(encoding, somewhere(encoding, 0))
    one, two = (search(encoding, acquisition, anchors=3, seed=5) for _ in range(2))
    assert (one == two).all()


@pytest.mark.parametrize("name", SPACES)
def test_its_work_is_bounded(name):
    encoding = Encoding(Space(SPACES[name]))
    acquisition = Ripples(encoding, somewhere(encoding, 0))
    search(encoding, acquisition, anchors=5)
    assert acquisition.asked < 60_000


def test_an_acquisition_that_is_not_a_number_ranks_last():
    X = np.array([[0.0], [1.0], [2.0]])
    assert best_of(lambda X: np.where(X[:, 0] == 1.0, -5.0, np.nan), X).tolist() == [1.0]
    assert best_of(lambda X: np.full(len(X), np.nan), X).tolist() == [0.0]


def test_of_equals_the_first_is_best():
    X = np.arange(5.0)[:, None]
    assert best_of(lambda X: np.minimum(X[:, 0], 3.0), X).tolist() == [3.0]


@pytest.mark.parametrize("n", [0, 1, 1023, 1024, 1025, 5000])
def test_values_in_blocks_are_the_values(n):
    X = np.random.default_rng(0).random((n, 3))
    assert (values(lambda X: X.sum(1), X) == X.sum(1)).all()


def discrepancy(X):
    """L2-star discrepancy (Warnock 1972)."""
    n, d = X.shape
    pairs = np.prod(1.0 - np.maximum(X[:, None], X[None]), axis=2).sum() / n**2
    return pairs - 2.0 ** (1 - d) * np.prod(1.0 - X**2, axis=1).mean() + 3.0**-d


@pytest.mark.parametrize(("d", "factor"), [(1, 20.0), (2, 8.0), (6, 1.5)])
def test_quasi_random_points_are_more_even_than_random_ones(d, factor):
    rng = np.random.default_rng(0)
    even = np.mean([discrepancy(quasi_random(256, d, rng)) for _ in range(10)])
    random = np.mean([discrepancy(rng.random((256, d))) for _ in range(10)])
    assert factor * even < random


def test_quasi_random_points_of_a_line_never_leave_a_gap():
    x = np.sort(quasi_random(500, 1, np.random.default_rng(0))[:, 0])
    gaps = np.diff(np.concatenate([[x[-1] - 1.0], x]))
    assert gaps.max() < 3.0 / 500


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**20))
def test_quasi_random_points_lie_in_the_cube_and_differ(d, seed):
    X = quasi_random(200, d, np.random.default_rng(seed))
    assert X.shape == (200, d)
    assert ((X >= 0.0) & (X < 1.0)).all()
    assert len(np.unique(X, axis=0)) == 200


def test_two_searches_from_one_generator_differ():
    rng = np.random.default_rng(0)
    one, two = quasi_random(5, 2, rng), quasi_random(5, 2, rng)
    assert not any(a == b for a, b in itertools.product(one[:, 0], two[:, 0]))
