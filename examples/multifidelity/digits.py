"""Tunes a neural network on handwritten digits: few epochs for many, all 27 for the best.

    python3 digits.py             # about ten seconds
    python3 digits.py --resume    # after Ctrl-C, or worse

A network is kept after each evaluation, so that none is trained twice: `trial` is the name of
its file, `previous` the number of epochs it has had.
"""

import os
import pickle
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import hmserve

EPOCHS = 27
SCENARIO: dict[str, Any] = {
    "application_name": "digits",
    "optimization_objectives": ["loss"],
    "run_directory": "results",
    "seed": 1,
    "input_parameters": {
        "solver": {"parameter_type": "categorical", "values": ["adam", "sgd"]},
        "rate": {"parameter_type": "real", "values": [1e-6, 10], "transform": "log"},
        "beta": {
            "parameter_type": "real",
            "values": [0.1, 0.999],
            "condition": {"solver": ["adam"]},
        },
        "momentum": {
            "parameter_type": "real",
            "values": [0, 0.999],
            "condition": {"solver": ["sgd"]},
        },
        "batch": {"parameter_type": "ordinal", "values": [8, 16, 32, 64, 128, 256, 512]},
        "neurons": {"parameter_type": "integer", "values": [2, 128], "transform": "log"},
        "layers": {"parameter_type": "integer", "values": [1, 4]},
        "activation": {"parameter_type": "categorical", "values": ["relu", "tanh", "logistic"]},
        "decay": {"parameter_type": "real", "values": [1e-7, 100], "transform": "log"},
    },
    "fidelity": {
        "name": "epochs",
        "type": "integer",
        "min": 1,
        "max": EPOCHS,
        "resumable": True,
    },
}
CHECKPOINTS = Path("results", "checkpoints")

_images, _labels = load_digits(return_X_y=True)
TRAIN, TEST, TRAIN_LABELS, TEST_LABELS = train_test_split(
    _images / 16, _labels, train_size=1000, random_state=0, stratify=_labels
)


def train(values: dict[str, Any]) -> float:
    """Return the loss on unseen digits after so many epochs.

    A network that diverges raises: that is a failed evaluation.
    """
    for expected in (ConvergenceWarning, RuntimeWarning):
        warnings.simplefilter("ignore", expected)
    epochs = values.get("epochs", EPOCHS)
    network = restored(values) or new(values)
    for _ in range(getattr(network, "epochs", 0), epochs):
        network.partial_fit(TRAIN, TRAIN_LABELS, classes=range(10))
    network.epochs = epochs
    keep(values, network)
    return float(log_loss(TEST_LABELS, network.predict_proba(TEST)))


def new(values: dict[str, Any]) -> MLPClassifier:
    return MLPClassifier(
        [values["neurons"]] * values["layers"],
        solver=values["solver"],
        activation=values["activation"],
        learning_rate_init=values["rate"],
        batch_size=values["batch"],
        alpha=values["decay"],
        beta_1=0.9 if values["beta"] is None else values["beta"],
        momentum=values["momentum"] or 0.0,
        random_state=0,
    )


def restored(values: dict[str, Any]) -> MLPClassifier | None:
    """Return the network as it was left; None if it is new, or its file is lost.

    After a crash it may have had more epochs than were told, but never more than are asked.
    """
    if not values.get("previous"):
        return None
    try:
        network = pickle.loads(checkpoint(values).read_bytes())
    except (OSError, EOFError, pickle.UnpicklingError):
        return None
    return network if network.epochs <= values["epochs"] else None


def keep(values: dict[str, Any], network: MLPClassifier) -> None:
    if "trial" not in values:
        return
    if values["epochs"] == EPOCHS:  # nobody will go on with it
        checkpoint(values).unlink(missing_ok=True)
        return
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    # Complete or not at all, whatever happens meanwhile.
    part = checkpoint(values).with_suffix(".part")
    part.write_bytes(pickle.dumps(network))
    os.replace(part, checkpoint(values))


def checkpoint(values: dict[str, Any]) -> Path:
    return CHECKPOINTS / f"{values['trial']}.pickle"


if __name__ == "__main__":
    result = hmserve.optimize(SCENARIO, train, resume="--resume" in sys.argv)
    if not result.interrupted:
        shutil.rmtree(CHECKPOINTS, ignore_errors=True)
    epochs = sum(record["epochs"] - record["previous"] for record in result.records)
    full = sum(record["epochs"] == EPOCHS for record in result.records)
    print(
        f"{len(result.rows)} evaluations, {full} of them full: {epochs / EPOCHS:.1f} full ones"
    )
    if result.best:
        print(
            f"loss {result.best.objectives['loss']:.4f} {dict(result.best.trial.configuration)}"
        )
