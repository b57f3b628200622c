"""Permutations as vectors whose squared Euclidean distances are the distances of BaCO.

Every parametrization is scaled so that the largest squared distance is 1.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from hmserve.arrays import Floats, Ints
from hmserve.space.permutation import Permutation
from hmserve.space.permutations import unrank


def ranks(parameter: Permutation, u: Floats) -> Ints:
    """Return the lexicographic ranks of coordinates `u`, shape (m,)."""
    return np.asarray(np.rint(u * (parameter.size - 1))).astype(np.int64)


def features(parameter: Permutation, u: Floats) -> Floats:
    """Return the vectors of the permutations at coordinates `u`, shape (m, k).

    None (k = 0) for the parametrization naive, which only tells same from different.
    """
    if parameter.parametrization == "naive" or parameter.n < 2:
        return np.empty((len(u), 0))
    orders = unrank(ranks(parameter, u), parameter.n)
    return _VECTORS[parameter.parametrization](orders, parameter.n)


def _positions(orders: Ints) -> Ints:
    return np.argsort(orders, axis=1)


def _spearman(orders: Ints, n: int) -> Floats:
    # The reverse order is farthest: sum of (n + 1 - 2i)^2 = n (n^2 - 1) / 3.
    return np.asarray(_positions(orders) / np.sqrt(n * (n * n - 1) / 3.0))


def _kendall(orders: Ints, n: int) -> Floats:
    positions = _positions(orders)
    first, second = np.triu_indices(n, 1)
    before = np.where(positions[:, first] < positions[:, second], 0.5, -0.5)
    return np.asarray(before / np.sqrt(len(first)))


def _hamming(orders: Ints, n: int) -> Floats:
    onehot = orders[:, :, None] == np.arange(n)
    return np.asarray(onehot.reshape(len(orders), n * n) / np.sqrt(2.0 * n))


_VECTORS: Final[Mapping[str, Callable[[Ints, int], Floats]]] = {
    "spearman": _spearman,
    "kendall": _kendall,
    "hamming": _hamming,
}
