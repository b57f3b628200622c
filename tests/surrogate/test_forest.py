import numpy as np
import pytest

from hmserve.surrogate.base import ForestOptions
from hmserve.surrogate.forest import Forest, one_hot

LEVELS = (0, 3, 0)
OPTIONS = ForestOptions(trees=25, max_features=0.6, bootstrap=True, min_samples_split=4)


def data(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.random(n), (rng.integers(0, 3, n) + 0.5) / 3, rng.random(n)])
    return X, np.sin(5.0 * X[:, 0]) + (X[:, 1] > 0.5) + 0.1 * rng.normal(size=n)


def test_the_mean_is_that_of_scikit_learn():
    forest = Forest.fit(data(), LEVELS, OPTIONS, 1)
    Z, _ = data(100, seed=1)
    expected = forest.trees.predict(one_hot(Z, LEVELS))
    np.testing.assert_allclose(forest.predict(Z).mean, expected, rtol=1e-12)
    np.testing.assert_allclose(forest.mean(Z), expected, rtol=1e-12)


def test_the_variance_is_that_within_leaves_plus_that_between_trees():
    X, y = data()
    options = ForestOptions(trees=10, max_features=1.0, bootstrap=False, min_samples_split=20)
    forest = Forest.fit((X, y), LEVELS, options, 1)
    Z, _ = data(20, seed=1)
    variance = forest.predict(Z).variance
    rows, queries = one_hot(X, LEVELS), one_hot(Z, LEVELS)
    for z, found in zip(queries, variance, strict=True):
        leaves = [
            y[tree.apply(rows.astype(np.float32)) == tree.apply(z[None].astype(np.float32))]
            for tree in forest.trees.estimators_
        ]
        within = np.mean([leaf.var() for leaf in leaves])
        between = np.var([leaf.mean() for leaf in leaves])
        assert found == pytest.approx(within + between, rel=1e-6)


def test_a_forest_that_is_sure_still_has_a_variance():
    X, _ = data(20)
    assert (Forest.fit((X, np.zeros(20)), LEVELS, OPTIONS, 1).predict(X).variance > 0.0).all()


def test_the_seed_decides_everything():
    Z, _ = data(30, seed=1)
    one, two, other = (
        Forest.fit(data(), LEVELS, OPTIONS, seed).predict(Z) for seed in (1, 1, 2)
    )
    assert (one.mean == two.mean).all()
    assert (one.variance == two.variance).all()
    assert (one.mean != other.mean).any()


def test_a_category_is_one_column_a_level():
    X = np.array([[0.25, 0.5 / 3, 1.0], [0.75, 2.5 / 3, 0.0]])
    expected = [[0.25, 1, 0, 0, 1.0], [0.75, 0, 0, 1, 0.0]]
    assert one_hot(X, LEVELS).tolist() == expected


def test_categories_have_no_order():
    X, _ = data(90)
    middle = (X[:, 1] == 0.5).astype(float)
    options = ForestOptions(trees=20, max_features=1.0, bootstrap=False, min_samples_split=2)
    forest = Forest.fit((X, middle), LEVELS, options, 1)
    # One split tells the middle level from the two others.
    assert all(tree.get_depth() == 1 for tree in forest.trees.estimators_)


def test_believing_adds_the_mean_as_data():
    forest = Forest.fit(data(), LEVELS, OPTIONS, 1)
    P, _ = data(5, seed=2)
    believed = forest.believe(P)
    X, y = believed.data
    assert (X[-5:] == P).all()
    assert (y[-5:] == forest.mean(P)).all()
    assert len(y) == 65
    assert np.isfinite(believed.predict(P).mean).all()


@pytest.mark.parametrize("n", [1, 2])
def test_one_observation_or_two_are_enough(n):
    X, y = data(n)
    mean, variance = Forest.fit((X, y), LEVELS, OPTIONS, 1).predict(data(10, seed=1)[0])
    assert np.isfinite(mean).all()
    assert (variance > 0.0).all()


@pytest.mark.parametrize("share", [0.0, 1e-6, 1.0])
def test_any_share_of_features_will_do(share):
    options = ForestOptions(5, share, True, 2)
    assert np.isfinite(Forest.fit(data(), LEVELS, options, 1).mean(data(9, seed=1)[0])).all()
