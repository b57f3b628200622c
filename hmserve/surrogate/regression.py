"""Kinds of models for one objective, ready to fit: the field `models.model` of a scenario."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from hmserve.arrays import Floats, Ints
from hmserve.randomness import stream
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
    return np.sort(stream(seed).choice(n, _FITTED, replace=False))


class Before(NamedTuple):
    """What an earlier fit left.

    Args:
        memory: Its hyperparameters.
        rows: How many of the rows it was conditioned on; the first ones.
    """

    memory: Memory
    rows: int


class Regression(Protocol):
    """A kind of model.

    To add one: a class with these methods, and one line in `hmserve.engine.build`.
    """

    def fit(self, X: Floats, z: Floats, memory: Memory, seed: int) -> tuple[Posterior, Memory]:
        """Fit targets `z`, shape (n,), at `X`, shape (n, d); `memory` is where to start."""

    def condition(self, X: Floats, z: Floats, before: Before, seed: int) -> Posterior:
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


_KEPT = 3
"""How many factors are kept at least: one an objective."""

_NOISE = (-8.0, 2.0)
_NO_NOISE = (math.log(1e-6), 0.1)


class GaussianProcessRegression:
    """Gaussian processes with `kernel`, fitted by maximum a posteriori.

    Args:
        kernel: The covariance function.
        options: How it is fitted.
        columns: How many columns it is to fit, if they are many: as many factors are kept.
    """

    def __init__(
        self, kernel: Kernel, options: FitOptions = FitOptions(), columns: int = _KEPT
    ) -> None:
        self._kernel = kernel
        self._options = options
        numeric = np.zeros(kernel.dimension)
        numeric[kernel.numeric] = 1.0
        place = (options.noise_prior or _NOISE) if options.noise else _NO_NOISE
        prior = with_noise(
            kernel_prior(numeric, LengthPrior(-1.5, 1.0), options.signal or (0.0, 1.0)),
            *place,
        )
        if options.lengths is not None:
            prior.location[kernel.numeric], prior.scale[kernel.numeric] = options.lengths
        self._prior = prior
        self._kept: dict[bytes, gp.Factor] = {}
        self._room = max(columns, _KEPT)

    def fit(self, X: Floats, z: Floats, memory: Memory, seed: int) -> tuple[Posterior, Memory]:
        starts = [self._prior.location]
        if memory is not None and self._options.warm:
            starts.insert(0, np.array(memory))
        if self._options.starts > 1:
            # Draws from the prior, within its bounds.
            rng = stream(seed, len(X))
            drawn = rng.standard_normal((self._options.starts - 1, len(self._prior.location)))
            points = self._prior.location + self._prior.scale * drawn
            starts += list(np.clip(points, self._prior.low, self._prior.high))
        rows = fitting_rows(len(X), seed)
        theta = gp.maximum_a_posteriori(self._kernel, X[rows], z[rows], self._prior, starts)
        memory = theta.tolist()
        return self.condition(X, z, Before(memory, len(X)), seed), memory

    def condition(self, X: Floats, z: Floats, before: Before, seed: int) -> Posterior:
        """Return the process; the factor of the rows of the last fit is computed once.

        What came since is one block more, whether that factor is kept or computed anew: the
        last bits of a proposal are the same in a run that goes on and in one that is resumed.
        """
        del seed
        theta = np.array(before.memory)
        noise = np.full(len(X), float(np.exp(theta[-1])))
        first = slice(0, before.rows)
        key = theta.tobytes() + X[first].tobytes()
        factor = self._kept.get(key)
        if factor is None:
            factor = gp.factorise(self._kernel, theta[:-1], X[first], noise[first])
            for old in list(self._kept)[: 1 - self._room]:
                del self._kept[old]
            self._kept[key] = factor
        rest = slice(before.rows, None)
        if before.rows < len(X):
            factor = gp.extend(self._kernel, theta[:-1], factor, X[rest], noise[rest])
        return gp.GaussianProcess.of(self._kernel, theta[:-1], factor, z)


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
        return self.condition(X, z, Before(None, len(X)), seed), None

    def condition(self, X: Floats, z: Floats, before: Before, seed: int) -> Posterior:
        del before
        from hmserve.surrogate.forest import Forest

        return Forest.fit((X, z), self._levels, self._options, seed)
