"""Thompson sampling: the acquisition is one function drawn from what a model believes.

A draw is a model like any other, but all but sure of itself: what is made of models, an
improvement or a scalarisation, can be made of draws.

Notation for processes, after Wilson et al. (2020), "Efficiently sampling functions from
Gaussian process posteriors":

    phi (F,)    random features of x; their inner products estimate the kernel
    w (F,)      standard normal weights: phi . w is a draw from the prior
    v, l, h     the kernel's variance, length scales of numbers, weights of categories
    f(x)        c + phi(x) . w + k(x, X) K^-1 (y - c - phi(X) . w - noise)    (Matheron's rule)
"""

from typing import TYPE_CHECKING, cast

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.improvement import LogExpectedImprovement
from hmserve.arrays import Floats
from hmserve.randomness import stream
from hmserve.surrogate import linear
from hmserve.surrogate.base import Normal, NormalWithGradient, Posterior
from hmserve.surrogate.fantasies import Fantasies
from hmserve.surrogate.gp import GaussianProcess
from hmserve.surrogate.kernel import Inputs, Kernel

if TYPE_CHECKING:  # scikit-learn is loaded only where a forest was asked for
    from hmserve.surrogate.forest import Forest

_FEATURES = 256

_DRAW = 2
"""Of the streams of a trial this one decides the draw."""

_DEVIATION = 0.01
"""The standard deviation of a draw, whose targets have one of about 1.

Next to nothing: what is largest is where the draw is least. It sets what a gain counts against
a risk of failure: as 1 would have it, feasibility alone decides where all gains are small.
"""


class Thompson:
    """Makes an acquisition of a draw (see `hmserve.engine.goals.Gain`).

    Args:
        seed: With the number of a trial it decides the draw.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, model: Posterior, incumbent: float, trial: int) -> Acquisition:
        """Return what is largest where a draw from `model` is least."""
        drawn = draw(model, stream(self._seed, trial, _DRAW))
        return LogExpectedImprovement(drawn, incumbent)


def draw(model: Posterior, rng: np.random.Generator) -> Posterior:
    """Return a function drawn from a Gaussian process or a forest.

    With fantasies or without: what is drawn includes the results of pending trials.
    """
    if isinstance(model, Fantasies):
        return draw(model.model, rng)
    if isinstance(model, GaussianProcess):
        return DrawnProcess(model, rng)
    return DrawnForest(cast("Forest", model), rng)


class DrawnProcess:
    """A function drawn from the posterior of a Gaussian process, with its gradient.

    Args:
        process: The posterior.
        rng: Decides the draw.
    """

    def __init__(self, process: GaussianProcess, rng: np.random.Generator) -> None:
        self._process = process
        self._features = _Features(process.kernel, process.theta, rng)
        self._w = rng.standard_normal(_FEATURES)
        # The noise that the data have is what their factor has beyond the kernel.
        signal = float(np.exp(process.theta[-1]))
        noise = np.maximum(np.einsum("ij,ij->i", process.L, process.L) - signal, 0.0)
        prior = self._features(process.inputs) @ self._w
        prior += np.sqrt(noise) * rng.standard_normal(len(noise))
        self._alpha = process.alpha - linear.solve(process.L, prior)

    def mean(self, X: Floats) -> Floats:
        """Return the values of the function at `X`, shape (m, d)."""
        process = self._process
        inputs = process.kernel.inputs(X)
        k = process.kernel(process.theta, inputs, process.inputs)
        return np.asarray(process.constant + self._features(inputs) @ self._w + k @ self._alpha)

    def predict(self, X: Floats) -> Normal:
        """Return the values at `X`, shape (m, d)."""
        return Normal(self.mean(X), np.full(len(X), _DEVIATION**2))

    def predict_with_gradient(self, X: Floats) -> NormalWithGradient:
        """Return the values at `X`, shape (m, d), with derivatives by `X`."""
        process, kernel = self._process, self._process.kernel
        inputs = kernel.inputs(X)
        k, slope = kernel.with_slope(process.theta, inputs, process.inputs)
        update = slope * self._alpha
        gradient = kernel.pull_back(process.theta, inputs, process.inputs, update)
        prior, prior_gradient = self._features.combined(inputs, self._w)
        # The others are vectors of permutations, which have no slopes.
        plain = slice(kernel.plain)
        gradient[:, kernel.scaled_by[plain]] += prior_gradient[:, plain]
        mean = process.constant + prior + k @ self._alpha
        variance = np.full(len(X), _DEVIATION**2)
        return NormalWithGradient(mean, variance, gradient, np.zeros_like(gradient))

    def believe(self, P: Floats) -> "DrawnProcess":
        """Return the function itself: it is known at `P` too."""
        del P
        return self


class _Features:
    """Random features of a kernel: Fourier features of numbers, random signs of categories.

    phi_i(x) = sqrt(2 v / F) cos(omega_i . x / l + b_i) prod_j s_ij(x_j)

    Frequencies of Matern-5/2 are Student-t with 5 degrees of freedom (R&W eq. 4.15). s_ij is,
    with probability exp(-h_j), 1 for all levels, else an independent random sign for each:
    then E[s_ij(a) s_ij(b)] = exp(-h_j [a != b]), exactly the factor of the kernel.
    """

    def __init__(self, kernel: Kernel, theta: Floats, rng: np.random.Generator) -> None:
        self._height = float(np.sqrt(2.0 * np.exp(theta[-1]) / _FEATURES))
        normal = rng.standard_normal((len(kernel.scaled_by), _FEATURES))
        self._omega = normal * np.sqrt(5.0 / rng.chisquare(5.0, _FEATURES))
        self._omega *= np.exp(-theta[kernel.scaled_by])[:, None]
        self._b = rng.uniform(0.0, 2.0 * np.pi, _FEATURES)
        varies = rng.random((kernel.dimension, _FEATURES)) >= np.exp(-np.exp(theta[:-1, None]))
        varies = varies[kernel.categorical]
        self._negative = [
            rng.integers(0, 2, (n, _FEATURES), dtype=bool) & some
            for n, some in zip(kernel.levels, varies, strict=False)
        ]
        # Orders are too many for a sign each: a hash decides (Dietzfelbinger et al. 1997).
        self._hashed = varies[len(kernel.levels) :]
        shape = self._hashed.shape
        self._odd = rng.integers(2**63, size=shape, dtype=np.uint64) * 2 + 1
        self._shift = rng.integers(2**63, size=shape, dtype=np.uint64) * 2

    def __call__(self, inputs: Inputs) -> Floats:
        """Return the features of n rows, shape (n, F)."""
        return np.asarray(self._signed(inputs) * np.cos(self._phase(inputs)))

    def combined(self, inputs: Inputs, w: Floats) -> tuple[Floats, Floats]:
        """Return phi . w, shape (n,), and its derivatives by the numbers, shape (n, q)."""
        signed, phase = self._signed(inputs) * w, self._phase(inputs)
        return (signed * np.cos(phase)).sum(1), -(signed * np.sin(phase)) @ self._omega.T

    def _phase(self, inputs: Inputs) -> Floats:
        """Return the arguments of the cosines, shape (n, F), or (1, F) if all have the same."""
        if not len(self._omega):
            return self._b[None]
        return np.asarray(inputs.numbers @ self._omega + self._b)

    def _signed(self, inputs: Inputs) -> Floats:
        """Return the height of each feature with its signs, shape (n, F), or (n, 1)."""
        if not inputs.labels.shape[1]:
            return np.full((len(inputs.labels), 1), self._height)
        negative = np.zeros((len(inputs.labels), _FEATURES), dtype=bool)
        labels = inputs.labels.T
        for label, signs in zip(labels, self._negative, strict=False):
            negative ^= signs[label.astype(np.int64)]
        rest = labels[len(self._negative) :]
        for label, varies, factor, shift in zip(
            rest, self._hashed, self._odd, self._shift, strict=True
        ):
            bits = np.ascontiguousarray(label).view(np.uint64)[:, None]
            hashed = (bits ^ (bits >> np.uint64(29))) * factor + shift
            negative ^= varies & (hashed >> np.uint64(63) == 1)
        return np.where(negative, -self._height, self._height)


class DrawnForest:
    """A function drawn from what the trees of a forest say, constant where all of them are.

    A normal draw with the mean and the covariance of the value of a tree picked at random,
    plus noise in each of its leaves: at every point its moments are those `Forest.predict`
    gives. A single tree would be a draw too, but one that cannot tell the points of a leaf
    apart.

    Args:
        forest: The fitted trees.
        rng: Decides the draw.
    """

    def __init__(self, forest: "Forest", rng: np.random.Generator) -> None:
        self._forest = forest
        n = len(forest.leaves)
        self._weights = rng.standard_normal(n) / np.sqrt(n)
        self._noise = [
            np.sqrt(np.maximum(variance, 0.0) / n) * rng.standard_normal(len(variance))
            for _, variance in forest.leaves
        ]

    def mean(self, X: Floats) -> Floats:
        """Return the values of the function at `X`, shape (m, d)."""
        from hmserve.surrogate.forest import one_hot

        forest = self._forest
        leaves = forest.trees.apply(one_hot(X, forest.levels)).T  # (trees, m)
        means = np.stack([m[leaf] for (m, _), leaf in zip(forest.leaves, leaves, strict=True)])
        noise = sum(e[leaf] for e, leaf in zip(self._noise, leaves, strict=True))
        middle = means.mean(0)
        return np.asarray(middle + self._weights @ (means - middle) + noise)

    def predict(self, X: Floats) -> Normal:
        """Return the values at `X`, shape (m, d)."""
        return Normal(self.mean(X), np.full(len(X), _DEVIATION**2))

    def believe(self, P: Floats) -> "DrawnForest":
        """Return the function itself: it is known at `P` too."""
        del P
        return self
