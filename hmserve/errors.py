"""What can go wrong, split by who is to blame.

Only `hmserve.cli` turns these into exit statuses; nothing below it exits.
"""

from collections.abc import Sequence
from typing import Final

_SHOWN: Final = 20
"""More errors than this are counted, not listed."""


class HmserveError(Exception):
    """Base of every error that is meant for the person who runs hmserve.

    The message is complete: what was expected, what came, where, and what to do.
    """

    status = 1


class ScenarioError(HmserveError):
    """The scenario cannot be used; nothing was run. The message lists every error found."""

    status = 2


class UsageError(HmserveError):
    """The command line or a call of the Python API cannot be used; nothing was run."""

    status = 2


class RemoteProtocolError(HmserveError):
    """The peer said something the protocol does not allow, or left in mid-reply."""

    status = 3


class ExchangeError(HmserveError):
    """Another rank sent what this one cannot take: of another run, damaged, or out of order."""

    status = 3


class JournalError(HmserveError):
    """The journal or an output file cannot be written, read, or is held by another process."""

    status = 4


class EvaluatorError(HmserveError):
    """The evaluator could not be started, or fails every time."""

    status = 5


class ResultsError(EvaluatorError):
    """Some of the results that were told at once cannot be used; all others were taken.

    Args:
        faulty: Each trial with what is wrong with its result.
    """

    def __init__(self, faulty: Sequence[tuple[object, Exception]]) -> None:
        lines = [str(error) for _, error in faulty]
        count = "1 result" if len(lines) == 1 else f"{len(lines)} results"
        shown = [
            *lines[:_SHOWN],
            *([f"and {len(lines) - _SHOWN} more"] * (len(lines) > _SHOWN)),
        ]
        super().__init__(
            "\n  ".join([f"{count} cannot be used, the others were taken:", *shown])
        )
        self.faulty = tuple(faulty)


class UnknownTrialError(LookupError):
    """A result names a trial that is not pending: a defect of the caller."""
