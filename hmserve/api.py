"""hmserve from Python: `optimize` with a function, `AskTell` where the caller owns the loop."""

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hmserve import serve
from hmserve.closing import Closing
from hmserve.errors import UnknownTrialError, UsageError
from hmserve.journal.ledger import Row
from hmserve.progress import Progress
from hmserve.report import tables
from hmserve.run import Run
from hmserve.scenario import Files, Scenario, outward
from hmserve.space.space import Configuration
from hmserve.transports.callable import Callables, Function
from hmserve.transports.outcomes import Outcomes
from hmserve.trial import OUTSIDE, Evaluation, Results, Trial

if TYPE_CHECKING:
    import numpy as np

Source = str | os.PathLike[str] | Mapping[str, Any] | Scenario
"""A scenario: the path of its file, its JSON as a mapping, or one that is read already."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run found.

    Args:
        scenario: What was optimized.
        rows: Every result in the order it came, with its times; as it was minimised: what
            is maximised has the other sign here, and here alone.
        interrupted: Whether the user ended the run before its budget was spent.
    """

    scenario: Scenario
    rows: Sequence[Row]
    interrupted: bool = False

    @property
    def best(self) -> Evaluation | None:
        """The feasible evaluation of best first objective; None if none is feasible."""
        row = tables.best(self.rows, self.scenario)
        return outward(self.scenario, row.evaluation) if row else None

    @property
    def front(self) -> list[Evaluation]:
        """The feasible evaluations that no other dominates, in the order they came."""
        front = tables.front(self.rows, self.scenario)
        return [outward(self.scenario, row.evaluation) for row in front]

    @property
    def files(self) -> Files:
        """Where the samples, the Pareto front, the journal and the log are."""
        return self.scenario.files

    @property
    def records(self) -> list[dict[str, Any]]:
        """One dict a result: parameters, what was measured, `feasible`, `seconds`.

        Of a failure objectives and measured constraints are None.
        """
        return [self._record(row) for row in self.rows]

    def arrays(self) -> dict[str, "np.ndarray[Any, Any]"]:
        """Return `records` as one array a column; what failures lack is NaN."""
        import numpy as np

        records = self.records
        measured = (*self.scenario.objectives, *self.scenario.output_constraints)
        kinds: dict[str, type] = dict.fromkeys((*measured, "seconds"), float)
        names = (*self.scenario.space.names, *measured, "feasible", "seconds")
        return {name: np.array([r[name] for r in records], kinds.get(name)) for name in names}

    def _record(self, row: Row) -> dict[str, Any]:
        evaluation = outward(self.scenario, row.evaluation)
        scenario, found = self.scenario, {**evaluation.objectives, **evaluation.constraints}
        return {
            **evaluation.trial.configuration,
            **{name: found.get(name) for name in scenario.objectives},
            **{name: found.get(name) for name in scenario.output_constraints},
            "feasible": evaluation.feasible,
            "seconds": row.elapsed,
        }


def optimize(
    scenario: Source,
    function: Function | None = None,
    *,
    resume: bool = False,
    progress: bool | None = None,
) -> Result:
    """Minimise `function` as `scenario` says.

    Ctrl-C ends the run; what was found by then is returned, and `resume=True` goes on later.

    Args:
        scenario: The path of its file, or its JSON as a mapping.
        function: Gets a dict of parameter values and returns the objective, or a dict of
            objectives, measured constraints and feasibility. With
            `evaluations_per_optimization_iteration` above 1 it gets a dict of lists and
            returns a list, or a dict of lists. One that raises costs a failed evaluation. Not
            needed in the mode `exhaustive`.
        resume: Whether to go on with an earlier run of this scenario, if there is one.
        progress: Whether to show progress on standard error; None: if it is a terminal.

    Raises:
        ScenarioError: The scenario cannot be used; every error is listed.
        UsageError: There is no function to minimise.
        JournalError: A file cannot be written, or another process holds the run.
    """
    found = read(scenario)
    if function is None and found.mode != "exhaustive":
        raise UsageError(f"{found.source}: optimize() needs a function to minimise")
    shown = sys.stderr.isatty() if progress is None else progress
    report = Progress(sys.stderr) if shown else None
    interrupted = False
    with serve.open_run(found, resume) as run:
        try:
            _perform(run, function, report or _unheard)
        except KeyboardInterrupt:
            interrupted = True
        if report:
            report.finish(run)
    return Result(found, tuple(run.rows), interrupted)


def _perform(run: Run, function: Function | None, heard: serve.Heard) -> None:
    if function is None:
        serve.from_table(run, heard)
    else:
        serve.perform(run, lambda log: Callables(run.scenario, function, log.say), heard)


def _unheard(run: Run) -> None:
    """Take no notice."""


def read(scenario: Source) -> Scenario:
    """Return `scenario` read and checked.

    Raises:
        ScenarioError: It cannot be used; every error is listed.
    """
    if isinstance(scenario, Scenario):
        return scenario
    return (
        Scenario.parse(scenario) if isinstance(scenario, Mapping) else Scenario.load(scenario)
    )


class AskTell(Closing):
    """A run whose loop is yours: ask for configurations, tell what came of them.

    Everything told is on disk before `tell` returns; after a crash, `resume=True` goes on with
    the same trials pending. Close it, or use it in a `with` block.

    Args:
        scenario: The path of its file, or its JSON as a mapping.
        resume: Whether to go on with an earlier run of this scenario, if there is one.

    Raises:
        ScenarioError: The scenario cannot be used; every error is listed.
        JournalError: A file cannot be written, or another process holds the run.
    """

    def __init__(self, scenario: Source, *, resume: bool = False) -> None:
        self._closed = False
        self._run = serve.open_run(read(scenario), resume)
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._run)
            self._log = serve.open_log(self._run)
            stack.pop_all()
        self._outcomes = Outcomes(self._run.scenario)

    @property
    def finished(self) -> bool:
        """Whether nothing is pending and nothing will be asked."""
        return self._run.optimizer.finished

    @property
    def pending(self) -> Sequence[Trial]:
        """The trials that wait for an answer, in the order of the asks."""
        return self._run.optimizer.pending

    @property
    def result(self) -> Result:
        """What was found so far."""
        return Result(self._run.scenario, tuple(self._run.rows), not self.finished)

    def ask(self, n: int = 1) -> list[Trial]:
        """Return up to `n` new trials; fewer where the budget or the space ends."""
        trials: list[Trial] = []
        while len(trials) < n:
            more = self._run.optimizer.ask(n - len(trials))
            if not more:
                break
            self._run.recorder.asked(more, self._run.optimizer.state)
            trials += more
        self._run.recorder.sync()
        return trials

    def tell(self, trial: Trial, outcome: Any) -> None:
        """Take the outcome of a pending trial.

        Args:
            trial: One that `ask` returned, in any order.
            outcome: A number, or a dict of objectives, measured constraints and
                feasibility; None if it failed.

        Raises:
            UnknownTrialError: It is not pending.
            EvaluatorError: The outcome cannot be understood. The trial stays pending.
        """
        self._require_pending(trial)
        self._take(Results(evaluations=self._outcomes.read([trial], outcome)))

    def observe(self, configuration: Configuration, outcome: Any) -> None:
        """Take a result nobody asked for: an earlier measurement, a point of your own.

        Raises:
            UsageError: The configuration is not in the space.
            EvaluatorError: The outcome cannot be understood.
        """
        values = {name: _plain(value) for name, value in configuration.items()}
        fault = self._run.scenario.space.fault(values)
        if fault is not None:
            raise UsageError(f"{values!r:.200} is not in the space: {fault}")
        trial = Trial(OUTSIDE, values)
        self._take(Results(observations=self._outcomes.read([trial], outcome)))

    def drop(self, trial: Trial) -> None:
        """Give back a pending trial that was never evaluated; its budget comes back.

        Raises:
            UnknownTrialError: It is not pending.
        """
        self._require_pending(trial)
        self._run.recorder.dropped([trial])
        self._run.optimizer.drop([trial])
        self._run.recorder.sync()

    def close(self) -> None:
        """Write the best point into the log and let go of the files; once is enough."""
        if self._closed:
            return
        self._closed = True
        serve.conclude(self._run, self._log)
        self._log.close()
        self._run.recorder.close()

    def _require_pending(self, trial: Trial) -> None:
        if trial.id not in {pending.id for pending in self.pending}:
            raise UnknownTrialError(f"trial {trial.id} is not pending")

    def _take(self, results: Results) -> None:
        self._run.take(results)
        self._run.recorder.sync()


def _plain(value: Any) -> Any:
    """Return Python's own scalar for one of numpy or its kin, and a tuple for a sequence."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    return tuple(plain) if isinstance(plain, list) else plain
