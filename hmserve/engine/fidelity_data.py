"""What is known at each fidelity, as arrays, and how far the fidelities agree.

Rungs are numbered from the lowest, 0. What was measured between two of them, or below the
lowest, counts at the one below it, or at the lowest.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.engine.archive import Archive, Rows
from hmserve.engine.history import History
from hmserve.engine.measured import Limited
from hmserve.engine.models import Data
from hmserve.fidelity.rungs import Ladder, reaches
from hmserve.multiobjective.pareto import non_dominated
from hmserve.space.encoding import Encoding
from hmserve.trial import Trial

_CLEAR = 1.0
"""So many standard errors above even odds agreement has to be, to be clear."""

_SURE = 2.0
"""So many below it has to be for a rung to be taken as upside down."""

_TRUST = 3.0
"""So many agreeing results are supposed next to the full fidelity, at the lowest none."""

_ENOUGH = 3
"""Of fewer configurations no spread is taken."""

_OTHER = 4.0
"""Units that differ by less than this factor are the same."""


def level(ladder: Ladder, fidelity: float | None) -> int:
    """Return the rung of `ladder` at which a result of `fidelity` counts."""
    if fidelity is None:
        return len(ladder) - 1
    return max(sum(reaches(fidelity, step) for step in ladder.fidelities) - 1, 0)


def places(ladder: Ladder) -> Floats:
    """Return where each rung lies between 0 and 1, in the logarithm of the fidelity."""
    logs = np.log(np.array(ladder.fidelities))
    return (logs - logs[0]) / (logs[-1] - logs[0]) if len(logs) > 1 else np.ones(1)


class Results(NamedTuple):
    """Evaluations as arrays, in their order.

    Args:
        data: Points, objectives, feasibility.
        level: The rung of each, shape (n,).
    """

    data: Data
    level: Ints

    def at(self, rows: Ints) -> "Results":
        """Return some of them."""
        return Results(self.data.take(rows), self.level[rows])


class FidelityArchive:
    """Grows with a history, whose evaluations are only appended.

    Args:
        history: What is turned into arrays.
        encoding: Turns configurations into points.
        data: The names of the objectives, and the measured constraints; None without any.
        ladder: The fidelities in use.
    """

    def __init__(
        self,
        history: History,
        encoding: Encoding,
        data: tuple[Sequence[str], Limited | None],
        ladder: Ladder,
    ) -> None:
        self.history = history
        self._archive = Archive(history, encoding, *data)
        self._ladder = ladder
        self._encoding = encoding
        self._levels = Rows(1)

    @property
    def results(self) -> Results:
        """All evaluations of the history now; the arrays are not to be written to."""
        new = self.history.evaluations[len(self._levels) :]
        levels = [level(self._ladder, e.trial.fidelity) for e in new]
        self._levels.extend(np.array(levels, dtype=float).reshape(len(new), 1))
        return Results(self._archive.data, self._levels.all[:, 0].astype(np.int64))

    def out(self, trials: Sequence[Trial]) -> tuple[Floats, Ints]:
        """Return points, shape (p, d), and rungs, shape (p,), of `trials`."""
        levels = [level(self._ladder, trial.fidelity) for trial in trials]
        points = self._encoding.encode(trial.configuration for trial in trials)
        return points, np.array(levels, dtype=np.int64)


def by_front(data: Data) -> Ints:
    """Return the rows of `data`, best first: by front, then by crowding; infeasible ones last.

    With one objective by its value; ties in their order. Infeasible ones by how much they
    violate, as far as that is measured.
    """
    order = data.best
    good = int(data.feasible.sum())
    if data.Y.shape[1] == 1 or good < 2:
        return order
    rows = np.sort(order[:good])
    fronts = []
    while len(rows):
        front = non_dominated(data.Y[rows])
        inside = rows[front]
        fronts.append(inside[np.argsort(-crowding(data.Y[inside]), kind="stable")])
        rows = rows[~front]
    return np.concatenate([*fronts, order[good:]])


def crowding(Y: Floats) -> Floats:
    """Return how far the neighbours of each row of a front are apart (Deb et al. 2002), (n,).

    Infinite at its ends.
    """
    distance = np.zeros(len(Y))
    for y in Y.T / 2.0:  # halves, so that differences are finite
        order = np.argsort(y, kind="stable")
        width = y[order[-1]] - y[order[0]]
        distance[order[[0, -1]]] = np.inf
        if width > 0.0 and len(Y) > 2:
            distance[order[1:-1]] += (y[order[2:]] - y[order[:-2]]) / width
    return distance


def aligned(results: Results) -> Floats:
    """Return the objectives in the units of the highest rung, shape (n, m).

    What is several times as wide or far away at another rung, as a sum over the data is, has
    other units there; what differs by less is left to models. From rung to rung units are
    compared on configurations seen at both. Where these are too few, as at the top, they are
    taken to change as they did below.
    """
    rungs = np.unique(results.level)
    Y = results.data.Y.copy()
    ratio = np.ones(Y.shape[1])
    for low, high in itertools.pairwise(rungs):
        both = pairs(results, int(low), int(high))
        ratio, offset = _units(results.data.Y, both, ratio)
        below = results.level <= low
        Y[below] = Y[below] * ratio + offset
    return Y


def _units(Y: Floats, both: "Pairs", before: Floats) -> tuple[Floats, Floats]:
    """Return by what to multiply values of a rung, and what to add, to have those of the next.

    Args:
        Y: Objectives, shape (n, m).
        both: Rows of the same configurations at the two rungs.
        before: The factors from the rung below to this one, shape (m,).
    """
    m = Y.shape[1]
    if len(both.low) == 0:
        return before, np.zeros(m)
    low, high = Y[both.low] / 2.0, Y[both.high] / 2.0  # halves: differences are finite
    wide, wider = np.std(low, axis=0), np.std(high, axis=0)
    known = (len(low) >= _ENOUGH) & (wide > 0.0) & (wider > 0.0)
    ratio = np.where(known, wider / np.where(known, wide, 1.0), before)
    ratio = np.where((ratio > _OTHER) | (ratio < 1.0 / _OTHER), ratio, 1.0)
    offset = 2.0 * np.median(high - low * ratio, axis=0)
    far = np.abs(offset) > _OTHER * 2.0 * np.maximum(wide * ratio, wider)
    return ratio, np.where(far & known | (ratio != 1.0), offset, 0.0)


class Pairs(NamedTuple):
    """Configurations seen at two rungs: the rows of their results, shape (p,) each."""

    low: Ints
    high: Ints


def pairs(results: Results, low: int, high: int) -> Pairs:
    """Return the feasible configurations that were seen at rung `low` and at rung `high`.

    Of several results of one configuration at a rung the last one counts.
    """
    usable = results.data.feasible
    rows = [np.flatnonzero(usable & (results.level == rung)) for rung in (low, high)]
    last = [{results.data.X[i].tobytes(): int(i) for i in found} for found in rows]
    shared = [key for key in last[0] if key in last[1]]
    ends = [np.array([seen[key] for key in shared], dtype=np.int64) for seen in last]
    return Pairs(*ends)


def agreement(first: Floats, second: Floats) -> tuple[float, float]:
    """Return how many of the pairs of n rows are in the same order twice, and in another.

    Args:
        first: What ranks the rows at one rung, shape (n,).
        second: The same at another.

    Returns:
        Counts that add up to at most n: the n (n - 1) / 2 pairs say no more than n results.
    """
    n = len(first)
    if n < 2:
        return 0.0, 0.0
    same = np.sign(first[:, None] - first) * np.sign(second[:, None] - second)
    upper = same[np.triu_indices(n, 1)]
    told = np.array([np.sum(upper > 0.0), np.sum(upper < 0.0)], dtype=float)
    concordant, discordant = told * (min(n, len(upper)) / len(upper))
    return float(concordant), float(discordant)


def is_clear(
    concordant: float, discordant: float, trust: float = 0.0, errors: float = _CLEAR
) -> bool:
    """Whether agreement is clearly better than a coin's.

    Args:
        concordant: Counts of `agreement`.
        discordant: The same.
        trust: What is supposed beforehand, 0 nothing, 1 the most.
        errors: How many standard errors make it clear.
    """
    same, other = concordant + 1.0 + _TRUST * trust, discordant + 1.0
    n = same + other
    share = same / n
    error = math.sqrt(share * (1.0 - share) / (n + 1.0))
    return share - errors * error > 0.5


class Standing(NamedTuple):
    """How the results at a rung are ranked at those above it.

    Args:
        rung: Which one.
        same: How much it agrees with them, a count of `agreement`.
        other: How much it does not.
    """

    rung: int
    same: float
    other: float

    @property
    def is_down(self) -> bool:
        """Whether it clearly ranks configurations the other way."""
        return is_clear(self.other, self.same, errors=_SURE)


def trusted(results: Results, top: int) -> Mask:
    """Return which rungs rank configurations as the highest ones that were reached do, (R,).

    Each is compared with all above it; the highest rung is trusted.
    """
    found = np.array([is_clear(0.0, 0.0, low / top) for low in range(top)] + [True])
    for rung, same, other in standings(results):
        if rung < top:
            found[rung] = is_clear(same, other, rung / top)
    return found


def standings(results: Results) -> Iterator[Standing]:
    """Yield how the rungs stand, from the highest that was reached.

    To agree with one that is upside down is to disagree. Each is looked at when it is wanted.
    """
    top = int(results.level.max(initial=-1))
    down: set[int] = set()
    if top >= 0:
        yield Standing(top, 0.0, 0.0)
        merit = _merit(results)
    for low in range(top - 1, -1, -1):
        counts = np.zeros(2)
        for high in range(low + 1, top + 1):
            both = pairs(results, low, high)
            same, other = agreement(merit[both.low], merit[both.high])
            counts += (other, same) if high in down else (same, other)
        found = Standing(low, float(counts[0]), float(counts[1]))
        if found.is_down:
            down.add(low)
        yield found


def _merit(results: Results) -> Floats:
    """Return the place of each result among those at its rung, 0 for the best, shape (n,)."""
    merit = np.empty(len(results.level))
    for rung in np.unique(results.level):
        rows = np.flatnonzero(results.level == rung)
        merit[rows[by_front(results.data.take(rows))]] = np.arange(len(rows))
    return merit
