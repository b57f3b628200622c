"""What can go wrong, split by who is to blame.

Only `hmserve.cli` turns these into exit statuses; nothing below it exits.
"""


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


class JournalError(HmserveError):
    """The journal or an output file cannot be written, read, or is held by another process."""

    status = 4


class EvaluatorError(HmserveError):
    """The evaluator could not be started, or fails every time."""

    status = 5


class UnknownTrialError(LookupError):
    """A result names a trial that is not pending: a defect of the caller."""
