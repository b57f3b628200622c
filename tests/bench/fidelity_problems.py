"""Problems with cheap versions of an evaluation, and what is known of their optima.

MF-Hartmann6 is that of mf-prior-bench, whose variant "good" misleads: at the lowest fidelities
its noise hides all. Counting ones is that of Falkner, Klein and Hutter (2018, "BOHB", 4.1).
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

Configuration = Mapping[str, Any]


class Problem(NamedTuple):
    """A function of a configuration and a fidelity, to be minimised at the largest.

    Args:
        parameters: As a scenario has them.
        ladder: The least and the largest fidelity, and the factor between rungs.
        measure: The value at a fidelity; its noise is drawn from the generator.
        truth: The value at the largest fidelity without noise.
        optimum: The least of these.
    """

    parameters: Mapping[str, Any]
    ladder: tuple[float, float, float]
    measure: Callable[[Configuration, float, np.random.Generator], float]
    truth: Callable[[Configuration], float]
    optimum: float


_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def unit(d: int) -> dict[str, Any]:
    """Return `d` real parameters between 0 and 1."""
    return {f"x{i}": {"parameter_type": "real", "values": [0, 1]} for i in range(d)}


def point(c: Configuration, d: int) -> np.ndarray:
    """Return the values of `unit` parameters, shape (d,)."""
    return np.array([c[f"x{i}"] for i in range(d)])


def hartmann(bias: float, noise: float) -> Problem:
    """Return MF-Hartmann6."""

    def exact(c: Configuration, missing: float) -> float:
        peaks = np.exp(-(_A * (point(c, 6) - _P) ** 2).sum(1))
        return float(-((_ALPHA - bias * missing) @ peaks))

    def measure(c: Configuration, fidelity: float, rng: np.random.Generator) -> float:
        missing = 1.0 - math.log(fidelity) / math.log(81)
        return exact(c, missing) + noise * missing * abs(float(rng.standard_normal()))

    return Problem(unit(6), (1, 81, 3), measure, lambda c: exact(c, 0.0), -3.32237)


def counting_ones() -> Problem:
    """Return counting ones of 8 categories and 8 numbers."""
    ones = {f"c{i}": {"parameter_type": "categorical", "values": ["0", "1"]} for i in range(8)}

    def measure(c: Configuration, fidelity: float, rng: np.random.Generator) -> float:
        drawn = rng.binomial(round(fidelity), point(c, 8)) / round(fidelity)
        return -float(sum(c[name] == "1" for name in ones)) - float(drawn.sum())

    def truth(c: Configuration) -> float:
        return -float(sum(c[name] == "1" for name in ones)) - float(point(c, 8).sum())

    return Problem({**unit(8), **ones}, (9, 729, 3), measure, truth, -16.0)


def branin() -> Problem:
    """Return Branin's function whose coefficients are off at low fidelity (BOCA's, scaled)."""

    def value(c: Configuration, z: float) -> float:
        x, y = 15 * c["x0"] - 5, 15 * c["x1"]
        b = 5.1 / (4 * math.pi**2) - 0.01 * (1 - z)
        k = 5 / math.pi - 0.1 * (1 - z)
        t = 1 / (8 * math.pi) + 0.05 * (1 - z)
        return float((y - b * x * x + k * x - 6) ** 2 + 10 * (1 - t) * math.cos(x) + 10)

    def measure(c: Configuration, fidelity: float, rng: np.random.Generator) -> float:
        del rng
        return value(c, math.log(fidelity) / math.log(81))

    return Problem(unit(2), (1, 81, 3), measure, lambda c: value(c, 1.0), 0.39788735772973816)


def opposite() -> Problem:
    """Return a bowl that below half of the fidelity is upside down: nothing to be learnt."""

    def truth(c: Configuration) -> float:
        return float(((point(c, 4) - 0.7) ** 2).sum())

    def measure(c: Configuration, fidelity: float, rng: np.random.Generator) -> float:
        del rng
        return truth(c) if fidelity > 40 else -truth(c)

    return Problem(unit(4), (1, 81, 3), measure, truth, 0.0)


@functools.cache
def _digits() -> tuple[np.ndarray, ...]:
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    X, y = data.data[order] / 16.0, data.target[order]
    return X[:1200], y[:1200], X[1200:], y[1200:]


def svc() -> Problem:
    """Return the error of a support vector machine on digits; the fidelity is its data's size.

    The optimum is not known: 0.
    """

    def error(c: Configuration, share: float) -> float:
        from sklearn.svm import SVC

        X, y, unseen, labels = _digits()
        n = max(round(share * len(X)), 20)
        model = SVC(C=c["C"], gamma=c["gamma"], kernel=c["kernel"], degree=c["degree"])
        return 1.0 - float(model.fit(X[:n], y[:n]).score(unseen, labels))

    def measure(c: Configuration, fidelity: float, rng: np.random.Generator) -> float:
        del rng
        return error(c, fidelity / 27)

    real = {"parameter_type": "real", "transform": "log"}
    parameters = {
        "C": {**real, "values": [1e-3, 1e3]},
        "gamma": {**real, "values": [1e-5, 10.0]},
        "kernel": {"parameter_type": "categorical", "values": ["rbf", "poly", "sigmoid"]},
        "degree": {"parameter_type": "integer", "values": [2, 5]},
    }
    return Problem(parameters, (1, 27, 3), measure, lambda c: error(c, 1.0), 0.0)


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "hartmann": lambda: hartmann(0.5, 0.1),
    "misleading": lambda: hartmann(2.5, 2.0),
    "counting": counting_ones,
    "branin": branin,
    "opposite": opposite,
    "svc": svc,
}
