"""The models an ask needs, fitted to a history, and what they remember of the last fit.

Hyperparameters are fitted at every ask while there are few data, later when there are a tenth
more of them, until there are as many as models are conditioned on: a function of the history.
What was fitted is kept as plain numbers, so that a resumed run starts its next fit where the
uninterrupted one would.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.multiobjective.pareto import non_dominated
from hmserve.surrogate import feasibility
from hmserve.surrogate.base import Posterior
from hmserve.surrogate.feasibility import FeasibilityModel
from hmserve.surrogate.hyperprior import LengthPrior, kernel_prior
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import Before, Memory, Regression, fitting_rows

_ALWAYS = 100
"""Up to this many evaluations, every ask fits the hyperparameters."""

_LAST = 100
"""How many of the last evaluations are in every subset."""

_MOST = 1000
"""With more evaluations than this, models are conditioned on a subset of this size."""


class Data(NamedTuple):
    """Evaluations as arrays, in their order."""

    X: Floats  # (n, d)
    Y: Floats  # (n, m), NaN where nothing was measured
    feasible: Mask  # (n,)
    omitted: int = 0  # how many evaluations there are besides
    settled: int = 0  # of a subset: how many rows later ones begin with as well


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """Fitted models of one ask.

    Args:
        objectives: One a column of targets; empty while nothing is feasible.
        feasibility: None while nothing was infeasible: a constraint never violated is free.
    """

    objectives: tuple[Posterior, ...]
    feasibility: FeasibilityModel | None

    def believe(self, P: Floats) -> "Models":
        """Return the models with their means taken for true at `P`, shape (p, d)."""
        if not len(P):
            return self
        return Models(
            tuple(model.believe(P) for model in self.objectives),
            self.feasibility.believe(P) if self.feasibility else None,
        )


class Modeller:
    """Fits models, and remembers hyperparameters between fits.

    Args:
        regression: The kind of model of an objective.
        kernel: The kernel of the feasibility model.
        interval: Fit again after so many new evaluations; None: as said above.
    """

    def __init__(
        self, regression: Regression, kernel: Kernel, interval: int | None = None
    ) -> None:
        self._interval = interval
        self._regression = regression
        self._kernel = kernel
        numeric = np.zeros(kernel.dimension)
        numeric[kernel.numeric] = 1.0
        self._prior = kernel_prior(numeric, LengthPrior(-1.5, 1.0), (4.0, 1.0))
        self._memories: list[Memory] = []
        self._feasibility: Memory = None
        self._fitted = 0

    @property
    def state(self) -> Mapping[str, Any]:
        """What the last fit left behind, as plain JSON values."""
        return {
            "objectives": list(self._memories),
            "feasibility": self._feasibility,
            "fitted": self._fitted,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self._memories = list(state["objectives"])
        self._feasibility = state["feasibility"]
        self._fitted = int(state["fitted"])

    def fit(self, data: Data, Z: Floats, seed: int) -> Models:
        """Return the models of `data`.

        Args:
            data: All evaluations.
            Z: Targets of the feasible rows, shape (number feasible, columns).
            seed: For models that draw.
        """
        n = len(data.X) + data.omitted
        due = self._is_due(n)
        self._fitted = n if due else self._fitted
        objectives = self._fit_objectives(data, Z, due, seed) if len(Z) else ()
        if data.feasible.all():
            return Models(objectives, None)
        return Models(objectives, self._fit_feasibility(data, due, seed))

    def _is_due(self, n: int) -> bool:
        if self._interval is not None:
            return not self._fitted or n >= self._fitted + self._interval
        return n <= _ALWAYS or n >= 1.1 * self._fitted

    def _fit_objectives(
        self, data: Data, Z: Floats, due: bool, seed: int
    ) -> tuple[Posterior, ...]:
        if len(self._memories) != Z.shape[1]:
            self._memories = [None] * Z.shape[1]
        X, models = data.X[data.feasible], []
        kept = int(data.feasible[: data.settled or self._fitted].sum())
        for k, z in enumerate(Z.T):
            memory = self._memories[k]
            if due or memory is None:
                model, self._memories[k] = self._regression.fit(X, z, memory, seed)
            else:
                before = Before(memory, kept or len(X))
                model = self._regression.condition(X, z, before, seed)
            models.append(model)
        return tuple(models)

    def _fit_feasibility(self, data: Data, due: bool, seed: int) -> FeasibilityModel:
        if due or self._feasibility is None:
            starts = [self._prior.location]
            if self._feasibility is not None:
                starts.insert(0, np.array(self._feasibility))
            rows = fitting_rows(len(data.X), seed)
            theta = feasibility.maximum_a_posteriori(
                self._kernel, data.X[rows], data.feasible[rows], self._prior, starts
            )
            self._feasibility = theta.tolist()
        theta = np.array(self._feasibility)
        return FeasibilityModel.condition(self._kernel, theta, data.X, data.feasible)


def subset(data: Data, seed: int) -> Data:
    """Return at most `_MOST` rows: the last few, of the others half at random, half the best.

    The Pareto front comes before everything else: its ends are good in one objective alone.
    While the last few grow in number the rest stays: its factor is computed once.

    Args:
        data: All evaluations.
        seed: Chooses the rest.
    """
    n = len(data.X)
    if n <= _MOST:
        return data
    settled = n - (n - _MOST) % _LAST
    X, Y, feasible, *_ = data
    order = _by_merit(Y[:settled], feasible[:settled])
    room = _MOST - _LAST
    rng = np.random.default_rng([seed, settled])
    rest = rng.choice(order[room // 2 :], room - room // 2, replace=False)
    rows = np.sort(np.concatenate([order[: room // 2], rest]))
    rows = np.concatenate([rows, np.arange(settled, n)])
    return Data(X[rows], Y[rows], feasible[rows], n - len(rows), room)


def _by_merit(Y: Floats, feasible: Mask) -> Ints:
    """Return the rows of `Y`, best first."""
    front = np.zeros(len(Y), dtype=bool)
    front[feasible] = non_dominated(Y[feasible])
    return np.lexsort((merit(Y, feasible), ~front))


def merit(Y: Floats, feasible: Mask) -> Floats:
    """Return how good each row is, smaller is better: mean rank over the objectives.

    Args:
        Y: Objectives, shape (n, m).
        feasible: Which rows count, shape (n,); the others' merit is infinite.
    """
    merit = np.full(len(Y), np.inf)
    if feasible.any():
        ranks = np.argsort(np.argsort(Y[feasible], axis=0, kind="stable"), axis=0)
        merit[feasible] = ranks.mean(1)
    return merit
