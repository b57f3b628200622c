"""Designs of experiments for mixed spaces, in pure Python.

A design of n rows; a row is a list of values in the order of the parameters. A *stratum* is one
of n intervals of equal probability of one parameter.

The same seed gives the same design in every version of Python: of the generator only
`Random.random` is used, the one method whose sequence is promised.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Final, TypeAlias, TypeVar

from hmserve.space.parameters import Parameter, Value
from hmserve.space.space import Configuration, Space, levels_of

Row: TypeAlias = list[Value]
Key: TypeAlias = tuple[Value, ...]
T = TypeVar("T")

GRID_LEVELS: Final = 10
"""How many values of a real a grid has, the bounds included."""

_SWAPS: Final = 10
_FAILURES: Final = 1000


def design(space: Space, kind: str, samples: int, seed: int) -> list[Configuration]:
    """Return the configurations to evaluate first, none of them twice.

    The default configuration leads: the default of each parameter, a missing one drawn. A
    finite space with no more than `samples` configurations gives all of them.

    Args:
        space: Where they come from.
        kind: HyperMapper's ``doe_type``. ``grid_search`` has every combination, whatever
            `samples` says.
        samples: How many, the default configuration included.
        seed: Decides every draw.
    """
    rng = Random(f"design/{seed}")
    rows = _rows(space.parameters, kind, samples, rng)
    return [dict(zip(space.names, row, strict=True)) for row in rows]


def _rows(parameters: Sequence[Parameter], kind: str, samples: int, rng: Random) -> list[Row]:
    if kind == "grid_search":
        return _grid(parameters, rng)
    if samples <= 0:
        return []
    first = _defaults(parameters, _draw(parameters, rng))
    if kind == "random sampling" or _size(parameters) <= samples:
        return [first, *_distinct(parameters, samples - 1, {tuple(first)}, rng)]
    rows = [first, *_HYPERCUBES[kind](parameters, samples - 1, rng)]
    return _without_repeats(parameters, rows, rng)


def _draw(parameters: Sequence[Parameter], rng: Random) -> Row:
    return [parameter.draw(rng.random()) for parameter in parameters]


def _defaults(parameters: Sequence[Parameter], drawn: Row) -> Row:
    pairs = zip(parameters, drawn, strict=True)
    return [value if p.default is None else p.default for p, value in pairs]


def _size(parameters: Sequence[Parameter]) -> float:
    sizes = [parameter.size for parameter in parameters]
    return math.inf if math.inf in sizes else math.prod(sizes)


def _shuffled(items: Iterable[T], rng: Random) -> list[T]:
    shuffled = list(items)
    for i in range(len(shuffled) - 1, 0, -1):
        j = int(rng.random() * (i + 1))
        shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
    return shuffled


def _distinct(
    parameters: Sequence[Parameter], n: int, seen: set[Key], rng: Random
) -> list[Row]:
    """Return `n` random rows, none twice and none in `seen`; fewer if there are no more."""
    if _size(parameters) <= 2 * (n + len(seen)):
        everything = itertools.product(*map(levels_of, parameters))
        return _shuffled((list(key) for key in everything if key not in seen), rng)[:n]
    rows: list[Row] = []
    taken, failures = set(seen), 0
    # Every other draw succeeds, unless a real has hardly a float between low and high.
    while len(rows) < n and failures < _FAILURES:
        row = _draw(parameters, rng)
        key = tuple(row)
        failures = failures + 1 if key in taken else 0
        if not failures:
            taken.add(key)
            rows.append(row)
    return rows


def _latin_hypercube(parameters: Sequence[Parameter], n: int, rng: Random) -> list[Row]:
    """Return `n` rows with one value of each numeric parameter in each stratum.

    Labels occur equally often, give or take one. Rows may repeat.
    """
    columns = [_column(parameter, n, rng) for parameter in parameters]
    return [[column[i] for column in columns] for i in range(n)]


def _column(parameter: Parameter, n: int, rng: Random) -> list[Value]:
    if parameter.categorical:
        labels = _shuffled(levels_of(parameter), rng)
        return _shuffled((labels[i % len(labels)] for i in range(n)), rng)
    return _shuffled((parameter.draw((i + rng.random()) / n) for i in range(n)), rng)


def _k_latin_hypercube(parameters: Sequence[Parameter], n: int, rng: Random) -> list[Row]:
    """Return a latin hypercube of the numeric parameters for each combination of labels.

    Combinations get equally many rows, give or take one; if there are more than `n`, a random
    selection of them gets one each.
    """
    categorical = [parameter for parameter in parameters if parameter.categorical]
    numeric = [parameter for parameter in parameters if not parameter.categorical]
    combinations = _distinct(categorical, n, set(), rng)
    rows = []
    for i, labels in enumerate(combinations):
        share = n // len(combinations) + (i < n % len(combinations))
        for numbers in _latin_hypercube(numeric, share, rng):
            remaining = {True: iter(labels), False: iter(numbers)}
            rows.append([next(remaining[parameter.categorical]) for parameter in parameters])
    return _shuffled(rows, rng)


_HYPERCUBES: Final[Mapping[str, Callable[[Sequence[Parameter], int, Random], list[Row]]]] = {
    "standard latin hypercube": _latin_hypercube,
    "k latin hypercube": _k_latin_hypercube,
}


def _without_repeats(
    parameters: Sequence[Parameter], rows: list[Row], rng: Random
) -> list[Row]:
    """Return `rows` with repeated ones exchanged for others; the first stays.

    Where it works a repeated row trades one value with another row, which leaves every
    parameter as evenly spread as before; else a random row takes its place.
    """
    rows = [list(row) for row in rows]
    counts = Counter(map(tuple, rows))
    for i in range(1, len(rows)):
        if counts[tuple(rows[i])] > 1:
            _trade(i, rows, counts, rng)
    kept: dict[Key, Row] = {}
    for row in rows:
        kept.setdefault(tuple(row), row)
    return [*kept.values(), *_distinct(parameters, len(rows) - len(kept), set(kept), rng)]


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
    first = _defaults(parameters, drawn)
    combinations = map(list, itertools.product(*levels))
    return [first, *(row for row in combinations if row != first)]


def _grid_levels(parameter: Parameter) -> Sequence[Value]:
    if parameter.size < math.inf:
        return levels_of(parameter)
    return [parameter.decode(i / (GRID_LEVELS - 1)) for i in range(GRID_LEVELS)]
