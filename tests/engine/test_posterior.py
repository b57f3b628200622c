import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.engine.models import Data, Modeller
from hmserve.engine.posterior import in_own_units, posterior_best
from hmserve.space.encoding import Encoding
from hmserve.space.parameters import Categorical, Integer, Real
from hmserve.space.space import Space
from hmserve.surrogate.base import ForestOptions
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import ForestRegression, GaussianProcessRegression
from hmserve.surrogate.targets import transform

SPACES = {
    "reals": [Real("x", 0, 1), Real("y", 0, 1)],
    "mixed": [Real("x", 0, 1), Integer("i", 0, 60), Categorical("c", ["a", "b", "c"])],
    "small": [Integer("i", 0, 60), Integer("j", 0, 60)],
}


def rng():
    return np.random.default_rng(0)


def anything(X):
    return np.ones(len(X), dtype=bool)


def bowl(X, centre=0.3):
    return 1000.0 + 50.0 * ((X - centre) ** 2).sum(1)


def known(parameters, function=bowl, works=anything, kind="process", n=60):
    """A space, models of a function of unit coordinates, and what they were fitted to."""
    encoding = Encoding(Space(parameters))
    X = encoding.draw(np.random.default_rng(1).random((n, len(parameters))))
    levels = [axis.levels if axis.categorical else 0 for axis in encoding.axes]
    kernel = Kernel(levels)
    forest = ForestRegression(levels, ForestOptions(10, 0.5, True, 3))
    modeller = Modeller(
        forest if kind == "forest" else GaussianProcessRegression(kernel), kernel
    )
    feasible, y = works(X), function(X)
    z = transform(y[feasible])
    Y = np.where(feasible, y, np.nan)[:, None]
    models = modeller.fit(Data(X, Y, feasible), z[:, None], 1)
    return encoding, models, (X[feasible], z, y[feasible])


@pytest.mark.parametrize("name", SPACES)
def test_it_is_the_minimum_of_what_the_model_has_understood(name):
    encoding, models, evaluated = known(SPACES[name])
    best = posterior_best(encoding, models, evaluated, anything, rng())
    assert encoding.space.contains(best.configuration)
    x = encoding.encode([best.configuration])
    everywhere = encoding.draw(rng().random((2000, len(encoding.axes))))
    assert bowl(x)[0] <= bowl(everywhere).min() + 0.2
    assert best.value == pytest.approx(bowl(x)[0], abs=0.6)
    assert best.value <= evaluated[2].min() + 0.6


def test_it_need_not_have_been_evaluated_but_may_have_been():
    encoding, models, evaluated = known(SPACES["small"], n=400)
    best = posterior_best(encoding, models, evaluated, anything, rng())
    assert best.configuration == {"i": 18, "j": 18}
    encoding, models, evaluated = known(SPACES["small"], lambda X: bowl(X, X[0]))
    best = posterior_best(encoding, models, evaluated, anything, rng())
    assert best.configuration == encoding.decode(evaluated[0][:1])[0]


def test_a_forest_has_one_too():
    encoding, models, evaluated = known(SPACES["reals"], kind="forest")
    best = posterior_best(encoding, models, evaluated, anything, rng())
    assert evaluated[2].min() - 1.0 < best.value < np.quantile(evaluated[2], 0.3)


def test_what_is_likely_to_fail_does_not_count():
    def works(X):
        return X.sum(1) >= 0.9

    encoding, models, evaluated = known(SPACES["reals"], works=works, n=120)
    best = posterior_best(encoding, models, evaluated, anything, rng())
    total = sum(best.configuration.values())
    assert 0.85 < total < 1.1


@pytest.mark.parametrize("name", SPACES)
def test_known_constraints_hold(name):
    def holds(X):
        return X[:, 0] > 0.6

    encoding, models, evaluated = known(SPACES[name], works=holds)
    best = posterior_best(encoding, models, evaluated, holds, rng())
    assert holds(encoding.encode([best.configuration]))[0]


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30, unique=True),
    st.floats(-4.0, 4.0),
    st.floats(-4.0, 4.0),
)
def test_own_units_are_a_monotone_function_of_targets(y, one, two):
    y = np.array(y)
    z = transform(y)
    low, high = sorted((one, two))
    assert in_own_units(low, z, y) <= in_own_units(high, z, y)


@pytest.mark.parametrize("seed", range(5))
def test_targets_are_taken_back_to_the_values_they_come_from(seed):
    y = np.exp(3.0 * np.random.default_rng(seed).normal(size=50)) - 7.0
    z = transform(y)
    for target, value in zip(z, y, strict=True):
        assert in_own_units(target, z, y) == pytest.approx(value)


def test_beyond_what_is_known_it_goes_on_as_steeply():
    z = np.array([-1.0, -0.5, 0.5, 2.0])
    y = np.array([10.0, 11.0, 20.0, 26.0])
    assert in_own_units(-2.0, z, y) == pytest.approx(8.0)
    assert in_own_units(3.0, z, y) == pytest.approx(30.0)
    assert in_own_units(0.0, z, y) == pytest.approx(15.5)


def test_values_all_but_equal_do_not_tell_how_steep_it_is():
    z = np.array([-1.0, -1.0 + 1e-14, 0.0, 1.0])
    y = np.array([0.0, 1e-3, 10.0, 20.0])
    assert in_own_units(-1.1, z, y) == pytest.approx(-1.0)


def test_of_one_value_everything_is_that_value():
    assert in_own_units(3.0, np.zeros(4), np.full(4, 7.0)) == 7.0
