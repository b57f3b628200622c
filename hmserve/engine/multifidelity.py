"""An optimizer in which cheap evaluations decide who gets expensive ones."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from hmserve.engine.history import History
from hmserve.fidelity.ranking import Outcome
from hmserve.fidelity.rungs import Ladder, reaches
from hmserve.fidelity.scheduling import Place, Scheduler
from hmserve.space.space import Configuration, Space
from hmserve.trial import WHOLE, Evaluation, Stage, Trial

if TYPE_CHECKING:
    from hmserve.engine.fidelity_samplers import Sampler


class Rules(NamedTuple):
    """What is evaluated how far, and for how long.

    Args:
        scheduler: Says where the next trial goes.
        ladder: The fidelities in use.
        judge: What is promoted by an evaluation that came as far as it was to; None: nothing.
        batch_size: How many trials an ask holds at most, where a whole one is asked.
        limit: The most trials that are asked; None for no other limit than the scheduler's.
    """

    scheduler: Scheduler
    ladder: Ladder
    judge: Callable[[Evaluation], Outcome | None]
    batch_size: int = 1
    limit: int | None = None


class MultiFidelityOptimizer:
    """Asks configurations where a scheduler has a place for them (see `Optimizer`).

    New ones come from the design of experiments as long as it lasts, then from a sampler. A
    configuration that is promoted is asked again under another number, at a higher fidelity.

    Args:
        history: Empty.
        design: The configurations to begin with.
        sampler: Makes the sampler when it is first needed: it imports numpy and scipy.
        rules: What is evaluated how far; its scheduler is at its beginning.
    """

    def __init__(
        self,
        history: History,
        design: Sequence[Configuration],
        sampler: Callable[[], "Sampler"],
        rules: Rules,
    ) -> None:
        self._history = history
        self._design = _Design(history.space, design)
        self._make_sampler = sampler
        self._sampler: Sampler | None = None
        self._rules = rules
        self._scheduler = rules.scheduler
        limits = [n for n in (rules.limit, rules.scheduler.most) if n is not None]
        self.budget = min(limits, default=WHOLE)
        self._out: dict[int, Trial] = {}
        self._begun: dict[int, Configuration] = {}
        self._designed: set[int] = set()
        self._asked = 0
        self._next_id = 0
        self._step = 1
        self._starved = False
        self._stopped = False

    @property
    def finished(self) -> bool:
        spent = self._stopped or self._asked >= self.budget
        return not self._history.waiting and (spent or self._scheduler.next() is None)

    @property
    def pending(self) -> Sequence[Trial]:
        return self._history.pending

    @property
    def expired(self) -> Sequence[Trial]:
        return self._history.expired

    @property
    def state(self) -> Mapping[str, Any]:
        fitted = self._sampler.state if self._sampler else {}
        exhausted = {"exhausted": True} if self._starved else {}
        return {**({"sampler": dict(fitted)} if fitted else {}), **exhausted}

    def ask(self, n: int, *, quick: bool = False) -> Sequence[Trial]:
        whole = n >= WHOLE
        n = min(n, self.budget - self._asked)
        asked: list[Trial] = []
        while len(asked) < n and not self._stopped:
            place = self._scheduler.next()
            if place is None or (whole and asked and _elsewhere(place, asked[-1])):
                break
            designed = place.root is None and bool(self._design)
            if whole and not designed:
                n = min(n, self._rules.batch_size)
            more = self._place(place, n - len(asked), quick)
            asked += more
            # A design is a stage: what follows it may need what came of it.
            if designed or not (more or self._starved):
                break
        return asked

    def replay(self, trials: Sequence[Trial], state: Mapping[str, Any]) -> None:
        ids = [trial.id for trial in trials]
        if ids != list(self._ids(len(ids))):
            last = self._next_id - self._step
            raise ValueError(f"trials {ids} do not follow on trial {last}")
        places = [self._asked_at(trial) for trial in trials]
        self._enter_all(ids, places, bool(state.get("exhausted")))
        if state.get("sampler"):
            self._learner().restore(state["sampler"])
        for trial, place in zip(trials, places, strict=True):
            if place.root is None:
                self._take_design(1)
            self._record(trial)
        if state.get("exhausted") and not self._starved:
            self._starve()

    def tell(self, evaluations: Iterable[Evaluation]) -> None:
        told = list(evaluations)
        self._history.tell(told)
        for evaluation in told:
            asked = self._out.pop(evaluation.trial.id)
            self._scheduler.settle(asked.id, self._outcome(evaluation, asked))

    def observe(self, evaluations: Iterable[Evaluation]) -> None:
        observed = list(evaluations)
        self._history.observe(observed)
        self._design.spare(evaluation.trial.configuration for evaluation in observed)
        self._starve_if_exhausted()

    def drop(self, trials: Iterable[Trial]) -> None:
        dropped = self._history.drop(list(trials))
        self._asked -= len(dropped)
        # First of all: a rung that has lost its last trial waits for another one.
        if not self._history.exhausted and any(_begins(trial) for trial in dropped):
            self._starved = False
            self._scheduler.feed()
        for trial in dropped:
            del self._out[trial.id]
            self._begun.pop(trial.id, None)
            self._scheduler.release(trial.id)
        # A design keeps its shape: what was dropped of it comes first again.
        again = [t.configuration for t in dropped if t.id in self._designed]
        self._design.give_back([c for c in again if not self._history.has(c)])

    def abandon(self, trials: Iterable[Trial]) -> None:
        abandoned = list(trials)
        self._history.abandon(abandoned)
        for trial in abandoned:
            del self._out[trial.id]
            self._scheduler.settle(trial.id, None)

    def expire(self, trials: Iterable[Trial]) -> None:
        expired = list(trials)
        self._history.expire(expired)
        for trial in expired:
            self._scheduler.settle(trial.id, None)

    def attend(self, trials: Sequence[Trial]) -> None:
        self._history.others = trials

    def stop(self) -> None:
        self._stopped = True

    def _place(self, place: Place, most: int, quick: bool) -> Sequence[Trial]:
        """Return at most `most` trials at `place`, entered; none if there is nothing new."""
        if place.root is not None:
            configurations: Sequence[Configuration] = [self._begun[place.root]]
        else:
            configurations = self._new(place, min(most, place.room), quick)
        ids = self._ids(len(configurations))
        trials = [_trial(i, c, place) for i, c in zip(ids, configurations, strict=True)]
        for trial in trials:
            self._scheduler.enter(trial.id, place)
            self._record(trial)
        return trials

    def _new(self, place: Place, n: int, quick: bool) -> Sequence[Configuration]:
        designed = self._take_design(n)
        if designed:
            return designed
        found = self._learner().propose(
            self._history, place.rung, n, self._next_id, quick=quick
        )
        if not found and not self._history.waiting:
            # A space whose size nobody knows is exhausted when nothing new is found.
            self._starve()
        return found

    def _record(self, trial: Trial) -> None:
        self._history.ask([trial])
        self._out[trial.id] = trial
        if _begins(trial):
            self._begun[trial.id] = trial.configuration
        self._asked += 1
        self._next_id += self._step
        self._starve_if_exhausted()

    def _take_design(self, n: int) -> Sequence[Configuration]:
        taken = self._design.take(n)
        self._designed.update(self._ids(len(taken)))
        return taken

    def _ids(self, n: int) -> range:
        """Return the numbers of the next `n` trials."""
        return range(self._next_id, self._next_id + n * self._step, self._step)

    def _asked_at(self, trial: Trial) -> Place:
        """Return where a journal says that `trial` went."""
        stage, ladder = trial.stage, self._rules.ladder
        if stage is None or not 0 <= stage.rung < len(ladder):
            raise ValueError(f"trial {trial.id} has no place among {len(ladder)} fidelities")
        rung = ladder.rung(stage.bracket, stage.rung)
        root = None if stage.root == trial.id else stage.root
        return Place(rung, root, stage.previous)

    def _enter_all(self, ids: Sequence[int], places: Sequence[Place], exhausted: bool) -> None:
        """Enter all trials with these ids at these places, or none and raise ValueError."""
        entered: list[int] = []
        try:
            for trial, place in zip(ids, places, strict=True):
                self._enter(trial, place, exhausted)
                entered.append(trial)
        except ValueError:
            for trial in reversed(entered):
                self._scheduler.release(trial)
            raise

    def _enter(self, trial: int, place: Place, exhausted: bool) -> None:
        try:
            self._scheduler.enter(trial, place)
        except ValueError:
            if not exhausted or self._starved:
                raise
            # During that ask nothing new was found, and brackets went on without.
            self._starve()
            self._scheduler.enter(trial, place)

    def _outcome(self, evaluation: Evaluation, asked: Trial) -> Outcome | None:
        reached, wanted = evaluation.trial.fidelity, asked.fidelity
        if reached is not None and wanted is not None and not reaches(reached, wanted):
            return None
        return self._rules.judge(evaluation)

    def _starve_if_exhausted(self) -> None:
        if self._history.exhausted and not self._starved:
            self._starve()

    def _starve(self) -> None:
        self._starved = True
        self._scheduler.starve()

    def _learner(self) -> "Sampler":
        if self._sampler is None:
            self._sampler = self._make_sampler()
        return self._sampler


class _Design:
    """The design of experiments: what is left of it, in its order.

    Args:
        space: Where the configurations are from.
        configurations: One may come more than once.
    """

    def __init__(self, space: Space, configurations: Sequence[Configuration]) -> None:
        self._space = space
        self._queue = deque(configurations)
        # How often each of them is still to be asked; 0 for what was observed meanwhile.
        self._left = Counter(map(space.key, configurations))

    def take(self, n: int) -> Sequence[Configuration]:
        """Return the next `n`, or what is left."""
        taken: list[Configuration] = []
        while self._queue and len(taken) < n:
            configuration = self._queue.popleft()
            key = self._space.key(configuration)
            if self._left[key]:
                self._left[key] -= 1
                taken.append(configuration)
        return taken

    def __len__(self) -> int:
        return sum(self._left.values())

    def extend(self, configurations: Sequence[Configuration]) -> None:
        """Put `configurations` last."""
        self._queue.extend(configurations)
        self._left.update(map(self._space.key, configurations))

    def give_back(self, configurations: Sequence[Configuration]) -> None:
        """Put `configurations` first again."""
        self._queue.extendleft(reversed(configurations))
        self._left.update(map(self._space.key, configurations))

    def spare(self, configurations: Iterable[Configuration]) -> None:
        """Forget what is known from elsewhere."""
        for configuration in configurations:
            self._left.pop(self._space.key(configuration), None)


def _trial(number: int, configuration: Configuration, place: Place) -> Trial:
    rung = place.rung
    root = number if place.root is None else place.root
    stage = Stage(rung.bracket, rung.index, root, place.previous)
    return Trial(number, configuration, rung.fidelity, stage)


def _begins(trial: Trial) -> bool:
    """Whether a configuration is asked here for the first time."""
    return trial.stage is not None and trial.stage.root == trial.id


def _elsewhere(place: Place, trial: Trial) -> bool:
    """Whether `place` is in another rung than `trial`."""
    stage = trial.stage
    return stage is None or stage[:2] != (place.rung.bracket, place.rung.index)
