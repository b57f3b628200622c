"""A decision diagram: boxes reached by choices, and what can be drawn and counted there.

From the one box of everything, choices lead to smaller ones. Boxes that can be completed in the
same ways are one node, so several paths may lead to a node; no two paths share a configuration.
Where no choice leads further is a leaf. A configuration is drawn by its leaf, in proportion to
the paths there times its size, then uniformly in the leaf, and last the path, all as likely.
"""

import functools
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.constraints.columns import CodeColumns, OrderColumn, satisfied
from hmserve.constraints.outlook import Problem

IN_VAIN: Final = 1 << 23
"""Codes drawn, in rows that do not satisfy the constraints, before a diagram gives up."""

_BATCH: Final = 1 << 19
"""Codes drawn at a time where not all that is drawn satisfies the constraints."""

_PILOT: Final = 2000
_LONG_PILOT: Final = 1 << 18
"""Codes drawn for an estimate where `_PILOT` rows were in vain."""


class Choices(NamedTuple):
    """Steps from node to node, and what they say about codes.

    Args:
        parents: Where they start.
        children: Where they lead.
        noted: By note, the number of the choice that makes it, ascending.
        columns: By note, the column whose code it is about.
        amounts: By note, what it adds to that code.
    """

    parents: Ints
    children: Ints
    noted: Ints
    columns: Ints
    amounts: Floats


class Leaves(NamedTuple):
    """Boxes, m of them, over c columns.

    Args:
        nodes: Their numbers.
        lo: The least code, shape (c, m).
        hi: The greatest, shape (c, m).
        done: Where the code follows from the path alone, shape (c, m).
        certain: Whether the constraints hold everywhere.
        paths: The logarithm of the number of paths.
    """

    nodes: Ints
    lo: Floats
    hi: Floats
    done: Mask
    certain: Mask
    paths: Floats


class Diagram:
    """What is known of the configurations that satisfy some constraints.

    Args:
        problem: The constraints.
        leaves: Boxes that hold all configurations that satisfy them.
        layers: What leads to them. No choice starts where another of its layer, or of a later
            one, leads.
    """

    def __init__(self, problem: Problem, leaves: Leaves, layers: Sequence[Choices]) -> None:
        self.problem = problem
        self.leaves = leaves
        self._layers = tuple(layer for layer in layers if len(layer.parents))
        levels = np.array([float(column.levels) for column in problem.columns])
        self._real = levels == 0
        self._order = np.array(
            [isinstance(c, OrderColumn) for c in problem.columns], dtype=bool
        )
        width = leaves.hi - leaves.lo + ~self._real[:, None]
        self._free = np.where(leaves.done, 1.0, width)
        with np.errstate(divide="ignore"):
            self._weight = leaves.paths + np.log(self._free).sum(axis=0)
        self.size = float(np.log(np.where(self._real, 1.0, levels)).sum())
        """The logarithm of the size of the whole product."""

    @property
    def empty(self) -> bool:
        """Whether certainly nothing satisfies the constraints."""
        return len(self.leaves.nodes) == 0

    @functools.cached_property
    def resolved(self) -> bool:
        """Whether every leaf is a set of configurations that all satisfy the constraints."""
        return bool(self.leaves.certain.all())

    @functools.cached_property
    def acceptance(self) -> float:
        """Which part of what is drawn from leaves satisfies the constraints, about."""
        if self.resolved:
            return 1.0
        if not np.isfinite(self._top):
            return 0.0
        rng = np.random.default_rng(0)
        tried = kept = 0
        for pilot in (_PILOT, _LONG_PILOT // len(self._real)):
            tried += pilot
            kept += len(self._try(pilot, rng)[0])
            if kept:
                break
        return kept / tried

    @functools.cached_property
    def share(self) -> float:
        """Which part of the whole product satisfies the constraints, about."""
        if self.empty or not np.isfinite(self._top):
            return 0.0
        total = math.log(self._cumulated[-1]) + self._top
        return min(math.exp(total - self.size), 1.0) * self.acceptance

    @functools.cached_property
    def _top(self) -> float:
        return float(self._weight.max())

    @functools.cached_property
    def _cumulated(self) -> Floats:
        return np.cumsum(np.exp(self._weight - self._top))

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Return codes of `n` configurations, each drawn from all that there are, (c, k).

        Fewer if nothing satisfies the constraints, or after `IN_VAIN` codes in vain.
        """
        found: list[Floats] = [np.empty((len(self._real), 0))]
        missing, in_vain = n, 0
        rate = 1.0 if self.resolved else max(self.acceptance, 1e-3)
        while missing > 0 and in_vain < IN_VAIN and not self.empty and np.isfinite(self._top):
            batch = (
                int(min(missing / rate * 1.1 + 16, _BATCH // len(self._real) + 1))
                if rate < 1
                else missing
            )
            leaf, codes = self._try(batch, rng)
            found.append(self._completed(leaf[:missing], codes[:, :missing], rng))
            in_vain = 0 if len(leaf) else in_vain + batch * len(self._real)
            missing -= found[-1].shape[1]
        return np.concatenate(found, axis=1)

    def _try(self, n: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
        """Draw `n` times; return the leaves and codes of what satisfies the constraints.

        The codes of what is done are those of one of the paths.
        """
        target = rng.random(n) * self._cumulated[-1]
        leaf = np.minimum(
            np.searchsorted(self._cumulated, target, side="right"), len(self._cumulated) - 1
        )
        codes = self._within(leaf, rng.random((len(self._real), n)))
        kept = self.leaves.certain[leaf]
        unsure = np.flatnonzero(~kept)
        kept[unsure] = satisfied(
            self.problem.constraints,
            CodeColumns(self.problem.columns, self.problem.places, codes[:, unsure]),
        )
        return leaf[kept], codes[:, kept]

    def _within(self, leaf: Ints, u: Floats) -> Floats:
        width = self._free[:, leaf]
        steps = np.minimum(np.floor(u * width), width - 1)
        return self.leaves.lo[:, leaf] + np.where(self._real[:, None], u * width, steps)

    def _completed(self, leaf: Ints, codes: Floats, rng: np.random.Generator) -> Floats:
        """Replace what one path says by what a path drawn at random says."""
        codes = self._own(leaf, codes)
        node = self.leaves.nodes[leaf]
        moving = np.flatnonzero(node > 0)
        while len(moving):
            taken = self._step(node[moving], rng)
            self._add(codes, moving, taken)
            node[moving] = self._parents[taken]
            moving = moving[node[moving] > 0]
        return codes

    def _own(self, leaf: Ints, codes: Floats) -> Floats:
        """Return what leaves themselves say of codes drawn in them."""
        elsewhere = np.where(
            self.leaves.done[:, leaf],
            codes,
            np.where(self._order[:, None], self.leaves.lo[:, leaf], 0.0),
        )
        return codes - elsewhere

    def _add(self, codes: Floats, rows: Ints, taken: Ints) -> None:
        first, count = self._notes
        row = np.repeat(np.arange(len(taken)), count[taken])
        note = np.arange(len(row)) + np.repeat(
            first[taken] - np.cumsum(count[taken]) + count[taken], count[taken]
        )
        # A choice makes one note about a column at most, so no cell is named twice.
        codes[self._choices.columns[note], rows[row]] += self._choices.amounts[note]

    @functools.cached_property
    def _notes(self) -> tuple[Ints, Ints]:
        """The first note of each choice, in the order of `_ways`, and how many it makes."""
        order, _, _, _ = self._ways
        count = np.bincount(self._choices.noted, minlength=len(order))
        return (np.cumsum(count) - count)[order], count[order]

    def _step(self, node: Ints, rng: np.random.Generator) -> Ints:
        """Return a way that leads to each node, in proportion to the paths to its start."""
        _, first, count, cumulated = self._ways
        taken = first[node]
        several = np.flatnonzero(count[node] > 1)
        if len(several):
            start = taken[several]
            end = start + count[node[several]]
            before = np.where(start > 0, cumulated[start - 1], 0.0)
            target = before + rng.random(len(several)) * (cumulated[end - 1] - before)
            found = np.searchsorted(cumulated, target, side="right")
            taken[several] = np.clip(found, start, end - 1)
        return taken

    @functools.cached_property
    def _choices(self) -> Choices:
        return joined_choices(self._layers)

    @functools.cached_property
    def _parents(self) -> Ints:
        """Where each way starts."""
        return self._choices.parents[self._ways[0]]

    @functools.cached_property
    def _ways(self) -> tuple[Ints, Ints, Ints, Floats]:
        """Choices in the order of the nodes they lead to.

        Their numbers; by node, the first that leads there and how many do; and their summed
        weights.
        """
        children = self._choices.children
        nodes = int(max(children.max(initial=0), self.leaves.nodes.max(initial=0))) + 1
        order = np.argsort(children, kind="stable")
        count = np.bincount(children, minlength=nodes)
        first = np.cumsum(count) - count
        if not len(children):
            return order, first, count, np.empty(0)
        log_paths = self._log_paths(nodes)[self._choices.parents[order]]
        top = np.maximum.reduceat(log_paths, first[count > 0])
        weight = np.exp(log_paths - np.repeat(top, count[count > 0]))
        return order, first, count, np.cumsum(weight)

    def _log_paths(self, nodes: int) -> Floats:
        """Return the logarithm of the number of paths to each node."""
        paths = np.full(nodes, -np.inf)
        paths[0] = 0.0
        for parents, children, *_ in self._layers:
            # One layer after the other: a node may be reached from several.
            np.logaddexp.at(paths, children, paths[parents])
        return paths

    def count(self) -> int | None:
        """Return how many configurations there are; None if infinite or not resolved."""
        if not self.resolved or self._real.any():
            return None
        exact = not self.empty and self._top < math.log(2.0**40)
        kind = (
            np.float64
            if exact and self._cumulated[-1] * math.exp(self._top) < 2**52
            else object
        )
        paths = self._path_numbers(kind)[self.leaves.nodes]
        size = np.ones(len(paths), dtype=kind)
        for width in self._free:
            size = size * (width if kind is np.float64 else _integers(width))
        return int((paths * size).sum()) if len(paths) else 0

    def _path_numbers(self, kind: type) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
        nodes = len(self._ways[1])
        paths: np.ndarray[tuple[int], np.dtype[np.object_]] = np.zeros(nodes, dtype=kind)
        paths[0] = 1 if kind is object else 1.0
        for parents, children, *_ in self._layers:
            np.add.at(paths, children, paths[parents])
        return paths

    def enumerate(self) -> Floats:
        """Return the codes of all configurations of a resolved diagram, shape (c, count)."""
        size = self._free.prod(axis=0).astype(np.int64)
        leaf = np.repeat(np.arange(len(size)), size)
        number = np.arange(len(leaf)) - np.repeat(np.cumsum(size) - size, size)
        codes = np.empty((len(self._real), len(leaf)))
        for j, width in enumerate(self._free):
            number, codes[j] = np.divmod(number, width[leaf].astype(np.int64))
        codes = self._own(leaf, codes + self.leaves.lo[:, leaf])
        _, first, count, _ = self._ways
        node, found = self.leaves.nodes[leaf], []
        while len(node):
            found.append(codes[:, node == 0])
            codes, node = codes[:, node > 0], node[node > 0]
            ways = count[node]
            row = np.repeat(np.arange(len(node)), ways)
            taken = np.arange(len(row)) - np.repeat(np.cumsum(ways) - ways - first[node], ways)
            codes = codes[:, row]
            self._add(codes, np.arange(len(row)), taken)
            node = self._parents[taken]
        return np.concatenate(found, axis=1) if found else codes


def _integers(values: Floats) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
    return np.array([int(value) for value in values], dtype=object)


def joined_choices(parts: Sequence[Choices]) -> Choices:
    """Return all choices of `parts`, one after the other."""
    none = np.empty(0, dtype=np.int64)
    sizes = np.cumsum([0, *(len(part.parents) for part in parts)])
    return Choices(
        np.concatenate([none, *(part.parents for part in parts)]),
        np.concatenate([none, *(part.children for part in parts)]),
        np.concatenate([none, *(p.noted + n for p, n in zip(parts, sizes, strict=False))]),
        np.concatenate([none, *(part.columns for part in parts)]),
        np.concatenate([np.empty(0), *(part.amounts for part in parts)]),
    )
