"""Permutations of 0..n-1 and their numbers in lexicographic order.

The number of a permutation is its *rank*: 0 for (0, 1, ..., n-1), n! - 1 for its reverse. It is
exact in a double up to n = 18.

The scalar functions are pure Python; the array ones import numpy when they are called.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hmserve.arrays import Floats, Ints


def rank_of(permutation: Sequence[int]) -> int:
    """Return the place of `permutation` among all of its length, in lexicographic order."""
    remaining = sorted(permutation)
    rank = 0
    for element in permutation:
        digit = remaining.index(element)
        rank = rank * len(remaining) + digit
        del remaining[digit]
    return rank


def permutation_at(rank: int, n: int) -> tuple[int, ...]:
    """Return the permutation of 0..n-1 at place `rank`; the inverse of `rank_of`."""
    remaining = list(range(n))
    elements = []
    for left in range(n - 1, -1, -1):
        digit, rank = divmod(rank, math.factorial(left))
        elements.append(remaining.pop(digit))
    return tuple(elements)


def rank(permutations: "Ints") -> "Ints":
    """Return the rank of each row, shape (m,), of permutations of shape (m, n), n <= 20."""
    import numpy as np

    m, n = permutations.shape
    ranks = np.zeros(m, dtype=np.int64)
    for i in range(n):
        smaller = permutations[:, i + 1 :] < permutations[:, i, None]
        ranks = ranks * (n - i) + smaller.sum(axis=1)
    return ranks


def unrank(ranks: "Ints | Floats", n: int) -> "Ints":
    """Return the permutations of 0..n-1 at places `ranks`, shape (m, n), n <= 20."""
    import numpy as np

    left = np.asarray(ranks).astype(np.int64)
    permutations = np.zeros((len(left), n), dtype=np.int64)
    for i in range(n):
        permutations[:, i], left = np.divmod(left, math.factorial(n - 1 - i))
    # The digits count the smaller elements still to come. From the right: what follows makes
    # room for each element that comes before it.
    for i in range(n - 2, -1, -1):
        later = permutations[:, i + 1 :]
        later += later >= permutations[:, i, None]
    return permutations
