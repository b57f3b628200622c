"""Expected improvement averaged over what pending trials may bring (Snoek et al. 2012).

    eta_s = min(eta, min f_s)  the value to improve on, if draw f_s of the results came true
    a(x) = mean_s EI(M_s(x), sqrt w(x); eta_s)

with M_s and w of `hmserve.surrogate.fantasies`. In expectation a(x) is qEI(P and x) - qEI(P),
where qEI is the improvement expected of several evaluations at once (Ginsbourger, Le Riche and
Carraro 2010); the result at x is integrated exactly.
"""

from collections.abc import Sequence

import numpy as np
from scipy import special

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.improvement import LogExpectedImprovement, log_h, log_phi
from hmserve.arrays import Floats
from hmserve.surrogate.base import Posterior
from hmserve.surrogate.fantasies import Conditioned, Fantasies

_NEAR = -5.0
"""Where the best of the draws is above this, improvements are added up as they are."""


def improvement(model: Posterior, incumbent: float, margin: float = 0.0) -> Acquisition:
    """Return log expected improvement, averaged where `model` is one of fantasies.

    Args:
        model: A fitted model, or one with fantasies.
        incumbent: The value to improve on.
        margin: By how much at least.
    """
    if isinstance(model, Fantasies):
        return LogAveragedImprovement(model, incumbent, margin)
    return LogExpectedImprovement(model, incumbent - margin)


class LogAveragedImprovement:
    """log mean_s EI(M_s(x), sqrt w(x); eta_s).

    Args:
        fantasies: The model.
        incumbent: The value to improve on, unless the fantasies are better.
        margin: By how much at least.
    """

    def __init__(self, fantasies: Fantasies, incumbent: float, margin: float = 0.0) -> None:
        self.incumbent = incumbent - margin
        self._fantasies = fantasies
        self._targets = fantasies.targets(incumbent) - margin

    @property
    def differentiable(self) -> bool:
        return self._fantasies.differentiable

    def __call__(self, X: Floats) -> Floats:
        found = self._fantasies.condition(X)
        s = np.sqrt(found.variance)
        z = self._standardised(found, s)
        value = np.empty(len(X))
        near = z.max(axis=1, initial=-np.inf) > _NEAR
        # Far below zero all digits of h go; but what is there adds nothing to what is not.
        t = z[near]
        h = np.exp(log_phi(t)) + t * special.ndtr(t)
        value[near] = np.log(np.maximum(h, 0.0).mean(axis=1))
        far = log_h(z[~near])
        value[~near] = special.logsumexp(far, axis=1) - np.log(z.shape[1])
        return np.log(s) + value

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        found, pull = self._fantasies.condition_with_pull_back(X)
        s = np.sqrt(found.variance)
        z = self._standardised(found, s)
        # Each as a share of the sum of all h: d EI / d M = -Phi(z), d EI / d s = phi(z).
        total = special.logsumexp(log_h(z), axis=1)
        Phi = np.exp(special.log_ndtr(z) - total[:, None]) / s[:, None]
        phi = np.exp(log_phi(z) - total[:, None]).sum(axis=1)
        value = np.log(s) + total - np.log(z.shape[1])
        gradient = pull(
            -Phi.sum(axis=1), phi / (2.0 * found.variance), -Phi @ self._fantasies.e
        )
        return value, gradient

    def _standardised(self, found: Conditioned, s: Floats) -> Floats:
        """Return z, shape (m, S)."""
        means = found.mean[:, None] + found.u @ self._fantasies.e.T
        return np.clip((self._targets - means) / s[:, None], -1e100, 1e100)


class LogMean:
    """The logarithm of the mean of acquisitions that are logarithms.

    Args:
        acquisitions: One a draw, at least one.
    """

    def __init__(self, acquisitions: Sequence[Acquisition]) -> None:
        self._acquisitions = tuple(acquisitions)

    @property
    def differentiable(self) -> bool:
        return all(acquisition.differentiable for acquisition in self._acquisitions)

    def __call__(self, X: Floats) -> Floats:
        found = np.stack([acquisition(X) for acquisition in self._acquisitions])
        return np.asarray(special.logsumexp(found, axis=0) - np.log(len(found)))

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        pairs = [acquisition.value_and_gradient(X) for acquisition in self._acquisitions]
        found = np.stack([value for value, _ in pairs])
        total = special.logsumexp(found, axis=0)
        shares = np.exp(found - total)
        gradients = np.stack([gradient for _, gradient in pairs])
        return total - np.log(len(found)), np.einsum("sm,smd->md", shares, gradients)
