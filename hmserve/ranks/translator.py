"""Evaluations as what one rank tells the others."""

import math
from collections.abc import Iterable

from hmserve.exchange.coordinates import Coordinates
from hmserve.exchange.member import Outcome
from hmserve.exchange.records import Record, Status
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Evaluation, Trial


class Translator:
    """Turns evaluations into what is said to other ranks, and back.

    Args:
        scenario: Names what is measured.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._objectives = scenario.objectives
        self._constraints = tuple(scenario.output_constraints)
        self.coordinates = Coordinates(scenario.space)

    def outcome(self, evaluation: Evaluation) -> Outcome:
        """Return what is said of `evaluation`."""
        objectives, limits = evaluation.objectives, evaluation.constraints
        details = evaluation.details
        status = Status.OK if evaluation.feasible else Status.INFEASIBLE
        trial = evaluation.trial
        return Outcome(
            trial=trial.id,
            coordinates=self.coordinates.encode(trial.configuration),
            objectives=tuple(objectives.get(name, math.nan) for name in self._objectives),
            constraints=tuple(limits.get(name, math.nan) for name in self._constraints),
            status=status if objectives else Status.FAILED,
            fidelity=math.nan if trial.fidelity is None else trial.fidelity,
            started=float(details.get("started", math.nan)),
            finished=float(details.get("finished", math.nan)),
        )

    def evaluation(self, record: Record) -> Evaluation:
        """Return the evaluation that `record` tells of; its trial is not one of ours."""
        told = record.status != Status.FAILED
        fidelity = None if math.isnan(record.fidelity) else record.fidelity
        times = {"started": record.started, "finished": record.finished}
        return Evaluation(
            Trial(OUTSIDE, self.coordinates.decode(record.coordinates), fidelity),
            dict(zip(self._objectives, record.objectives, strict=True)) if told else {},
            record.status == Status.OK,
            _measured(self._constraints, record.constraints) if told else {},
            {"worker": record.origin, **{n: t for n, t in times.items() if not math.isnan(t)}},
        )


def _measured(names: Iterable[str], values: Iterable[float]) -> dict[str, float]:
    pairs = zip(names, values, strict=True)
    return {name: value for name, value in pairs if not math.isnan(value)}
