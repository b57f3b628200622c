"""The command line: which verb is meant, and the exit status it ends with."""

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

from hmserve.commands.terminal import complain, own_variables
from hmserve.errors import HmserveError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_SIGNALLED = tuple(128 + number for number in _SIGNALS)

# Modules of hmserve.commands; what they need is loaded for those who ask for it.
_HOMES = {
    "serve": "serve",
    "run": "run",
    "init": "init",
    "check": "look",
    "best": "look",
    "pareto": "look",
    "quickstart": "look",
    "compute-pareto": "tools",
    "plot-pareto": "tools",
    "plot-hvi": "tools",
    "plot-optimization-results": "tools",
    "plot": "tools",
    "hypermapper-home": "tools",
}


class Terminated(BaseException):
    """SIGTERM arrived."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    Args:
        argv: Arguments without the program's name; None for those of the process. Under the
            name of one of HyperMapper's tools, as ``hm-plot-pareto``, the process is that.
    """
    # One BLAS thread, before anything loads numpy: the evaluators own the cores.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        if name not in os.environ:
            os.environ[name] = "1"
            own_variables.add(name)
    try:
        status = _status(_own_arguments() if argv is None else list(argv))
    finally:
        _settle()
    if status in _SIGNALLED:
        _ignore_signals()
    return status


def _own_arguments() -> list[str]:
    """Return the arguments of the process, its name first if that is a tool's."""
    name = os.path.basename(sys.argv[0])
    is_tool = name.startswith("hm-") and name[3:] in _HOMES
    return [name, *sys.argv[1:]] if is_tool else sys.argv[1:]


def _dispatch(arguments: list[str]) -> int:
    verb, *rest = arguments or [""]
    verb = verb.removeprefix("hm-")
    if verb not in _HOMES:
        verb, rest = "serve", arguments
    module = importlib.import_module(f"hmserve.commands.{_HOMES[verb]}")
    status: int = getattr(module, verb.replace("-", "_"))(rest)
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
        complain(str(error))
        return error.status
    except KeyboardInterrupt:
        complain("interrupted; all that was acknowledged is on disk, --resume goes on")
        return 128 + signal.SIGINT
    except Terminated:
        complain("terminated; all that was acknowledged is on disk, --resume goes on")
        return 128 + signal.SIGTERM
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        return 0
    except Exception:  # noqa: BLE001 - a defect must end with its own status
        complain("a defect of hmserve, please report it:\n" + traceback.format_exc())
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
