import math

import numpy as np
import pytest

from hmserve.space.encoding import Encoding
from hmserve.space.expectations import prior_of
from hmserve.space.fixed import Fixed
from hmserve.space.normal_mixture import NormalMixture
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.permutation import Permutation
from hmserve.space.prior_model import IndependentPriors
from hmserve.space.priors import Decay, Gaussian, PiecewiseLinear, cells, frequencies
from hmserve.space.scales import LinearInside, LogInside, Rescaled
from hmserve.space.space import Space

MIXTURE = NormalMixture([0.1, 0.8], [0.05, 0.2])
PARAMETERS = [
    Real("r", -5, 10),
    Real("l", 1e-3, 1, log=True),
    Integer("i", -4, 4),
    Integer("li", 1, 64, log=True),
    Ordinal("o", [1, 2, 4, 100]),
    Categorical("c", ["x", "y", "z"]),
    Permutation("p", 3, "kendall"),
    Fixed(Real("f", 0, 1), 0.25),
    Real("u", 0, 1),
]
PRIORS = {
    "r": MIXTURE,
    "l": Rescaled(NormalMixture([0.2], [0.1]), LinearInside(math.log(1e3))),
    "i": Gaussian(),
    "li": Rescaled(Gaussian(), LogInside(math.log(64.5 / 0.5))),
    "o": cells([1.0, 2.0, 3.0, 4.0]),
    "c": cells([0.7, 0.0, 0.3]),
    "p": frequencies(6, {2: 4.0}),
}
SPACE = Space(PARAMETERS, priors=PRIORS)
ENCODING = Encoding(SPACE)
MODEL = IndependentPriors(ENCODING, PRIORS)


def random_points(n, seed=0, encoding=ENCODING):
    return encoding.draw(np.random.default_rng(seed).random((n, len(encoding.axes))))


def density_of(configuration):
    """The density from the scalar functions, one parameter after the other."""
    product = 1.0
    for p in PARAMETERS:
        if p.name not in PRIORS:
            continue
        prior, value = PRIORS[p.name], configuration[p.name]
        if p.size == math.inf:
            product *= prior.density(p.encode(value))
        else:
            n = int(p.size)
            i = next(i for i in range(n) if p.level(i) == value)
            product *= n * (prior.cdf((i + 1) / n) - prior.cdf(i / n))
    return product


def test_the_density_is_the_product_of_those_of_the_parameters():
    X = random_points(60)
    expected = [density_of(c) for c in ENCODING.decode(X)]
    np.testing.assert_allclose(np.exp(MODEL.log_density(X)), expected, rtol=1e-6, atol=1e-12)


def test_relative_to_uniform_draws_the_density_is_one_on_average():
    linear = [p for p in PARAMETERS if not getattr(p, "log", False)]
    encoding = Encoding(Space(linear))
    model = IndependentPriors(encoding, {p.name: PRIORS[p.name] for p in linear[:-2]})
    found = np.exp(model.log_density(random_points(200_000, encoding=encoding)))
    assert found.mean() == pytest.approx(1.0, abs=0.05)


def test_draws_are_configurations_that_follow_the_priors():
    X = MODEL.draw(np.random.default_rng(1).random((20_000, len(PARAMETERS))))
    np.testing.assert_allclose(ENCODING.snap(X), X, rtol=1e-12)
    drawn = ENCODING.decode(X[:2000])
    assert all(map(SPACE.contains, drawn))
    labels = [c["c"] for c in drawn]
    assert labels.count("y") == 0
    assert labels.count("x") / len(labels) == pytest.approx(0.7, abs=0.04)
    assert np.mean([c["li"] <= 8 for c in drawn]) == pytest.approx(
        Gaussian().cdf(math.log(8.5 / 0.5) / math.log(64.5 / 0.5)), abs=0.04
    )
    for z in (0.1, 0.3, 0.8):
        assert np.mean(X[:, 0] <= z) == pytest.approx(MIXTURE.cdf(z), abs=0.02)


def test_draws_agree_with_those_of_the_design():
    rng = np.random.default_rng(2)
    U = rng.random((3000, len(PARAMETERS)))
    ours = MODEL.draw(U)
    design = ENCODING.encode(SPACE.draw(row) for row in U.tolist())
    np.testing.assert_allclose(ours.mean(0), design.mean(0), atol=0.03)


def test_gradients_are_those_of_the_values():
    X = random_points(30, seed=4)
    X[:, :2] = np.clip(X[:, :2], 1e-3, 1.0 - 1e-3)
    value, gradient = MODEL.log_density_with_gradient(X)
    np.testing.assert_allclose(value, MODEL.log_density(X))
    finite = np.isfinite(value)
    step = 1e-6
    for j in range(len(PARAMETERS)):
        if ENCODING.discrete[j]:
            assert (gradient[:, j] == 0.0).all()
            continue
        ahead, behind = X.copy(), X.copy()
        ahead[:, j] += step
        behind[:, j] -= step
        slope = (
            (MODEL.log_density(ahead[finite]) - MODEL.log_density(behind[finite])) / step / 2
        )
        np.testing.assert_allclose(gradient[finite, j], slope, rtol=1e-3, atol=1e-3)


def test_gradients_are_finite_where_the_density_is_zero():
    encoding = Encoding(Space([Real("r", 0, 1)]))
    model = IndependentPriors(encoding, {"r": PiecewiseLinear([0.0, 0.0, 1.0])})
    value, gradient = model.log_density_with_gradient(np.array([[0.0], [0.25], [0.75]]))
    assert list(value[:2]) == [-np.inf, -np.inf]
    assert np.isfinite(gradient).all()


def test_limits_are_those_of_the_density():
    low, high = MODEL.log_limits
    found = MODEL.log_density(random_points(20_000))
    assert (found >= low - 1e-9).all()
    assert (found <= high + 1e-9).all()
    narrow = NormalMixture([0.123456], [1e-5])
    model = IndependentPriors(Encoding(Space([Real("r", 0, 1)])), {"r": narrow})
    assert model.log_limits[1] == pytest.approx(math.log(narrow.density(0.123456)), abs=1e-4)
    steep = IndependentPriors(Encoding(Space([Integer("i", 0, 9)])), {"i": Decay()})
    expected = [10 * Decay().cdf(0.1), 10 * (1.0 - Decay().cdf(0.9))]
    assert np.exp(steep.log_limits) == pytest.approx(expected[::-1])


def test_of_very_many_levels_densities_are_those_in_the_middle():
    parameter = Integer("i", 0, 2**40)
    encoding = Encoding(Space([parameter]))
    model = IndependentPriors(encoding, {"i": MIXTURE})
    values = [0, 2**37, 2**39]
    X = encoding.encode({"i": value} for value in values)
    expected = [MIXTURE.density(value / 2**40) for value in values]
    np.testing.assert_allclose(np.exp(model.log_density(X)), expected, rtol=1e-6)


CONDITIONAL = Space(
    [Categorical("a", ["x", "y"]), Real("b", 0, 1)],
    conditions={"b": {"a": ["y"]}},
    priors={"b": NormalMixture([0.9], [0.05]), "a": cells([1.0, 3.0])},
)


def test_an_inactive_parameter_has_no_say():
    encoding = Encoding(CONDITIONAL)
    model = prior_of(encoding)
    assert model is not None
    X = encoding.encode([{"a": "x", "b": None}, {"a": "y", "b": 0.9}])
    density = np.exp(model.log_density(X))
    assert density[0] == pytest.approx(0.5)
    assert density[1] == pytest.approx(1.5 * NormalMixture([0.9], [0.05]).density(0.9))
    assert model.log_density_with_gradient(X)[1][0, 1] == 0.0
    drawn = encoding.decode(model.draw(np.random.default_rng(0).random((50, 2))))
    assert all(map(CONDITIONAL.contains, drawn))


def test_without_priors_there_is_no_model():
    assert prior_of(Encoding(Space([Real("r", 0, 1)]))) is None
