"""The hypervolume: how much of the space a set of points dominates, up to a reference point.

Exact for any number of objectives, by the local upper bounds of Lacour, Klamroth & Fonseca
(2017), "A box decomposition algorithm to compute the hypervolume indicator", of which every
step is made on arrays. Notation:
    Y    (n, m)  the points, minimised
    r    (m,)    the reference point, worse than all that counts
    local upper bound: the worst corner u of a box below which no point lies, and which is as
        large as that allows; component j is that of its j-th defining point
    P    (n + m, m)  the points, and after them m dummies: r_j in component j, the best value
        elsewhere
    D    (k, m)  the local upper bounds, as places in P of their defining points
"""

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.multiobjective.pareto import non_dominated


def hypervolume(Y: Floats, reference: Floats) -> float:
    """Return the exact volume dominated by the rows of `Y` and bounded by `reference`.

    Args:
        Y: Objectives to be minimised, shape (n, m). Points that are not smaller than the
            reference in every objective add nothing.
        reference: Shape (m,).
    """
    # From the reference: all minimised, all negative.
    shifted = np.asarray(Y, dtype=float) - np.asarray(reference, dtype=float)
    front = _front(shifted[np.all(shifted < 0, axis=1)])
    if len(front) == 0:
        return 0.0
    if len(front) == 1 or front.shape[1] == 1:
        return float(np.prod(-front.min(axis=0)))
    return _area(front) if front.shape[1] == 2 else _sweep(front)


def hypervolumes(Y: Floats, reference: Floats) -> Floats:
    """Return the hypervolume of the first row of `Y`, of the first two, and so on.

    Args:
        Y: Objectives to be minimised, shape (n, m); a row with nan adds nothing.
        reference: Shape (m,).

    Returns:
        Shape (n,).
    """
    shifted = np.asarray(Y, dtype=float) - np.asarray(reference, dtype=float)
    counted = np.flatnonzero(np.all(shifted < 0, axis=1))
    gains = np.zeros(len(shifted))
    gains[counted] = _gains(shifted[counted])
    return np.asarray(np.cumsum(gains))


def _front(Y: Floats) -> Floats:
    """Return the distinct non-dominated rows of `Y`, in lexical order."""
    distinct = np.unique(Y, axis=0)
    front: Floats = distinct[non_dominated(distinct)]
    return front


def _area(front: Floats) -> float:
    """Return the area of a front in two dimensions: a staircase, from left to right."""
    heights = np.diff(front[:, 1], prepend=0.0)
    return float(front[:, 0] @ heights)


def _sweep(front: Floats) -> float:
    """Return the volume of a front in m > 2 dimensions.

    The points come in the order of the last objective. Between two of them the cross-section
    is the dominated region of m - 1 dimensions of all that came; a box of its decomposition
    lasts from the point that makes it to the point that cuts it.
    """
    order = np.argsort(front[:, -1], kind="stable")
    points, last = front[order, :-1], front[order, -1]
    P, ranks = _with_dummies(points), _ranks(points)
    D = _first_bound(points)
    born = np.zeros(1)
    total = 0.0
    for i, level in enumerate(last):
        cut, children = _insert(i, D, ranks)
        total += float(_volumes(P, D[cut]) @ (level - born[cut]))
        D = np.concatenate([D[~cut], children])
        born = np.concatenate([born[~cut], np.full(len(children), level)])
    return total - float(_volumes(P, D) @ born)


def _gains(points: Floats) -> Floats:
    """Return what each point adds to the volume of those before it."""
    if len(points) == 0:
        return np.zeros(0)
    P, ranks = _with_dummies(points), _ranks(points)
    D = _first_bound(points)
    gains = np.zeros(len(points))
    for i in range(len(points)):
        cut, children = _insert(i, D, ranks)
        gain = _volumes(P, children).sum() - _volumes(P, D[cut]).sum()
        gains[i] = max(float(gain), 0.0)
        D = np.concatenate([D[~cut], children])
    return gains


def _first_bound(points: Floats) -> Ints:
    """Return D before any point came: the reference, which the dummies define."""
    n, m = points.shape
    return np.arange(n, n + m)[None, :]


def _with_dummies(points: Floats) -> Floats:
    """Return P: the points and one dummy a dimension."""
    d = points.shape[1]
    dummies = np.tile(points.min(axis=0), (d, 1))
    np.fill_diagonal(dummies, 0.0)
    return np.vstack([points, dummies])


def _ranks(points: Floats) -> Ints:
    """Return the rows of P as ranks by component, all different.

    Points that agree in a component are told apart by their order, as if they had been moved
    a little: the volume is continuous, so it does not notice. What is below a bound is
    thereby never a question of equality.
    """
    n, d = points.shape
    ranks = np.full((n + d, d), -1)
    order = np.argsort(points, axis=0, kind="stable")
    np.put_along_axis(ranks, order, np.arange(n)[:, None], axis=0)
    ranks[n + np.arange(d), np.arange(d)] = n
    return ranks


def _insert(i: int, D: Ints, ranks: Ints) -> tuple[Mask, Ints]:
    """Return which bounds point `i` cuts, and those that take their place.

    Component j of a bound that is cut sinks to that of the point, unless another defining
    point reaches higher there: then the box is a part of a sibling's (Lacour et al. 2017,
    section 3.1). Bounds that were defined by points which this one dominates leave no heirs.
    """
    components = np.arange(D.shape[1])
    cut = np.all(ranks[i] < ranks[D, components], axis=1)
    parents = D[cut]
    families = []
    for j in components:
        others = parents[:, components != j]
        heirs = parents[np.all(ranks[others, j] < ranks[i, j], axis=1)].copy()
        heirs[:, j] = i
        families.append(heirs)
    return cut, np.concatenate(families)


def _volumes(P: Floats, D: Ints) -> Floats:
    """Return the volumes of the boxes that the bounds `D` cut the dominated region into.

    The box of u reaches from u_1 to the reference in the first component, and in component j
    from the highest of its first j - 1 defining points to u_j (their equation 2).
    """
    volumes: Floats = -P[D[:, 0], 0]
    for j in range(1, D.shape[1]):
        lower = P[D[:, :j], j].max(axis=1)
        volumes = volumes * (P[D[:, j], j] - lower)
    return volumes
