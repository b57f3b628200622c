"""HyperMapper's ``hypermapper.optimizer``."""

import sys
from typing import BinaryIO

from hmserve import serve
from hmserve.compat.printer import Printer
from hmserve.compat.scenarios import load
from hmserve.errors import UsageError
from hmserve.run import Run
from hmserve.scenario import Scenario
from hmserve.transports.callable import Callables, Function

__all__ = ["optimize"]


def optimize(parameters_file: str, black_box_function: Function | None = None) -> None:
    """Minimise a function, and print what HyperMapper prints.

    `hmserve.optimize` is the better one: it returns what it found, and prints nothing.

    Args:
        parameters_file: The path of a scenario file.
        black_box_function: As for `hmserve.optimize`. Without one, a scenario of the mode
            client-server is served on standard input and output.

    Raises:
        ScenarioError: The scenario cannot be used.
        UsageError: There is no function, or it cannot be called.
        JournalError: A file cannot be written.
    """
    scenario = load(parameters_file)
    if black_box_function is not None and not callable(black_box_function):
        raise UsageError("the black box function parameter is not callable")
    if black_box_function is None and scenario.mode == "client-server":
        _serve(scenario)
        return
    if black_box_function is None and scenario.mode != "exhaustive":
        raise UsageError(f"{parameters_file}: the black box function must be provided")
    printer = Printer(scenario)
    with serve.open_run(scenario, resume=False) as run:
        if scenario.mode == "exhaustive":
            serve.from_table(run, printer.heard)
        elif black_box_function is not None:
            _call(run, black_box_function, printer.heard)
        printer.finish(run)


def _call(run: Run, function: Function, heard: serve.Heard) -> None:
    serve.perform(run, lambda log: Callables(run.scenario, function, log.say), heard)


def _serve(scenario: Scenario) -> None:
    """Speak the protocol on this process's own streams, of which nothing else makes use."""
    sys.stdout.flush()
    reader: BinaryIO = sys.stdin.buffer
    with serve.open_run(scenario, resume=False) as run:
        serve.over_pipe(run, reader, sys.stdout.buffer, lambda _: None)
