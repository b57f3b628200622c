"""Cutting boxes by all constraints in turn, until none cuts any more."""

from typing import Final, NamedTuple

import numpy as np

from hmserve.arrays import Floats, Ints, Mask
from hmserve.constraints.boxes import Boxes
from hmserve.constraints.narrowing import Narrowing
from hmserve.constraints.outlook import Outlook, Problem

_CALL: Final = 200
"""Boxes for whose sake a look at a constraint takes as long as its first steps."""


class Narrowed(NamedTuple):
    """What is left of boxes.

    Args:
        boxes: The boxes, m of them.
        yes: Which constraint is certain in which, shape (constraints, m).
        kept: Which of the boxes that there were they are, shape (m,).
        effort: Boxes looked at, times the operations of the constraints.
    """

    boxes: Boxes
    yes: Mask
    kept: Ints
    effort: int


def narrowed(problem: Problem, boxes: Boxes, yes: Mask, touched: Mask, passes: int) -> Narrowed:
    """Return boxes without what certainly breaks constraints.

    Args:
        problem: The constraints.
        boxes: The boxes, m of them.
        yes: Which constraint is certain in which, shape (constraints, m).
        touched: The constraints to look at, shape (constraints,).
        passes: How often to look again at constraints over columns that were cut.
    """
    yes, touched, effort = yes.copy(), touched.copy(), 0
    boxes = boxes.bounded(boxes.lo.copy(), boxes.hi.copy())
    kept, lost = np.arange(boxes.m), np.zeros(boxes.m, dtype=bool)
    for _ in range(passes):
        for i, constraint in enumerate(problem.constraints):
            if not touched[i] or yes[i].all():
                continue
            effort += (boxes.m + _CALL) * problem.sizes[i]
            with np.errstate(all="ignore"):
                step = Narrowing(problem, boxes, constraint)
            yes[i] |= step.verdict.yes
            touched[i] = False
            for j in step.cuts:
                if _cut(problem, boxes, j, *step.cuts[j]):
                    touched |= problem.reads[:, j]
            lost |= step.failed
            if 4 * lost.sum() > boxes.m:
                boxes, yes, kept, lost = _without(boxes, yes, kept, lost)
        if not touched.any():
            break
    else:
        lost |= _judged(problem, boxes, yes)
    boxes, yes, kept, lost = _without(boxes, yes, kept, lost)
    return Narrowed(boxes, yes, kept, effort)


def _cut(problem: Problem, boxes: Boxes, j: int, lo: Floats, hi: Floats) -> bool:
    """Write the bounds of column `j`; tell if the cut is worth to look at constraints again."""
    width = boxes.hi[j] - boxes.lo[j]
    if problem.columns[j].levels == 0:
        width = 0.9 * width
    boxes.lo[j], boxes.hi[j] = lo, hi
    return bool((hi - lo < width).any())


def _without(boxes: Boxes, yes: Mask, kept: Ints, lost: Mask) -> tuple[Boxes, Mask, Ints, Mask]:
    left = np.flatnonzero(~lost)
    if len(left) == len(lost):
        return boxes, yes, kept, lost
    return boxes.take(left), yes[:, left], kept[left], np.zeros(len(left), dtype=bool)


def _judged(problem: Problem, boxes: Boxes, yes: Mask) -> Mask:
    """Look at constraints a last time, cutting nothing off: note them, tell what fails."""
    failed = np.zeros(boxes.m, dtype=bool)
    with np.errstate(all="ignore"):
        for i, constraint in enumerate(problem.constraints):
            if not yes[i].all():
                verdict = Outlook(problem, boxes).verdict(constraint)
                yes[i] |= verdict.yes
                failed |= verdict.no
    return failed
