"""The configurations that satisfy known constraints: drawing, counting, listing them.

Configurations are rows of codes, one a parameter: the index of the level of a discrete one, the
unit coordinate of a real one. What is inactive has the code 0, or 0.5 if it is real.

Parameters that constraints tie together form components, each with a diagram of its own; the
others are free. What is drawn has exactly the distribution of drawing all parameters
independently, each level equally likely, until the constraints hold.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from hmserve.arrays import Floats, Mask
from hmserve.constraints.activity import Activity
from hmserve.constraints.columns import (
    CodeColumns,
    LabelColumn,
    OrderColumn,
    column_of,
    satisfied,
)
from hmserve.constraints.components import Component, components, conjuncts
from hmserve.constraints.diagram import Diagram
from hmserve.constraints.expression import Expression
from hmserve.constraints.moves import MANY, MOST_PAIRS, pair_moves, single_moves, window
from hmserve.constraints.search import LIMIT, THOROUGH, Search, explored
from hmserve.constraints.vectors import evaluate
from hmserve.space.parameters import Parameter, Value

_LISTED: Final = 200_000
"""So many configurations, and no more, are listed in order to draw different ones."""

_REACHES: Final = (32, 1024, 32768)
"""So far away a level that satisfies the constraints is looked for, one after the other."""

_IN_VAIN: Final = 3
"""Rounds of drawing without a new configuration after which drawing ends."""


class Region:
    """What satisfies constraints.

    Args:
        parameters: All of the space, in scenario order.
        expressions: What must hold.
        conditions: By conditional parameter: by parent, the values that make it active. An
            expression that reads an inactive parameter holds.
    """

    def __init__(
        self,
        parameters: Sequence[Parameter],
        expressions: Sequence[Expression],
        conditions: Mapping[str, Mapping[str, Sequence[Value]]],
    ) -> None:
        self._columns = tuple(map(column_of, parameters))
        self._places = {parameter.name: j for j, parameter in enumerate(parameters)}
        self._activity = Activity(parameters, conditions)
        sizes = {
            name: column.n
            for name, column in zip(self._places, self._columns, strict=True)
            if isinstance(column, OrderColumn)
        }
        self._constraints = [
            self._activity.guarded(part, expression.parameters)
            for expression in expressions
            for part in conjuncts(expression.tree, sizes)
            if part.names() or not part.holds({})
        ]
        self._levels = np.array([float(column.levels) for column in self._columns])
        self._real = self._levels == 0

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Return codes of configurations drawn independently of each other, shape (k, d).

        k is `n` unless nothing satisfies the constraints, or hardly anything: then it ends
        when nothing did among draws of `hmserve.constraints.diagram.IN_VAIN` codes in a row.
        """
        parts = [diagram.draw(n, rng) for _, diagram in self._diagrams]
        k = min([n, *(part.shape[1] for part in parts)])
        u = rng.random((len(self._columns), k))
        steps = np.minimum(np.floor(u * self._levels[:, None]), self._levels[:, None] - 1)
        codes = np.where(self._real[:, None], u, steps)
        for (component, _), part in zip(self._diagrams, parts, strict=True):
            codes[component.columns] = part[:, :k]
        return self._collapsed(np.ascontiguousarray(codes.T))

    def draw_distinct(self, n: int, rng: np.random.Generator) -> Floats:
        """Return codes of different configurations, shape (k, d).

        As if `draw` went on and repetitions were dropped. k is `n` unless there are fewer, or
        too few were found.
        """
        if self._drawn_resolved and (self.count or math.inf) <= min(4 * n, _LISTED):
            return self._chosen(n, rng)
        found: dict[bytes, Floats] = {}
        in_vain = 0
        while len(found) < n and in_vain < _IN_VAIN:
            before = len(found)
            rows = self.draw(n - before + n // 8 + 16, rng)
            for row in rows:
                found.setdefault(row.tobytes(), row)
            in_vain = in_vain + 1 if len(found) == before else 0
            if not len(rows):
                break
        return np.array(list(found.values())[:n]).reshape(-1, len(self._columns))

    def _chosen(self, n: int, rng: np.random.Generator) -> Floats:
        """Return at most `n` of all configurations, one after the other by their weights."""
        codes = self.enumerate(_LISTED)
        weight = np.log(np.where(self._active(codes), 1.0, self._levels)).sum(axis=1)
        # The order of the keys is that of successive draws (Yellott 1977).
        keys = weight + rng.gumbel(size=len(codes))
        return codes[np.argsort(-keys, kind="stable")[:n]]

    def holds(self, codes: Floats) -> Mask:
        """Tell which rows of `codes`, shape (m, d), satisfy the constraints."""
        columns = CodeColumns(self._columns, self._places, np.ascontiguousarray(codes.T))
        return satisfied(self._constraints, columns)

    @functools.cached_property
    def count(self) -> int | None:
        """How many different configurations there are; None if infinite or not known."""
        if self.empty:
            return 0
        if self._real.any():
            return None
        counts = [diagram.count() for _, diagram in self._counted]
        if None in counts:
            return None
        free = self._free(self._counted)
        sizes = [
            int(levels) for levels, is_free in zip(self._levels, free, strict=True) if is_free
        ]
        return math.prod(sizes) * math.prod(count for count in counts if count is not None)

    @functools.cached_property
    def empty(self) -> bool:
        """Whether certainly nothing satisfies the constraints."""
        return any(
            diagram.empty
            or (
                diagram.acceptance == 0
                # Ranges of real parameters can be halved for ever.
                and not self._real[component.columns].any()
                and Search(component.problem).run(THOROUGH, thorough=True).empty
            )
            for component, diagram in self._diagrams
        )

    @functools.cached_property
    def share(self) -> float:
        """Which part of the product of all parameters satisfies the constraints, about."""
        return math.prod(diagram.share for _, diagram in self._diagrams)

    def enumerate(self, limit: int) -> Floats:
        """Return the codes of all configurations, the last parameter fastest, shape (k, d).

        Raises:
            ValueError: It is not known that there are at most `limit`.
        """
        if self.count is None or self.count > limit:
            raise ValueError(f"expected at most {limit} configurations, got {self.count}")
        if self.count == 0:
            return np.empty((0, len(self._columns)))
        parts = [
            (component.columns, diagram.enumerate()) for component, diagram in self._counted
        ]
        parts += [
            (np.array([j]), np.arange(self._levels[j])[None])
            for j in np.flatnonzero(self._free(self._counted))
        ]
        codes = np.empty((len(self._columns), self.count))
        repeats = 1
        for columns, part in parts:
            index = np.arange(self.count) // repeats % part.shape[1]
            codes[columns] = part[:, index]
            repeats *= part.shape[1]
        return np.ascontiguousarray(codes[:, np.lexsort(codes[::-1])].T)

    def neighbours(self, code: Floats) -> Floats:
        """Return codes of configurations near one, shape (k, d).

        All that differ in one categorical parameter or in one with few levels; of others the
        next level below and above that satisfies the constraints, and steps of powers of two;
        of permutations all exchanges of two elements. Besides, at most
        `hmserve.constraints.moves.MOST_PAIRS` that differ in two parameters of a constraint.
        What becomes active has the first of its values.

        Args:
            code: Codes of a configuration that satisfies the constraints, shape (d,).
        """
        here = self._collapsed(code[None])
        active = self._active(here)[0] & (self._levels > 1)
        free = np.flatnonzero(active).tolist()
        single = [single_moves(self._columns, free, here[0])]
        single += [self._next_levels(here[0], j) for j in free if self._is_long(j)]
        pairs = []
        for component in self._components:
            inner = np.flatnonzero(active[component.columns]).tolist()
            found = pair_moves(component.problem, inner, here[0][component.columns])
            rows = np.tile(here, (len(found), 1))
            rows[:, component.columns] = found
            pairs.append(rows)
        found = self._feasible(np.concatenate(pairs)) if pairs else here[:0]
        near = np.concatenate([self._feasible(np.concatenate(single)), found[:MOST_PAIRS]])
        _, first = np.unique(near, axis=0, return_index=True)
        near = near[np.sort(first)]
        return np.asarray(near[(near != here).any(axis=1)])

    def _is_long(self, j: int) -> bool:
        column = self._columns[j]
        return column.levels > MANY and not isinstance(column, LabelColumn | OrderColumn)

    def _next_levels(self, row: Floats, j: int) -> Floats:
        """Return the nearest rows below and above in one column that satisfy constraints."""
        column = self._columns[j]
        for reach in _REACHES:
            codes = window(column, row[j], reach)
            rows = np.tile(row, (len(codes), 1))
            rows[:, j] = codes
            held = self.holds(rows)
            sides = [np.flatnonzero(held & side) for side in (codes < row[j], codes > row[j])]
            if all(len(side) for side in sides) or reach > column.levels:
                break
        return rows[[side[0] for side in sides if len(side)]]

    def _feasible(self, rows: Floats) -> Floats:
        collapsed = self._collapsed(rows)
        return np.asarray(collapsed[self.holds(collapsed)])

    @functools.cached_property
    def _components(self) -> list[Component]:
        return components(self._columns, self._places, self._constraints)

    @functools.cached_property
    def _diagrams(self) -> list[tuple[Component, Diagram]]:
        """Each component with what drawing needs to know of it."""
        return [(component, explored(component.problem)) for component in self._components]

    @property
    def _drawn_resolved(self) -> bool:
        return all(diagram.resolved for _, diagram in self._diagrams)

    @functools.cached_property
    def _counted(self) -> list[tuple[Component, Diagram]]:
        """The same for counting: what is inactive has its first value only."""
        if self._drawn_resolved and not self._activity.names:
            return self._diagrams
        settled = [self._activity.settled(name) for name in self._activity.names]
        about = self.share * math.prod(self._levels)
        effort = THOROUGH if about <= _LISTED else LIMIT
        return [
            (component, Search(component.problem).run(effort, thorough=True))
            for component in components(
                self._columns, self._places, [*self._constraints, *settled]
            )
        ]

    def _free(self, diagrams: Sequence[tuple[Component, Diagram]]) -> Mask:
        """Tell which columns are in no component."""
        free = np.ones(len(self._columns), dtype=bool)
        for component, _ in diagrams:
            free[component.columns] = False
        return free

    def _active(self, codes: Floats) -> Mask:
        """Tell which parameters are active in rows of codes, shape (m, d)."""
        columns = CodeColumns(self._columns, self._places, np.ascontiguousarray(codes.T))
        active = np.ones(codes.shape, dtype=bool)
        for name in self._activity.names:
            active[:, self._places[name]] = evaluate(self._activity.active(name), columns)
        return active

    def _collapsed(self, codes: Floats) -> Floats:
        """Return rows of codes with the one code of each inactive parameter."""
        if not self._activity.names:
            return codes
        return np.where(self._active(codes), codes, np.where(self._real, 0.5, 0.0))
