"""Designs of experiments for mixed spaces, in pure Python.

A design of n rows; a row is a list of values in the order of the parameters. A *stratum* is one
of n intervals of equal probability of one parameter.

The same seed gives the same design in every version of Python: of the generator only
`Random.random` is used, the one method whose sequence is promised.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from random import Random
from typing import Final

from hmserve.design.source import Key, Row, Source, defaults, shuffled
from hmserve.space.parameters import Parameter, Value
from hmserve.space.space import Configuration, Space, levels_of

GRID_LEVELS: Final = 10
"""How many values of a real a grid has, the bounds included."""

_SWAPS: Final = 10


def design(
    space: Space, kind: str, samples: int, seed: int, repeating: bool = False
) -> list[Configuration]:
    """Return the configurations to evaluate first, none of them twice.

    The default configuration leads: the default of each parameter, a missing one drawn; where
    that breaks a known constraint, another one. A finite space with no more than `samples`
    configurations gives all of them. Values are drawn from the priors of the space.

    Args:
        space: Where they come from.
        kind: HyperMapper's ``doe_type``. ``grid_search`` has every combination, whatever
            `samples` says.
        samples: How many, the default configuration included.
        seed: Decides every draw.
        repeating: Whether random sampling may draw a configuration twice.
    """
    rng = Random(f"design/{seed}")
    if kind == "grid_search":
        return _admitted(space, _grid(space.parameters, rng))
    if samples <= 0:
        return []
    source = Source(space, rng)
    first = source.first()
    if repeating and kind == "random sampling":
        return [first, *(source.any() for _ in range(samples - 1))]
    if kind == "random sampling" or space.size <= samples:
        return [first, *source.distinct(samples - 1, [first])]
    hypercube = _HYPERCUBES[kind](space.parameters, samples - 1, source)
    rows = [list(first.values()), *hypercube]
    kept = _admitted(space, _without_repeats(rows, rng))
    return [*kept, *source.distinct(samples - len(kept), kept)]


def _admitted(space: Space, rows: Iterable[Row]) -> list[Configuration]:
    """Return the configurations of `rows`, each once, that break no known constraint."""
    kept: dict[Hashable, Configuration] = {}
    for row in rows:
        settled = space.conditions.settle(dict(zip(space.names, row, strict=True)))
        if space.known is None or space.known.broken(settled) is None:
            kept.setdefault(space.key(settled), settled)
    return list(kept.values())


def _latin_hypercube(parameters: Sequence[Parameter], n: int, source: Source) -> list[Row]:
    """Return `n` rows with one value of each numeric parameter in each stratum.

    Labels occur equally often, give or take one. Rows may repeat.
    """
    if source.space.joint_prior is not None and tuple(parameters) == source.space.parameters:
        strata = [_strata(n, source.rng) for _ in parameters]
        return [source.space.row(variates) for variates in zip(*strata, strict=True)]
    columns = [_column(parameter, n, source) for parameter in parameters]
    return [[column[i] for column in columns] for i in range(n)]


def _column(parameter: Parameter, n: int, source: Source) -> list[Value]:
    rng = source.rng
    if parameter.categorical and parameter.name not in source.space.priors:
        labels = shuffled(levels_of(parameter), rng)
        return shuffled((labels[i % len(labels)] for i in range(n)), rng)
    return [source.space.quantile(parameter, u) for u in _strata(n, rng)]


def _strata(n: int, rng: Random) -> list[float]:
    """Return one variate from each stratum, in random order."""
    return shuffled(((i + rng.random()) / n for i in range(n)), rng)


def _k_latin_hypercube(parameters: Sequence[Parameter], n: int, source: Source) -> list[Row]:
    """Return a latin hypercube of the numeric parameters for each combination of labels.

    Combinations get equally many rows, give or take one; if there are more than `n`, a random
    selection of them gets one each.
    """
    categorical = [parameter for parameter in parameters if parameter.categorical]
    numeric = [parameter for parameter in parameters if not parameter.categorical]
    combinations = source.combinations(categorical, n)
    rows = []
    for i, labels in enumerate(combinations):
        share = n // len(combinations) + (i < n % len(combinations))
        for numbers in _latin_hypercube(numeric, share, source):
            remaining = {True: iter(labels), False: iter(numbers)}
            rows.append([next(remaining[parameter.categorical]) for parameter in parameters])
    return shuffled(rows, source.rng)


_HYPERCUBES: Final[Mapping[str, Callable[[Sequence[Parameter], int, Source], list[Row]]]] = {
    "standard latin hypercube": _latin_hypercube,
    "k latin hypercube": _k_latin_hypercube,
}


def _without_repeats(rows: list[Row], rng: Random) -> list[Row]:
    """Return `rows` with repeated ones changed where that works; the first stays.

    A repeated row trades one value with another row, which leaves every parameter as evenly
    spread as before.
    """
    rows = [list(row) for row in rows]
    counts = Counter(map(tuple, rows))
    for i in range(1, len(rows)):
        if counts[tuple(rows[i])] > 1:
            _trade(i, rows, counts, rng)
    return rows


def _trade(i: int, rows: list[Row], counts: "Counter[Key]", rng: Random) -> None:
    """Let row `i` trade a value with another row, not the first, so that both are new."""
    for _ in range(_SWAPS):
        j = 1 + int(rng.random() * (len(rows) - 1))
        column = int(rng.random() * len(rows[i]))
        mine, theirs = list(rows[i]), list(rows[j])
        mine[column], theirs[column] = theirs[column], mine[column]
        if i != j and mine != theirs and not counts[tuple(mine)] and not counts[tuple(theirs)]:
            counts.subtract([tuple(rows[i]), tuple(rows[j])])
            counts.update([tuple(mine), tuple(theirs)])
            rows[i], rows[j] = mine, theirs
            return


def _grid(parameters: Sequence[Parameter], rng: Random) -> list[Row]:
    """Return every combination of levels, the last parameter fastest, after the default."""
    levels = [_grid_levels(parameter) for parameter in parameters]
    drawn = [values[int(rng.random() * len(values))] for values in levels]
    first = defaults(parameters, drawn)
    combinations = map(list, itertools.product(*levels))
    return [first, *(row for row in combinations if row != first)]


def _grid_levels(parameter: Parameter) -> Sequence[Value]:
    if parameter.size < math.inf:
        return levels_of(parameter)
    return [parameter.decode(i / (GRID_LEVELS - 1)) for i in range(GRID_LEVELS)]
