"""Configurations near one that satisfies constraints, for a search that goes step by step.

Where constraints are equations, no single parameter can change: of pairs that share a
constraint, one takes another value and `hmserve.constraints.narrowing` says what the other can
be then.
"""

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np

from hmserve.arrays import Floats, Ints
from hmserve.constraints.boxes import Boxes, point_boxes
from hmserve.constraints.columns import Column, LabelColumn, OrderColumn
from hmserve.constraints.outlook import Problem
from hmserve.constraints.propagation import narrowed
from hmserve.space.permutations import rank

MANY: Final = 16
"""With more levels than this, a parameter offers steps, not every level."""

MOST_PAIRS: Final = 200
"""Moves of two parameters at most."""

_PAIRS: Final = 48
_STEPS: Final = 12
_NEAR: Final = 3


def single_moves(columns: Sequence[Column], free: Sequence[int], row: Floats) -> Floats:
    """Return rows that differ from `row`, shape (d,), in one of the columns `free`.

    All levels of a parameter with few, or of a categorical one; the next ones and steps of
    powers of two otherwise; all exchanges of two elements of a permutation.
    """
    blocks = [np.empty((0, len(row)))]
    for j in free:
        there = other_codes(columns[j], row[j])
        blocks.append(_changed(row, j, there))
    return np.concatenate(blocks)


def other_codes(column: Column, code: float) -> Floats:
    """Return codes near `code` in one column."""
    if isinstance(column, OrderColumn):
        return _exchanged(column, code)
    if isinstance(column, LabelColumn) or column.levels <= MANY:
        there = np.arange(column.levels, dtype=float)
    else:
        steps = 2.0 ** np.arange(int(np.log2(column.levels)) + 1)
        there = np.concatenate([code - steps, code + steps])
    return np.asarray(there[(there >= 0) & (there < column.levels) & (there != code)])


def window(column: Column, code: float, reach: int) -> Floats:
    """Return the codes of a column with many levels up to `reach` away, the nearest first."""
    steps = np.repeat(np.arange(1.0, reach + 1), 2) * np.tile([-1.0, 1.0], reach)
    there = code + steps
    return np.asarray(there[(there >= 0) & (there < column.levels)])


def _changed(row: Floats, j: int, codes: Floats) -> Floats:
    block = np.tile(row, (len(codes), 1))
    block[:, j] = codes
    return block


def _exchanged(column: OrderColumn, code: float) -> Floats:
    order = column.orders(np.array([code]))[0]
    pairs = np.array(list(itertools.combinations(range(column.n), 2))).reshape(-1, 2)
    rows = np.arange(len(pairs))
    found = np.tile(order, (len(pairs), 1))
    found[rows, pairs[:, 0]], found[rows, pairs[:, 1]] = order[pairs[:, 1]], order[pairs[:, 0]]
    return rank(found).astype(float)


def pair_moves(problem: Problem, free: Sequence[int], row: Floats) -> Floats:
    """Return rows that differ from `row` in two columns of a constraint.

    Some of them, those with the least steps first; not all satisfy the constraints.

    Args:
        problem: The constraints.
        free: The columns that may change.
        row: Codes that satisfy the constraints, shape (c,).
    """
    pairs = _pairs(problem, free)
    starts, second = [np.empty((0, len(row)))], [np.empty(0, dtype=np.int64)]
    for first, other in pairs:
        codes = other_codes(problem.columns[first], row[first])
        near = np.argsort(np.abs(codes - row[first]), kind="stable")[:_STEPS]
        starts.append(_changed(row, first, codes[near]))
        second.append(np.full(len(near), other))
    moved, columns = np.concatenate(starts), np.concatenate(second)
    boxes, index = _answers(problem, moved, columns)
    return _completed(boxes, moved[index], columns[index], row)


def _pairs(problem: Problem, free: Sequence[int]) -> list[tuple[int, int]]:
    """Return pairs of columns, `_PAIRS` at most and from all constraints alike."""
    found = {
        pair: None
        for reads in problem.reads
        for pair in itertools.permutations([j for j in free if reads[j]], 2)
        if not isinstance(problem.columns[pair[1]], OrderColumn)
    }
    pairs = list(found)
    return pairs[:: -(-len(pairs) // _PAIRS)] if pairs else []


def _answers(problem: Problem, moved: Floats, columns: Ints) -> tuple[Boxes, Ints]:
    """Return what one column can be in each row, all others being as they are."""
    lo, hi = np.ascontiguousarray(moved.T), np.ascontiguousarray(moved.T)
    rows = np.arange(len(moved))
    lo[columns, rows] = 0.0
    levels = np.array([float(column.levels) for column in problem.columns])
    hi[columns, rows] = levels[columns] - 1
    boxes = point_boxes(problem.columns, lo, hi)
    yes = np.zeros((len(problem.constraints), len(moved)), dtype=bool)
    left = narrowed(problem, boxes, yes, np.ones(len(yes), dtype=bool), passes=3)
    return left.boxes, left.kept


def _completed(boxes: Boxes, moved: Floats, columns: Ints, row: Floats) -> Floats:
    """Return `moved` with codes in what is left of the second column, near those of `row`."""
    rows = np.arange(len(moved))
    lo, hi = boxes.lo[columns, rows], boxes.hi[columns, rows]
    here = row[columns]
    nearest = np.clip(here, lo, hi)
    codes = [lo, hi, nearest]
    codes += [nearest + step for k in range(1, _NEAR + 1) for step in (-k, k)]
    found = np.concatenate([moved] * len(codes))
    column, code = np.tile(columns, len(codes)), np.concatenate(codes)
    found[np.arange(len(found)), column] = code
    fits = (code >= np.tile(lo, len(codes))) & (code <= np.tile(hi, len(codes)))
    found = found[fits & (code != row[column])]
    order = np.argsort(np.abs(found - row).sum(axis=1), kind="stable")
    return np.asarray(found[order])
