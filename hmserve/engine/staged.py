"""An optimizer in two stages: a design of experiments, then a proposer that learns."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from hmserve.engine.history import History
from hmserve.space.space import Configuration
from hmserve.trial import WHOLE, Evaluation, Trial


class Proposer(Protocol):
    """Where configurations come from once there are results.

    A pure function of the history, the id of the next trial and `state`.
    """

    @property
    def state(self) -> Mapping[str, Any]:
        """What the last proposal fitted, as plain JSON values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take `state` as if the last proposal had fitted it."""

    def propose(
        self, history: History, n: int, first_id: int, *, quick: bool = False
    ) -> Sequence[Configuration]:
        """Return at most `n` configurations that are neither evaluated nor pending.

        Args:
            history: What is known.
            n: At least 1.
            first_id: The number of the first trial that is made of them.
            quick: Whether all but the first may be chosen with less care.
        """


class StagedOptimizer:
    """Asks the design as one stage, then batches of proposals (see `Optimizer`).

    Args:
        history: Empty.
        design: The configurations to begin with.
        proposer: Makes the proposer when it is first needed: it imports numpy and scipy.
        iterations: How many batches of proposals to ask.
        batch_size: How many proposals a batch holds, where a whole one is asked.
        limit: The most trials that are asked, the design included; None for no other limit.
    """

    def __init__(
        self,
        history: History,
        design: Sequence[Configuration],
        proposer: Callable[[], Proposer],
        iterations: int,
        batch_size: int,
        limit: int | None = None,
    ) -> None:
        self._history = history
        self._design = deque(design)
        # How often each of them is still to be asked; 0 for what was observed meanwhile.
        self._left = Counter(map(history.space.key, design))
        self._make_proposer = proposer
        self._proposer: Proposer | None = None
        self._batch_size = batch_size
        budget = len(design) + iterations * batch_size
        self.budget = budget if limit is None else min(budget, limit)
        self._designed: set[int] = set()
        self._asked = 0
        self._next_id = 0
        self._step = 1
        self._stopped = False

    @property
    def finished(self) -> bool:
        over = self._stopped or self._asked >= self.budget or self._history.exhausted
        return over and not self._history.waiting

    @property
    def pending(self) -> Sequence[Trial]:
        return self._history.pending

    @property
    def expired(self) -> Sequence[Trial]:
        return self._history.expired

    @property
    def state(self) -> Mapping[str, Any]:
        return self._proposer.state if self._proposer else {}

    def ask(self, n: int, *, quick: bool = False) -> Sequence[Trial]:
        most = self._batch_size if n >= WHOLE else n
        n = min(n, self.budget - self._asked)
        if n <= 0 or self._stopped or self._history.exhausted:
            return ()
        configurations = self._take_design(n) or self._propose(min(n, most), quick)
        if not configurations and not self._history.waiting:
            self._run_dry()
        ids = self._ids(len(configurations))
        trials = [Trial(i, c) for i, c in zip(ids, configurations, strict=True)]
        self._enter(trials)
        return trials

    def replay(self, trials: Sequence[Trial], state: Mapping[str, Any]) -> None:
        ids = [trial.id for trial in trials]
        if ids != list(self._ids(len(ids))):
            last = self._next_id - self._step
            raise ValueError(f"trials {ids} do not follow on trial {last}")
        self._take_design(len(trials))
        if state:
            self._learner().restore(state)
        self._enter(trials)

    def tell(self, evaluations: Iterable[Evaluation]) -> None:
        self._history.tell(list(evaluations))

    def observe(self, evaluations: Iterable[Evaluation]) -> None:
        observed = list(evaluations)
        self._history.observe(observed)
        key = self._history.space.key
        # Not what was asked meanwhile: a design may repeat itself.
        known = {key(evaluation.trial.configuration) for evaluation in observed}
        spared = sum(self._left.pop(k, 0) for k in known)
        self.budget = max(self.budget - spared, self._asked)

    def drop(self, trials: Iterable[Trial]) -> None:
        dropped = self._history.drop(list(trials))
        self._asked -= len(dropped)
        # A design keeps its shape: what was dropped of it comes first again.
        again = [t.configuration for t in dropped if t.id in self._designed]
        again = [c for c in again if not self._history.has(c)]
        self._design.extendleft(reversed(again))
        self._left.update(map(self._history.space.key, again))

    def abandon(self, trials: Iterable[Trial]) -> None:
        self._history.abandon(list(trials))

    def expire(self, trials: Iterable[Trial]) -> None:
        self._history.expire(list(trials))

    def attend(self, trials: Sequence[Trial]) -> None:
        self._history.others = trials

    def stop(self) -> None:
        self._stopped = True

    def _run_dry(self) -> None:
        """Take note that nothing new was found: that is how a space of unknown size ends."""
        self._stopped = True

    def _enter(self, trials: Sequence[Trial]) -> None:
        self._history.ask(trials)
        self._asked += len(trials)
        self._next_id += self._step * len(trials)

    def _ids(self, n: int) -> range:
        """Return the numbers of the next `n` trials."""
        return range(self._next_id, self._next_id + n * self._step, self._step)

    def _take_design(self, n: int) -> Sequence[Configuration]:
        taken: list[Configuration] = []
        while self._design and len(taken) < n:
            configuration = self._design.popleft()
            key = self._history.space.key(configuration)
            if self._left[key]:
                self._left[key] -= 1
                taken.append(configuration)
        self._designed.update(self._ids(len(taken)))
        return taken

    def _propose(self, n: int, quick: bool) -> Sequence[Configuration]:
        return self._learner().propose(self._history, n, self._next_id, quick=quick)

    def _learner(self) -> Proposer:
        if self._proposer is None:
            self._proposer = self._make_proposer()
        return self._proposer
