"""Non-dominated points; every objective is minimised.

A point dominates another if it is nowhere larger and somewhere smaller. Equal points do not
dominate each other: all of them are kept.
"""

import numpy as np

from hmserve.arrays import Floats, Mask


def non_dominated(Y: Floats) -> Mask:
    """Return which rows of `Y` no other row dominates.

    Args:
        Y: Objectives, shape (n, m), not nan; infinities are values like any other.

    Returns:
        Shape (n,).
    """
    if len(Y) == 0:
        return np.zeros(0, dtype=bool)
    order = np.lexsort(Y.T[::-1])
    ordered = Y[order]
    new = np.ones(len(Y), dtype=bool)
    new[1:] = np.any(ordered[1:] != ordered[:-1], axis=1)
    mask = np.empty(len(Y), dtype=bool)
    mask[order] = _front_of_distinct(ordered[new])[np.cumsum(new) - 1]
    return mask


def _front_of_distinct(Y: Floats) -> Mask:
    """Return which rows are not dominated; rows are distinct and in lexical order."""
    if Y.shape[1] > 2:
        return _by_elimination(Y)
    mask = np.zeros(len(Y), dtype=bool)
    mask[0] = True
    if Y.shape[1] == 2:
        # Every earlier row is at most as large in the first objective.
        mask[1:] = Y[1:, 1] < np.minimum.accumulate(Y[:-1, 1])
    return mask


def _by_elimination(Y: Floats) -> Mask:
    """Return which of the distinct rows of `Y` are not dominated, for any m.

    What dominates a row has a smaller sum of ranks, so the first row that is left in the
    order of that sum belongs to the front; each strikes out what it dominates.
    """
    ranks = np.stack([np.unique(column, return_inverse=True)[1] for column in Y.T], axis=1)
    order = np.argsort(ranks.sum(axis=1), kind="stable")
    left = ranks[order]
    places = order
    mask = np.zeros(len(Y), dtype=bool)
    while len(left):
        first = left[0]
        mask[places[0]] = True
        keep = np.any(left < first, axis=1)
        left, places = left[keep], places[keep]
    return mask
