"""Runs with a command that hmserve starts itself."""

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from hmserve.errors import UsageError
from hmserve.log import Log
from hmserve.run import Evaluator, Run
from hmserve.scenario import Scenario
from hmserve.serve import Heard, codec_of, perform
from hmserve.transports.places import Post
from hmserve.workers.command import check_placeholders
from hmserve.workers.crew import CommandWorkers


def check_command(scenario: Scenario) -> None:
    """Refuse a command with placeholders for what does not exist, before anything runs.

    Raises:
        UsageError: It has some, or has none where they are needed; or it may be ended early
            before it has told what counts.
    """
    options, fidelity = scenario.evaluator, scenario.fidelity
    assert options is not None
    check_placeholders(options, scenario.space, fidelity)
    ended = options.kind == "once" and fidelity is not None and fidelity.stopping != "none"
    if ended and scenario.output_constraints:
        raise UsageError(
            f"{scenario.source}: a report has an objective alone, so what is ended early "
            f"leaves {', '.join(scenario.output_constraints)} unmeasured: expected no "
            "stopping, no output_constraints, or a client of the protocol ask-tell"
        )


class FirstTold:
    """Tells the log of every failure, and whoever watches of the first.

    Args:
        log: Takes all of them.
        warn: Takes the first, for those who do not look into the log.
    """

    def __init__(self, log: Log, warn: Callable[[str], None]) -> None:
        self._log = log
        self._warn = warn
        self._told = False

    def __call__(self, text: str) -> None:
        """Tell that something has failed."""
        self._log.say(text)
        if not self._told:
            self._told = True
            self._warn(
                f"{text}\nThe run goes on without it; whatever else fails is told in "
                f"{self._log.path} alone"
            )


def with_command(
    run: Run, environment: Mapping[str, str], heard: Heard, warn: Callable[[str], None]
) -> None:
    """Drive `run` with the command that its scenario names.

    Args:
        run: Open for work.
        environment: Of the command.
        heard: Called after each new result.
        warn: Called with the first failure.

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
            post = Post(heed=run.report)
            told = FirstTold(log, warn)
            crew = CommandWorkers(scenario, options, codec, told, environment, post)
            workers.append(stack.enter_context(crew))
            return crew

        perform(run, start, heard)
        workers[0].finish(complete=_complete(run))


def _complete(run: Run) -> bool:
    """Whether a resumed run would have nothing more to evaluate: no limit has ended it."""
    end = run.recorder.ledger.end
    limited = run.scenario.stops.evaluations is not None
    return end is not None and end.reason == "done" and not limited


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
