import numpy as np
import pytest
from scipy import special
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from hmserve.surrogate import feasibility
from hmserve.surrogate.feasibility import FeasibilityModel, find_mode, prior_mean
from hmserve.surrogate.hyperprior import LengthPrior, kernel_prior
from hmserve.surrogate.kernel import Kernel

MIXED = (0, 3, 0)
NUMERIC = (0, 0)


def data(n=40, levels=MIXED, seed=0, share=0.5):
    """Points of which the given share, those to one side, are feasible."""
    rng = np.random.default_rng(seed)
    columns = [(rng.integers(0, m, n) + 0.5) / m if m else rng.random(n) for m in levels]
    X = np.column_stack(columns)
    side = X.sum(1) + 0.2 * rng.normal(size=n)
    feasible = np.zeros(n, dtype=bool)
    feasible[np.argsort(side)[: round(share * n)]] = True
    return X, feasible


def prior(levels=MIXED):
    numeric = np.array([float(m == 0) for m in levels])
    return kernel_prior(numeric, LengthPrior(-1.5, 1.0), (2.0, 1.0))


def theta(levels=MIXED, seed=0):
    return np.append(np.random.default_rng([seed, 3]).normal(-0.5, 0.4, len(levels)), 1.5)


def covariance(levels, t, X):
    kernel = Kernel(levels)
    return kernel(t, kernel.inputs(X), kernel.inputs(X))


def slopes(function, x, step=1e-4):
    """Derivatives by central differences."""
    steps = step * np.eye(len(x))
    return np.array([(function(x + e) - function(x - e)) / (2.0 * step) for e in steps])


@pytest.mark.parametrize("share", [0.5, 0.1, 0.95, 0.0, 1.0])
def test_the_mode_is_a_mode(share):
    X, feasible = data(share=share)
    t = feasible.astype(float)
    K, m = covariance(MIXED, theta(), X), prior_mean(t)
    mode = find_mode(K, t, m)
    # d/df of log p(t | f) - 1/2 (f - m)^T K^-1 (f - m)
    np.testing.assert_allclose(t - special.expit(mode.f) - mode.a, 0.0, atol=1e-6)
    np.testing.assert_allclose(mode.f, m + K @ mode.a, atol=1e-9)


def test_the_evidence_is_that_of_its_definition():
    X, feasible = data()
    t = feasible.astype(float)
    K, m = covariance(MIXED, theta(), X), prior_mean(t)
    mode = find_mode(K, t, m)
    likelihood = np.log(np.where(feasible, special.expit(mode.f), special.expit(-mode.f))).sum()
    B = np.eye(len(t)) + np.sqrt(mode.W)[:, None] * K * np.sqrt(mode.W)
    expected = likelihood - 0.5 * mode.a @ (mode.f - m) - 0.5 * np.linalg.slogdet(B)[1]
    assert mode.log_evidence == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("levels", [MIXED, NUMERIC, (4,)])
@pytest.mark.parametrize("share", [0.5, 0.15])
def test_the_gradient_of_the_evidence_is_that_of_its_value(levels, share):
    X, feasible = data(levels=levels, share=share)
    kernel, p, t = Kernel(levels), prior(levels), theta(levels)

    def both(t):
        return feasibility.negative_log_posterior(t, kernel, X, feasible.astype(float), p)

    gradient = both(t)[1]
    numeric = slopes(lambda t: both(t)[0], t)
    assert np.linalg.norm(gradient - numeric) < 1e-5 * np.linalg.norm(gradient)


def test_with_equal_classes_it_is_the_classifier_of_scikit_learn():
    X, feasible = data(levels=NUMERIC)
    t = theta(NUMERIC)
    matern = ConstantKernel(np.exp(t[-1])) * Matern(np.exp(t[:-1]), nu=2.5)
    oracle = GaussianProcessClassifier(matern, optimizer=None).fit(X, feasible)
    inside = oracle.base_estimator_
    inside.max_iter_predict = 1000
    inside.fit(X, feasible)
    model = FeasibilityModel.condition(Kernel(NUMERIC), t, X, feasible)
    mode = find_mode(covariance(NUMERIC, t, X), feasible.astype(float), 0.0)
    Z, _ = data(200, NUMERIC, seed=1)
    k = inside.kernel_(X, Z)
    v = np.linalg.solve(inside.L_, inside.W_sr_[:, None] * k)
    mean, variance = model.latent.predict(Z)
    assert prior_mean(feasible) == 0.0
    np.testing.assert_allclose(mean, k.T @ (feasible - inside.pi_), atol=1e-6)
    np.testing.assert_allclose(variance, np.exp(t[-1]) - (v * v).sum(0), atol=1e-6)
    assert mode.log_evidence == pytest.approx(inside.log_marginal_likelihood_value_, rel=1e-8)
    # They integrate the logistic function in different ways.
    P = oracle.predict_proba(Z)[:, 1]
    np.testing.assert_allclose(np.exp(model.log_probability(Z)), P, atol=0.02)


def test_the_probability_is_nearly_the_mean_of_the_logistic_function():
    X, feasible = data()
    model = FeasibilityModel.condition(Kernel(MIXED), theta(), X, feasible)
    Z, _ = data(50, seed=2)
    mean, variance = model.latent.predict(Z)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    draws = special.expit(mean[:, None] + np.sqrt(variance)[:, None] * nodes)
    expected = draws @ weights / weights.sum()
    np.testing.assert_allclose(np.exp(model.log_probability(Z)), expected, atol=0.02)


def test_the_gradient_of_the_probability_is_that_of_its_value():
    X, feasible = data()
    model = FeasibilityModel.condition(Kernel(MIXED), theta(), X, feasible)
    Z, _ = data(6, seed=2)
    value, gradient = model.log_probability_with_gradient(Z)
    np.testing.assert_allclose(value, model.log_probability(Z), rtol=1e-9)
    for z, g in zip(Z, gradient, strict=True):
        numeric = slopes(lambda x: model.log_probability(x[None])[0], z, 1e-6)
        np.testing.assert_allclose(g[[0, 2]], numeric[[0, 2]], rtol=1e-5, atol=1e-6)
        assert g[1] == 0.0


def test_believing_changes_no_latent_mean_and_leaves_no_variance_there():
    X, feasible = data()
    model = FeasibilityModel.condition(Kernel(MIXED), theta(), X, feasible)
    P, Z = data(3, seed=4)[0], data(30, seed=5)[0]
    believed = model.believe(P)
    np.testing.assert_allclose(believed.latent.mean(Z), model.latent.mean(Z), atol=1e-10)
    assert (believed.latent.predict(P).variance < 1e-6 * np.exp(theta()[-1])).all()


def test_it_learns_which_side_is_feasible():
    X, feasible = data(60)
    kernel, p = Kernel(MIXED), prior()
    found = feasibility.maximum_a_posteriori(kernel, X, feasible, p, [p.location])
    model = FeasibilityModel.condition(kernel, found, X, feasible)
    Z, expected = data(300, seed=9)
    right = (model.log_probability(Z) > np.log(0.5)) == expected
    assert right.mean() > 0.8


@pytest.mark.parametrize("share", [0.0, 1.0, 1 / 40])
def test_one_class_alone_or_all_but_alone_can_be_fitted(share):
    X, feasible = data(share=share)
    kernel, p = Kernel(MIXED), prior()
    found = feasibility.maximum_a_posteriori(kernel, X, feasible, p, [p.location])
    model = FeasibilityModel.condition(kernel, found, X, feasible)
    log_p = model.log_probability(data(50, seed=3)[0])
    assert np.isfinite(log_p).all()
    assert (log_p < 0.0).all()
    assert abs(np.exp(log_p).mean() - share) < 0.2


@pytest.mark.parametrize("place", ["low", "high"])
def test_the_ends_of_the_hyperparameters_are_no_obstacle(place):
    X, feasible = data(60)
    X[10:20] = X[:10]
    t = getattr(prior(), place)
    model = FeasibilityModel.condition(Kernel(MIXED), t, X, feasible).believe(X[:3])
    value, gradient = model.log_probability_with_gradient(X)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(("feasible", "all_of"), [(0, 1), (1, 1), (3, 6), (1, 20)])
def test_the_prior_mean_is_the_log_odds_of_the_base_rate(feasible, all_of):
    t = np.zeros(all_of)
    t[:feasible] = 1.0
    odds = (feasible + 0.5) / (all_of - feasible + 0.5)
    assert prior_mean(t) == pytest.approx(np.log(odds))
