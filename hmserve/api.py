"""hmserve from Python: `optimize` with a function, `AskTell` where the caller owns the loop."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hmserve import serve
from hmserve.closing import Closing
from hmserve.dialogue import Dialogue
from hmserve.errors import EvaluatorError, ResultsError, UnknownTrialError, UsageError
from hmserve.journal.ledger import Row
from hmserve.journal.table import input_names
from hmserve.log import Log
from hmserve.progress import Progress
from hmserve.report import tables
from hmserve.run import Run
from hmserve.scenario import Files, Scenario, outward
from hmserve.space.space import Configuration
from hmserve.transports.callable import Callables, Function, arguments_of
from hmserve.transports.outcomes import Outcomes
from hmserve.trial import Evaluation, Trial

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np

    from hmserve.executors.pool import Workers

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
        """The feasible evaluation of best first objective; None if none is feasible.

        Where there are fidelities, only the highest that has a feasible evaluation counts, here
        and in `front`.
        """
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

        Of a failure objectives and measured constraints are None. The fidelity, where there is
        one, comes after the parameters; if it is resumable, so do `trial` and `previous`.
        """
        return [self._record(row) for row in self.rows]

    def arrays(self) -> dict[str, "np.ndarray[Any, Any]"]:
        """Return `records` as one array a column; what failures lack is NaN."""
        import numpy as np

        records = self.records
        measured = (*self.scenario.objectives, *self.scenario.output_constraints)
        kinds: dict[str, type] = dict.fromkeys((*measured, "seconds"), float)
        names = (*input_names(self.scenario), *measured, "feasible", "seconds")
        return {name: np.array([r[name] for r in records], kinds.get(name)) for name in names}

    def _record(self, row: Row) -> dict[str, Any]:
        evaluation = outward(self.scenario, row.evaluation)
        scenario, found = self.scenario, {**evaluation.objectives, **evaluation.constraints}
        return {
            **arguments_of(evaluation.trial, scenario.fidelity),
            **{name: found.get(name) for name in scenario.objectives},
            **{name: found.get(name) for name in scenario.output_constraints},
            "feasible": evaluation.feasible,
            "seconds": row.elapsed,
        }


def optimize(  # noqa: PLR0913 - all but the first two are named, and optional
    scenario: Source,
    function: Function | None = None,
    *,
    resume: bool = False,
    progress: bool | None = None,
    executor: "Executor | None" = None,
    workers: "Workers | int | None" = None,
    comm: Any = None,
) -> Result:
    """Minimise `function` as `scenario` says.

    Ctrl-C ends the run; what was found by then is returned, and `resume=True` goes on later.
    With an executor, what was out then is evaluated again. With a communicator every rank of
    it calls this, and the result holds what all have found.

    Args:
        scenario: The path of its file, or its JSON as a mapping.
        function: Gets a dict of parameter values, with the fidelity if there is one, and
            returns the objective, or a dict of objectives, measured constraints and
            feasibility. With `evaluations_per_optimization_iteration` above 1 it gets a dict
            of lists and returns a list, or a dict of lists. One that raises costs a failed
            evaluation. Not needed in the mode `exhaustive`.
        resume: Whether to go on with an earlier run of this scenario, if there is one.
        progress: Whether to show progress on standard error; None: if it is a terminal.
        executor: Whose workers call `function`, always with one configuration, as many at a
            time as there are workers; absent: it is called here, one call after the other.
        workers: How many trials are out at once, or all that can be said of it; None: as
            many as the executor says it has workers.
        comm: A communicator of mpi4py; a rank that cannot go on ends the whole job.

    Raises:
        ScenarioError: The scenario cannot be used; every error is listed.
        UsageError: There is no function to minimise, or the number of workers is unknown.
        EvaluatorError: The function does not reach the workers, or all of them are lost; in
            that case `resume=True` goes on with another executor.
        JournalError: A file cannot be written, or another process holds the run.
    """
    if comm is not None:
        from hmserve.serving.functions import on_ranks

        pool, load = (executor, workers), partial(read, scenario)
        return Result(*on_ranks(load, function, comm, pool, resume=resume, progress=progress))
    found = read(scenario)
    if function is None and found.mode != "exhaustive":
        raise UsageError(f"{found.source}: optimize() needs a function to minimise")
    evaluate = _evaluating(found, function, executor, workers)
    shown = sys.stderr.isatty() if progress is None else progress
    report = Progress(sys.stderr) if shown else None
    interrupted = False
    with serve.open_run(found, resume) as run:
        try:
            evaluate(run, report or _unheard)
        except KeyboardInterrupt:
            interrupted = True
        if report:
            report.finish(run)
    return Result(found, tuple(run.rows), interrupted)


def _evaluating(
    scenario: Scenario,
    function: Function | None,
    executor: "Executor | None",
    workers: "Workers | int | None",
) -> Callable[[Run, serve.Heard], None]:
    """Return what drives a run of `scenario`; what it needs is there."""
    if executor is not None:
        if function is None:
            raise UsageError(f"{scenario.source}: an executor needs a function to call")
        return _on_workers(function, executor, workers)
    if workers is not None:
        raise UsageError("workers without an executor: they are the executor's")
    if function is None:
        return serve.from_table
    return lambda run, heard: serve.perform(
        run, lambda log: Callables(run.scenario, function, log.say), heard
    )


def _on_workers(
    function: Function, executor: "Executor", workers: "Workers | int | None"
) -> Callable[[Run, serve.Heard], None]:
    from hmserve.executors.pool import prepared
    from hmserve.executors.pooled import Pooled

    pool = prepared(executor, function, workers)

    def drive(run: Run, heard: serve.Heard) -> None:
        meanwhile = _load_models if run.scenario.iterations else _nothing
        with contextlib.ExitStack() as stack:

            def start(log: Log) -> Pooled:
                evaluator = Pooled(run.scenario, pool, log.say, meanwhile)
                stack.callback(evaluator.cancel)
                return evaluator

            serve.perform(run, start, heard)

    return drive


def _load_models() -> None:
    """Import numpy, scipy and the models, which takes as long as many a short evaluation."""
    import hmserve.engine.learner  # noqa: F401


def _nothing() -> None:
    """Have nothing to do."""


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
        self._dialogue = Dialogue(self._run)
        self._outcomes = Outcomes(self._run.scenario)

    @property
    def finished(self) -> bool:
        """Whether nothing is pending and nothing will be asked."""
        return self._dialogue.finished

    @property
    def pending(self) -> Sequence[Trial]:
        """The trials that wait for an answer, in the order of the asks."""
        return self._dialogue.pending

    @property
    def result(self) -> Result:
        """What was found so far."""
        return Result(self._run.scenario, tuple(self._run.rows), not self.finished)

    def ask(self, n: int = 1) -> list[Trial]:
        """Return up to `n` new trials; fewer where the budget or the space ends.

        Where trials have fidelities there may be none until a pending one is told; whether
        that is so, or the run is complete, `finished` tells.
        """
        return self._dialogue.ask(n)

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
        asked = self._dialogue.trial(trial.id)
        self._dialogue.take(self._outcomes.read([asked], outcome))

    def tell_all(self, outcomes: Iterable[tuple[Trial, Any]]) -> None:
        """Take the outcomes of pending trials together; their order does not matter.

        Args:
            outcomes: Each trial with its outcome, as `tell` takes them.

        Raises:
            ResultsError: Some cannot be used; `faulty` lists them with their errors. All others
                were taken.
        """
        taken: dict[int, Evaluation] = {}
        faulty: list[tuple[Trial, Exception]] = []
        for trial, outcome in outcomes:
            if trial.id in taken:
                faulty.append((trial, UnknownTrialError(f"trial {trial.id} comes twice")))
                continue
            answer = self._answer(trial, outcome)
            if isinstance(answer, Evaluation):
                taken[trial.id] = answer
            else:
                faulty.append((trial, answer))
        self._dialogue.take([taken[number] for number in sorted(taken)])
        if faulty:
            raise ResultsError(faulty)

    def report(self, trial: Trial, fidelity: float, objective: float) -> bool:
        """Say how a pending trial stands; return whether its evaluation is to go on.

        If not, tell it with the fidelity it has reached: `{"loss": 0.5, "epochs": 4}`.

        Args:
            trial: One that `ask` returned.
            fidelity: How far it has come.
            objective: As measured there.

        Raises:
            UnknownTrialError: It is not pending.
            UsageError: It cannot have come so far.
        """
        return self._dialogue.report(self._dialogue.trial(trial.id), fidelity, objective)

    def observe(
        self, configuration: Configuration, outcome: Any, fidelity: float | None = None
    ) -> None:
        """Take a result nobody asked for: an earlier measurement, a point of your own.

        Args:
            configuration: One value a parameter, by name.
            outcome: As `tell` takes it.
            fidelity: How far it was evaluated; None: in full.

        Raises:
            UsageError: The configuration is not in the space, or the fidelity none of its.
            EvaluatorError: The outcome cannot be understood.
        """
        values = {name: _plain(value) for name, value in configuration.items()}
        trial = self._dialogue.outsider(values, fidelity)
        self._dialogue.take([], self._outcomes.read([trial], outcome))

    def drop(self, trial: Trial) -> None:
        """Give back a pending trial that was never evaluated; its budget comes back.

        Raises:
            UnknownTrialError: It is not pending.
        """
        self._dialogue.drop([self._dialogue.trial(trial.id)])

    def _answer(self, trial: Trial, outcome: Any) -> Evaluation | Exception:
        """Return what `outcome` says of `trial`, or why it cannot be used."""
        try:
            asked = self._dialogue.trial(trial.id)
            (answer,) = self._outcomes.read([asked], outcome)
        except UnknownTrialError as error:
            return error
        except EvaluatorError as error:
            return EvaluatorError(f"trial {trial.id}: {error}")
        return answer

    def close(self) -> None:
        """Write the best point into the log and let go of the files; once is enough."""
        if self._closed:
            return
        self._closed = True
        serve.conclude(self._run, self._log)
        self._log.close()
        self._run.recorder.close()


def _plain(value: Any) -> Any:
    """Return Python's own scalar for one of numpy or its kin, and a tuple for a sequence."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    return tuple(plain) if isinstance(plain, list) else plain
