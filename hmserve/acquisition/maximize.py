"""The search for the candidate of largest acquisition.

A small discrete space is enumerated: the exact argmax. Elsewhere: quasi-random candidates,
perturbations of the best evaluated points and their neighbours; the best few are then refined,
in turn by L-BFGS-B on the continuous coordinates, all starts as one problem, and by
best-improvement exchange on the discrete ones.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.arrays import Floats, Mask
from hmserve.descent import Stop, descend
from hmserve.space.encoding import Encoding
from hmserve.space.prior_model import PriorModel

Fresh = Callable[[Floats], Mask]
"""Tells which rows of X, shape (m, d), may be proposed."""

_BLOCK = 256
"""Candidates evaluated at once: larger blocks spill out of the cache."""

_EXCHANGES = 6000
"""About how many neighbours are looked at, for all starts together."""

_NEIGHBOURS = 256
"""How many neighbours of a point are looked at; of more, some."""

_POLISH = Stop(40, gain=1e-7, slope=1e-3)
_SHARES = (1.0, 0.9, 0.7, 0.5, 0.3, 0.1)


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How hard to search.

    Args:
        candidates: How many points all over the space are looked at.
        starts: How many of the best are refined.
        distances: How far from the anchors others lie, as shares of the range; empty: none do.
        gain: By how much an exchange must raise the acquisition.
    """

    candidates: int = 1024
    starts: int = 6
    distances: tuple[float, ...] = (0.1, 0.01, 0.001)
    gain: float = 0.0


def values(acquisition: Acquisition, X: Floats) -> Floats:
    """Evaluate `acquisition` at the rows of `X` in blocks; NaN counts as -infinity."""
    blocks = [acquisition(X[i : i + _BLOCK]) for i in range(0, len(X), _BLOCK)]
    found = np.concatenate(blocks) if blocks else np.empty(0)
    return np.where(np.isnan(found), -np.inf, found)


def best_of(acquisition: Acquisition, X: Floats) -> Floats:
    """Return the row of `X`, shape (m, d), m >= 1, of largest acquisition; ties: the first."""
    return np.asarray(X[int(np.argmax(values(acquisition, X)))])


def quasi_random(n: int, d: int, rng: np.random.Generator) -> Floats:
    """Return a randomly shifted additive recurrence, shape (n, d) (Roberts 2018).

    Step j is g^-j, where g is the root of g^(d+1) = g + 1, a generalised golden ratio.
    """
    g = 2.0
    for _ in range(40):
        g = (1.0 + g) ** (1.0 / (d + 1))
    steps = g ** -np.arange(1, d + 1)
    return (rng.random(d) + np.arange(1, n + 1)[:, None] * steps) % 1.0


class Search:
    """The search over one space.

    Args:
        encoding: The space.
        options: How hard to search.
        prior: Where good points are expected.
    """

    def __init__(
        self,
        encoding: Encoding,
        options: SearchOptions = SearchOptions(),
        prior: PriorModel | None = None,
    ) -> None:
        self._encoding = encoding
        self._prior = prior
        self._options = options
        self._continuous = np.flatnonzero(~encoding.discrete)

    def __call__(
        self, acquisition: Acquisition, anchors: Floats, fresh: Fresh, rng: np.random.Generator
    ) -> Floats | None:
        """Return the best point found, shape (d,), or None if nothing fresh was met.

        Args:
            acquisition: What to maximise.
            anchors: Evaluated points worth searching around, best first, shape (a, d).
            fresh: Which points may be proposed.
            rng: The only source of randomness.
        """
        X = self.candidates(anchors, rng)
        X = X[fresh(X)]
        return self.refine(acquisition, X, fresh, rng) if len(X) else None

    def refine(
        self,
        acquisition: Acquisition,
        X: Floats,
        fresh: Fresh,
        rng: np.random.Generator,
        most: int | None = None,
    ) -> Floats:
        """Return the best point found from the best of `X`, shape (m, d), m >= 1, all fresh.

        Args:
            acquisition: What to maximise.
            X: Where to begin.
            fresh: Which points may be proposed.
            rng: The only source of randomness.
            most: How many are refined; None: as many as the options say.
        """
        a = values(acquisition, X)
        wanted = self._options.starts if most is None else min(most, self._options.starts)
        order = np.argsort(-a, kind="stable")[: max(wanted, 1)]
        starts, best = X[order], a[order]
        if not wanted:
            return np.asarray(starts[0])
        for _ in range(2 if len(self._continuous) and self._encoding.discrete.any() else 1):
            starts, best = self._polish(acquisition, starts, best)
            starts, best = self._exchange(acquisition, starts, best, fresh, rng)
        keep = fresh(starts)
        if not keep.any():
            return np.asarray(X[order[0]])
        return np.asarray(starts[keep][int(np.argmax(best[keep]))])

    def candidates(self, anchors: Floats, rng: np.random.Generator) -> Floats:
        """Return points all over the space, and around `anchors`, shape (a, d)."""
        d = len(self._encoding.axes)
        blocks = [self._everywhere(rng)]
        if not self._options.distances:
            return blocks[0]
        for scale in self._options.distances if len(anchors) else ():
            copies = np.repeat(anchors, 40, axis=0)
            moved = rng.random(copies.shape) < min(1.0, 3.0 / d)
            shifted = np.clip(copies + scale * rng.standard_normal(copies.shape), 0.0, 1.0)
            blocks.append(self._encoding.snap(np.where(moved, shifted, copies)))
        blocks.extend(self._around(x, rng) for x in anchors[:3])
        return np.concatenate(blocks)

    def _everywhere(self, rng: np.random.Generator) -> Floats:
        """Return points all over the space; with priors, as many again where these point."""
        n, space = max(self._options.candidates, 1), self._encoding.space
        U = quasi_random(n, space.dimension, rng)
        X = self._encoding.draw(U)
        if self._prior is not None:
            X = np.concatenate([X, self._prior.draw(U)])
        if space.known is None:
            return X
        X = X[self._encoding.holds(X)]
        missing = n - len(X)
        if missing <= 0:
            return X
        return np.concatenate([X, rng.permutation(self._pool)[:missing]])

    @functools.cached_property
    def _pool(self) -> Floats:
        """Points that satisfy the known constraints, drawn once: some regions are slow to draw.

        They depend on the space alone, so that an ask does not depend on who drew them.
        """
        return self._encoding.sample(
            2 * max(self._options.candidates, 1), np.random.default_rng(0)
        )

    def _polish(self, acquisition: Acquisition, X: Floats, a: Floats) -> tuple[Floats, Floats]:
        """Climb from all rows of `X` at once in the continuous coordinates.

        Of a way that breaks a known constraint the part before that is gone.
        """
        if not len(self._continuous) or not acquisition.differentiable:
            return X, a

        active = self._encoding.active(X)

        def negative_sum(u: Floats) -> tuple[float, Floats]:
            Z = X.copy()
            Z[:, self._continuous] = u.reshape(len(X), -1)
            value, gradient = acquisition.value_and_gradient(Z)
            gradient = np.where(active, gradient, 0.0)
            return -float(value.sum()), -gradient[:, self._continuous].ravel()

        u = X[:, self._continuous].ravel()
        found = descend(negative_sum, u, [(0.0, 1.0)] * len(u), _POLISH)
        Z = X.copy()
        Z[:, self._continuous] = found.x.reshape(len(X), -1)
        start = X
        for share in (1.0,) if self._encoding.space.known is None else _SHARES:
            Y = self._encoding.snap(start + share * (Z - start))
            b = np.where(self._encoding.holds(Y), values(acquisition, Y), -np.inf)
            X, a = _better(X, a, Y, b)
        return X, a

    def _exchange(
        self,
        acquisition: Acquisition,
        X: Floats,
        a: Floats,
        fresh: Fresh,
        rng: np.random.Generator,
    ) -> tuple[Floats, Floats]:
        """Move each row of `X` to its best neighbour while that gains and the budget lasts."""
        X, a, left = X.copy(), a.copy(), _EXCHANGES
        moving = list(range(len(X))) if self._encoding.discrete.any() else []
        while moving and left > 0:
            around = [self._around(X[i], rng) for i in moving]
            owner = np.repeat(moving, [len(N) for N in around])
            N = np.concatenate(around)
            keep = fresh(N)
            N, owner = N[keep], owner[keep]
            found = values(acquisition, N)
            left -= len(N)
            gained: list[int] = []
            for i in moving:
                mine = np.flatnonzero(owner == i)
                if not len(mine) or found[mine].max() <= a[i] + self._options.gain:
                    continue
                j = mine[int(np.argmax(found[mine]))]
                # Ways that have met go on as one.
                if not any((X[k] == N[j]).all() for k in gained):
                    gained.append(i)
                X[i], a[i] = N[j], found[j]
            moving = gained
        return X, a

    def _around(self, x: Floats, rng: np.random.Generator) -> Floats:
        """Return the neighbours of `x`, or as many of them as are worth a look."""
        N = self._encoding.neighbours(x)
        if len(N) <= _NEIGHBOURS:
            return N
        return np.asarray(N[rng.choice(len(N), _NEIGHBOURS, replace=False)])


def _better(X: Floats, a: Floats, Z: Floats, b: Floats) -> tuple[Floats, Floats]:
    gained = b > a
    return np.where(gained[:, None], Z, X), np.where(gained, b, a)
