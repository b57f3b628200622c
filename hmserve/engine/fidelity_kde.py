"""The sampler of BOHB (Falkner, Klein and Hutter 2018): densities of good and of bad results.

    l(x)  the density of the best results at a rung, g(x) that of the others

A proposal is the candidate of largest l / g, which is the one of largest expected improvement
if both are right (Bergstra et al. 2011). One result that could be anywhere is added to the
bad ones: far from all of them l / g would tell of tails alone, and be largest there. The
model is that of the highest rung with enough results, unless it ranks the other way than
higher ones. What failed is bad and never good; what
is pending is bad as long as it is out.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from hmserve.arrays import Floats, Ints
from hmserve.engine.fidelity_data import Results, by_front, standings
from hmserve.engine.fidelity_guide import Choose, Known
from hmserve.engine.novelty import Novelty
from hmserve.space.encoding import Encoding
from hmserve.surrogate.density import Density, Draws, kernels

_ROUNDS = 4
"""So often candidates are drawn until one is free."""


class DensityOptions(NamedTuple):
    """BOHB's parameters.

    Args:
        top_n_percent: So many of the results are good ones.
        min_samples_in_model: What each density needs; None: one more than parameters.
        num_samples: Candidates of which the best is proposed.
        bandwidth_factor: How much wider candidates are drawn than the density is.
        min_bandwidth: The narrowest a kernel gets.
    """

    top_n_percent: float = 15
    min_samples_in_model: int | None = None
    num_samples: int = 64
    bandwidth_factor: float = 3.0
    min_bandwidth: float = 1e-3


class Split(NamedTuple):
    """Rows of the results: those of the good and those of the bad density."""

    good: Ints
    bad: Ints


class DensityGuide:
    """Chooses by densities.

    Args:
        encoding: The space.
        options: BOHB's parameters.
    """

    def __init__(self, encoding: Encoding, options: DensityOptions) -> None:
        self._encoding = encoding
        self._options = options
        self._kernels = kernels(encoding)
        fewest = len(encoding.axes) + 1
        self._fewest = max(options.min_samples_in_model or fewest, fewest)

    @property
    def state(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        del state

    def begin(self, known: Known, rng: np.random.Generator) -> Choose | None:
        del rng
        split = self.split(known.results)
        if split is None:
            return None
        X = known.results.data.X
        good = self._density(X[split.good])

        def choose(P: Floats, novelty: Novelty, rng: np.random.Generator) -> Floats | None:
            bad = self._density(np.concatenate([X[split.bad], known.out, P]))
            return self._best(good, bad, novelty, rng)

        return choose

    def split(self, results: Results) -> Split | None:
        """Return good and bad rows of the highest rung that has enough; None if none has."""
        rungs = (found.rung for found in standings(results) if not found.is_down)
        found = (self._split(results, rung) for rung in rungs)
        return next((split for split in found if split is not None), None)

    def _split(self, results: Results, rung: int) -> Split | None:
        rows = np.flatnonzero(results.level == rung)
        feasible = int(results.data.feasible[rows].sum())
        if feasible < self._fewest or len(rows) < 2 * self._fewest:
            return None
        order = rows[by_front(results.data.take(rows))]
        share = self._options.top_n_percent / 100.0
        good = max(self._fewest, int(share * len(rows)))
        good = min(good, feasible, len(rows) - self._fewest)
        bad = max(self._fewest, int((1.0 - share) * len(rows)))
        return Split(order[:good], order[good : good + bad])

    def _density(self, X: Floats) -> Density:
        active = self._encoding.active(X)
        return Density.fit(self._kernels, X, active, self._options.min_bandwidth)

    def _best(
        self, good: Density, bad: Density, novelty: Novelty, rng: np.random.Generator
    ) -> Floats | None:
        draws = Draws(self._options.bandwidth_factor, rng)
        for _ in range(_ROUNDS):
            X = self._encoding.snap(good.draw(self._options.num_samples, draws))
            X = X[novelty(X)]
            if len(X):
                active = self._encoding.active(X)
                gain = good.log(X, active) - bad.log_with_doubt(X, active)
                return np.asarray(X[int(np.argmax(gain))])
        return None
