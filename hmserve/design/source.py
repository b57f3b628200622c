"""Configurations drawn at random: from the priors, under the conditions and constraints."""

import itertools
import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from random import Random
from typing import Final, TypeAlias, TypeVar

from hmserve.space.parameters import Parameter, Value
from hmserve.space.space import Configuration, Space, levels_of

Row: TypeAlias = list[Value]
Key: TypeAlias = tuple[Value, ...]
T = TypeVar("T")

_FAILURES: Final = 1000
_DRAWS: Final = 50
"""From a constrained space with priors, so many times more are drawn than are kept."""


class Source:
    """Draws from one space.

    Args:
        space: Where configurations come from.
        rng: Of it only `random()` is used.
    """

    def __init__(self, space: Space, rng: Random) -> None:
        self.space = space
        self.rng = rng

    def any(self) -> Configuration:
        """Return one configuration; known constraints hold unless nothing satisfies them."""
        if self.space.known is None:
            return self._settled(self._row())
        drawn = self._from_region(1, set())
        return drawn[0] if drawn else self._settled(self._row())

    def first(self) -> Configuration:
        """Return the default configuration, what it leaves open drawn.

        If no draw makes it satisfy the known constraints, any configuration that does.
        """
        first = self._settled(defaults(self.space.parameters, self._row()))
        if self.space.known is None or self.space.known.broken(first) is None:
            return first
        for drawn in self._from_region(_FAILURES, set()):
            values = [drawn[p.name] for p in self.space.parameters]
            completed = self._settled(defaults(self.space.parameters, values))
            if self.space.fault(completed) is None:
                return completed
        return self.any()

    def distinct(self, n: int, seen: Iterable[Configuration]) -> list[Configuration]:
        """Return `n` configurations, none twice, none of `seen`; fewer if there are no more."""
        space = self.space
        taken = {space.key(configuration) for configuration in seen}
        if space.known is not None:
            return self._from_region(n, taken)
        if not space.priors and space.size <= 2 * (n + len(taken)):
            everything: Iterator[Configuration] = space.enumerate()
            left = (c for c in everything if space.key(c) not in taken)
            return shuffled(left, self.rng)[:n]
        found: list[Configuration] = []
        failures = 0
        # Every other draw succeeds, unless a real has hardly a float between low and high.
        while len(found) < n and failures < _FAILURES:
            drawn = self._settled(self._row())
            key = space.key(drawn)
            failures = failures + 1 if key in taken else 0
            if not failures:
                taken.add(key)
                found.append(drawn)
        return found

    def combinations(self, parameters: Sequence[Parameter], n: int) -> list[Row]:
        """Return `n` random combinations of values, none twice; fewer if there are no more.

        Or if a prior rules the others out.
        """
        preferred = any(p.name in self.space.priors for p in parameters)
        if not preferred and math.prod(p.size for p in parameters) <= 2 * n:
            everything = map(list, itertools.product(*map(levels_of, parameters)))
            return shuffled(everything, self.rng)[:n]
        found: dict[Key, Row] = {}
        failures = 0
        while len(found) < n and failures < _FAILURES:
            row = [self.space.quantile(p, self.rng.random()) for p in parameters]
            failures = failures + 1 if tuple(row) in found else 0
            found.setdefault(tuple(row), row)
        return list(found.values())

    def _row(self) -> Row:
        return self.space.row([self.rng.random() for _ in self.space.parameters])

    def _settled(self, row: Row) -> Configuration:
        return self.space.conditions.settle(dict(zip(self.space.names, row, strict=True)))

    def _from_region(self, n: int, taken: set[Hashable]) -> list[Configuration]:
        """Return up to `n` configurations that satisfy the constraints; priors weigh."""
        import numpy as np

        from hmserve.space.encoding import Encoding
        from hmserve.space.expectations import prior_of

        space, known = self.space, self.space.known
        assert known is not None
        rng = np.random.default_rng(int(self.rng.random() * 2**53))
        encoding = Encoding(space)
        prior = prior_of(encoding)
        wanted = n + len(taken)
        codes = known.region.draw_distinct(wanted * (_DRAWS if prior else 1), rng)
        if prior is not None and len(codes):
            # Weighted draws without replacement (Efraimidis and Spirakis 2006).
            log_density = prior.log_density(encoding.points(codes))
            keys = np.log(-np.log(rng.random(len(codes)))) - log_density
            codes = codes[np.argsort(keys, kind="stable")]
        found: list[Configuration] = [space.at_codes(row) for row in codes.tolist()]
        return [c for c in found if space.key(c) not in taken][:n]


def defaults(parameters: Sequence[Parameter], drawn: Sequence[Value]) -> Row:
    """Return the default of each parameter; where it has none, the value of `drawn`.

    One that is inactive in what was drawn takes the value in the middle.
    """
    return [
        p.default if p.default is not None else p.decode(0.5) if value is None else value
        for p, value in zip(parameters, drawn, strict=True)
    ]


def shuffled(items: Iterable[T], rng: Random) -> list[T]:
    """Return `items` in random order (Fisher and Yates)."""
    order = list(items)
    for i in range(len(order) - 1, 0, -1):
        j = int(rng.random() * (i + 1))
        order[i], order[j] = order[j], order[i]
    return order
