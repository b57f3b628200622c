"""Runs that a client drives with the verbs of the ask-tell dialect."""

from typing import BinaryIO

from hmserve.dialogue import Dialogue
from hmserve.errors import ScenarioError
from hmserve.protocol.asktell import AskTellSession
from hmserve.protocol.asktell_blocks import ROOT, TRIAL
from hmserve.run import Run
from hmserve.scenario import Scenario
from hmserve.serve import (
    Heard,
    codec_of,
    concluding,
    expectation,
    listener,
    open_log,
    telling_where,
)
from hmserve.transports.conversation import converse
from hmserve.transports.lines import Lines
from hmserve.verbs import Verbs


def check_verbs(scenario: Scenario) -> None:
    """Refuse what cannot be served in the ask-tell dialect.

    Raises:
        ScenarioError: A column has the name of that of the ids, or something else than a
            client evaluates, or each trial is to be evaluated more than once.
    """
    codec, own = codec_of(scenario), [TRIAL]
    if scenario.fidelity and scenario.fidelity.resumable:
        own.append(ROOT)
    taken = [name for name in own if name in codec.columns]
    if taken:
        fault = f"{taken[0]!r} cannot name a parameter or an output, nor the fidelity: it is "
        fault += "the column of the ids" if taken[0] == TRIAL else "that of checkpoints"
    elif scenario.mode == "exhaustive":
        fault = "the mode exhaustive answers itself: there is no client"
    elif scenario.repetitions > 1:
        fault = (
            "number_of_repetitions has to be 1: each trial has one answer; "
            "let the client repeat, and tell the median"
        )
    else:
        return
    raise ScenarioError(f"{scenario.source}: with the protocol ask-tell {fault}")


def over_verbs(run: Run, reader: BinaryIO, writer: BinaryIO, heard: Heard) -> None:
    """Serve a client in the ask-tell dialect until it leaves.

    Raises:
        RemoteProtocolError: It left in mid-message.
        JournalError: A file cannot be written.
    """
    session, dialogue = AskTellSession(codec_of(run.scenario)), Dialogue(run)
    with telling_where(run.scenario), open_log(run) as log:
        with concluding(run, log):
            listen = listener(run, log, heard)
            verbs = Verbs(dialogue, run.scenario.space, lambda: listen(run))
            converse(session, Lines(reader, writer), verbs)
            dialogue.end()
            if run.optimizer.finished:
                run.expected = expectation(run)
        log.write("End of HyperMapper\n" if run.optimizer.finished else "")
