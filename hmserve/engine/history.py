"""What an optimizer knows: evaluations in their order, pending trials, what was ever proposed.

Pure Python: the design of experiments is asked before numpy is imported.
"""

from collections.abc import Hashable, Iterable, Sequence

from hmserve.errors import UnknownTrialError
from hmserve.space.space import Configuration, Space
from hmserve.trial import Evaluation, Trial


class History:
    """Append-only evaluations, and the trials still out.

    Args:
        space: Where configurations come from.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.evaluations: list[Evaluation] = []
        self._pending: dict[int, Trial] = {}
        self._seen: dict[Hashable, int] = {}

    @property
    def pending(self) -> Sequence[Trial]:
        """Trials asked and not yet answered, in the order of the asks."""
        return tuple(self._pending.values())

    @property
    def exhausted(self) -> bool:
        """Whether every configuration of the space was evaluated or is pending."""
        return len(self._seen) >= self.space.size

    def has(self, configuration: Configuration) -> bool:
        """Whether `configuration` was evaluated or is pending."""
        return self.space.key(configuration) in self._seen

    def ask(self, trials: Iterable[Trial]) -> None:
        """Enter `trials` as pending."""
        for trial in trials:
            self._pending[trial.id] = trial
            self._count(trial, 1)

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Move pending trials to the evaluations; all or, if one is unknown, none."""
        self._take([evaluation.trial for evaluation in evaluations])
        self.evaluations.extend(evaluations)

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        """Enter evaluations that nobody asked for."""
        for evaluation in evaluations:
            self._count(evaluation.trial, 1)
        self.evaluations.extend(evaluations)

    def drop(self, trials: Sequence[Trial]) -> None:
        """Forget pending trials: they may be proposed again."""
        self._take(trials)
        for trial in trials:
            self._count(trial, -1)

    def abandon(self, trials: Sequence[Trial]) -> None:
        """Take pending trials off the list: they are not proposed again."""
        self._take(trials)

    def _count(self, trial: Trial, by: int) -> None:
        key = self.space.key(trial.configuration)
        self._seen[key] = self._seen.get(key, 0) + by
        if not self._seen[key]:
            del self._seen[key]

    def _take(self, trials: Sequence[Trial]) -> None:
        left = dict(self._pending)
        for trial in trials:
            if left.pop(trial.id, None) is None:
                raise UnknownTrialError(f"trial {trial.id} is not pending")
        self._pending = left
