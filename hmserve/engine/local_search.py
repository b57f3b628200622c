"""Hill climbing that evaluates: HyperMapper's ``optimization_method: local_search``.

From the best of the first configurations, one after the other, and then from random ones:
evaluate neighbours and move to the best one known as soon as one is better, until none is.
Neighbours differ in one discrete parameter, or in one real parameter by a step, which is
halved where nothing gains (compass search; Kolda, Lewis and Torczon 2003).

Where the climb stands is the state; all else is read from the history.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hmserve.arrays import Floats
from hmserve.engine.archive import Archive
from hmserve.engine.history import History
from hmserve.engine.random_search import RandomProposer, distinct
from hmserve.randomness import stream
from hmserve.space.encoding import Encoding
from hmserve.space.space import Configuration

_STEP = 0.1
"""The first step of real parameters, in the unit cube."""

_HALVINGS = 7

Point = tuple[float, ...]
"""A row of X, as the state holds it."""


class Climb(NamedTuple):
    """Where a local search stands.

    Args:
        at: Whose neighbours are tried; None before the first start.
        halvings: How often the step of real parameters was halved there.
        waiting: Where the next climbs start; None before the first.
    """

    at: Point | None = None
    halvings: int = 0
    waiting: tuple[Point, ...] | None = None


class LocalSearchProposer:
    """Proposes the neighbours of the best point of its climb, in a random order.

    Args:
        objectives: Their names.
        weights: How much each of them counts once scaled to [0, 1] over what is known.
        random: Where climbs start when all of the first starts have ended.
        starts: How many of the first configurations to climb from, the best of them.
        seed: With the id of a trial it decides every draw made for that trial.
    """

    def __init__(
        self,
        objectives: Sequence[str],
        weights: Sequence[float],
        random: RandomProposer,
        starts: int,
        seed: int,
    ) -> None:
        self._objectives = tuple(objectives)
        self._weights = np.array(weights, dtype=float)
        self._random = random
        self._starts = starts
        self._seed = seed
        self._climb = Climb()
        self._known: _Known | None = None

    @property
    def state(self) -> Mapping[str, Any]:
        at, halvings, waiting = self._climb
        return {
            "at": None if at is None else list(at),
            "halvings": halvings,
            "waiting": None if waiting is None else [list(point) for point in waiting],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        at, waiting = state["at"], state["waiting"]
        self._climb = Climb(
            None if at is None else tuple(at),
            int(state["halvings"]),
            None if waiting is None else tuple(map(tuple, waiting)),
        )

    def propose(
        self, history: History, n: int, first_id: int, *, quick: bool = False
    ) -> Sequence[Configuration]:
        del quick
        rng = stream(self._seed, first_id)
        if self._known is None or self._known.history is not history:
            archive = Archive(history, self._random.encoding, self._objectives)
            self._known = _Known(archive, self._random.encoding)
        self._known.grow(self._weights)
        ground = _Ground(self._known, self._random)
        climb = self._advanced(ground, rng)
        points = _around(climb, n, ground, rng)
        ground.novelty.take(points)
        filling = self._random.points(n - len(points), ground.novelty, rng)
        if len(points) or len(filling):  # what proposes nothing leaves no trace in a journal
            self._climb = climb
        return self._random.encoding.decode(np.concatenate([points, filling]))

    def _advanced(self, ground: "_Ground", rng: np.random.Generator) -> Climb:
        """Return the climb after all the moves that what is known allows."""
        climb = self._climb
        if climb.waiting is None:
            climb = climb._replace(waiting=ground.best(self._starts))
        while True:
            if climb.at is None:
                climb = self._restarted(climb, ground, rng)
            if climb.at is None or ground.is_open(np.array([climb.at])):
                return climb
            around = ground.around(climb.at, climb.halvings)
            here, there = ground.loss(np.array([climb.at]))[0], ground.loss(around)
            if np.isfinite(here) and there.min(initial=np.inf) < here:
                climb = climb._replace(at=tuple(around[int(np.argmin(there))].tolist()))
            elif np.isfinite(here) and ground.is_open(around):
                return climb
            elif np.isfinite(here) and ground.has_reals and climb.halvings < _HALVINGS:
                climb = climb._replace(halvings=climb.halvings + 1)
            else:
                climb = climb._replace(at=None)

    def _restarted(self, climb: Climb, ground: "_Ground", rng: np.random.Generator) -> Climb:
        """Return the climb at its next start, or nowhere if no point is free."""
        if climb.waiting:
            return Climb(climb.waiting[0], 0, climb.waiting[1:])
        drawn = self._random.points(1, ground.novelty, rng)
        return Climb(tuple(drawn[0].tolist()) if len(drawn) else None, 0, ())


class _Known:
    """What was evaluated, as a history grows.

    Args:
        archive: The history as arrays.
        encoding: The space.
    """

    def __init__(self, archive: Archive, encoding: Encoding) -> None:
        self.history = archive.history
        self.X = archive.data.X[:0]
        self.losses = np.empty(0)
        self._archive = archive
        self._encoding = encoding
        self._row: dict[bytes, int] = {}

    def grow(self, weights: Floats) -> None:
        """Take in what was evaluated meanwhile.

        Losses are weighted sums of objectives scaled to [0, 1], infinite where infeasible.
        """
        first, (X, Y, feasible, *_) = len(self.X), self._archive.data
        new = X[first:]
        for points in (new, self._encoding.snap(new)):
            self._row.update(zip(_keys(points), range(first, len(X)), strict=True))
        self.X, self.losses = X, np.full(len(X), np.inf)
        if feasible.any():
            Y = Y[feasible] / 2.0  # so that the difference of any two is finite
            spread = np.ptp(Y, axis=0)
            Z = (Y - Y.min(0)) / np.where(spread > 0.0, spread, 1.0)
            self.losses[feasible] = Z @ weights

    def loss(self, X: Floats) -> Floats:
        """Return the losses of the rows of `X`, snapped, infinite where unknown."""
        rows = [self._row.get(key) for key in _keys(X)]
        return np.array([np.inf if row is None else self.losses[row] for row in rows])


class _Ground:
    """What is known of points, for one proposal.

    Args:
        known: The evaluations.
        random: Knows the space, and what is free.
    """

    def __init__(self, known: _Known, random: RandomProposer) -> None:
        history = known.history
        self._encoding: Encoding = random.encoding
        self._known = known
        self._reals = np.flatnonzero(~self._encoding.discrete)
        self.novelty = random.novelty(history)
        self.none = np.empty((0, len(self._encoding.axes)))
        pending = self._encoding.encode(trial.configuration for trial in history.awaited)
        # A real that was rounded to a value and back may have moved by a last bit.
        self._pending = {*_keys(pending), *_keys(self._encoding.snap(pending))}

    @property
    def has_reals(self) -> bool:
        """Whether there are steps to be halved."""
        return len(self._reals) > 0

    def best(self, n: int) -> tuple[Point, ...]:
        """Return the `n` best evaluated points, all feasible, best first."""
        losses = self._known.losses
        order = np.argsort(losses, kind="stable")[:n]
        order = order[np.isfinite(losses[order])]
        return tuple(tuple(row) for row in self._known.X[order].tolist())

    def loss(self, X: Floats) -> Floats:
        """Return the losses of the rows of `X`, infinite where unknown or infeasible."""
        return self._known.loss(self._encoding.snap(X))

    def is_open(self, X: Floats) -> bool:
        """Whether a row of `X` is free, or awaited."""
        keys = _keys(self._encoding.snap(X))
        return bool(self.novelty(X).any()) or any(key in self._pending for key in keys)

    def around(self, at: Point, halvings: int) -> Floats:
        """Return the neighbours of a point, shape (m, d)."""
        x, step = np.array(at), _STEP * 0.5**halvings
        blocks = [self._encoding.neighbours(x)]
        for j in self._reals:
            moved = np.stack([x, x])
            moved[:, j] = np.clip(x[j] + np.array([-step, step]), 0.0, 1.0)
            blocks.append(self._encoding.snap(moved))
        return distinct(np.concatenate(blocks))

    def free(self, at: Point, halvings: int) -> Floats:
        """Return a point itself if it is free, its free neighbours if its loss is known."""
        x = np.array([at])
        if self.novelty(x)[0]:
            return x
        around = self.around(at, halvings) if np.isfinite(self.loss(x)[0]) else self.none
        return np.asarray(around[self.novelty(around)])


def _around(climb: Climb, n: int, ground: _Ground, rng: np.random.Generator) -> Floats:
    """Return at most `n` points to try from where the climb is.

    Where it has fewer, the neighbours of the next starts make up the number.
    """
    found = ground.none
    for at, halvings in [(climb.at, climb.halvings), *((x, 0) for x in climb.waiting or ())]:
        if at is not None and len(found) < n:
            found = distinct(
                np.concatenate([found, rng.permutation(ground.free(at, halvings))])
            )
    return found[:n]


def _keys(X: Floats) -> list[bytes]:
    return [row.tobytes() for row in np.ascontiguousarray(X)]
