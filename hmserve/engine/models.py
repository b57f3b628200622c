"""The models an ask needs, fitted to a history, and what they remember of the last fit.

Hyperparameters are fitted at every ask while there are few data, later when there are a tenth
or fifty more of them: a function of the history.
What was fitted is kept as plain numbers, so that a resumed run starts its next fit where the
uninterrupted one would.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.engine.measured import Measured, targets
from hmserve.multiobjective.pareto import non_dominated
from hmserve.randomness import stream
from hmserve.surrogate import feasibility
from hmserve.surrogate.base import Posterior
from hmserve.surrogate.feasibility import FeasibilityModel
from hmserve.surrogate.gp import GaussianProcess
from hmserve.surrogate.hyperprior import LengthPrior, kernel_prior
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.limits import WithinLimits
from hmserve.surrogate.regression import Before, Memory, Regression, fitting_rows

_ALWAYS = 100
"""Up to this many evaluations, every ask fits the hyperparameters."""

_LAST = 100
"""How many of the last evaluations are in every subset."""

_SELDOM = 50
"""However many evaluations there are, so many more are worth a fit: one may be unlucky."""

_GROWN, _ENOUGH, _MUCH_GROWN = 1.4, 150, 4.0
"""Where proposals have to be quick: by what the number of evaluations has to have grown before
a fit, up to so many, and by what beyond that, where a fit takes as long as many proposals."""

_MOST = 1000
"""With more evaluations than this, models are conditioned on a subset of this size."""


class Data(NamedTuple):
    """Evaluations as arrays, in their order."""

    X: Floats  # (n, d)
    Y: Floats  # (n, m), NaN where nothing was measured
    feasible: Mask  # (n,)
    omitted: int = 0  # how many evaluations there are besides
    settled: int = 0  # of a subset: how many rows later ones begin with as well
    measured: Measured | None = None  # None where the scenario has no such constraints

    def take(self, rows: Ints) -> "Data":
        """Return some of the rows."""
        X, Y, feasible, *_, known = self
        part = None if known is None else known.take(rows)
        return Data(X[rows], Y[rows], feasible[rows], measured=part)

    @property
    def valued(self) -> Mask:
        """Which rows have objectives that are values, shape (n,)."""
        if self.measured is None:
            return self.feasible
        return self.feasible | (self.measured.violated & np.isfinite(self.Y).all(1))

    @property
    def best(self) -> Ints:
        """The rows in the order of their merit; infeasible ones come last."""
        first = merit(self.Y, self.feasible)
        if self.measured is None:
            return np.argsort(first, kind="stable")
        return np.lexsort((self.measured.excess, ~self.valued, first))

    @property
    def slacks(self) -> Sequence[tuple[Floats, Mask]]:
        """Targets of the models of measured constraints, and the rows that have them."""
        if self.measured is None:
            return ()
        known = np.isfinite(self.measured.slack)
        return [
            (targets(g[rows]), rows)
            for g, rows in zip(self.measured.slack.T, known.T, strict=True)
            if rows.any()
        ]

    @property
    def judged(self) -> tuple[Floats, Mask]:
        """Return points and whether they worked, measured constraints apart."""
        if self.measured is None:
            return self.X, self.feasible
        violated = self.measured.violated
        told = ~violated if self.measured.column else np.ones(len(self.X), dtype=bool)
        return self.X[told], (self.feasible | violated)[told]


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """Fitted models of one ask.

    Args:
        objectives: One a column of targets; empty while nothing is feasible.
        feasibility: None while nothing was infeasible: a constraint never violated is free.
        limits: The model of measured constraints; None where there are none.
    """

    objectives: tuple[Posterior, ...]
    feasibility: FeasibilityModel | None
    limits: WithinLimits | None = None

    def doubted(self, share: float) -> "Models":
        """Return the models, those of objectives with length scales that are `share` of these.

        Forests have none and stay what they are.
        """
        processes = [
            model.doubted(share) if isinstance(model, GaussianProcess) else model
            for model in self.objectives
        ]
        return replace(self, objectives=tuple(processes))

    def believe(self, P: Floats) -> "Models":
        """Return the models with their means taken for true at `P`, shape (p, d)."""
        if not len(P):
            return self
        return Models(
            tuple(model.believe(P) for model in self.objectives),
            self.feasibility.believe(P) if self.feasibility else None,
            self.limits.believe(P) if self.limits else None,
        )


class Column(NamedTuple):
    """What one model is fitted to."""

    X: Floats  # (n, d)
    z: Floats  # (n,)
    first: int  # how many rows the last fit had, if that is known

    @classmethod
    def of(cls, X: Floats, z: Floats, rows: Mask, first: int) -> "Column":
        """Return the column of some of the `rows` of `X`, of which `first` are not new."""
        return cls(X[rows], z, int(rows[:first].sum()) or len(z))


class Columns:
    """Fits one model a column, and remembers its hyperparameters between fits.

    Args:
        regression: The kind of model.
    """

    def __init__(self, regression: Regression) -> None:
        self._regression = regression
        self.memories: list[Memory] = []

    def fit(self, columns: Sequence[Column], due: bool, seed: int) -> tuple[Posterior, ...]:
        """Return the models of `columns`; hyperparameters are fitted if that is `due`."""
        if len(self.memories) != len(columns):
            self.memories = [None] * len(columns)
        models = []
        for k, (X, z, first) in enumerate(columns):
            memory = self.memories[k]
            if due or memory is None:
                model, self.memories[k] = self._regression.fit(X, z, memory, seed)
            else:
                model = self._regression.condition(X, z, Before(memory, first), seed)
            models.append(model)
        return tuple(models)

    def afresh(self, X: Floats, z: Floats, seed: int) -> Posterior:
        """Return a model of other rows; what is remembered is neither used nor changed."""
        model, _ = self._regression.fit(X, z, None, seed)
        return model


class Modeller:
    """Fits models, and remembers hyperparameters between fits.

    Args:
        regression: The kind of model of an objective.
        kernel: The kernel of the feasibility model.
        interval: Fit again after so many new evaluations; None: as said above.
        slacks: The kind of model of a measured constraint, which has to have gradients; None
            for that of an objective.
    """

    def __init__(
        self,
        regression: Regression,
        kernel: Kernel,
        interval: int | None = None,
        slacks: Regression | None = None,
    ) -> None:
        self._interval = interval
        self._kernel = kernel
        numeric = np.zeros(kernel.dimension)
        numeric[kernel.numeric] = 1.0
        self._prior = kernel_prior(numeric, LengthPrior(-1.5, 1.0), (4.0, 1.0))
        self._objectives = Columns(regression)
        self._slacks = Columns(slacks or regression)
        self._feasibility: Memory = None
        self._fitted = 0

    @property
    def state(self) -> Mapping[str, Any]:
        """What the last fit left behind, as plain JSON values."""
        state: dict[str, Any] = {
            "objectives": list(self._objectives.memories),
            "feasibility": self._feasibility,
            "fitted": self._fitted,
        }
        if self._slacks.memories:
            state["constraints"] = list(self._slacks.memories)
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self._objectives.memories = list(state["objectives"])
        self._slacks.memories = list(state.get("constraints", ()))
        self._feasibility = state["feasibility"]
        self._fitted = int(state["fitted"])

    def fit(self, data: Data, Z: Floats, seed: int, *, quick: bool = False) -> Models:
        """Return the models of `data`.

        Args:
            data: All evaluations.
            Z: Targets of the rows with values, shape (number of them, columns).
            seed: For models that draw.
            quick: Whether hyperparameters may be older than they are else.
        """
        n = len(data.X) + data.omitted
        due = self._is_due(n) and not (quick and self._is_good(n))
        self._fitted = n if due else self._fitted
        first = data.settled or self._fitted
        objectives: tuple[Posterior, ...] = ()
        if len(Z):
            columns = [Column.of(data.X, z, data.valued, first) for z in Z.T]
            objectives = self._objectives.fit(columns, due, seed)
        columns = [Column.of(data.X, *slack, first) for slack in data.slacks]
        slacks = self._slacks.fit(columns, due, seed)
        limits = WithinLimits(slacks) if slacks else None
        X, worked = data.judged
        if worked.all():
            return Models(objectives, None, limits)
        return Models(objectives, self._fit_feasibility(X, worked, due, seed), limits)

    def afresh(self, X: Floats, z: Floats, seed: int) -> Posterior:
        """Return a model of some targets alone, shape (n,), as if it were the first one."""
        return self._objectives.afresh(X, z, seed)

    def _is_due(self, n: int) -> bool:
        if self._interval is not None:
            return not self._fitted or n >= self._fitted + self._interval
        return n <= _ALWAYS or n >= self._fitted + min(0.1 * self._fitted, _SELDOM)

    def _is_good(self, n: int) -> bool:
        """Whether the last fit will do with `n` evaluations."""
        grown = _GROWN if self._fitted < _ENOUGH else _MUCH_GROWN
        return n < grown * self._fitted

    def _fit_feasibility(
        self, X: Floats, worked: Mask, due: bool, seed: int
    ) -> FeasibilityModel:
        if due or self._feasibility is None:
            starts = [self._prior.location]
            if self._feasibility is not None:
                starts.insert(0, np.array(self._feasibility))
            rows = fitting_rows(len(X), seed)
            theta = feasibility.maximum_a_posteriori(
                self._kernel, X[rows], worked[rows], self._prior, starts
            )
            self._feasibility = theta.tolist()
        theta = np.array(self._feasibility)
        return FeasibilityModel.condition(self._kernel, theta, X, worked)


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
    order = _by_merit(data.take(np.arange(settled)))
    room = _MOST - _LAST
    rng = stream(seed, settled)
    rest = rng.choice(order[room // 2 :], room - room // 2, replace=False)
    rows = np.sort(np.concatenate([order[: room // 2], rest]))
    rows = np.concatenate([rows, np.arange(settled, n)])
    return data.take(rows)._replace(omitted=n - len(rows), settled=room)


def _by_merit(data: Data) -> Ints:
    """Return the rows of `data`, those of the front first."""
    Y, feasible = data.Y, data.feasible
    front = np.zeros(len(Y), dtype=bool)
    front[feasible] = non_dominated(Y[feasible])
    best = data.best
    return best[np.argsort(~front[best], kind="stable")]


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
