"""Who goes on: results from the best to the worst."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Outcome(NamedTuple):
    """What came of an evaluation that has not failed.

    Args:
        values: The objectives, to be minimised; those of an infeasible one do not count.
        excess: By how much each measured constraint is violated; zeros if it is feasible.
    """

    values: tuple[float, ...]
    excess: tuple[float, ...] = ()

    @property
    def feasible(self) -> bool:
        """Whether no constraint is violated."""
        return not any(self.excess)


def ranked(outcomes: Sequence[Outcome]) -> list[int]:
    """Return the places of `outcomes` from the best to the worst.

    Feasible ones come first, by their objective; of several objectives by the non-dominated
    front they are in, and within it by crowding distance (Deb et al. 2002), so that those at
    its ends and in its gaps come first. Infeasible ones follow by how much they violate in
    all, each constraint in units of its largest violation here. Of equal ones the older one,
    which has the smaller place, comes first.
    """
    good = [i for i, outcome in enumerate(outcomes) if outcome.feasible]
    bad = [i for i, outcome in enumerate(outcomes) if not outcome.feasible]
    return [*_by_objectives(good, outcomes), *_by_excess(bad, outcomes)]


def _by_objectives(places: Sequence[int], outcomes: Sequence[Outcome]) -> list[int]:
    if not places:
        return []
    if len(outcomes[places[0]].values) == 1:
        return sorted(places, key=lambda i: outcomes[i].values)
    values = [outcomes[i].values for i in places]
    crowding = [0.0] * len(values)
    fronts = _fronts(values)
    for number in range(max(fronts) + 1):
        members = [k for k, front in enumerate(fronts) if front == number]
        for k, distance in zip(members, _crowding([values[k] for k in members]), strict=True):
            crowding[k] = distance
    order = sorted(range(len(values)), key=lambda k: (fronts[k], -crowding[k]))
    return [places[k] for k in order]


def _by_excess(places: Sequence[int], outcomes: Sequence[Outcome]) -> list[int]:
    if not places:
        return []
    rows = [outcomes[i].excess for i in places]
    units = [max(column) or 1.0 for column in zip(*rows, strict=True)]

    def total(place: int) -> float:
        return math.fsum(e / u for e, u in zip(outcomes[place].excess, units, strict=True))

    return sorted(places, key=total)


def _fronts(values: Sequence[tuple[float, ...]]) -> list[int]:
    """Return for each of `values` the number of its front, 0 for what none dominates."""
    # Numpy is imported for several objectives alone: a first request must not wait for it.
    import numpy as np

    Y = np.array(values, dtype=float)
    no_worse = np.all(Y[:, None, :] <= Y[None, :, :], axis=2)
    dominates = no_worse & ~no_worse.T
    fronts = np.full(len(Y), -1)
    dominators = dominates.sum(0)
    number = 0
    while (free := (fronts < 0) & (dominators == 0)).any():
        fronts[free] = number
        dominators = dominators - dominates[free].sum(0)
        number += 1
    return [int(front) for front in fronts]


def _crowding(values: Sequence[tuple[float, ...]]) -> list[float]:
    """Return how far apart the neighbours of each of `values` are, infinite at the ends.

    Values that are the same count once: the others of them stand in no gap.
    """
    distinct = sorted(set(values))
    distance = dict.fromkeys(distinct, 0.0)
    for k in range(len(distinct[0])):
        row = sorted(distinct, key=lambda value: value[k])
        # By halves: the difference of two finite numbers may be infinite.
        width = row[-1][k] / 2 - row[0][k] / 2
        distance[row[0]] = distance[row[-1]] = math.inf
        for before, here, after in zip(row, row[1:], row[2:], strict=False):
            gap = after[k] / 2 - before[k] / 2
            distance[here] += gap / width if width > 0 else 0.0
    return [distance.pop(value, -1.0) for value in values]
