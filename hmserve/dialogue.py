"""A run whose loop is someone else's: asked, told, dropped; all of it on disk before it counts.

One piece of logic for the ask-tell dialect and for `hmserve.AskTell`.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from hmserve.errors import UnknownTrialError, UsageError
from hmserve.fidelity.options import FidelityOptions
from hmserve.report import tables
from hmserve.run import Run
from hmserve.scenario import outward
from hmserve.space.space import Configuration
from hmserve.trial import OUTSIDE, WHOLE, Evaluation, Results, Trial


class Dialogue:
    """What may be done to a run, in any order.

    Args:
        run: Open for work; no one else works on it.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._again = deque(sorted(run.optimizer.pending, key=lambda trial: trial.id))
        # What came before a crash and was not acknowledged may come again.
        self._known = run.strangers
        self._told = {row.evaluation.trial.id for row in run.rows if row.asked}
        self._stopped = False

    @property
    def fidelity(self) -> FidelityOptions | None:
        """How far evaluations go; None where all are full."""
        return self._run.scenario.fidelity

    @property
    def finished(self) -> bool:
        """Whether nothing is waited for and nothing will be asked."""
        return self._run.optimizer.finished or (self._stopped and not self.waiting)

    @property
    def pending(self) -> Sequence[Trial]:
        """The trials that wait for an answer, in the order of the asks."""
        return self._run.optimizer.pending

    @property
    def waiting(self) -> int:
        """How many trials wait for an answer.

        After `stop` without those that were to be handed out again: nobody has them.
        """
        self._forget_settled()
        return len(self.pending) - (len(self._again) if self._stopped else 0)

    def again(self, n: int) -> list[Trial]:
        """Return at most `n` trials that were pending when the run was opened, each once.

        Those of smallest id come first; after `stop` there are none.
        """
        self._forget_settled()
        if self._stopped:
            return []
        return [self._again.popleft() for _ in range(min(n, len(self._again)))]

    def ask(self, n: int) -> list[Trial]:
        """Return at most `n` new trials; fewer where the budget or the space ends."""
        trials: list[Trial] = []
        while len(trials) < n and (more := self._run.ask(n - len(trials))):
            trials += more
        if trials:
            self._known.clear()
        return trials

    def trial(self, number: int) -> Trial:
        """Return the trial `number`, which waits for an answer; it may have expired.

        Raises:
            UnknownTrialError: There is none, or it does not wait.
        """
        ledger = self._run.recorder.ledger
        try:
            return ledger.trial(number)
        except ValueError:
            raise UnknownTrialError(
                f"trial {number} is not pending: {self._why(number)}"
            ) from None

    def report(self, trial: Trial, fidelity: float, measured: float) -> bool:
        """Take how the evaluation of `trial`, which waits, stands; return whether it goes on.

        Raises:
            UsageError: It cannot have come so far.
        """
        return self._run.report(trial, fidelity, measured)

    def outsider(self, configuration: Configuration, fidelity: float | None = None) -> Trial:
        """Return a trial that nobody asked for.

        Raises:
            UsageError: The configuration is not in the space, or the fidelity none of its.
        """
        known = self.fidelity
        if fidelity is not None and (known is None or not known.allows(fidelity)):
            expected = (
                f"above 0, at most {known.max:g}" if known else "absent: it knows of none"
            )
            raise UsageError(f"expected a fidelity {expected}, got {fidelity!r:.200}")
        fault = self._run.scenario.space.fault(configuration)
        if fault is not None:
            raise UsageError(f"{dict(configuration)!r:.200} is not in the space: {fault}")
        return Trial(OUTSIDE, configuration, fidelity)

    def take(
        self, evaluations: Sequence[Evaluation], observations: Sequence[Evaluation] = ()
    ) -> None:
        """Take answers to trials that wait for one, and results nobody asked for."""
        fresh = [each for each in observations if not self._is_known(each)]
        if evaluations or fresh:
            self._run.take(Results(evaluations=evaluations, observations=fresh))
            self._run.recorder.sync()
        self._told |= {evaluation.trial.id for evaluation in evaluations}

    def drop(self, trials: Sequence[Trial]) -> None:
        """Give back trials that were never evaluated; their budget comes back."""
        if trials:
            self._run.recorder.dropped(trials)
            self._run.optimizer.drop(trials)
            self._run.recorder.sync()

    def stop(self) -> None:
        """Ask nothing more; what is out may be told. A resumed run goes on."""
        self._stopped = True
        self._run.optimizer.stop()

    def end(self) -> None:
        """Record that this process stops in good order."""
        left = "stopped" if self._stopped else "left"
        self._run.end("done" if self._run.optimizer.finished else left)

    def best(self) -> list[Evaluation]:
        """Return the incumbent if there is one, or the Pareto front, as the user sees them."""
        rows, scenario = self._run.rows, self._run.scenario
        if len(scenario.objectives) > 1:
            found = tables.front(rows, scenario)
        else:
            first = tables.best(rows, scenario)
            found = [] if first is None else [first]
        return [outward(scenario, row.evaluation) for row in found]

    def status(self) -> dict[str, Any]:
        """Return how the run stands, as JSON values."""
        run = self._run
        found = tables.summary(run.recorder.ledger, run.scenario)
        best = found.best and outward(run.scenario, found.best.evaluation)
        front = {} if found.front is None else {"front": found.front}
        return {
            "application_name": run.scenario.application_name,
            "asked": found.asked,
            "told": found.told,
            "failed": found.failed,
            "infeasible": found.infeasible,
            "observed": found.observed,
            "pending": found.pending,
            "expired": len(run.optimizer.expired),
            "budget": None if run.optimizer.budget >= WHOLE else run.optimizer.budget,
            "seconds": round(run.recorder.elapsed, 3),
            "best": best and self._shown(best),
            **front,
        }

    def _shown(self, best: Evaluation) -> dict[str, Any]:
        trial, options = best.trial, self.fidelity
        reached = {"fidelity": options.value(options.of(trial))} if options else {}
        return {
            "trial": None if trial.id == OUTSIDE else trial.id,
            "configuration": dict(trial.configuration),
            **reached,
            "objectives": dict(best.objectives),
            **({"constraints": dict(best.constraints)} if best.constraints else {}),
        }

    def _forget_settled(self) -> None:
        """Strike what need not be handed out again."""
        if self._again:
            pending = {trial.id for trial in self.pending}
            self._again = deque(trial for trial in self._again if trial.id in pending)

    def _why(self, number: int) -> str:
        """Return why the trial `number` does not wait for an answer."""
        if not 0 <= number < self._run.recorder.ledger.asked:
            return "it was never asked"
        return "it was told before" if number in self._told else "it was given back"

    def _is_known(self, observation: Evaluation) -> bool:
        """Whether `observation` is here already; each is that only once."""
        if not self._known:
            return False
        identity = self._run.identity(observation)
        self._known[identity] -= 1
        return self._known[identity] >= 0
