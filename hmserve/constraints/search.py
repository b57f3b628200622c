"""Splitting boxes until constraints hold all over them, breadth first."""

import itertools
import math
from typing import Final, NamedTuple

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.constraints.boxes import Boxes, joined, whole_box
from hmserve.constraints.columns import OrderColumn
from hmserve.constraints.diagram import Choices, Diagram, Leaves, joined_choices
from hmserve.constraints.merging import alike
from hmserve.constraints.outlook import Problem
from hmserve.constraints.propagation import narrowed
from hmserve.constraints.splitting import (
    FEW,
    Split,
    choose_columns,
    pieces,
    rank_columns,
    split,
)

EASY: Final = 300_000
"""Effort spent without asking whether it is needed: boxes times columns and operations."""

FAIR: Final = 3_000_000
"""Effort spent on drawing that always succeeds, unless it succeeds often anyway."""

LIMIT: Final = 12_000_000
"""Effort spent at most, a second or less."""

THOROUGH: Final = 25_000_000
"""Effort spent on counting and on proofs that nothing satisfies the constraints."""

GOOD: Final = 0.5
"""Drawing that succeeds so often needs no smaller boxes."""

POOR: Final = 1e-3
"""Drawing that succeeds less often calls for another way of splitting."""

_PASSES: Final = 4
_FIRST_PASSES: Final = 50
_CHUNK: Final = 1 << 14
_ROUND: Final = 5000
"""Effort of a round of splitting apart from that for its boxes."""


class _Nodes(NamedTuple):
    """Boxes that are nodes of the diagram, m of them.

    Args:
        boxes: The boxes.
        yes: Which constraint is certain, shape (constraints, m).
        numbers: Of the nodes.
        paths: The logarithm of the number of paths to them.
        sizes: The logarithm of the number of configurations in them, or of their volume.
        columns: What to split them by, -1 for nothing.
    """

    boxes: Boxes
    yes: Mask
    numbers: Ints
    paths: Floats
    sizes: Floats
    columns: Ints

    def take(self, index: Ints | Mask) -> "_Nodes":
        return _Nodes(
            self.boxes.take(index),
            self.yes[:, index],
            self.numbers[index],
            self.paths[index],
            self.sizes[index],
            self.columns[index],
        )


def _joined_nodes(parts: list[_Nodes]) -> _Nodes:
    boxes = joined([part.boxes for part in parts])
    yes = np.concatenate([part.yes for part in parts], axis=1)
    rest = (
        np.concatenate(fields) for fields in zip(*(part[2:] for part in parts), strict=True)
    )
    return _Nodes(boxes, yes, *rest)


class Search:
    """Splits the box of everything, step by step.

    Args:
        problem: The constraints.
        evenly: Whether to split all discrete parameters with many values in turn. It helps
            where none can be split to the end, and harms where it is only single values that
            exclude others.
    """

    def __init__(self, problem: Problem, evenly: bool = False) -> None:
        self._problem = problem
        self._evenly = evenly
        self._ranks = rank_columns(problem)
        self._choices: list[Choices] = []
        self._settled: list[_Nodes] = []
        self._real = np.array([column.levels == 0 for column in problem.columns])
        self._order = np.array(
            [isinstance(c, OrderColumn) for c in problem.columns], dtype=bool
        )
        self._next, self._parts, self.effort = 1, 1, 0
        box, yes, kept, _ = narrowed(
            problem,
            whole_box(problem.columns),
            np.zeros((len(problem.constraints), 1), dtype=bool),
            np.ones(len(problem.constraints), dtype=bool),
            _FIRST_PASSES,
        )
        self._open = self._nodes(box, yes, kept, np.zeros(len(kept)))
        self._sift()

    def run(self, limit: int, thorough: bool = False) -> Diagram:
        """Split until all is settled, or the effort reaches `limit`; return what is known.

        Args:
            limit: Of the effort, with all that was spent before.
            thorough: Whether to go on when drawing succeeds often enough.
        """
        looked = 0.0
        while self._open.boxes.m and self.effort < limit:
            # To look costs effort, too: only when there is a quarter more of it.
            if not thorough and self._is_due() and self.effort > 1.25 * looked:
                looked = self.effort
                if self._is_good_enough():
                    break
            rows = self._rows(limit - self.effort)
            if not len(rows):
                break
            self._round(rows)
        return self.diagram()

    def needed(self) -> float:
        """Return the effort that it may take to settle all, at the pace up to now."""
        sizes = [
            column.n if isinstance(column, OrderColumn) else 1
            for column in self._problem.columns
        ]
        done = self._open.boxes.chosen().mean() if self._open.boxes.m else math.inf
        return float(self.effort * sum(sizes) / max(done, 0.1))

    def diagram(self) -> Diagram:
        """Return what is known by now."""
        nodes = _joined_nodes([*self._settled, self._open])
        boxes = nodes.boxes
        certain = np.asarray(nodes.yes.all(axis=0))
        leaves = Leaves(nodes.numbers, boxes.lo, boxes.hi, boxes.done, certain, nodes.paths)
        return Diagram(self._problem, leaves, self._choices)

    def _nodes(self, boxes: Boxes, yes: Mask, numbers: Ints, paths: Floats) -> _Nodes:
        columns = choose_columns(self._problem, boxes, yes, self._ranks, self._evenly)
        width = boxes.hi - boxes.lo + ~self._real[:, None]
        with np.errstate(divide="ignore"):
            sizes = np.log(np.where(boxes.done, 1.0, width)).sum(axis=0)
        return _Nodes(boxes, yes, numbers, paths, sizes, columns)

    def _is_due(self) -> bool:
        """Whether to look how often drawing succeeds: for real parameters always."""
        columns = self._open.columns
        return self.effort >= EASY or bool(self._real[columns[columns >= 0]].any())

    def _is_good_enough(self) -> bool:
        columns = self._open.columns
        wanted = GOOD
        if self.effort >= FAIR or self._real[columns[columns >= 0]].any():
            # More effort than drawing a thousand would take is wasted.
            one = len(self._problem.columns) + sum(self._problem.sizes)
            wanted = min(GOOD, 1000 * one / max(self.effort, 1))
        return self.diagram().acceptance >= wanted

    def _rows(self, effort: int) -> Ints:
        """Return which open boxes to split now: the largest, if not all can be."""
        nodes = self._open
        rows = np.flatnonzero(nodes.columns >= 0)
        largest = self._evenly or bool(self._real[nodes.columns[rows]].any())
        if not largest and len(rows):
            # Boxes with as much chosen as others may turn out to be like them.
            progress = nodes.boxes.chosen()[rows]
            rows = rows[progress == progress.min()]
        mass = (nodes.paths + nodes.sizes)[rows]
        order = np.argsort(-mass, kind="stable")
        if largest and len(rows):
            share = np.exp(mass - mass.max())
            order = order[: max(1, int((share >= share.mean() / 4).sum()))]
        rows = rows[order]
        count = pieces(self._problem, nodes.boxes.take(rows), nodes.columns[rows], self._evenly)
        fits = np.cumsum(count) * (self.effort / self._parts) <= effort
        fits[:1] = True
        return np.sort(rows[fits])

    def _round(self, rows: Ints) -> None:
        """Split the open boxes `rows`."""
        nodes = self._open.take(rows)
        count = pieces(self._problem, nodes.boxes, nodes.columns, self._evenly)
        chunk = (np.cumsum(count) - 1) // _CHUNK
        ends = np.searchsorted(chunk, np.arange(chunk[-1] + 2))
        found = [
            self._split(nodes.take(np.arange(start, end)))
            for start, end in itertools.pairwise(ends)
        ]
        rest = np.ones(self._open.boxes.m, dtype=bool)
        rest[rows] = False
        choices = joined_choices([choices for _, choices in found])
        fresh = _joined_nodes([part for part, _ in found])
        fresh = fresh._replace(numbers=self._next + np.arange(fresh.boxes.m))
        self._next += fresh.boxes.m
        self.effort += _ROUND
        self._parts += int(count.sum())
        self._merge(_joined_nodes([self._open.take(rest), fresh]), choices)
        self._sift()

    def _split(self, nodes: _Nodes) -> tuple[_Nodes, Choices]:
        """Return the parts of `nodes` that are left, and the choices that lead there."""
        parts = split(self._problem, nodes.boxes, nodes.columns, self._evenly)
        boxes, yes, kept, effort = narrowed(
            self._problem, parts.boxes, nodes.yes[:, parts.parents], parts.touched, _PASSES
        )
        self.effort += effort + parts.boxes.m * len(self._problem.columns)
        parents = parts.parents[kept]
        known = (boxes.lo == boxes.hi) & ~(self._order | self._real)[:, None]
        choices = _noted(nodes.numbers[parents], boxes, known & ~boxes.done, parts, kept)
        boxes = Boxes(boxes.lo, boxes.hi, known, boxes.prefixes)
        return self._nodes(boxes, yes, kept, nodes.paths[parents]), choices

    def _merge(self, nodes: _Nodes, choices: Choices) -> None:
        """Note choices, and as open `nodes`, one of all that are alike.

        Args:
            nodes: All that are open; those that `choices` lead to are the last ones.
            choices: In the order of the nodes they lead to.
        """
        numbers = children = nodes.numbers
        kinds = alike(self._problem, nodes.boxes, nodes.yes) if nodes.boxes.m > 1 else None
        if kinds is not None:
            first, kind = kinds
            children = nodes.numbers[first][kind]
            top = nodes.paths.max()
            paths = np.bincount(kind, weights=np.exp(nodes.paths - top))
            with np.errstate(divide="ignore"):
                nodes = nodes.take(first)._replace(paths=np.log(paths) + top)
        old = len(children) - len(choices.parents)
        self._choices.append(choices._replace(children=children[old:]))
        # Old nodes may turn out to be alike only now: one leads to the other.
        found = np.flatnonzero(children[:old] != numbers[:old])
        none = np.empty(0, dtype=np.int64)
        self._choices.append(Choices(numbers[found], children[found], none, none, np.empty(0)))
        self._open = nodes

    def _sift(self) -> None:
        """Set boxes aside that are certain."""
        certain = np.asarray(self._open.yes.all(axis=0))
        if certain.any():
            self._settled.append(self._open.take(certain))
            self._open = self._open.take(~certain)


def _noted(parents: Ints, boxes: Boxes, known: Mask, parts: Split, kept: Ints) -> Choices:
    """Return the choices that lead to `boxes`, with notes of all codes now `known`.

    Args:
        parents: Where they start, shape (m,).
        boxes: Where they lead, m of them.
        known: Which codes are, and were not before, shape (c, m).
        parts: All parts that there were.
        kept: Which of them the boxes are, shape (m,).
    """
    box, columns = np.nonzero(known.T)
    grown = np.flatnonzero(parts.steps[kept] > 0)
    noted = np.concatenate([box, grown])
    order = np.argsort(noted, kind="stable")
    amounts = np.concatenate([boxes.lo[columns, box], parts.steps[kept][grown]])
    columns = np.concatenate([columns, parts.columns[kept][grown]])
    return Choices(parents, kept, noted[order], columns[order], amounts[order])


def explored(problem: Problem) -> Diagram:
    """Return what drawing needs to know, with no more effort than that is worth."""
    search = Search(problem)
    diagram = search.run(FAIR)
    wide = [c.levels > FEW and not isinstance(c, OrderColumn) for c in problem.columns]
    if diagram.acceptance < POOR and any(wide) and search.needed() > LIMIT:
        other = Search(problem, evenly=True)
        if other.run(FAIR).acceptance > diagram.acceptance:
            search = other
    return search.run(LIMIT)
