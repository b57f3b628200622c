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

from hmserve.arrays import Floats, Mask
from hmserve.multiobjective.pareto import non_dominated
from hmserve.surrogate import feasibility
from hmserve.surrogate.base import Posterior
from hmserve.surrogate.feasibility import FeasibilityModel
from hmserve.surrogate.hyperprior import LengthPrior, kernel_prior
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import Memory, Regression, fitting_rows

_ALWAYS = 100
"""Up to this many evaluations, every ask fits the hyperparameters."""

_MOST = 1000
"""With more evaluations than this, models are conditioned on a subset of this size."""


class Data(NamedTuple):
    """Evaluations as arrays, in their order."""

    X: Floats  # (n, d)
    Y: Floats  # (n, m), NaN where nothing was measured
    feasible: Mask  # (n,)


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
        n = len(data.X)
        due = self._is_due(n)
        if due:
            self._fitted = n
        X = data.X[data.feasible]
        objectives = self._fit_objectives(X, Z, due, seed) if len(X) else ()
        classifier = None if data.feasible.all() else self._fit_feasibility(data, due, seed)
        return Models(objectives, classifier)

    def _is_due(self, n: int) -> bool:
        if self._interval is not None:
            return not self._fitted or n >= self._fitted + self._interval
        return n <= _ALWAYS or n >= 1.1 * self._fitted

    def _fit_objectives(
        self, X: Floats, Z: Floats, due: bool, seed: int
    ) -> tuple[Posterior, ...]:
        if len(self._memories) != Z.shape[1]:
            self._memories = [None] * Z.shape[1]
        models = []
        for k, z in enumerate(Z.T):
            if due or self._memories[k] is None:
                model, self._memories[k] = self._regression.fit(X, z, self._memories[k], seed)
            else:
                model = self._regression.condition(X, z, self._memories[k], seed)
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


def subset(data: Data, merit: Floats, rng: np.random.Generator) -> Data:
    """Return at most `_MOST` rows: the best half, the rest at random.

    The Pareto front comes before everything else: its ends are good in one objective alone.

    Args:
        data: All evaluations.
        merit: Smaller is better, shape (n,); infinite for infeasible rows.
        rng: Chooses the rest.
    """
    if len(data.X) <= _MOST:
        return data
    front = np.zeros(len(merit), dtype=bool)
    front[data.feasible] = non_dominated(data.Y[data.feasible])
    order = np.lexsort((merit, ~front))
    rest = rng.choice(order[_MOST // 2 :], _MOST - _MOST // 2, replace=False)
    rows = np.sort(np.concatenate([order[: _MOST // 2], rest]))
    return Data(data.X[rows], data.Y[rows], data.feasible[rows])
