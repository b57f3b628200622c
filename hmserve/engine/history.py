"""What an optimizer knows: evaluations in their order, trials that are out, what was proposed.

Pure Python: the design of experiments is asked before numpy is imported.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence

from hmserve.errors import UnknownTrialError
from hmserve.space.space import Configuration, Space
from hmserve.trial import Evaluation, Trial


class History:
    """Append-only `evaluations` and `abandoned` trials, and the trials still out.

    Args:
        space: Where configurations come from.

    Attributes:
        others: What somebody else evaluates now, and nobody here waits for.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.evaluations: list[Evaluation] = []
        self.abandoned: list[Trial] = []
        self.others: Sequence[Trial] = ()
        self._pending: dict[int, Trial] = {}
        self._expired: dict[int, Trial] = {}
        self._seen: dict[Hashable, int] = {}

    @property
    def pending(self) -> Sequence[Trial]:
        """Trials asked and not yet answered, in the order of the asks."""
        return tuple(self._pending.values())

    @property
    def expired(self) -> Sequence[Trial]:
        """Trials nobody waits for any more that may still be answered."""
        return tuple(self._expired.values())

    @property
    def awaited(self) -> Sequence[Trial]:
        """Whatever will have a result soon, here or elsewhere."""
        return (*self._pending.values(), *self.others)

    @property
    def waiting(self) -> bool:
        """Whether any trial is pending."""
        return bool(self._pending)

    @property
    def exhausted(self) -> bool:
        """Whether no configuration of the space is left to be asked."""
        return len(self._seen) >= self.space.size

    def has(self, configuration: Configuration) -> bool:
        """Whether `configuration` was evaluated, is pending or was abandoned."""
        return self.space.key(configuration) in self._seen

    def ask(self, trials: Iterable[Trial]) -> None:
        """Enter `trials` as pending."""
        for trial in trials:
            self._pending[trial.id] = trial
            self._count(trial, 1)

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Move trials that are out to the evaluations; all or, if one is unknown, none.

        They are entered in the order of the asks: within one call the order does not matter.
        """
        self._take([evaluation.trial for evaluation in evaluations])
        self.evaluations.extend(sorted(evaluations, key=lambda e: e.trial.id))

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        """Enter evaluations that nobody asked for."""
        for evaluation in evaluations:
            self._count(evaluation.trial, 1)
        self.evaluations.extend(evaluations)

    def drop(self, trials: Sequence[Trial]) -> Sequence[Trial]:
        """Forget trials that are out, and return them: they may be proposed again."""
        dropped = self._take(trials)
        for trial in dropped:
            self._count(trial, -1)
        return dropped

    def abandon(self, trials: Sequence[Trial]) -> None:
        """Take trials that are out off the list: they are not proposed again."""
        self.abandoned.extend(self._take(trials))

    def expire(self, trials: Sequence[Trial]) -> None:
        """Wait no more for pending trials; they are not proposed again."""
        _require(trials, self._pending)
        self._expired |= {trial.id: self._pending.pop(trial.id) for trial in trials}

    def _count(self, trial: Trial, by: int) -> None:
        key = self.space.key(trial.configuration)
        self._seen[key] = self._seen.get(key, 0) + by
        if not self._seen[key]:
            del self._seen[key]

    def _take(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials with the ids of `trials` that are out, and let go of them."""
        _require(trials, self._pending, self._expired)
        homes = [
            self._pending if trial.id in self._pending else self._expired for trial in trials
        ]
        return [home.pop(trial.id) for home, trial in zip(homes, trials, strict=True)]


def _require(trials: Sequence[Trial], *homes: Mapping[int, Trial]) -> None:
    """Raise if one of `trials` is in none of the `homes`, or comes twice."""
    wanted: set[int] = set()
    for trial in trials:
        if trial.id in wanted or not any(trial.id in home for home in homes):
            raise UnknownTrialError(f"trial {trial.id} is not pending")
        wanted.add(trial.id)
