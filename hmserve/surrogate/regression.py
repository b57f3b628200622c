"""Kinds of models for one objective, ready to fit: the field `models.model` of a scenario."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hmserve.arrays import Floats, Ints
from hmserve.space.permutation import Permutation
from hmserve.surrogate import gp
from hmserve.surrogate.base import ForestOptions, Posterior
from hmserve.surrogate.hyperprior import LengthPrior, kernel_prior, with_noise
from hmserve.surrogate.kernel import Kernel

Memory = list[float] | None
"""What a fit leaves for the next one: hyperparameters, or nothing."""


_FITTED = 300
"""Hyperparameters are few and each step of a fit costs n^3: so many rows are enough."""


def fitting_rows(n: int, seed: int) -> Ints:
    """Return which of `n` rows to fit hyperparameters to, in order: all, or a random part."""
    if n <= _FITTED:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, _FITTED, replace=False))


class Regression(Protocol):
    """A kind of model.

    To add one: a class with these methods, and one line in `hmserve.engine.build`.
    """

    def fit(self, X: Floats, z: Floats, memory: Memory, seed: int) -> tuple[Posterior, Memory]:
        """Fit targets `z`, shape (n,), at `X`, shape (n, d); `memory` is where to start."""

    def condition(self, X: Floats, z: Floats, memory: Memory, seed: int) -> Posterior:
        """Return the model of new data without fitting hyperparameters again."""


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How a Gaussian process is fitted.

    Args:
        noise: Whether evaluations of one configuration may differ.
        starts: How many fits to take the best of, besides the one that goes on from the last.
        warm: Whether one goes on from the last.
        lengths: Location and scale of log length scales; None for the default.
        noise_prior: The same for the log noise variance.
        signal: The same for the log signal variance.
    """

    noise: bool = True
    starts: int = 1
    warm: bool = True
    lengths: tuple[float, float] | None = None
    noise_prior: tuple[float, float] | None = None
    signal: tuple[float, float] | None = None


_NOISE = (-8.0, 2.0)
_NO_NOISE = (math.log(1e-6), 0.1)


class GaussianProcessRegression:
    """Gaussian processes with `kernel`, fitted by maximum a posteriori.

    Args:
        kernel: The covariance function.
        options: How it is fitted.
    """

    def __init__(self, kernel: Kernel, options: FitOptions = FitOptions()) -> None:
        self._kernel = kernel
        self._options = options
        numeric = np.zeros(kernel.dimension)
        numeric[kernel.numeric] = 1.0
        place = (options.noise_prior or _NOISE) if options.noise else _NO_NOISE
        prior = with_noise(
            kernel_prior(
                numeric, LengthPrior(-0.75, math.sqrt(3.0)), options.signal or (0.0, 1.0)
            ),
            *place,
        )
        if options.lengths is not None:
            prior.location[kernel.numeric], prior.scale[kernel.numeric] = options.lengths
        self._prior = prior

    def fit(self, X: Floats, z: Floats, memory: Memory, seed: int) -> tuple[Posterior, Memory]:
        starts = [self._prior.location]
        if memory is not None and self._options.warm:
            starts.insert(0, np.array(memory))
        if self._options.starts > 1:
            # Draws from the prior, within its bounds.
            rng = np.random.default_rng([seed, len(X)])
            drawn = rng.standard_normal((self._options.starts - 1, len(self._prior.location)))
            points = self._prior.location + self._prior.scale * drawn
            starts += list(np.clip(points, self._prior.low, self._prior.high))
        rows = fitting_rows(len(X), seed)
        theta = gp.maximum_a_posteriori(self._kernel, X[rows], z[rows], self._prior, starts)
        return gp.given_theta(self._kernel, X, z, theta), theta.tolist()

    def condition(self, X: Floats, z: Floats, memory: Memory, seed: int) -> Posterior:
        del seed
        assert memory is not None
        return gp.given_theta(self._kernel, X, z, np.array(memory))


class ForestRegression:
    """Random forests; every conditioning grows the trees anew.

    Args:
        levels: The number of levels of a categorical column, the parameter of one that holds
            permutations, 0 for a numeric one.
        options: HyperMapper's.
    """

    def __init__(self, levels: Sequence[int | Permutation], options: ForestOptions) -> None:
        self._levels = tuple(levels)
        self._options = options

    def fit(self, X: Floats, z: Floats, memory: Memory, seed: int) -> tuple[Posterior, Memory]:
        del memory
        return self.condition(X, z, None, seed), None

    def condition(self, X: Floats, z: Floats, memory: Memory, seed: int) -> Posterior:
        del memory
        from hmserve.surrogate.forest import Forest

        return Forest.fit((X, z), self._levels, self._options, seed)
