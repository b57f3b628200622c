"""The hypervolume: how much of the space a set of points dominates, up to a reference point.

Notation, after While, Bradstreet & Barone (2012), "A fast way of calculating exact
hypervolumes", here for minimisation:
    Y    (n, m)  the points
    r    (m,)    the reference point, worse than all that counts
    exclusive hypervolume of y given S: the part that y dominates and nothing in S does
"""

import numpy as np

from hmserve.arrays import Floats
from hmserve.multiobjective.pareto import non_dominated


def hypervolume(Y: Floats, reference: Floats) -> float:
    """Return the exact volume dominated by the rows of `Y` and bounded by `reference`.

    Args:
        Y: Objectives to be minimised, shape (n, m). Points that are not smaller than the
            reference in every objective add nothing.
        reference: Shape (m,).
    """
    # Gains over the reference: all maximised, all positive.
    gains = np.asarray(reference, dtype=float) - np.asarray(Y, dtype=float)
    gains = gains[np.all(gains > 0, axis=1)]
    return _volume(_front(gains))


def _front(gains: Floats) -> Floats:
    """Return the distinct non-dominated rows of `gains`, which are maximised."""
    distinct = np.unique(gains, axis=0)
    front: Floats = distinct[non_dominated(-distinct)]
    return front


def _volume(gains: Floats) -> float:
    """Return the volume of the union of the boxes from 0 to each row of a front."""
    m = gains.shape[1]
    if len(gains) == 0:
        return 0.0
    if len(gains) == 1 or m == 1:
        return float(np.prod(gains.max(axis=0)))
    if m == 2:
        return _area(gains)
    return _by_exclusion(gains)


def _area(gains: Floats) -> float:
    """Return the area of a front in two dimensions: a staircase."""
    stairs = gains[np.argsort(gains[:, 0])]
    widths = np.diff(stairs[:, 0], prepend=0.0)
    return float(widths @ stairs[:, 1])


def _by_exclusion(gains: Floats) -> float:
    """Return the volume as a sum of exclusive hypervolumes (WFG).

    Rows go in ascending order of the last objective, so that within the box of a row all
    later ones reach as far as it does in that objective: what they share is a problem with
    one dimension less.
    """
    ordered = gains[np.argsort(gains[:, -1])]
    total = 0.0
    for i, row in enumerate(ordered):
        shared = _front(np.minimum(ordered[i + 1 :, :-1], row[:-1]))
        total += float(row[-1]) * (float(np.prod(row[:-1])) - _volume(shared))
    return total
