"""Each configuration evaluated several times: the median counts."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from types import MappingProxyType
from typing import Any, Protocol

from hmserve.trial import WHOLE, Evaluation, Limits, Results, Trial, within


class Evaluator(Protocol):
    """What evaluates a configuration once (`hmserve.run.Evaluator`)."""

    @property
    def free(self) -> int:
        """How many more trials it can take now."""

    @property
    def hungry(self) -> bool:
        """Whether evaluations are faster than proposals."""

    def submit(self, trials: Sequence[Trial]) -> None:
        """Take trials on."""

    def collect(self) -> Results:
        """Wait for at least one result."""


class Repeating:
    """Asks `evaluator` for every trial several times, one after the other in a request.

    Objectives are medians over the feasible results; a trial is feasible if more than half
    of its results are, and has failed if none has a value. A measured constraint is the median
    of its values and has to hold by that; a result that violates one does not count against
    the trial. What came of a trial that is not
    complete when the process dies is asked again.

    Args:
        evaluator: Evaluates once.
        times: How often; at least 2.
        tell: Called with a line for each single result.
        limits: Those of the measured constraints.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        times: int,
        tell: Callable[[str], None],
        limits: Mapping[str, Limits] = MappingProxyType({}),
    ) -> None:
        self._evaluator = evaluator
        self._times = times
        self._tell = tell
        self._limits = limits
        self._came: dict[int, list[Evaluation]] = {}
        self._lost: dict[int, int] = {}

    @property
    def free(self) -> int:
        # One that takes only a few at once still gets all repetitions of one trial.
        free = self._evaluator.free
        return free if free == WHOLE else max(free // self._times, 1) if free else 0

    @property
    def hungry(self) -> bool:
        return self._evaluator.hungry

    def submit(self, trials: Sequence[Trial]) -> None:
        self._evaluator.submit([trial for trial in trials for _ in range(self._times)])

    def collect(self) -> Results:
        results = self._evaluator.collect()
        complete, abandoned = [], []
        for evaluation in results.evaluations:
            trial = evaluation.trial
            self._came.setdefault(trial.id, []).append(evaluation)
            self._tell(f"trial {trial.id}: {dict(evaluation.objectives) or 'failed'}")
            complete += self._completed(trial)
        for trial in results.abandoned:
            self._lost[trial.id] = self._lost.get(trial.id, 0) + 1
            complete += self._completed(trial)
            if self._lost.get(trial.id) == self._times:
                abandoned.append(trial)
                del self._lost[trial.id]
        return Results(complete, results.observations, abandoned)

    def _completed(self, trial: Trial) -> list[Evaluation]:
        """Return the result of `trial`, if all of its repetitions are in."""
        came = self._came.get(trial.id, [])
        if not came or len(came) + self._lost.get(trial.id, 0) < self._times:
            return []
        del self._came[trial.id]
        self._lost.pop(trial.id, None)
        return [_median(trial, came, self._limits)]


def _median(
    trial: Trial, came: Sequence[Evaluation], limits: Mapping[str, Limits]
) -> Evaluation:
    measured = [e for e in came if e.objectives]
    details = _summary([e.details for e in came])
    if not measured:
        return Evaluation(trial, feasible=False, details=details)
    good = [e for e in came if e.feasible]
    feasible = 2 * len(good) > len(came)
    constraints = _medians([e.constraints for e in measured])
    if constraints:
        # Those beyond a limit have no other fault that is known.
        good = [e for e in measured if e.feasible or not within(e.constraints, limits)]
        feasible = 2 * len(good) > len(came) and within(constraints, limits)
    objectives = _medians([e.objectives for e in (good if feasible else measured)])
    return Evaluation(trial, objectives, feasible, constraints, details)


def _summary(details: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what holds of all repetitions, and from when to when they went."""
    first, *others = details
    shared = {k: v for k, v in first.items() if all(k in d and d[k] == v for d in others)}
    for name, bound in (("started", min), ("finished", max)):
        if times := [d[name] for d in details if name in d]:
            shared[name] = bound(times)
    return shared


def _medians(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: median(v[name] for v in values) for name in values[0]}
