"""The verb in which hmserve starts the evaluations itself, several side by side."""

import argparse
import math
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hmserve.commands.terminal import (
    complain,
    own_variables,
    parser_of,
    scenario_at,
    show,
)
from hmserve.errors import EvaluatorError, UsageError

if TYPE_CHECKING:
    from hmserve.run import Run
    from hmserve.scenario import Scenario

_DESCRIPTION = """\
Start a command for the evaluations, on several workers side by side.

  hmserve run app.json --workers 4 -- ./client          it speaks HyperMapper's protocol
  hmserve run app.json --exec "./simulate --n {n}"      it runs anew for each trial
  mpiexec -n 64 hmserve run app.json --mpi -- ./client  one on each rank of an MPI job

The best point is printed at the end. No process of an evaluation outlives it, whatever it does.
"""

_EPILOG = """\
Each option takes the place of the key of that name in the scenario's "evaluator"; a scenario
that has one needs no option. docs/workers.md tells more. Exit status 5: the command cannot be
started, or failed too often in a row, or every time.
"""

_KINDS: Final = ("protocol", "once")
_DIRECTORIES: Final = ("none", "keep", "keep_failed", "remove")


def run(arguments: list[str]) -> int:
    """Run the scenario that `arguments` name, with their command or its own."""
    own, command = _split(arguments)
    options = _parser().parse_args(own)
    if (options.scenario is None) == (options.config is None):
        raise UsageError(
            'expected one scenario file, for example: hmserve run app.json --exec "./app {x}"'
        )
    if options.exec is not None and command:
        raise UsageError("--exec and a command after -- are two commands; give one")
    from hmserve.commandline import arguments as split
    from hmserve.scenario import Scenario

    try:
        words = tuple(command) or (None if options.exec is None else split(options.exec))
    except ValueError as error:
        raise UsageError(f"--exec: cannot split {options.exec!r:.200}: {error}") from None
    path = scenario_at(options.config or options.scenario)
    if options.mpi:
        from hmserve.commands.mpi import over_ranks

        return over_ranks(lambda: with_options(Scenario.load(path), words, options), options)
    return evaluate(with_options(Scenario.load(path), words, options), options, show)


def evaluate(scenario: "Scenario", options: Namespace, tell: Callable[[str], None]) -> int:
    """Run `scenario` with its command; tell the best at the end.

    Args:
        scenario: Has an evaluator.
        options: Those of the command line: whether to resume, whether to show progress.
        tell: Takes what is for standard output.
    """
    from hmserve import serve
    from hmserve.progress import Progress
    from hmserve.ranks.network import ranks_started
    from hmserve.serving.command import check_command, with_command
    from hmserve.serving.earlier import EarlierRun

    seen = options.verbose or (sys.stderr is not None and sys.stderr.isatty())
    progress = Progress(sys.stderr) if seen else None
    given = {name: value for name, value in os.environ.items() if name not in own_variables}
    check_command(scenario)
    if found := ranks_started():
        complain(
            f"one of {found[0]} ranks ({found[1]}): each is a run of its own without --mpi"
        )
    earlier = EarlierRun(scenario.files)
    with serve.open_run(scenario, options.resume) as run:
        earlier.tell(complain, resumed=options.resume)
        with_command(run, given, progress or (lambda _: None), complain)
        if progress:
            progress.finish(run)
        tell(_conclusion(run))
        _tell_oddities(run)
    return 0


def _tell_oddities(run: "Run") -> None:
    """Tell what the best point of `run` does not show."""
    if _is_exhausted(run):
        complain(f"the space has no more than these {len(run.rows)} configurations")
    found = [row.evaluation for row in run.rows]
    measured = sum(bool(evaluation.objectives) for evaluation in found)
    feasible = any(evaluation.feasible for evaluation in found)
    refuse_nothing(len(found), measured, feasible, run.scenario.files.log)


def _is_exhausted(run: "Run") -> bool:
    """Whether a run has ended before its budget because there is nothing left to ask."""
    end, scenario = run.recorder.ledger.end, run.scenario
    counted = scenario.fidelity is None and scenario.repetitions == 1
    is_done = end is not None and end.reason == "done"
    return counted and is_done and len(run.rows) < run.optimizer.budget


def refuse_nothing(told: int, measured: int, feasible: bool, log: str) -> None:
    """Say so if nothing that was evaluated can be used.

    Args:
        told: How many evaluations there were.
        measured: How many gave values, feasible or not.
        feasible: Whether one of them was feasible.
        log: Where the reasons are.

    Raises:
        EvaluatorError: Nothing was even measured.
    """
    if told and not measured:
        raise EvaluatorError(
            f"none of {told} evaluations gave a result, so there is no best point; the "
            f"reasons are in {log}"
        )
    if told and not feasible:
        complain(f"none of {told} evaluations was feasible, so there is no best point")


def with_options(
    scenario: "Scenario", command: tuple[str, ...] | None, options: Namespace
) -> "Scenario":
    """Return `scenario` with what the command line says of its evaluator.

    Raises:
        UsageError: There is no command, or a table evaluates.
    """
    from hmserve.options import EvaluatorOptions
    from hmserve.workers.command import placeholders

    if command is None and scenario.evaluator is None:
        raise UsageError(
            f"{scenario.source} names no command: add -- ./client, or --exec, or the key "
            "evaluator"
        )
    if scenario.mode == "exhaustive":
        raise UsageError("in mode exhaustive a table evaluates; there is nothing to start")
    found = scenario.evaluator or EvaluatorOptions(())
    given = {name: value for name, value in vars(options).items() if value is not None}
    changes = {name: given[name] for name in found._asdict() if name in given}
    if command is not None:
        if not command or not command[0]:
            raise UsageError("the command is empty")
        changes["command"] = command
        # Who has values on its command line needs no requests.
        changes.setdefault("kind", "once" if placeholders(command) else found.kind)
    found = found._replace(**changes)
    document = {
        **scenario.document,
        "evaluator": {**found._asdict(), "command": [*found.command]},
    }
    return replace(scenario, evaluator=found, document=document)


def _conclusion(run: "Run") -> str:
    from hmserve import serve
    from hmserve.report import tables

    scenario = run.scenario
    text = serve.codec_of(scenario).expected(run.expected)
    if scenario.print_best is False:
        return text
    several = len(scenario.objectives) > 1
    best = tables.front_csv if several else tables.best_csv
    return text + best(run.rows, scenario).replace("\r\n", "\n")


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return our own arguments, and those after ``--``."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that stand for keys of the scenario's ``evaluator``."""
    add = parser.add_argument
    add("--exec", metavar="COMMAND", help="the command, split as a shell would; no shell runs")
    add("--kind", choices=_KINDS, help="once where COMMAND has a {parameter}, else protocol")
    add("--workers", type=_count(1, 10_000), help="how many evaluate side by side; 1")
    add("--batch-size", type=_count(1), help="free workers before new trials are proposed; 1")
    add("--timeout", type=_amount, metavar="SECONDS", help="an evaluation may take; no limit")
    add("--memory-limit", type=_amount, metavar="MB", help="it may hold; no limit")
    add("--retries", type=_count(0), help="of a trial that has failed; 0")
    add(
        "--max-consecutive-failures",
        type=_count(1),
        metavar="N",
        help="end the run with status 5; 20",
    )
    add("--directories", choices=_DIRECTORIES, help="one for each trial; none")


def _parser() -> argparse.ArgumentParser:
    parser = parser_of("run", _DESCRIPTION, _EPILOG)
    parser.usage = "hmserve run [options] SCENARIO [-- COMMAND ...]"
    parser.add_argument("scenario", nargs="?", help="the scenario file")
    parser.add_argument("--config", metavar="FILE", help="the scenario file, HyperMapper's way")
    add_options(parser)
    parser.add_argument("--resume", action="store_true", help="go on with an earlier run")
    parser.add_argument("--mpi", action="store_true", help="as one of the ranks of mpiexec")
    parser.add_argument("--verbose", action="store_true", help="progress on stderr")
    return parser


def _count(least: int, most: float = math.inf) -> Callable[[str], int]:
    def count(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() else -1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {least}, got {text!r:.200}"
            )
        return value

    return count


def _amount(text: str) -> float:
    from hmserve.cells import parse_float

    value: Any = parse_float(text)
    if value is None or not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r:.200}")
    return float(value)
