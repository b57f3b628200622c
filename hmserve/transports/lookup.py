"""A table of known results as an evaluator: HyperMapper's exhaustive mode."""

from collections.abc import Callable, Hashable, Sequence
from typing import Final

from hmserve.space.space import Space
from hmserve.trial import WHOLE, Evaluation, Results, Trial


class Lookup:
    """Answers from a table. What the table does not hold has failed.

    Args:
        space: Where configurations come from.
        table: The known results; of several about one configuration the first counts.
        complain: Called with a text when a configuration is missing.
    """

    def __init__(
        self, space: Space, table: Sequence[Evaluation], complain: Callable[[str], None]
    ) -> None:
        self._space = space
        self._complain = complain
        self._known: dict[Hashable, Evaluation] = {}
        for evaluation in table:
            key = space.key(evaluation.trial.configuration)
            self._known.setdefault(key, evaluation)
        self._queue: list[Trial] = []

    hungry: Final = False

    @property
    def free(self) -> int:
        return 0 if self._queue else WHOLE

    def submit(self, trials: Sequence[Trial]) -> None:
        self._queue.extend(trials)

    def collect(self) -> Results:
        trials, self._queue = self._queue, []
        return Results(evaluations=[self._find(trial) for trial in trials])

    def _find(self, trial: Trial) -> Evaluation:
        known = self._known.get(self._space.key(trial.configuration))
        if known is None:
            self._complain(f"trial {trial.id} is not in the table: {dict(trial.configuration)}")
            return Evaluation(trial, feasible=False)
        return Evaluation(trial, known.objectives, known.feasible, known.constraints)
