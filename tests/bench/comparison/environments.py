"""The peers' virtual environments: how each is made, and where its interpreter is.

Pins are those with which the peers were found to work together with python 3.11.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

DEFAULT = Path.home() / ".cache" / "hmserve-bench"

_COCO = "coco-experiment==2.8.2"
_TORCH = ("torch==2.13.0",)

RECIPES: dict[str, tuple[tuple[str, ...], ...]] = {
    "light": (
        ("optuna==5.0.0", "nevergrad==1.0.12", "cma==4.5.0", "scikit-optimize==0.10.2"),
        # Nevergrad's MetaModel, which several pending lead to, fails with numpy 2.4.
        ("numpy==2.3.5", "scikit-learn==1.9.1", _COCO),
    ),
    "torch": (
        _TORCH,
        ("ax-platform==1.3.1", "botorch==0.18.1", "gpytorch==1.15.2", "optuna==5.0.0"),
        ("numpy==2.4.6", "scikit-learn==1.9.1", _COCO),
    ),
    "smac": (
        ("smac==2.4.1", "ConfigSpace==1.2.2", "numpy==2.4.6", "scikit-learn==1.9.1", _COCO),
    ),
    "hebo": (
        _TORCH,
        (
            *("HEBO==0.3.6", "numpy==1.24.4", "pandas==2.2.3", "scipy==1.12.0"),
            *("scikit-learn==1.3.2", "GPy==1.13.2", "gpytorch==1.14.2", _COCO),
        ),
    ),
    "hypermapper": (
        # Newer numpy, scikit-learn and setuptools lack what it calls.
        (
            *("hypermapper==2.2.12", "numpy==1.26.4", "pandas==2.2.3", "scipy==1.12.0"),
            *("scikit-learn==1.3.2", "GPy==1.13.2", "statsmodels==0.14.4", "pyDOE==0.3.8"),
            *("setuptools<81", _COCO),
        ),
    ),
}
"""By name of the environment, what pip installs, one call after the other."""


class MissingEnvironmentError(Exception):
    """A peer's environment has not been made."""


def interpreter(directory: Path, name: str) -> str:
    """Return the python of environment `name`; of this process if the name is empty.

    Raises:
        MissingEnvironmentError: It has not been made in `directory`.
    """
    if not name:
        return sys.executable
    python = directory / name / "bin" / "python"
    if not python.exists():
        raise MissingEnvironmentError(
            f"no environment {name!r} in {directory}: make it with compare.py environments"
        )
    return str(python)


def make(directory: Path, names: Iterable[str]) -> None:
    """Make the environments `names` in `directory`; what was made before is kept.

    Raises:
        subprocess.CalledProcessError: An install failed.
    """
    for name in names:
        done = directory / name / "made"
        recipe = repr(RECIPES[name])
        if done.exists() and done.read_text() == recipe:
            continue
        subprocess.run([sys.executable, "-m", "venv", str(directory / name)], check=True)
        for packages in RECIPES[name]:
            python = str(directory / name / "bin" / "python")
            subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
        done.write_text(recipe)
