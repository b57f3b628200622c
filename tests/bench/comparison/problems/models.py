"""Models of scikit-learn on its bundled data: hyperparameters, some of them on a log scale.

Everything is seeded, so that a value depends on the configuration (and in its last digits on
the version of scikit-learn) alone. No optimum is known: regret is counted from a little
below the best of 1500 evaluations of an evolutionary search, so that nothing better is cut off.
"""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from comparison.problem import Configuration, Outcome, Problem, simple_regret
from comparison.problems.spaces import Parameters, categorical, integer, real

Split = tuple[Any, Any, Any, Any]
Score = Callable[[dict[str, Any]], float]


@cache
def _split(data: str, training: int) -> Split:
    """Return inputs and targets for training, then those for the score; fixed, shuffled."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{data}")(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(y))
    chosen, rest = order[:training], order[training:]
    return X[chosen], y[chosen], X[rest], y[rest]


def _tuned(name: str, parameters: Parameters, score: Score, best: float) -> Problem:
    known: dict[tuple[Any, ...], float] = {}

    def evaluate(configuration: Configuration, _: int) -> Outcome:
        key = tuple(configuration[parameter] for parameter in parameters)
        if key not in known:
            known[key] = score(dict(configuration))
        return Outcome((known[key],))

    regret = simple_regret(best)
    return Problem(name, "mixed", parameters, evaluate, regret, needs=("sklearn",))


def _svc_error(c: dict[str, Any]) -> float:
    from sklearn import decomposition, pipeline, preprocessing, svm

    scalers = {
        "none": "passthrough",
        "standard": preprocessing.StandardScaler(),
        "length": preprocessing.Normalizer(),
    }
    X, y, X_rest, y_rest = _split("digits", 400)
    model = pipeline.make_pipeline(
        scalers[c.pop("scaling")],
        decomposition.PCA(c.pop("components"), random_state=0),
        svm.SVC(**c, cache_size=50, max_iter=20_000),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return 100.0 * (1.0 - float(model.fit(X, y).score(X_rest, y_rest)))


def digits_svc() -> Problem:
    """Error in % of a support vector machine on the digits: 400 to learn, 1397 to judge.

    Two searches found 1.4316 (20 wrong); regret is counted from 1.
    """
    parameters: Parameters = {
        "scaling": categorical("none", "standard", "length"),
        "components": integer(4, 60),
        "kernel": categorical("rbf", "poly", "sigmoid"),
        "C": real(1e-3, 1e4, transform="log"),
        "gamma": real(1e-6, 10.0, transform="log"),
        "degree": integer(2, 6),
        "coef0": real(-1.0, 1.0),
    }
    return _tuned("digits_svc", parameters, _svc_error, 1.0)


def _boosting_error(c: dict[str, Any]) -> float:
    from sklearn import ensemble

    X, y, X_rest, y_rest = _split("diabetes", 300)
    model = ensemble.GradientBoostingRegressor(**c, random_state=0)
    return float(np.sqrt(np.mean((model.fit(X, y).predict(X_rest) - y_rest) ** 2)))


def diabetes_boosting() -> Problem:
    """Root mean squared error of boosted trees on diabetes: 300 to learn, 142 to judge.

    The search found 54.496; regret is counted from 54.
    """
    parameters: Parameters = {
        "loss": categorical("squared_error", "absolute_error", "huber"),
        "learning_rate": real(1e-3, 1.0, transform="log"),
        "n_estimators": integer(5, 150, transform="log"),
        "max_depth": integer(1, 6),
        "min_samples_leaf": integer(1, 64, transform="log"),
        "subsample": real(0.2, 1.0),
        "max_features": real(0.1, 1.0),
        "alpha": real(0.1, 0.95),
    }
    return _tuned("diabetes_boosting", parameters, _boosting_error, 54.0)


def _mlp_loss(c: dict[str, Any]) -> float:
    from sklearn import metrics, neural_network, preprocessing

    X, y, X_rest, y_rest = _split("breast_cancer", 250)
    scaler = preprocessing.StandardScaler().fit(X)
    width, layers = c.pop("width"), c.pop("layers")
    model = neural_network.MLPClassifier((width,) * layers, **c, max_iter=40, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chances = model.fit(scaler.transform(X), y).predict_proba(scaler.transform(X_rest))
    return float(metrics.log_loss(y_rest, np.clip(chances, 1e-6, 1 - 1e-6)))


def cancer_mlp() -> Problem:
    """Log loss of a neural network on breast cancer: 250 to learn, 319 to judge, 40 epochs.

    The search found 0.08150; regret is counted from 0.08.
    """
    parameters: Parameters = {
        "solver": categorical("adam", "sgd", "lbfgs"),
        "activation": categorical("relu", "tanh", "logistic"),
        "width": integer(2, 64, transform="log"),
        "layers": integer(1, 3),
        "alpha": real(1e-6, 10.0, transform="log"),
        "learning_rate_init": real(1e-4, 1.0, transform="log"),
        "batch_size": integer(8, 128, transform="log"),
        "momentum": real(0.0, 0.99),
    }
    return _tuned("cancer_mlp", parameters, _mlp_loss, 0.08)


MAKERS: dict[str, Callable[[], Problem]] = {
    maker.__name__: maker for maker in (digits_svc, diabetes_boosting, cancer_mlp)
}
