"""Runs with their log: driven by a peer on a pipe, by a table, by whatever evaluates."""

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from hmserve import run as runs
from hmserve.errors import HmserveError, RemoteProtocolError
from hmserve.journal.samples import read_samples
from hmserve.log import Log
from hmserve.profile import write_profile
from hmserve.protocol.classic import ClassicSession
from hmserve.protocol.codec import Codec
from hmserve.report import tables
from hmserve.run import Evaluator, Run
from hmserve.scenario import Scenario, outward
from hmserve.transports.lookup import Lookup
from hmserve.transports.streams import Streams
from hmserve.trial import OUTSIDE, Evaluation, Trial
from hmserve.version import __version__

if TYPE_CHECKING:
    from hmserve.engine.insights import Insights

Heard = Callable[[Run], None]


def over_pipe(run: Run, reader: BinaryIO, writer: BinaryIO, heard: Heard) -> None:
    """Serve a peer in the classic dialect until `run` is over.

    Raises:
        PeerLeftError: The peer closed its stream between two messages.
        RemoteProtocolError: It broke the protocol.
        JournalError: A file cannot be written.
    """
    scenario = run.scenario
    streams = Streams(ClassicSession(codec_of(scenario)), reader, writer)
    with telling_where(scenario):
        perform(run, lambda _: streams, heard)
    best = tables.best(run.rows, scenario) if scenario.print_best else None
    streams.finish(outward(scenario, best.evaluation) if best else None, run.expected)


@contextmanager
def telling_where(scenario: Scenario) -> Iterator[None]:
    """Add to the fault of a peer where the results are."""
    try:
        yield
    except RemoteProtocolError as error:
        raise RemoteProtocolError(
            f"{error}\nAll results before that are in {scenario.files.samples}; "
            "--resume goes on from there"
        ) from None


def codec_of(scenario: Scenario) -> Codec:
    """Return what reads and writes the rows of `scenario`."""
    return Codec(
        scenario.space,
        scenario.objectives,
        scenario.feasibility,
        scenario.inward,
        scenario.output_constraints,
        scenario.fidelity,
    )


def from_table(run: Run, heard: Heard) -> None:
    """Drive `run` against the table of known results that its scenario names."""
    scenario = run.scenario
    assert scenario.exhaustive_file is not None
    known = read_samples(scenario.exhaustive_file, scenario)
    perform(run, lambda log: Lookup(scenario.space, known, log.say), heard)


def perform(run: Run, evaluator: Callable[[Log], Evaluator], heard: Heard) -> None:
    """Drive `run` to its end and keep its log.

    Args:
        run: Open for work.
        evaluator: Makes the evaluator, given where to complain.
        heard: Called after each new result.
    """
    with open_log(run) as log:
        once = evaluator(log)
        times = run.scenario.repetitions
        if times > 1:
            from hmserve.transports.repeating import Repeating

            once = Repeating(once, times, log.say, run.scenario.output_constraints)
        _drive(run, once, log, heard)


def open_run(scenario: Scenario, resume: bool) -> Run:
    """Begin the run of `scenario`, or go on with it."""
    return runs.resume(scenario) if resume else runs.start(scenario)


def open_log(run: Run) -> Log:
    """Open the log of `run` and write down what it is."""
    scenario = run.scenario
    log = Log(scenario.files.log)
    log.say(f"hmserve {__version__}: {scenario.source}")
    log.write(json.dumps(scenario.document) + "\n")
    for warning in scenario.warnings:
        log.say(warning)
    ledger = run.recorder.ledger
    log.say(
        f"seed {ledger.start.seed}, {len(ledger.rows)} evaluations known, "
        f"{len(ledger.pending)} pending, journal {scenario.files.journal}"
    )
    return log


def conclude(run: Run, log: Log) -> None:
    """Write the front, if there are several objectives, and the best point."""
    if len(run.scenario.objectives) > 1:
        tables.write_front(run.rows, run.scenario)
    log.write(codec_of(run.scenario).expected(run.expected))
    log.write(tables.best_block(run.rows, run.scenario))
    if run.scenario.reports.profiling:
        write_profile(
            run.profile, run.scenario.files.profile, run.scenario.reports.append_profiles
        )


def _drive(run: Run, evaluator: Evaluator, log: Log, heard: Heard) -> None:
    with concluding(run, log):
        run.drive(evaluator, listener(run, log, heard))
        run.expected = expectation(run)
    log.write("End of HyperMapper\n")


@contextmanager
def concluding(run: Run, log: Log) -> Iterator[None]:
    """Tell the log how `run` ended, and what was best."""
    try:
        yield
    except HmserveError as error:
        log.say(f"stopped: {error}")
        raise
    except Exception:
        log.say(f"stopped by a defect of hmserve:\n{traceback.format_exc()}")
        raise
    except BaseException as signal:
        log.say(f"stopped by {type(signal).__name__}")
        raise
    finally:
        conclude(run, log)


def listener(run: Run, log: Log, heard: Heard) -> Heard:
    """Return what is to be called after each new result."""
    important = _Importance(run, log)

    def listen(run: Run) -> None:
        important.tell()
        if run.scenario.verbose:
            log.say(tables.summary_line(run.recorder.ledger, run.scenario))
        heard(run)

    return listen


def expectation(run: Run) -> Evaluation | None:
    """Return where the model expects the minimum, if that is wanted and there is one."""
    scenario = run.scenario
    if not scenario.reports.print_posterior_best or len(scenario.objectives) > 1:
        return None
    from hmserve.engine.insights import Insights

    found = Insights(scenario, run.recorder.ledger.start.seed).minimum(
        [row.evaluation for row in tables.highest(run.rows, scenario)]
    )
    if found is None:
        return None
    trial = Trial(OUTSIDE, found.configuration)
    return outward(scenario, Evaluation(trial, {scenario.objectives[0]: found.value}))


class _Importance:
    """Tells the log after each request how much each parameter matters.

    Args:
        run: Whose results count.
        log: Where it is told.
    """

    def __init__(self, run: Run, log: Log) -> None:
        self._run = run
        self._log = log
        self._wanted = run.scenario.reports.print_parameter_importance
        self._insights: Insights | None = None

    def tell(self) -> None:
        """Write a line for each objective, once the design of experiments is over."""
        run = self._run
        # In the middle of a request nothing has been learnt yet.
        if not self._wanted or run.optimizer.pending:
            return
        if self._insights is None:
            from hmserve.engine.insights import Insights

            self._insights = Insights(run.scenario, run.recorder.ledger.start.seed)
        rows = tables.highest(run.rows, run.scenario)
        found = self._insights.importances([row.evaluation for row in rows])
        for name, shares in found.items():
            ordered = sorted(shares.items(), key=lambda item: -item[1])
            text = ", ".join(f"{parameter} {share:.3f}" for parameter, share in ordered)
            self._log.say(f"importance for {name}: {text}")
