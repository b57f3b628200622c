"""Runs with a command that hmserve starts itself."""

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from hmserve.log import Log
from hmserve.run import Evaluator, Run
from hmserve.scenario import Scenario
from hmserve.serve import Heard, codec_of, perform
from hmserve.workers.command import check_placeholders
from hmserve.workers.crew import CommandWorkers


def check_command(scenario: Scenario) -> None:
    """Refuse a command with placeholders for what does not exist, before anything runs.

    Raises:
        UsageError: It has some, or has none where they are needed.
    """
    assert scenario.evaluator is not None
    check_placeholders(scenario.evaluator, scenario.space)


def with_command(run: Run, environment: Mapping[str, str], heard: Heard) -> None:
    """Drive `run` with the command that its scenario names.

    Args:
        run: Open for work.
        environment: Of the command.
        heard: Called after each new result.

    Raises:
        EvaluatorError: The command cannot be started, or fails every time.
        JournalError: A file cannot be written.
    """
    scenario = run.scenario
    assert scenario.evaluator is not None
    options, codec = scenario.evaluator, codec_of(scenario)
    load_models(scenario)
    with ExitStack() as stack:
        workers: list[CommandWorkers] = []

        def start(log: Log) -> Evaluator:
            crew = CommandWorkers(scenario, options, codec, log.say, environment)
            workers.append(stack.enter_context(crew))
            return crew

        perform(run, start, heard)
        workers[0].finish()


def load_models(scenario: Scenario) -> Callable[[], bool]:
    """Begin to load what proposes after the design of experiments; tell whether that goes on.

    It takes as long as many a short evaluation, and nobody waits for it yet.
    """
    thread = threading.Thread(target=_load, daemon=True)
    if scenario.iterations:
        thread.start()
    return thread.is_alive


def _load() -> None:
    import hmserve.engine.learner  # noqa: F401
