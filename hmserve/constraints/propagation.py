"""Cutting boxes by all constraints in turn, until none cuts any more."""

from typing import NamedTuple

import numpy as np

from hmserve.arrays import Ints, Mask
from hmserve.constraints.boxes import Boxes
from hmserve.constraints.narrowing import Narrowing
from hmserve.constraints.outlook import Outlook, Problem


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
    yes, kept, effort = yes.copy(), np.arange(boxes.m), 0
    real = np.array([column.levels == 0 for column in problem.columns])[:, None]
    for _ in range(passes):
        moved = np.zeros(len(real), dtype=bool)
        for i in np.flatnonzero(touched):
            if yes[i].all():
                continue
            effort += boxes.m * problem.sizes[i]
            with np.errstate(all="ignore"):
                step = Narrowing(problem, boxes, problem.constraints[i])
            yes[i] |= step.verdict.yes
            if step.changed():
                width = boxes.hi - boxes.lo
                moved |= (step.hi - step.lo < np.where(real, 0.9 * width, width)).any(axis=1)
                boxes = boxes.bounded(step.lo, step.hi)
            if step.failed.any():
                left = ~step.failed
                boxes, yes, kept = boxes.take(left), yes[:, left], kept[left]
        touched = np.asarray(problem.reads[:, moved].any(axis=1))
        if not touched.any():
            return Narrowed(boxes, yes, kept, effort)
    return _judged(problem, Narrowed(boxes, yes, kept, effort))


def _judged(problem: Problem, found: Narrowed) -> Narrowed:
    """Look at constraints a last time, cutting nothing off."""
    boxes, yes, kept, effort = found
    failed = np.zeros(boxes.m, dtype=bool)
    with np.errstate(all="ignore"):
        for i, constraint in enumerate(problem.constraints):
            if not yes[i].all():
                verdict = Outlook(problem, boxes).verdict(constraint)
                yes[i] |= verdict.yes
                failed |= verdict.no
    return Narrowed(boxes.take(~failed), yes[:, ~failed], kept[~failed], effort)
