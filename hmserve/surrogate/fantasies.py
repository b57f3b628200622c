"""A model, and draws of what pending trials may bring.

Notation:

    f_s = mu_P + L_P e_s       draw s of the results of the pending trials P, S of them
    u(x) = L_P^-1 c(P, x)
    M_s(x) = mu(x) + u(x) . e_s, w(x) = s2(x) - |u(x)|^2    the model, if that came true

What is conditioned on is the same for all draws, so that it is done once (Chevalier,
Ginsbourger and Emery 2014, "Corrected kriging update formulae").
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hmserve.arrays import Floats, Mask
from hmserve.surrogate import linear
from hmserve.surrogate.base import Normal, NormalWithGradient, Posterior
from hmserve.surrogate.joint import Correlated, Joint, PullBack, joint

_LEAST_VARIANCE = 1e-12
"""Variances are kept above this share of the one before the fantasies."""

_SURE = 1e-8
"""What is added to the variances of pending results, as a share of the largest one."""


def normals(n: int, p: int, rng: np.random.Generator) -> Floats:
    """Return `n` draws of `p` independent standard normals, shape (n, p); n is even.

    They come in pairs e and -e, and where there are twice as many as dimensions their
    covariance is the identity: sums over them have the exact mean and variance.
    """
    half = rng.standard_normal((n // 2, p))
    if p and n // 2 > p:
        L = linear.cholesky(half.T @ half / len(half))
        half = linear.forward(L, half.T).T
    return np.concatenate([half, -half])


class Conditioned(NamedTuple):
    """A model where the results of pending trials are known."""

    mean: Floats  # (m,), before they are
    variance: Floats  # (m,)
    u: Floats  # (m, p)


class Fantasies:
    """A model of one objective, and draws of the results of pending trials.

    To what asks for a mean and a variance it is the model that believes in its means, as
    `Posterior.believe` gives it.

    Args:
        model: Fitted.
        given: What it says of any points and the pending ones, P, at least one.
        e: Independent standard normals, shape (S, p).
        counts: Which of them may be the value to improve on, shape (p,).
    """

    def __init__(self, model: Posterior, given: Joint, e: Floats, counts: Mask) -> None:
        self.model = model
        self.e = e
        self._joint = given
        self._counts = counts
        covariance = self._joint.covariance
        most = max(float(np.diagonal(covariance).max()), 1e-300)
        self.L = linear.cholesky(covariance + _SURE * most * np.eye(len(covariance)))
        self.draws: Floats = self._joint.mean + e @ self.L.T
        self.differentiable = given.differentiable

    def mean(self, X: Floats) -> Floats:
        """Return the mean, shape (m,): the same before and after."""
        return self.model.mean(X)

    def predict(self, X: Floats) -> Normal:
        """Predict as if the means came true."""
        found = self.condition(X)
        return Normal(found.mean, found.variance)

    def believe(self, P: Floats) -> Posterior:
        """Return the model with its means taken for true at the pending points and at `P`."""
        return self.model.believe(np.concatenate([self._joint.P, P]))

    def targets(self, incumbent: float) -> Floats:
        """Return the value to improve on in each draw, shape (S,)."""
        drawn = self.draws[:, self._counts].min(axis=1, initial=np.inf)
        return np.asarray(np.minimum(drawn, incumbent))

    def condition(self, X: Floats) -> Conditioned:
        """Return what is common to all draws at `X`, shape (m, d)."""
        return self._conditioned(self._joint.predict(X))

    def condition_with_pull_back(self, X: Floats) -> tuple[Conditioned, PullBack]:
        """Return the same, with what makes gradients of derivatives by its parts."""
        given, pull = self._joint.predict_with_pull_back(X)
        found = self._conditioned(given)

        def pulled(by_mean: Floats, by_variance: Floats, by_u: Floats) -> Floats:
            by_u = by_u - 2.0 * by_variance[:, None] * found.u
            return pull(by_mean, by_variance, linear.backward(self.L, by_u.T).T)

        return found, pulled

    def _conditioned(self, given: Correlated) -> Conditioned:
        u = linear.forward(self.L, given.covariance.T).T
        rest = given.variance - np.einsum("ij,ij->i", u, u)
        variance = np.maximum(rest, _LEAST_VARIANCE * given.variance)
        return Conditioned(given.mean, variance, u)


class SmoothFantasies(Fantasies):
    """The same of a model with gradients."""

    def predict_with_gradient(self, X: Floats) -> NormalWithGradient:
        """Predict as if the means came true, with derivatives by `X`."""
        (mean, variance, u), pull = self.condition_with_pull_back(X)
        none, one = np.zeros(len(X)), np.ones(len(X))
        by_mean = pull(one, none, np.zeros_like(u))
        return NormalWithGradient(mean, variance, by_mean, pull(none, one, np.zeros_like(u)))


def imagine(model: Posterior, P: Floats, e: Floats, counts: Mask) -> Fantasies:
    """Return `model` with fantasies at `P`; the arguments are those of `Fantasies`."""
    found = joint(model, P)
    kind = SmoothFantasies if found.differentiable else Fantasies
    return kind(model, found, e, counts)


class Fantasy:
    """A model as it would be if one draw came true; all of them share what is computed.

    Args:
        several: The draws.
        s: Which of them.
    """

    def __init__(self, several: "Shared", s: int) -> None:
        self._several = several
        self._e = several.fantasies.e[s]

    def mean(self, X: Floats) -> Floats:
        """Return the mean at `X`, shape (m,)."""
        return self.predict(X).mean

    def predict(self, X: Floats) -> Normal:
        """Predict at `X`, shape (m, d)."""
        mean, variance, u = self._several.condition(X)
        return Normal(mean + u @ self._e, variance)

    def believe(self, P: Floats) -> Posterior:
        """Return the model with its means taken for true."""
        return self._several.fantasies.believe(P)


class SmoothFantasy(Fantasy):
    """The same of a model with gradients."""

    def predict_with_gradient(self, X: Floats) -> NormalWithGradient:
        """Predict at `X`, shape (m, d), with derivatives by `X`."""
        (mean, variance, u), pull, slope = self._several.condition_with_slopes(X)
        one, none = np.ones(len(X)), np.zeros(len(X))
        by_mean = pull(one, none, np.tile(self._e, (len(X), 1)))
        return NormalWithGradient(mean + u @ self._e, variance, by_mean, slope)


class Shared:
    """What the draws of one model have in common at the points asked for last.

    Args:
        fantasies: The model.
    """

    def __init__(self, fantasies: Fantasies) -> None:
        self.fantasies = fantasies
        self._plain: tuple[Floats, Conditioned] | None = None
        self._sloped: tuple[Floats, tuple[Conditioned, PullBack, Floats]] | None = None

    @property
    def each(self) -> Sequence[Fantasy]:
        """One model a draw."""
        kind = SmoothFantasy if self.fantasies.differentiable else Fantasy
        return [kind(self, s) for s in range(len(self.fantasies.e))]

    def condition(self, X: Floats) -> Conditioned:
        """Return what `Fantasies.condition` does."""
        if self._plain is None or not np.array_equal(self._plain[0], X):
            self._plain = (X.copy(), self.fantasies.condition(X))
        return self._plain[1]

    def condition_with_slopes(self, X: Floats) -> tuple[Conditioned, PullBack, Floats]:
        """Return the same with a way back and the gradient of the variance."""
        if self._sloped is None or not np.array_equal(self._sloped[0], X):
            found, pull = self.fantasies.condition_with_pull_back(X)
            slope = pull(np.zeros(len(X)), np.ones(len(X)), np.zeros_like(found.u))
            self._sloped = (X.copy(), (found, pull, slope))
        return self._sloped[1]
