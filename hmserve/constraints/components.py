"""Which parameters constraints tie together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hmserve.arrays import Ints
from hmserve.constraints.columns import Column
from hmserve.constraints.outlook import Problem
from hmserve.constraints.tree import Both, Compare, Condition, Constant, Element, Place


@dataclass(frozen=True)
class Component:
    """Constraints that share parameters.

    Args:
        columns: The columns of these parameters in the space.
        problem: The constraints over them.
    """

    columns: Ints
    problem: Problem


def components(
    columns: Sequence[Column], places: Mapping[str, int], constraints: Sequence[Condition]
) -> list[Component]:
    """Return the constraints in groups that have nothing to do with each other.

    Args:
        columns: All of the space.
        places: The number of the column of each parameter.
        constraints: What must hold.
    """
    groups: list[tuple[set[int], list[int]]] = []
    for i, constraint in enumerate(constraints):
        # What reads nothing never holds, and any column will do to say so.
        read = {places[name] for name in constraint.names()} or {0}
        # What has only one value ties nothing together.
        ties = {j for j in read if columns[j].levels != 1}
        apart = []
        merged: tuple[set[int], list[int]] = (set(read), [i])
        for group in groups:
            if group[0] & ties:
                merged = (merged[0] | group[0], group[1] + merged[1])
            else:
                apart.append(group)
        groups = [*apart, merged]
    names = list(places)
    found = []
    for group_columns, members in groups:
        ordered = sorted(group_columns)
        inner = {names[j]: k for k, j in enumerate(ordered)}
        mine = [constraints[i] for i in sorted(members)]
        problem = Problem([columns[j] for j in ordered], inner, mine)
        found.append(Component(np.array(ordered), problem))
    return found


def conjuncts(condition: Condition, sizes: Mapping[str, int]) -> Iterator[Condition]:
    """Yield conditions that all hold where `condition` does, as small as they come.

    Args:
        condition: What must hold.
        sizes: How many elements each permutation has.
    """
    if isinstance(condition, Both):
        for part in condition.conditions:
            yield from conjuncts(part, sizes)
        return
    yield condition
    match condition:
        case Compare("==", Element(name, position), Constant(value)) | Compare(
            "==", Constant(value), Element(name, position)
        ) if value in range(sizes[name]):
            # It is known early that the element stands elsewhere.
            yield Compare("==", Place(name, int(value)), Constant(float(position)))
