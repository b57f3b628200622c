"""Runs without a Python function: a peer on a pipe, or a table of known results."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from hmserve import run as runs
from hmserve.journal.samples import read_samples
from hmserve.log import Log
from hmserve.protocol.classic import ClassicSession
from hmserve.protocol.codec import Codec
from hmserve.report import tables
from hmserve.run import Evaluator, Run
from hmserve.scenario import Scenario
from hmserve.transports.lookup import Lookup
from hmserve.transports.streams import Streams
from hmserve.version import __version__

Heard = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for.

    Args:
        scenario: What to optimize.
        resume: Whether to go on with an earlier run.
        heard: Called after each new result.
    """

    scenario: Scenario
    resume: bool
    heard: Heard


def open_run(scenario: Scenario, resume: bool) -> Run:
    """Begin the run of `scenario`, or go on with it."""
    return runs.resume(scenario) if resume else runs.start(scenario)


def over_pipe(order: Order, reader: BinaryIO, writer: BinaryIO) -> Run:
    """Serve a peer in the classic dialect until the run is over.

    Raises:
        PeerLeftError: The peer closed its stream between two messages.
        RemoteProtocolError: It broke the protocol.
        JournalError: A file cannot be written.
    """
    scenario = order.scenario
    codec = Codec(scenario.space, scenario.objectives, scenario.feasibility)
    streams = Streams(ClassicSession(codec), reader, writer)
    run = _work(order, lambda log: streams)
    best = tables.best(run.rows, scenario)
    said = best.evaluation if best else None
    streams.finish(said, show=scenario.print_best is True)
    return run


def from_table(order: Order) -> Run:
    """Run against the table of known results that the scenario names."""
    scenario = order.scenario
    assert scenario.exhaustive_file is not None
    known = read_samples(scenario.exhaustive_file, scenario)
    return _work(order, lambda log: Lookup(scenario.space, known, log.say))


def _work(order: Order, evaluator: Callable[[Log], Evaluator]) -> Run:
    """Drive the run to its end with the log open."""
    with open_run(order.scenario, order.resume) as run:
        with open_log(run) as log:
            drive(run, evaluator(log), log, order.heard)
        return run


def open_log(run: Run) -> Log:
    """Open the log of `run` and write down what it is."""
    scenario = run.scenario
    log = Log(scenario.files.log, scenario.verbose)
    log.say(f"hmserve {__version__}: {scenario.source}")
    log.write(json.dumps(scenario.document) + "\n")
    for note in (*scenario.warnings, *run.notes):
        log.say(note)
    return log


def drive(run: Run, evaluator: Evaluator, log: Log, heard: Heard) -> None:
    """Drive `run` to its end; write down how it ended, however it does."""

    def listen(run: Run) -> None:
        log.detail(tables.summary_line(run.recorder.ledger, run.scenario))
        heard(run)

    try:
        run.drive(evaluator, listen)
    except BaseException as error:
        log.say(f"stopped: {type(error).__name__}: {error}")
        raise
    finally:
        if len(run.scenario.objectives) > 1:
            tables.write_front(run.rows, run.scenario)
        log.write(tables.best_block(run.rows, run.scenario))
    log.write("End of HyperMapper\n")
