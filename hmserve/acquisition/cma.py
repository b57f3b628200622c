"""CMA-ES as a search for the candidate of largest acquisition.

Notation, after Hansen (2016), "The CMA evolution strategy: a tutorial" (arXiv 1604.00772v2),
whose equation numbers stand in the margin:

    lam, mu     candidates of a generation, and how many of them are parents
    m, sigma    mean and step size; candidates are drawn from N(m, sigma^2 C)
    C = B D^2 B^T
    p_s, p_c    evolution paths of the step size and of the covariance
    w (lam,)    recombination weights, those of the worse half negative
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.maximize import Fresh, best_of, quasi_random, values
from hmserve.arrays import Floats
from hmserve.space.encoding import Encoding

_CANDIDATES = 256
_POPULATION = 25
"""More than (48) says, in fewer generations: a large model is read as a whole for each."""

_GENERATIONS = 80
"""The most a start may spend; the acquisition is cheap, but not free."""

_LEAST_STEP = 1e-5
"""As shares of the range."""

_SHORTEST, _LONGEST = 1e-4, 10.0
"""Longer first steps lead out of the cube all the same."""

_LOOKED_AT = 32
"""How many of the best points are looked at together for one that is new."""


class Strategy:
    """The state of one (mu/mu_w, lam)-CMA-ES with active covariance adaptation.

    Args:
        mean: Where to start, shape (d,).
        sigma: The first step size.
        population: lam; None for 4 + 3 ln d.
    """

    def __init__(self, mean: Floats, sigma: float, population: int | None = None) -> None:
        d = len(mean)
        self.m, self.sigma, self._d = np.array(mean, dtype=float), float(sigma), d
        self.population = population or 4 + int(3.0 * math.log(d))  # (48)
        self._set_weights()
        n, mu_eff = float(d), self._mu_eff
        self._cs = (mu_eff + 2.0) / (n + mu_eff + 5.0)  # (55)
        self._ds = 1.0 + self._cs + 2.0 * max(0.0, math.sqrt((mu_eff - 1.0) / (n + 1.0)) - 1.0)
        self._cc = (4.0 + mu_eff / n) / (n + 4.0 + 2.0 * mu_eff / n)  # (56)
        self._chi = math.sqrt(n) * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n))
        self._ps, self._pc = np.zeros(d), np.zeros(d)
        self._C, self._B, self._D = np.eye(d), np.eye(d), np.ones(d)
        self._generation = 0

    def _set_weights(self) -> None:
        lam, n = self.population, float(self._d)
        raw = math.log((lam + 1) / 2) - np.log(np.arange(1, lam + 1))  # (49)
        up, down = np.maximum(raw, 0.0), np.maximum(-raw, 0.0)
        self._mu_eff = mu_eff = float(up.sum() ** 2 / (up @ up))
        self._c1 = 2.0 / ((n + 1.3) ** 2 + mu_eff)  # (57)
        gain = 0.25 + mu_eff + 1.0 / mu_eff - 2.0
        self._cmu = min(1.0 - self._c1, 2.0 * gain / ((n + 2.0) ** 2 + mu_eff))  # (58)
        negative = min(
            1.0 + self._c1 / self._cmu,  # (50)
            1.0 + 2.0 * float(down.sum() ** 2 / (down @ down)) / (mu_eff + 2.0),  # (51)
            (1.0 - self._c1 - self._cmu) / (n * self._cmu),  # (52)
        )
        self._w = up / up.sum() - negative * down / down.sum()  # (53)

    def has_converged(self, least: float) -> bool:
        """Whether all steps are below `least`, or C is too ill-conditioned to go on."""
        return self.sigma * float(self._D[-1]) < least or self._D[0] <= 1e-7 * self._D[-1]

    @property
    def square(self) -> float:
        """The mean squared length of a step."""
        return self.sigma**2 * float(np.square(self._D).sum())

    def ask(self, rng: np.random.Generator) -> Floats:
        """Return the next generation, shape (lam, d)."""
        z = rng.standard_normal((self.population, self._d))
        return np.asarray(self.m + self.sigma * (z * self._D) @ self._B.T)  # (38) to (40)

    def tell(self, X: Floats, losses: Floats) -> None:
        """Learn from a generation: `losses`, shape (lam,), are to be minimised."""
        self._generation += 1
        Y = (X[np.argsort(losses, kind="stable")] - self.m) / self.sigma
        step = np.maximum(self._w, 0.0) @ Y  # (41)
        self.m = self.m + self.sigma * step  # (42)
        whitened = self._B @ ((self._B.T @ step) / self._D)
        root = math.sqrt(self._cs * (2.0 - self._cs) * self._mu_eff)
        self._ps = (1.0 - self._cs) * self._ps + root * whitened  # (43)
        length = float(np.linalg.norm(self._ps)) / self._chi
        fresh = math.sqrt(1.0 - (1.0 - self._cs) ** (2 * self._generation))
        stalled = length / fresh >= 1.4 + 2.0 / (self._d + 1.0)
        self._adapt(Y, step, stalled)
        self.sigma *= math.exp(min(1.0, self._cs / self._ds * (length - 1.0)))  # (44)

    def _adapt(self, Y: Floats, step: Floats, stalled: bool) -> None:
        """Learn the covariance; a path that is too long is not made longer (`stalled`)."""
        c1, cc, w = self._c1, self._cc, self._w
        root = math.sqrt(cc * (2.0 - cc) * self._mu_eff)
        self._pc = (1.0 - cc) * self._pc + (0.0 if stalled else root) * step  # (45)
        lengths = np.square((Y @ self._B) / self._D).sum(1)
        w = np.where(w >= 0.0, w, w * self._d / np.maximum(lengths, 1e-300))  # (46)
        lost = c1 * cc * (2.0 - cc) if stalled else 0.0
        self._C = (
            (1.0 + lost - c1 - self._cmu * self._w.sum()) * self._C
            + c1 * np.outer(self._pc, self._pc)
            + self._cmu * (Y * w[:, None]).T @ Y
        )  # (47)
        squares, self._B = np.linalg.eigh((self._C + self._C.T) / 2.0)
        self._D = np.sqrt(np.maximum(squares, 1e-14 * squares[-1]))


def penalised(losses: Floats, X: Floats, square: float) -> Floats:
    """Return what to rank a generation by, shape (lam,), so that it stays near the cube.

    What lies outside counts as the nearest point of the cube, and ranks lower the farther
    out it is: by a whole generation for a mean step. (Reflected or resampled candidates do
    not settle in corners, where acquisitions often are largest.)

    Args:
        losses: The losses of the points of the cube nearest to `X`, shape (lam,).
        X: Candidates, shape (lam, d).
        square: The mean squared length of a step.
    """
    ranks = np.argsort(np.argsort(losses, kind="stable"), kind="stable")
    outside = np.square(X - np.clip(X, 0.0, 1.0)).sum(1)
    return np.asarray(ranks + len(X) * outside / square)


class CmaSearch:
    """The search over a space of reals by CMA-ES; called as `maximize.Search` is.

    Args:
        encoding: A space without discrete parameters.
        sigma: HyperMapper's ``cma_es_sigma``: the first step size in the unit cube; what is
            shorter than 1e-4 or longer than 10 counts as that.
        starts: HyperMapper's ``cma_es_starting_points``: from how many of the best evaluated
            points to start; there is one more, the best of quasi-random candidates.
    """

    def __init__(self, encoding: Encoding, sigma: float = 0.2, starts: int = 1) -> None:
        if encoding.discrete.any():
            raise ValueError("CMA-ES needs a space in which every parameter is real")
        self._encoding = encoding
        self._sigma = min(max(sigma, _SHORTEST), _LONGEST)
        self._starts = starts

    def __call__(
        self, acquisition: Acquisition, anchors: Floats, fresh: Fresh, rng: np.random.Generator
    ) -> Floats | None:
        """Return the best point found, shape (d,), or None if nothing fresh was met.

        Args:
            acquisition: What to maximise.
            anchors: Evaluated points, best first, shape (a, d).
            fresh: Which points may be proposed.
            rng: The only source of randomness.
        """
        X = self.candidates(anchors, rng)
        a = values(acquisition, X)
        starts = [X[int(np.argmax(a[:_CANDIDATES]))], *anchors[: self._starts]]
        climbs = [Strategy(start, self._sigma, _POPULATION) for start in starts]
        blocks = [(X, a), *self._climb(acquisition, climbs, rng)]
        return self._best(blocks, fresh)

    def refine(
        self,
        acquisition: Acquisition,
        X: Floats,
        fresh: Fresh,
        rng: np.random.Generator,
        most: int | None = None,
    ) -> Floats:
        """Return the best of `X`, shape (m, d): a climb would take as long as from anywhere."""
        del fresh, rng, most
        return best_of(acquisition, X)

    def candidates(self, anchors: Floats, rng: np.random.Generator) -> Floats:
        """Return points all over the space, then those of `anchors` to start from."""
        drawn = self._encoding.draw(quasi_random(_CANDIDATES, len(self._encoding.axes), rng))
        return np.concatenate([drawn, anchors[: self._starts]])

    def _climb(
        self, acquisition: Acquisition, climbs: list[Strategy], rng: np.random.Generator
    ) -> Iterator[tuple[Floats, Floats]]:
        """Climb from all starts at once; yield points and their values."""
        for _ in range(_GENERATIONS):
            generations = [strategy.ask(rng) for strategy in climbs]
            inside = np.clip(np.concatenate(generations), 0.0, 1.0)
            a = values(acquisition, inside)
            yield inside, a
            for strategy, X, losses in zip(
                climbs, generations, np.split(-a, len(climbs)), strict=True
            ):
                strategy.tell(X, penalised(losses, X, strategy.square))
            climbs = [s for s in climbs if not s.has_converged(_LEAST_STEP)]
            if not climbs:
                break

    def _best(self, blocks: Sequence[tuple[Floats, Floats]], fresh: Fresh) -> Floats | None:
        """Return the best of points and values that may be proposed."""
        X, a = map(np.concatenate, zip(*blocks, strict=True))
        order = np.argsort(-a, kind="stable")
        for i in range(0, len(order), _LOOKED_AT):
            best = self._encoding.snap(X[order[i : i + _LOOKED_AT]])
            free = fresh(best)
            if free.any():
                return np.asarray(best[int(np.argmax(free))])
        return None
