"""The probability that measured constraints hold, from models of how far their limits are.

    log P(x) = sum_j log Phi(z_j),  z_j = mean_j / sd_j of the slack of limit j

The limits are taken for independent (Gardner et al. 2014, "Bayesian optimization with
inequality constraints", eq. 9).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy import special

from hmserve.arrays import Floats, Mask
from hmserve.surrogate.base import DifferentiablePosterior, Posterior

_ROOT_2 = math.sqrt(2.0)
_ROOT_2_OVER_PI = math.sqrt(2.0 / math.pi)


@dataclass(frozen=True, slots=True, eq=False)
class WithinLimits:
    """Whether every slack is positive.

    Args:
        slacks: Their models, at least one.
    """

    slacks: Sequence[Posterior]

    def believe(self, P: Floats) -> "WithinLimits":
        """Return the same with the means taken for true at `P`, shape (p, d)."""
        return WithinLimits([slack.believe(P) for slack in self.slacks])

    def expected(self, X: Floats) -> Mask:
        """Return at which rows of `X`, shape (m, d), every slack is expected to be positive."""
        holds = np.ones(len(X), dtype=bool)
        for slack in self.slacks if len(X) else ():
            holds &= slack.mean(X) >= 0.0
        return holds

    def log_probability(self, X: Floats) -> Floats:
        """Return log P at `X`, shape (m,)."""
        total = np.zeros(len(X))
        for slack in self.slacks:
            mean, variance = slack.predict(X)
            total += special.log_ndtr(mean / np.sqrt(variance))
        return total

    def log_probability_with_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        """Return log P, shape (m,), and its gradient, shape (m, d)."""
        total, gradient = np.zeros(len(X)), np.zeros(X.shape)
        for slack in self.slacks:
            model = cast(DifferentiablePosterior, slack)
            mean, variance, dmean, dvariance = model.predict_with_gradient(X)
            s = np.sqrt(variance)
            z = mean / s
            dz = dmean / s[:, None] - (0.5 * z / variance)[:, None] * dvariance
            total += special.log_ndtr(z)
            # phi / Phi, also where both are 0.
            gradient += (_ROOT_2_OVER_PI / special.erfcx(-z / _ROOT_2))[:, None] * dz
        return total, gradient
