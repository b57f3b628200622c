import numpy as np
import pytest

from hmserve.engine.importance import importances, total_effects
from hmserve.space.encoding import Encoding
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.permutation import Permutation
from hmserve.space.space import Space
from hmserve.surrogate.base import ForestOptions
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import ForestRegression, GaussianProcessRegression

MIXED = [
    Real("large", 0, 1),
    Real("small", 0, 1),
    Integer("nothing", 0, 9),
    Categorical("label", ["a", "b", "c"]),
    Ordinal("alone", [7]),
]


def rng():
    return np.random.default_rng(0)


class Known:
    """A model that is a known function of X."""

    def __init__(self, function):
        self.mean = function


def fitted(kind, parameters, function, n=80):
    """A model of a function of unit coordinates, from n random points."""
    encoding = Encoding(Space(parameters))
    X = encoding.draw(np.random.default_rng(1).random((n, len(parameters))))
    kinds = [
        p if isinstance(p, Permutation) else int(p.size) if p.categorical else 0
        for p in parameters
    ]
    if kind == "forest":
        regression = ForestRegression(kinds, ForestOptions(30, 0.5, True, 3))
    else:
        orders = {j: p for j, p in enumerate(kinds) if isinstance(p, Permutation)}
        levels = [0 if j in orders else int(p) for j, p in enumerate(kinds)]
        regression = GaussianProcessRegression(Kernel(levels, orders))
    z = function(X)
    return regression.fit(X, (z - z.mean()) / z.std(), None, 3)[0], encoding


def test_total_effects_are_those_of_the_ishigami_function():
    # Ishigami and Homma (1990), a = 7, b = 0.1; Saltelli et al. (2008), table 4.3.
    def ishigami(X):
        x = np.pi * (2.0 * X - 1.0)
        return np.sin(x[:, 0]) * (1.0 + 0.1 * x[:, 2] ** 4) + 7.0 * np.sin(x[:, 1]) ** 2

    encoding = Encoding(Space([Real(f"x{k}", 0, 1) for k in range(3)]))
    found = total_effects(Known(ishigami), encoding, rng())
    np.testing.assert_allclose(found, [0.5576, 0.4424, 0.2437], atol=0.1)


def test_the_effects_of_labels_are_those_of_a_sum():
    encoding = Encoding(Space([Categorical("c", ["a", "b", "c", "d"]), Real("x", 0, 1)]))

    def function(X):
        return np.array([0.0, 1.0, 5.0, 2.0])[(4.0 * X[:, 0]).astype(int)] + 4.0 * X[:, 1]

    parts = np.array([np.var([0.0, 1.0, 5.0, 2.0]), 16.0 / 12.0])
    found = total_effects(Known(function), encoding, rng())
    np.testing.assert_allclose(found, parts / parts.sum(), atol=0.08)


@pytest.mark.parametrize("kind", ["process", "forest"])
def test_what_matters_has_the_largest_share(kind):
    def function(X):
        return 3.0 * np.sin(3.0 * X[:, 0]) + 0.5 * X[:, 1] + 1.0 * (X[:, 3] < 1 / 3)

    model, encoding = fitted(kind, MIXED, function)
    found = importances(model, encoding, rng())
    assert list(found) == ["large", "small", "nothing", "label", "alone"]
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["large"] > 0.5
    assert found["large"] > found["label"] > found["nothing"] >= 0.0
    assert found["nothing"] < 0.1
    assert found["alone"] < 1e-9


@pytest.mark.parametrize("kind", ["process", "forest"])
@pytest.mark.parametrize("parametrization", ["spearman", "naive"])
def test_a_permutation_has_one_share(kind, parametrization):
    order = Permutation("order", 4, parametrization)

    def function(X):
        first = np.array([order.decode(u)[0] for u in X[:, 0]])
        return 2.0 * (first == 0) + 0.1 * X[:, 1]

    model, encoding = fitted(kind, [order, Real("x", 0, 1)], function)
    found = importances(model, encoding, rng())
    assert found["order"] > 0.6
    assert found["order"] + found["x"] == pytest.approx(1.0)


def test_what_is_always_the_same_depends_on_nothing():
    encoding = Encoding(Space(MIXED))
    found = importances(Known(lambda X: np.full(len(X), 2.0)), encoding, rng())
    assert set(found.values()) == {0.0}


def test_the_generator_decides():
    model, encoding = fitted("process", MIXED, lambda X: X[:, 0] + X[:, 1] ** 2)
    one, same = (importances(model, encoding, rng()) for _ in range(2))
    assert one == same
