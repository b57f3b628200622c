"""When an evaluation that reports how it stands is ended early.

Both rules compare a configuration with those that came as far; they do not know how far any
of them is to go. What a configuration says again of a step it is past tells nothing new: its
evaluation began anew, after a crash or because it was promoted.
"""

import bisect
import math
from typing import Final, NamedTuple, Protocol

from hmserve.fidelity.options import FidelityOptions
from hmserve.fidelity.rungs import Ladder, reaches, same, share

_OTHERS: Final = 5
"""The median of fewer others means little."""
_GRACE: Final = 1
"""So many steps of a configuration are not judged by it."""


class Rule(Protocol):
    """Judges reports, in the order in which they come."""

    def report(self, root: int, fidelity: float, value: float) -> bool:
        """Return whether the evaluation of a configuration is to go on.

        Args:
            root: The configuration: the trial with which it began.
            fidelity: How far it has come; positive.
            value: Its objective there, to be minimised; finite.
        """

    def settle(self, root: int, fidelity: float, value: float | None) -> None:
        """Take the result of an evaluation that is over.

        Args:
            root: Its configuration.
            fidelity: How far it came.
            value: The objective; None if it failed or is infeasible.
        """


def rule(options: FidelityOptions) -> Rule | None:
    """Return the rule that `options` name; None if nothing is ended early."""
    if options.stopping == "asha":
        return Halving(options.ladder)
    return Median() if options.stopping == "median" else None


class Halving:
    """ASHA's rule: a configuration goes on while it is among the best of its rung.

    When it first reports from a rung or beyond it, it goes on if it is among the best 1/eta of
    what came as far, itself included; or if those are fewer than eta. Who goes on may be
    overtaken later. (The stopping type of Li et al. 2020, as in Syne Tune.) Results count as
    reports do, failures as the worst.

    Args:
        ladder: The fidelities in use.
    """

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder
        self._values: list[list[float]] = [[] for _ in ladder.fidelities]
        self._seen: list[set[int]] = [set() for _ in ladder.fidelities]

    def report(self, root: int, fidelity: float, value: float) -> bool:
        index = self._enter(root, fidelity, value)
        if index is None:
            return True
        values, eta = self._values[index], self._ladder.eta
        better = bisect.bisect_left(values, value)
        return len(values) < eta or better < share(len(values), eta)

    def settle(self, root: int, fidelity: float, value: float | None) -> None:
        self._enter(root, fidelity, math.inf if value is None else value)

    def _enter(self, root: int, fidelity: float, value: float) -> int | None:
        """Return the highest rung that is reached; None if it was before, or there is none."""
        index = bisect.bisect_right(self._ladder.fidelities, fidelity)
        if index < len(self._ladder) and same(self._ladder.fidelities[index], fidelity):
            index += 1
        if not index or root in self._seen[index - 1]:
            return None
        self._seen[index - 1].add(root)
        bisect.insort(self._values[index - 1], value)
        return index - 1


class _Curve(NamedTuple):
    """What a configuration has reported: how far it is, how often, and the average of it."""

    fidelity: float = 0.0
    reports: int = 0
    mean: float = 0.0


class _Step(NamedTuple):
    """A fidelity at which there were reports, with the running averages of those, sorted."""

    fidelity: float
    means: list[float]


class Median:
    """The median rule: an evaluation ends that is worse than half of those that came as far.

    Its running average is compared with those that the others had at the same fidelity; it
    ends if it is worse than their median. Fewer than 5 others, or the first report of a
    configuration, tell nothing. (Golovin et al. 2017, "Google Vizier", section 3.2.1, but with
    all configurations that came as far, not those alone that are complete.) Results do not
    count: they are no averages.
    """

    def __init__(self) -> None:
        self._curves: dict[int, _Curve] = {}
        self._steps: list[_Step] = []

    def report(self, root: int, fidelity: float, value: float) -> bool:
        curve = self._curves.get(root, _Curve())
        if reaches(curve.fidelity, fidelity):
            return True
        count = curve.reports + 1
        # By parts: the sum of finite numbers may be infinite.
        mean = curve.mean * (curve.reports / count) + value / count
        self._curves[root] = _Curve(fidelity, count, mean)
        means = self._means(fidelity)
        ends = count > _GRACE and len(means) >= _OTHERS and mean > _median(means)
        bisect.insort(means, mean)
        return not ends

    def settle(self, root: int, fidelity: float, value: float | None) -> None:
        """Nothing comes of a result here."""

    def _means(self, fidelity: float) -> list[float]:
        """Return what was reported at `fidelity`."""
        place = bisect.bisect_left(self._steps, fidelity, key=lambda step: step.fidelity)
        for step in self._steps[max(place - 1, 0) : place + 1]:
            if same(step.fidelity, fidelity):
                return step.means
        self._steps.insert(place, _Step(fidelity, []))
        return self._steps[place].means


def _median(values: list[float]) -> float:
    """Return the median of sorted `values`."""
    middle = len(values) // 2
    return values[middle] / 2 + values[middle if len(values) % 2 else middle - 1] / 2
