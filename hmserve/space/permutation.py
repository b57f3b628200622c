"""Parameters whose values are orders: permutations of 0..n-1.

The coordinate of a permutation is its lexicographic rank on the unit interval. Models see
features instead, chosen by the parametrization, whose squared Euclidean distances are

    spearman    the squared differences of the positions of each element
    kendall     the number of pairs that stand in another order
    hamming     the number of positions with another element
    naive       1 for any two different permutations

each divided by the largest there is (BaCO, Hellsten et al. 2023, section 4.1).
"""

import math
import re
from collections.abc import Sequence
from typing import Final

from hmserve.space.parameters import Value
from hmserve.space.permutations import permutation_at, rank_of

PARAMETRIZATIONS: Final = ("spearman", "kendall", "hamming", "naive")

LARGEST: Final = 17
"""Up to so many elements a rank survives the way through a coordinate and back."""


class Permutation:
    """A parameter that takes every order of 0..n-1.

    Args:
        name: Column name.
        n: How many elements, 1 to `LARGEST`.
        parametrization: One of `PARAMETRIZATIONS`: how models measure distance.
        default: The order to try first.
    """

    categorical = False

    def __init__(
        self, name: str, n: int, parametrization: str, default: Sequence[int] | None = None
    ) -> None:
        self.name = name
        self.n = n
        self.parametrization = parametrization
        self.default = None if default is None else tuple(default)
        self._last = math.factorial(n) - 1

    @property
    def size(self) -> float:
        return self._last + 1

    def encode(self, value: Value) -> float:
        assert isinstance(value, tuple)
        return rank_of(value) / self._last if self._last else 0.5

    def decode(self, coordinate: float) -> tuple[int, ...]:
        return self.level(min(max(round(coordinate * self._last), 0), self._last))

    def draw(self, u: float) -> tuple[int, ...]:
        return self.level(min(int(u * (self._last + 1)), self._last))

    def level(self, index: int) -> tuple[int, ...]:
        return permutation_at(index, self.n)

    def contains(self, value: object) -> bool:
        if not isinstance(value, tuple | list) or not all(type(v) is int for v in value):
            return False
        return sorted(value) == list(range(self.n))

    def parse(self, text: str) -> tuple[int, ...]:
        """Read ``(2, 0, 1)``; other brackets, or none, and blanks for commas will do."""
        cut = text.strip("()[]{} ")
        try:
            value = tuple(int(part) for part in re.split(r"[\s,;]+", cut) if part)
        except ValueError:
            value = ()
        if not self.contains(value):
            raise ValueError(f"{self.name}: {text!r} is no order of 0 to {self.n - 1}")
        return value

    def format(self, value: Value) -> str:
        return str(value)
