"""What a surrogate offers to an acquisition."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from hmserve.arrays import Floats


class Normal(NamedTuple):
    """Independent normal predictions of the noise-free function."""

    mean: Floats  # (m,)
    variance: Floats  # (m,), positive


class NormalWithGradient(NamedTuple):
    """Predictions and their derivatives by the inputs."""

    mean: Floats  # (m,)
    variance: Floats  # (m,)
    mean_gradient: Floats  # (m, d)
    variance_gradient: Floats  # (m, d)


class Posterior(Protocol):
    """A fitted model."""

    def predict(self, X: Floats) -> Normal:
        """Predict at snapped points, shape (m, d)."""

    def mean(self, X: Floats) -> Floats:
        """Return the mean of `predict` alone, shape (m,): the variance is what costs."""

    def believe(self, P: Floats) -> "Posterior":
        """Return the model as it would be if the mean came true at `P`, shape (p, d).

        The kriging believer of Ginsbourger, Le Riche and Carraro (2010): what stands for the
        results of pending trials.
        """


class FittedPosterior(Posterior, Protocol):
    """A model fitted to data, to which more can be added."""

    def suppose(self, P: Floats, y: Floats) -> Posterior:
        """Return the model as it would be with `y`, shape (p,), observed at `P`, (p, d)."""


class DifferentiablePosterior(Posterior, Protocol):
    """A fitted model with derivatives by the inputs."""

    def predict_with_gradient(self, X: Floats) -> NormalWithGradient:
        """Predict at `X`, shape (m, d)."""


@dataclass(frozen=True, slots=True)
class ForestOptions:
    """HyperMapper's names and meanings, see docs/scenario.md, `models`."""

    trees: int
    max_features: float
    bootstrap: bool
    min_samples_split: int
    means_from_all: bool = False
    variances_from_all: bool = False
