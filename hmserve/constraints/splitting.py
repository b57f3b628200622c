"""Which parameter of a box to split next, and the smaller boxes that this gives."""

import math
from typing import Final, NamedTuple

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.constraints.boxes import Boxes, Prefixes
from hmserve.constraints.columns import OrderColumn
from hmserve.constraints.outlook import Problem

FEW: Final = 16
"""So many codes are split into single ones at once; more into this many ranges of codes."""

_COARSE: Final = 4
"""Or into this many, beside real parameters and where all are split evenly."""

_FINEST: Final = 2.0**-44
"""Ranges of a real parameter are not split below this width."""

_LATE: Final = 1e6


class Split(NamedTuple):
    """Boxes that others were split into.

    Args:
        boxes: The parts, those of one box next to each other, m of them.
        parents: The number of the box that each is a part of, shape (m,).
        columns: The column that was split, shape (m,).
        steps: For a permutation, what its rank grew by, shape (m,).
        touched: Which constraints may have become certain, shape (constraints,).
    """

    boxes: Boxes
    parents: Ints
    columns: Ints
    steps: Floats
    touched: Mask


def rank_columns(problem: Problem) -> Floats:
    """Return when each column is to be split, other things being equal, shape (c,).

    Constraints shall be complete early and few be begun at a time: then boxes fail early, and
    many that do not are alike. Where nothing is to choose, the order is that of the text.
    """
    appearance: dict[int, None] = {}
    for constraint in problem.constraints:
        appearance.update(dict.fromkeys(problem.places[name] for name in constraint.names()))
    ranks = np.full(len(problem.columns), np.inf)
    reads, all_ = problem.reads, problem.reads.sum(axis=1)
    left, open_ = np.array([*appearance]), all_.copy()
    wide = np.array([not 0 < column.levels <= FEW for column in problem.columns])
    for rank in range(len(appearance)):
        mine = reads[:, left]
        completed = (mine & (open_ == 1)[:, None]).sum(axis=0)
        begun = (open_ < all_)[:, None]
        fresh = (mine & ~begun).sum(axis=0) - (mine & begun).sum(axis=0)
        best = np.lexsort((wide[left], fresh, -completed))[0]
        ranks[left[best]] = rank
        open_ = open_ - mine[:, best]
        left = np.delete(left, best)
    return ranks


def choose_columns(
    problem: Problem, boxes: Boxes, yes: Mask, ranks: Floats, evenly: bool
) -> Ints:
    """Return the column to split each box by, -1 where none can be, shape (m,).

    Only those in constraints that are not certain; few codes first, real ones last and the
    widest first.

    Args:
        problem: The constraints.
        boxes: The boxes.
        yes: Which constraint is certain, shape (constraints, m).
        ranks: The result of `rank_columns`.
        evenly: Whether of discrete ones with many codes, too, the widest comes first.
    """
    width = boxes.hi - boxes.lo
    wanted = np.zeros(width.shape, dtype=bool)
    for reads, sure in zip(problem.reads, yes, strict=True):
        wanted[reads] |= ~sure
    levels = np.array([column.levels for column in problem.columns], dtype=float)
    real = levels == 0
    wanted &= np.where(real, _FINEST, 0.5)[:, None] < width
    for j, prefix in boxes.prefixes.items():
        width[j] = np.maximum(len(prefix.places) - prefix.length - 1, 0)
    coarse = np.maximum(np.ceil(np.log2(width + 1.0) / math.log2(FEW)) - 1, 0)
    cost = 1000.0 * coarse + ranks[:, None]
    if evenly or real.any():
        relative = width / np.where(real, 1.0, np.maximum(levels, 1.0))[:, None]
        beside = (coarse > 0) & (evenly | (wanted & real[:, None]).any(axis=0))
        cost = np.where(real[:, None] | beside, _LATE + 1.0 - relative, cost)
    cost[~wanted] = np.inf
    best = cost.argmin(axis=0)
    return np.where(np.isfinite(cost.min(axis=0)), best, -1)


def pieces(problem: Problem, boxes: Boxes, columns: Ints, evenly: bool) -> Ints:
    """Return into how many parts each box is to be split, shape (m,)."""
    rows = np.arange(boxes.m)
    width = boxes.hi[columns, rows] - boxes.lo[columns, rows]
    real = np.array([column.levels == 0 for column in problem.columns])
    wide = _COARSE if evenly or real.any() else FEW
    count = np.where(width < FEW, width + 1, wide)
    count[real[columns]] = 2
    for j, prefix in boxes.prefixes.items():
        count = np.where(columns == j, len(prefix.places) - prefix.length, count)
    return count.astype(np.int64)


def split(problem: Problem, boxes: Boxes, columns: Ints, evenly: bool) -> Split:
    """Return the parts of `boxes`, each split by its column."""
    count = pieces(problem, boxes, columns, evenly)
    parents = np.repeat(np.arange(boxes.m), count)
    number = np.arange(len(parents)) - np.repeat(np.cumsum(count) - count, count)
    parts = boxes.take(parents)
    steps = np.zeros(len(parents))
    touched = np.zeros(len(problem.constraints), dtype=bool)
    for j in np.unique(columns):
        rows = np.flatnonzero(columns[parents] == j)
        if isinstance(problem.columns[j], OrderColumn):
            known = np.unique(parts.prefixes[j].length[rows]).tolist()
            touched |= problem.concerned(j, [*known, len(parts.prefixes[j].places) - 1])
            steps[rows] = _extend(parts, j, rows, number[rows])
            continue
        touched |= problem.reads[:, j]
        if problem.columns[j].levels == 0:
            _halve(parts, j, rows, number[rows])
        else:
            _cut(parts, j, rows, number[rows], count[parents[rows]])
    return Split(parts, parents, columns[parents], steps, touched)


def _halve(parts: Boxes, j: int, rows: Ints, number: Ints) -> None:
    lo, hi = parts.lo[j, rows], parts.hi[j, rows]
    middle = lo + (hi - lo) / 2
    parts.lo[j, rows] = np.where(number == 0, lo, middle)
    parts.hi[j, rows] = np.where(number == 0, middle, hi)


def _cut(parts: Boxes, j: int, rows: Ints, number: Ints, count: Ints) -> None:
    """Cut ranges of codes, of equal lengths as near as can be."""
    lo = parts.lo[j, rows]
    length = parts.hi[j, rows] - lo + 1
    parts.lo[j, rows] = lo + np.floor(number * length / count)
    parts.hi[j, rows] = lo + np.floor((number + 1) * length / count) - 1


def _extend(parts: Boxes, j: int, rows: Ints, number: Ints) -> Floats:
    """Say which element comes next: of those left, the one with that number."""
    prefix = parts.prefixes[j]
    n = len(prefix.places)
    after = n - 1 - prefix.length[rows]
    # Parts of one box stand together, and there are as many as elements left.
    first = number == 0
    left = np.nonzero(prefix.places[:, rows[first]].T < 0)[1]
    _put(prefix, n - 1 - after, left, rows)
    last = after == 1
    if last.any():
        missing = (prefix.places[:, rows[last]] < 0).argmax(axis=0)
        _put(prefix, np.full(len(missing), n - 1), missing, rows[last])
    step = np.array([math.factorial(k) for k in range(n)], dtype=float)[after]
    parts.lo[j, rows] += number * step
    parts.hi[j, rows] = parts.lo[j, rows] + step - 1
    return np.asarray(number * step)


def _put(prefix: Prefixes, positions: Ints, elements: Ints, rows: Ints) -> None:
    prefix.elements[positions, rows] = elements
    prefix.places[elements, rows] = positions
