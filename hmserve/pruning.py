"""Evaluations that end early: what the records of a run have told the rule that decides."""

from collections.abc import Sequence

from hmserve.errors import UsageError
from hmserve.fidelity.rungs import reaches
from hmserve.fidelity.stopping import rule
from hmserve.journal.records import Ask, Record, Report, Tell
from hmserve.scenario import Scenario
from hmserve.space.parameters import format_number
from hmserve.trial import Evaluation, Trial


class Pruning:
    """Judges reports by what came before them in the journal, and by nothing else.

    Args:
        scenario: Says by which rule.
        records: What has happened so far.
    """

    def __init__(self, scenario: Scenario, records: Sequence[Record] = ()) -> None:
        self._fidelity = scenario.fidelity
        self._inward = scenario.inward
        self._objective = scenario.objectives[0]
        self._rule = rule(scenario.fidelity) if scenario.fidelity else None
        # How far each was that was to end, by its number: a report that comes again has the
        # same answer, and one that began anew ends where it was to.
        self._ended: dict[int, float] = {}
        if self._rule is not None:
            self._replay(records)

    def heard(self, trial: Trial, fidelity: float, measured: float) -> float | None:
        """Return the value of a report as it is minimised; None if there is nothing to judge.

        Args:
            trial: What is being evaluated.
            fidelity: How far it has come.
            measured: Its objective there, as the user has it.

        Raises:
            UsageError: It cannot have come so far.
        """
        options = self._fidelity
        if options is None:
            return None
        wanted = options.of(trial)
        if fidelity <= 0.0 or not reaches(wanted, fidelity):
            raise UsageError(
                f"{options.name}: expected a number above 0, at most "
                f"{format_number(wanted)} as was asked, came {format_number(fidelity)}"
            )
        return None if self._rule is None else self._inward(self._objective, measured)

    def judge(self, trial: Trial, fidelity: float, value: float) -> bool:
        """Take a report of `trial`; return whether its evaluation is to go on.

        What has come as far as it was to has nothing left to be ended.
        """
        assert self._fidelity is not None
        assert self._rule is not None
        if reaches(fidelity, self._fidelity.of(trial)):
            return True
        if not self._rule.report(_root(trial), fidelity, value):
            self._ended.setdefault(trial.id, fidelity)
        return trial.id not in self._ended or not reaches(fidelity, self._ended[trial.id])

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take results."""
        if self._rule is None or self._fidelity is None:
            return
        for evaluation in evaluations:
            trial = evaluation.trial
            value = evaluation.objectives[self._objective] if evaluation.feasible else None
            self._rule.settle(_root(trial), self._fidelity.of(trial), value)
            self._ended.pop(trial.id, None)

    def _replay(self, records: Sequence[Record]) -> None:
        asked: dict[int, Trial] = {}
        for record in records:
            if isinstance(record, Ask):
                asked.update({trial.id: trial for trial in record.trials})
            elif isinstance(record, Report):
                self.judge(asked[record.id], record.fidelity, record.objective)
            elif isinstance(record, Tell):
                self.tell(record.evaluations)


def _root(trial: Trial) -> int:
    return trial.id if trial.stage is None else trial.stage.root
