"""The command line: verbs, exit statuses, and what a terminal shows."""

import argparse
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import NoReturn

from hmserve.errors import HmserveError, JournalError, UsageError
from hmserve.version import __version__

_HELP = """\
hmserve finds the settings that make your program best.

  hmserve --config app.json     serve a client: requests on stdout, results on stdin
  hmserve check app.json        validate a scenario and describe its space; runs nothing
  hmserve best app.json         the best point of a run, as CSV
  hmserve pareto app.json       the Pareto front of a run, as CSV; also into its file
  hmserve quickstart            watch a real program being tuned, in under a minute

A scenario file says what may vary and what counts:

  {"application_name": "app",
   "optimization_objectives": ["seconds"],
   "input_parameters": {
     "tile": {"parameter_type": "ordinal", "values": [8, 16, 32, 64]},
     "unroll": {"parameter_type": "integer", "values": [1, 8]}}}

hmserve writes "Request N", a header and N rows of CSV; you write a header and N rows with the
objectives added; and so on until "End of HyperMapper". Every result is on disk before the next
request leaves. After a crash, start it again with --resume.
"""

_EPILOG = """\
exit status: 0 done, 1 a defect of hmserve, 2 scenario or command line unusable, 3 the client
broke the protocol, 4 a file cannot be written, 130 and 143 interrupted; all that was
acknowledged is on disk.
"""


_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_SIGNALLED = tuple(128 + number for number in _SIGNALS)


class Terminated(BaseException):
    """SIGTERM arrived."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    Args:
        argv: Arguments without the program's name; None for those of the process.
    """
    # One BLAS thread, before anything loads numpy: the evaluators own the cores.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        status = _status(list(sys.argv[1:] if argv is None else argv))
    finally:
        _settle()
    if status in _SIGNALLED:
        _ignore_signals()
    return status


def _status(arguments: list[str]) -> int:
    """Do what `arguments` say; return the exit status, when the reason has been told."""
    try:
        for number in _SIGNALS:
            # What a parent told us to ignore, as nohup and `&` do, stays ignored.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _stop)
        return _dispatch(arguments)
    except HmserveError as error:
        _complain(str(error))
        return error.status
    except KeyboardInterrupt:
        _complain("interrupted; all that was acknowledged is on disk, --resume goes on")
        return 128 + signal.SIGINT
    except Terminated:
        _complain("terminated; all that was acknowledged is on disk, --resume goes on")
        return 128 + signal.SIGTERM
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        return 0
    except Exception:  # noqa: BLE001 - a defect must end with its own status
        _complain("a defect of hmserve, please report it:\n" + traceback.format_exc())
        return 1


def _settle() -> None:
    """Let go of streams that take no more; Python would end with a status of its own."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            setattr(sys, name, None)


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    # Another one would only cut short the orderly end that begins here. Not SIG_IGN: Python
    # complains of signals that have come and are to be ignored by now.
    for each in _SIGNALS:
        signal.signal(each, _pass_over)
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def _ignore_signals() -> None:
    """Let no further signal spoil the status while the interpreter shuts down.

    Python gives every signal its default effect again before it exits, except those ignored.
    They are blocked first, so that none arrives between its handler and SIG_IGN.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _pass_over(number: int, frame: FrameType | None) -> None:
    del number, frame


def _complain(text: str) -> None:
    # Whoever closed our standard error does not want to hear it; the status still tells.
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            print(f"hmserve: {text[:16_000]}", file=sys.stderr)


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Tell a standard output that takes no more from a defect."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise JournalError(f"cannot write to standard output: {error.strerror}") from error


def _show(text: str) -> None:
    """Write `text` now, while a failure can still be told; escape what has no encoding."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with _writing():
        print(text.encode(encoding, "backslashreplace").decode(encoding), end="", flush=True)


def _dispatch(arguments: list[str]) -> int:
    verbs = {"serve": _serve, "check": _check, "best": _best, "pareto": _pareto}
    verbs["quickstart"] = _quickstart
    if arguments and arguments[0] in verbs:
        return verbs[arguments[0]](arguments[1:])
    return _serve(arguments)


class _Parser(argparse.ArgumentParser):
    """Raises where argparse exits: Python 3.10's fails if standard error takes nothing."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage().rstrip()}")


def _parser(verb: str, description: str, epilog: str | None = None) -> argparse.ArgumentParser:
    return _Parser(
        prog=f"hmserve {verb}".strip(),
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _serve(arguments: list[str]) -> int:
    parser = _parser("", _HELP, _EPILOG)
    parser.add_argument("scenario", nargs="?", help="the scenario file")
    parser.add_argument("--config", metavar="FILE", help="the scenario file, HyperMapper's way")
    parser.add_argument("--resume", action="store_true", help="go on with an earlier run")
    parser.add_argument("--verbose", action="store_true", help="progress on stderr")
    parser.add_argument("--version", action="version", version=f"hmserve {__version__}")
    options = parser.parse_args(arguments)
    if (options.scenario is None) == (options.config is None):
        raise UsageError(
            "expected one scenario file, for example: hmserve --config app.json\n"
            "hmserve --help tells more; hmserve quickstart shows it at work"
        )
    return _run(options.config or options.scenario, options.resume, options.verbose)


def _run(path: str, resume: bool, verbose: bool) -> int:
    """Serve the scenario at `path` on standard input and output, or from its table."""
    from hmserve.transports.stdio import claim_stdout

    # Before anything else runs: nothing but the protocol may reach the real stdout.
    reader, writer = claim_stdout()
    from hmserve import serve
    from hmserve.progress import Progress
    from hmserve.report import tables
    from hmserve.scenario import Scenario

    scenario = Scenario.load(path)
    table = scenario.mode == "exhaustive"
    # Many clients never read our stderr, so in their company we are silent.
    progress = Progress(sys.stderr) if verbose or (table and sys.stderr.isatty()) else None
    if not table and os.isatty(reader.fileno()):
        _complain("waiting for results on standard input; hmserve quickstart shows how")
    with serve.open_run(scenario, resume) as run:
        heard = progress or (lambda _: None)
        if table:
            serve.from_table(run, heard)
            best = tables.best_block(run.rows, scenario)
            with _writing():
                writer.write(best.encode() if scenario.print_best is not False else b"")
                writer.write(b"End of HyperMapper\n")
        else:
            serve.over_pipe(run, reader, writer, heard)
        if progress:
            progress.finish(run)
    return 0


def _check(arguments: list[str]) -> int:
    parser = _parser("check", "Validate a scenario and describe its space. Runs nothing.")
    parser.add_argument("scenario", help="the scenario file")
    options = parser.parse_args(arguments)
    from hmserve.report.check import describe
    from hmserve.scenario import Scenario

    _show(describe(Scenario.load(options.scenario)))
    return 0


def _best(arguments: list[str]) -> int:
    from hmserve.report import tables
    from hmserve.report.lookback import look_back

    parser = _parser("best", "Print the best point of a run as CSV.")
    parser.add_argument("run", help="the scenario file, or the journal of the run")
    options = parser.parse_args(arguments)
    scenario, ledger = look_back(options.run)
    if len(scenario.objectives) > 1:
        raise UsageError("several objectives have no single best point; try: hmserve pareto")
    _show(tables.best_csv(ledger.rows, scenario).replace("\r\n", "\n"))
    return 0


def _pareto(arguments: list[str]) -> int:
    from hmserve.report import tables
    from hmserve.report.lookback import look_back

    parser = _parser("pareto", "Print the Pareto front of a run as CSV; also into its file.")
    parser.add_argument("run", help="the scenario file, or the journal of the run")
    options = parser.parse_args(arguments)
    scenario, ledger = look_back(options.run)
    tables.write_front(ledger.rows, scenario)
    _show(tables.front_csv(ledger.rows, scenario).replace("\r\n", "\n"))
    return 0


def _quickstart(arguments: list[str]) -> int:
    parser = _parser("quickstart", "Watch a real program being tuned through a pipe.")
    parser.parse_args(arguments)
    from hmserve.quickstart.tour import run

    return run(lambda line: _show(f"{line}\n"))
