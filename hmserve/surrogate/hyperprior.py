"""Log priors of the hyperparameters of a Gaussian process, with gradients.

All are normal in log space. Length scales follow Hvarfner, Hellsten and Nardi (2024): the
location grows with the dimension, so that the prior complexity does not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from hmserve.arrays import Floats

_FARTHEST = 50.0
"""No bound of a hyperparameter is as far from 1, in log space."""

_SUREST, _VAGUEST = 1e-3, 1e3
"""Between these, what a prior says of two places within the bounds differs, but is finite."""


@dataclass(frozen=True, slots=True, eq=False)
class NormalPrior:
    """Independent normal priors of the entries of theta, cut to bounds."""

    location: Floats
    scale: Floats
    low: Floats
    high: Floats

    def negative_log(self, theta: Floats) -> tuple[float, Floats]:
        """Return -log p(theta) up to a constant, and its gradient."""
        z = (theta - self.location) / self.scale
        return 0.5 * float(z @ z), z / self.scale

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Bounds as scipy.optimize wants them."""
        return list(zip(self.low.tolist(), self.high.tolist(), strict=True))


class LengthPrior(NamedTuple):
    """Where the prior of log length scales lies, relative to Hvarfner et al. (2024).

    Args:
        shift: Added to their sqrt(2) + ln(d) / 2.
        scale: Standard deviation; theirs is sqrt(3).
    """

    shift: float
    scale: float


def kernel_prior(
    numeric: Floats, lengths: LengthPrior, signal: tuple[float, float]
) -> NormalPrior:
    """Return the prior of a kernel's theta.

    Args:
        numeric: 1 for a numeric column, 0 for a categorical one; shape (d,).
        lengths: The prior of log length scales; mirrored for the weights of categories.
        signal: Location and scale of the log signal variance.
    """
    d = len(numeric)
    place = math.sqrt(2.0) + lengths.shift + 0.5 * math.log(d)
    scales = np.where(numeric > 0, place, -place)
    # A length scale of 0.005 resolves 200 levels; beyond 1,000 a column has no effect.
    low = np.where(numeric > 0, math.log(0.005), math.log(1e-4))
    high = np.where(numeric > 0, math.log(1e3), math.log(20.0))
    return NormalPrior(
        np.append(scales, signal[0]),
        np.append(np.full(d, lengths.scale), signal[1]),
        np.append(low, math.log(1e-3)),
        np.append(high, math.log(1e3)),
    )


def with_noise(prior: NormalPrior, location: float, scale: float) -> NormalPrior:
    """Return `prior` with one more entry: the log noise variance."""
    return NormalPrior(
        np.append(prior.location, location),
        np.append(prior.scale, scale),
        np.append(prior.low, math.log(1e-8)),
        np.append(prior.high, 0.0),
    )


def log_normal(name: str, parameters: Sequence[float]) -> tuple[float, float]:
    """Return location and scale of the log of a quantity with a named prior.

    A log-normal prior is taken as it is; others by the mean and deviation of their logarithm,
    or, where that has none, of the log-normal with the same mean and variance. What lies beyond
    all bounds, and what is as good as certain or as unknown, counts as just that.

    Args:
        name: ``lognormal``, ``gamma`` (shape, rate), ``normal`` or ``uniform``.
        parameters: Two numbers.
    """
    a, b = (float(parameter) for parameter in parameters)
    if name == "lognormal":
        location, scale = a, b
    elif name == "gamma":
        location = float(special.digamma(a)) - math.log(b)
        scale = math.sqrt(special.polygamma(1, a))
    else:
        normal = name == "normal"
        mean, deviation = (a, b) if normal else (a / 2 + b / 2, (b - a) / math.sqrt(12))
        # log(1 + r^2) of the ratio r of the two; its square need not be finite.
        spread = float(np.logaddexp(0.0, 2.0 * (math.log(deviation) - math.log(mean))))
        location, scale = math.log(mean) - spread / 2, math.sqrt(spread)
    return min(max(location, -_FARTHEST), _FARTHEST), min(max(scale, _SUREST), _VAGUEST)
