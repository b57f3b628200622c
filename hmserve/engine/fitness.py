"""Who is fitter than whom, and which of many may be among the fittest."""

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.multiobjective.pareto import non_dominated
from hmserve.multiobjective.scalarize import hypervolume_weights, tchebyshev

_BLOCK = 256
"""How many rows are compared with the others at once."""


class Fittest:
    """The rows that may be among the first `size` in an order of fitness, as rows are added.

    One row is ahead of another if it dominates it, or is equal and older. In every order that
    `fitness_order` may find, it comes first: what has `size` rows ahead is out for good, and
    what is ahead of those that are left is left as well, so that nothing else need be kept.

    Args:
        size: How many are wanted.
        objectives: How many there are.
    """

    def __init__(self, size: int, objectives: int) -> None:
        self._size = size
        self.rows: Ints = np.empty(0, dtype=np.int64)
        self.Y: Floats = np.empty((0, objectives))
        self._ahead: Ints = np.empty(0, dtype=np.int64)

    def extend(self, rows: Ints, Y: Floats) -> None:
        """Add rows, numbered on from the last, shape (k,), with values of shape (k, m)."""
        for i in range(0, len(rows), _BLOCK):
            self._add(rows[i : i + _BLOCK], Y[i : i + _BLOCK])

    def _add(self, rows: Ints, Y: Floats) -> None:
        ahead = _no_worse(self.Y, Y).sum(0)
        # Most of a long history ends here.
        left = ahead < self._size
        rows, Y, ahead = rows[left], Y[left], ahead[left]
        among = _no_worse(Y, Y)
        ahead += ((among & ~among.T) | np.triu(among, 1)).sum(0)
        behind = _no_worse(Y, self.Y) & ~_no_worse(self.Y, Y).T
        ahead = np.concatenate([self._ahead + behind.sum(0), ahead])
        keep = ahead < self._size
        self.rows = np.concatenate([self.rows, rows])[keep]
        self.Y = np.concatenate([self.Y, Y])[keep]
        self._ahead = ahead[keep]


def _no_worse(Y: Floats, Z: Floats) -> Mask:
    """Tell where a row of `Y`, shape (n, m), is nowhere larger than one of `Z`: (n, k)."""
    found = np.ones((len(Y), len(Z)), dtype=bool)
    for y, z in zip(Y.T, Z.T, strict=True):
        found &= y[:, None] <= z
    return found


def fitness_order(Y: Floats, rng: np.random.Generator, enough: int | None = None) -> Ints:
    """Return the rows of `Y`, to be minimised, from the fittest to the least fit.

    With several objectives: front after front, each in the order of a random scalarisation,
    so that every part of a front has its turn.

    Args:
        Y: Objectives, shape (n, m).
        rng: Draws the weights of several objectives.
        enough: How many are to be in that order; the others come behind them in any.
    """
    if len(Y) == 0:
        return np.empty(0, dtype=np.int64)
    if Y.shape[1] == 1:
        return np.argsort(Y[:, 0], kind="stable")
    numbers = front_numbers(Y, enough)
    Y = Y / 2.0  # so that the difference of any two is finite
    front = Y[numbers == 0]
    spread = np.maximum(np.ptp(front, axis=0), 1e-300)
    with np.errstate(over="ignore"):
        Z = np.clip((Y - front.min(0)) / spread, -1e9, 1e9)
    return np.lexsort((tchebyshev(Z, hypervolume_weights(Y.shape[1], rng)), numbers))


def front_numbers(Y: Floats, enough: int | None = None) -> Ints:
    """Return 0 for what nothing dominates, 1 for what is then not dominated, and so on.

    Once `enough` rows have their numbers, all others share the next one.
    """
    numbers = np.zeros(len(Y), dtype=np.int64)
    left = np.arange(len(Y))
    spared = 0 if enough is None else max(len(Y) - enough, 0)
    while len(left) > spared:
        front = non_dominated(Y[left])
        left = left[~front]
        numbers[left] += 1
    return numbers
