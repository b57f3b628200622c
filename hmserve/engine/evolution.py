"""Evolution: HyperMapper's ``optimization_method: evolutionary_optimization``.

The fittest of a few members of the population, picked at random, has a child that differs in
a few parameters (Real et al. 2019). The population is read from the history: the best of all
evaluations, or the last ones, so that nothing else has to be remembered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hmserve.arrays import Floats, Ints
from hmserve.engine.history import History
from hmserve.engine.novelty import Novelty
from hmserve.engine.random_search import RandomProposer
from hmserve.multiobjective.pareto import non_dominated
from hmserve.multiobjective.scalarize import hypervolume_weights, tchebyshev
from hmserve.space.space import Configuration

_ATTEMPTS = 20
_CHILDREN = 8
"""How many children of one pair are looked at for a new one."""

_NEAR = 0.5
"""How often a number moves by a step instead of being drawn anew."""


@dataclass(frozen=True, slots=True)
class EvolutionOptions:
    """HyperMapper's options.

    Args:
        population: ``evolution_population_size``.
        tournament: ``batch_size``: of how many members the fittest is a parent.
        mutations: ``mutation_rate``: in how many parameters a child differs.
        crossover: ``evolution_crossover``: whether the two fittest of at least three have
            the child together.
        regularised: ``regularize_evolution``: whether the oldest leave, not the worst.
    """

    population: int = 50
    tournament: int = 2
    mutations: int = 1
    crossover: bool = False
    regularised: bool = False


class EvolutionProposer:
    """Proposes children of what has done well.

    Args:
        objectives: Their names.
        options: How children come about.
        random: Draws the parameters that mutate, and what is proposed without parents.
        seed: With the id of a trial it decides every draw made for that trial.
    """

    def __init__(
        self,
        objectives: Sequence[str],
        options: EvolutionOptions,
        random: RandomProposer,
        seed: int,
    ) -> None:
        self._objectives = tuple(objectives)
        self._options = options
        self._random = random
        self._encoding = random.encoding
        self._seed = seed

    @property
    def state(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        del state

    def propose(self, history: History, n: int, first_id: int) -> Sequence[Configuration]:
        novelty = self._random.novelty(history)
        evaluations = history.evaluations
        if self._options.regularised:
            evaluations = evaluations[-self._options.population :]
        X = self._encoding.encode(e.trial.configuration for e in evaluations)
        feasible = np.array([e.feasible for e in evaluations], dtype=bool)
        good = [e.objectives for e in evaluations if e.feasible]
        Y = np.array([[found[name] for name in self._objectives] for found in good])
        chosen = [np.empty((0, X.shape[1]))]
        for i in range(n):
            rng = np.random.default_rng([self._seed, first_id + i])
            # The infeasible come last: any of them, as long as there are too few others.
            order = np.concatenate(
                [np.flatnonzero(feasible)[fitness_order(Y, rng)], np.flatnonzero(~feasible)]
            )
            population = X[order[: self._options.population]]
            chosen.append(self._new(population, novelty, rng))
            novelty.take(chosen[-1])
        return self._encoding.decode(np.concatenate(chosen))

    def _new(self, population: Floats, novelty: Novelty, rng: np.random.Generator) -> Floats:
        """Return a free child, else a free point, shape (1, d); (0, d) if none is free."""
        for _ in range(_ATTEMPTS if len(population) else 0):
            children = self._mutated(self._parents(population, rng), rng)
            free = children[novelty(children)]
            if len(free):
                return np.asarray(free[:1])
        if len(population):
            # Where known constraints are tight, hardly anything but neighbours holds them.
            around = self._encoding.neighbours(population[0])
            free = around[novelty(around)]
            if len(free):
                return np.asarray(rng.permutation(free)[:1])
        return self._random.points(1, novelty, rng)

    def _parents(self, population: Floats, rng: np.random.Generator) -> Floats:
        """Return what is to mutate, shape (children, d); `population` is best first."""
        size = min(self._options.tournament, len(population))
        entrants = np.sort(rng.choice(len(population), size, replace=False))
        parents = np.tile(population[entrants[0]], (_CHILDREN, 1))
        if self._options.crossover and size >= 3:
            other = population[entrants[1]]
            parents = np.where(rng.random(parents.shape) < 0.5, parents, other)
        return parents

    def _mutated(self, X: Floats, rng: np.random.Generator) -> Floats:
        """Return the rows of `X` with as many parameters changed as there are mutations."""
        few = np.argsort(rng.random(X.shape), axis=1)[:, : self._options.mutations]
        changes = np.zeros(X.shape, dtype=bool)
        np.put_along_axis(changes, few, True, axis=1)
        anew = self._random.draw(len(X), rng)
        if len(anew) < len(X):  # hardly anything satisfies the known constraints
            anew = self._encoding.draw(rng.random(X.shape))
        # Steps of all sizes: a new value alone would never settle in a valley.
        sizes = 10.0 ** rng.uniform(-3.5, -0.5, X.shape)
        stepped = np.clip(X + sizes * rng.standard_normal(X.shape), 0.0, 1.0)
        near = (rng.random(X.shape) < _NEAR) & ~self._encoding.categorical
        return self._encoding.snap(np.where(changes, np.where(near, stepped, anew), X))


def fitness_order(Y: Floats, rng: np.random.Generator) -> Ints:
    """Return the rows of `Y`, to be minimised, from the fittest to the least fit.

    With several objectives: front after front, each in the order of a random scalarisation,
    so that every part of a front has its turn.

    Args:
        Y: Objectives, shape (n, m).
        rng: Draws the weights of several objectives.
    """
    if len(Y) == 0:
        return np.empty(0, dtype=np.int64)
    if Y.shape[1] == 1:
        return np.argsort(Y[:, 0], kind="stable")
    numbers = front_numbers(Y)
    Y = Y / 2.0  # so that the difference of any two is finite
    front = Y[numbers == 0]
    spread = np.maximum(np.ptp(front, axis=0), 1e-300)
    with np.errstate(over="ignore"):
        Z = np.clip((Y - front.min(0)) / spread, -1e9, 1e9)
    return np.lexsort((tchebyshev(Z, hypervolume_weights(Y.shape[1], rng)), numbers))


def front_numbers(Y: Floats) -> Ints:
    """Return 0 for what nothing dominates, 1 for what is then not dominated, and so on."""
    numbers = np.zeros(len(Y), dtype=np.int64)
    left = np.arange(len(Y))
    while len(left):
        front = non_dominated(Y[left])
        left = left[~front]
        numbers[left] += 1
    return numbers
