"""Tunes a support vector machine on handwritten digits: few of them for many, all for the best.

    python3 vectors.py            # about ten seconds

Its time grows with the square of the number of digits. A machine that is trained on more has to
begin anew: there is nothing to resume.
"""

import warnings
from typing import Any

from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

import hmserve

DIGITS = 1080
SCENARIO: dict[str, Any] = {
    "application_name": "vectors",
    "optimization_objectives": [{"name": "error", "range": [0, 1]}],
    "run_directory": "results",
    "seed": 1,
    "input_parameters": {
        "components": {"parameter_type": "integer", "values": [2, 64], "transform": "log"},
        "kernel": {"parameter_type": "categorical", "values": ["rbf", "poly", "sigmoid"]},
        "C": {"parameter_type": "real", "values": [1e-3, 1e4], "transform": "log"},
        "gamma": {"parameter_type": "real", "values": [1e-5, 10], "transform": "log"},
        "degree": {
            "parameter_type": "integer",
            "values": [1, 6],
            "condition": {"kernel": ["poly"]},
        },
        "coef0": {
            "parameter_type": "real",
            "values": [-2, 2],
            "condition": {"kernel": ["poly", "sigmoid"]},
        },
    },
    "fidelity": {
        "name": "digits",
        "type": "integer",
        "min": 40,
        "max": DIGITS,
        "cost_exponent": 2,
        "num_iterations": 12,
    },
}

_images, _labels = load_digits(return_X_y=True)
TRAIN, TEST, TRAIN_LABELS, TEST_LABELS = train_test_split(
    _images / 16, _labels, train_size=DIGITS, random_state=0, stratify=_labels
)


def train(values: dict[str, Any]) -> float:
    """Return the share of unseen digits that are taken for others."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    count = values.get("digits", DIGITS)
    machine = SVC(
        C=values["C"],
        kernel=values["kernel"],
        gamma=values["gamma"],
        degree=values["degree"] or 1,
        coef0=values["coef0"] or 0.0,
        max_iter=20_000,
    )
    found = make_pipeline(PCA(min(values["components"], count), random_state=0), machine)
    found.fit(TRAIN[:count], TRAIN_LABELS[:count])
    return 1.0 - float(found.score(TEST, TEST_LABELS))


if __name__ == "__main__":
    result = hmserve.optimize(SCENARIO, train)
    cost = sum((record["digits"] / DIGITS) ** 2 for record in result.records)
    full = sum(record["digits"] == DIGITS for record in result.records)
    print(f"{len(result.rows)} evaluations, {full} of them full: {cost:.1f} full ones")
    if result.best:
        shown = {
            name: v for name, v in result.best.trial.configuration.items() if v is not None
        }
        print(f"error {result.best.objectives['error']:.4f} {shown}")
