"""Draws that learn little: even ones, and with priors those of PriorBand (Mallik et al. 2023).

At rung r a draw is even with the probability 1 / (1 + eta^r). Otherwise it comes from the prior
or is the incumbent, changed a little, as likely as each of the two explains the best results:

    S = sum_i (n - i) q(x_i),  q the density of the prior or of what the incumbent is changed to

over the best 1/eta of the highest rung with at least eta results, i = 0 the best. So a prior
that is wrong is soon left. While nothing was evaluated in full there is no incumbent.
"""

import math

import numpy as np
from scipy import special

from hmserve.arrays import Floats, Ints
from hmserve.engine.fidelity_data import Results, by_front
from hmserve.engine.fidelity_guide import Known
from hmserve.engine.novelty import Novelty
from hmserve.engine.random_search import RandomProposer
from hmserve.fidelity.rungs import Ladder
from hmserve.space.axis import Axis
from hmserve.space.permutation import Permutation
from hmserve.space.prior_model import PriorModel
from hmserve.surrogate.density import Draws, Kernel, kernels

_WIDTH = 0.25
"""The standard deviation of a changed number, as a share of its range."""

_CHANGED = 0.5
"""How likely a parameter of the incumbent is changed."""

_EVEN = 0.1
"""The least share of even draws."""

_TRIES = 20


class EvenDraws:
    """Configurations at random, every one equally likely.

    Args:
        random: Draws them.
    """

    def __init__(self, random: RandomProposer) -> None:
        self._random = random

    def __call__(
        self, known: Known, novelty: Novelty, rng: np.random.Generator
    ) -> Floats | None:
        """Return a point that is free, shape (d,), or None if none is left."""
        del known
        found = self._random.points(1, novelty, rng)
        return np.asarray(found[0]) if len(found) else None


class BandDraws:
    """Configurations at random, some of them where good ones are expected.

    Args:
        random: Draws evenly.
        prior: Where good configurations are expected.
        ladder: The fidelities in use.
    """

    def __init__(self, random: RandomProposer, prior: PriorModel, ladder: Ladder) -> None:
        self._even = EvenDraws(random)
        self._encoding = random.encoding
        self._prior = prior
        self._ladder = ladder
        self._kernels = kernels(random.encoding)

    def __call__(
        self, known: Known, novelty: Novelty, rng: np.random.Generator
    ) -> Floats | None:
        """Return a point that is free, shape (d,), or None if none is left."""
        shares = self.shares(known)
        kind = int(rng.choice(3, p=shares))
        if kind:
            incumbent = _incumbent(known.results, len(self._ladder) - 1)
            for _ in range(_TRIES):
                X = self._from_prior(rng) if kind == 1 else self._changed(incumbent, rng)
                X = X[novelty(X) & self._encoding.holds(X)]
                if len(X):
                    return np.asarray(X[0])
        return self._even(known, novelty, rng)

    def shares(self, known: Known) -> Floats:
        """Return the probabilities of an even draw, of the prior's, and of the incumbent's."""
        even = max(1.0 / (1.0 + self._ladder.eta**known.begin), _EVEN)
        incumbent = _incumbent(known.results, len(self._ladder) - 1)
        if not len(incumbent):
            return np.array([even, 1.0 - even, 0.0])
        X = self._elite(known.results)
        weights = np.log(np.arange(len(X), 0, -1))
        score = np.array(
            [
                special.logsumexp(weights + self._prior.log_density(X)),
                special.logsumexp(weights + self._log_near(incumbent[0], X)),
            ]
        )
        split = special.softmax(np.maximum(score, -1e6))
        return np.append(even, (1.0 - even) * split)

    def _elite(self, results: Results) -> Floats:
        """Return the best points of the highest rung with enough results, best first."""
        eta = self._ladder.eta
        for rung in range(len(self._ladder) - 1, -1, -1):
            rows = np.flatnonzero((results.level == rung) & results.data.feasible)
            if len(rows) >= eta or rung == 0:
                break
        else:
            rows = np.empty(0, dtype=np.int64)
        data = results.data.take(rows)
        order = by_front(data)[: max(math.ceil(len(rows) / eta), 1)]
        return np.asarray(data.X[order])

    def _from_prior(self, rng: np.random.Generator) -> Floats:
        return self._prior.draw(rng.random((1, self._encoding.space.dimension)))

    def _changed(self, incumbent: Floats, rng: np.random.Generator) -> Floats:
        """Return `incumbent`, shape (1, d), with some of its coordinates drawn near it."""
        draws = Draws(1.0, rng)
        near = np.column_stack(
            [k.draw(u, _WIDTH, draws) for k, u in zip(self._kernels, incumbent.T, strict=True)]
        )
        moved = rng.random(incumbent.shape) < _CHANGED
        return self._encoding.snap(np.where(moved, near, incumbent))

    def _log_near(self, x: Floats, X: Floats) -> Floats:
        """Return the log density of all that `x` may be changed to, relative to an even one."""
        columns = zip(self._encoding.axes, self._kernels, X.T, x, strict=True)
        logs = [_log_near(axis, kernel, u, v) for axis, kernel, u, v in columns]
        return np.asarray(np.sum(logs, axis=0))


def _log_near(axis: Axis, kernel: Kernel, u: Floats, v: float) -> Floats:
    """Return that of one coordinate, at `u`, shape (m,), where it was `v`."""
    if isinstance(axis.parameter, Permutation):
        # How many orders are near is not counted: the same one, or any.
        return np.where(u == v, math.log(_CHANGED * axis.parameter.size), math.log(_CHANGED))
    near = kernel.log(u, np.array([v]), _WIDTH)[:, 0]
    return np.asarray(near + (math.log(axis.levels) if axis.discrete else 0.0))


def _incumbent(results: Results, top: int) -> Floats:
    """Return the best point evaluated in full, shape (1, d), or (0, d) if there is none."""
    rows = np.flatnonzero((results.level == top) & results.data.feasible)
    data = results.data.take(rows)
    order: Ints = by_front(data)[:1]
    return np.asarray(data.X[order])
