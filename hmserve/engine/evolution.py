"""Evolution: HyperMapper's ``optimization_method: evolutionary_optimization``.

The fittest of a few members of the population, picked at random, has a child that differs in
a few parameters (Real et al. 2019). The population is read from the history: the best of all
evaluations, or the last ones, so that nothing else has to be remembered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hmserve.arrays import Floats
from hmserve.engine.archive import Archive
from hmserve.engine.fitness import Fittest, fitness_order
from hmserve.engine.history import History
from hmserve.engine.novelty import Novelty
from hmserve.engine.random_search import RandomProposer
from hmserve.randomness import stream
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
        self._living: _Living | None = None

    @property
    def state(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        del state

    def propose(
        self, history: History, n: int, first_id: int, *, quick: bool = False
    ) -> Sequence[Configuration]:
        del quick
        if self._living is None or self._living.history is not history:
            archive = Archive(history, self._encoding, self._objectives)
            self._living = _Living(archive, self._options)
        living, novelty = self._living, self._random.novelty(history)
        living.grow()
        chosen = [np.empty((0, len(self._encoding.axes)))]
        for i in range(n):
            rng = stream(self._seed, first_id + i)
            chosen.append(self._new(living.population(rng), novelty, rng))
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


class _Living:
    """Who may be of the population, as a history grows.

    Args:
        archive: The history as arrays.
        options: How many there are, and who leaves.
    """

    def __init__(self, archive: Archive, options: EvolutionOptions) -> None:
        self.history = archive.history
        self._archive = archive
        self._options = options
        self._data = archive.data
        self._fittest = Fittest(options.population, self._data.Y.shape[1])
        self._failed: list[int] = []
        self._grown = 0

    def grow(self) -> None:
        """Take in what was evaluated meanwhile."""
        self._data = X, Y, feasible, *_ = self._archive.data
        size, first = self._options.population, self._grown
        if self._options.regularised:  # the oldest have left
            first = max(len(X) - size, 0)
            self._fittest, self._failed = Fittest(size, Y.shape[1]), []
        rows = np.arange(first, len(X))
        good = rows[feasible[first:]]
        self._fittest.extend(good, Y[good])
        self._failed += rows[~feasible[first:]][: size - len(self._failed)].tolist()
        self._grown = len(X)

    def population(self, rng: np.random.Generator) -> Floats:
        """Return its points, the fittest first, shape (k, d); `rng` weighs objectives."""
        size, found = self._options.population, self._fittest
        fittest = found.rows[fitness_order(found.Y, rng, size)]
        # The infeasible come last: any of them, as long as there are too few others.
        rows = [*fittest.tolist(), *self._failed][:size]
        return np.asarray(self._data.X[rows])
