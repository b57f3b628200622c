"""What a peer can say, once it is understood."""

from typing import NamedTuple, TypeAlias

from hmserve.trial import Evaluation, Trial


class LocalProtocolError(RuntimeError):
    """We tried to do what the protocol does not allow now: a defect of the caller."""


class Evaluated(NamedTuple):
    """A row answered a trial of the outstanding request."""

    evaluation: Evaluation


class Observed(NamedTuple):
    """A row was about a configuration nobody asked for; its trial has the id `OUTSIDE`."""

    evaluation: Evaluation


class Complete(NamedTuple):
    """The reply has all its rows; `unanswered` are the trials that none of them was about."""

    unanswered: tuple[Trial, ...]


class PeerClosed(NamedTuple):
    """The peer closed its stream.

    Args:
        clean: Whether it did so between two complete messages.
        outstanding: Trials that will not be answered, in the order of the request.
        place: What was due, in words.
    """

    clean: bool
    outstanding: tuple[Trial, ...]
    place: str


Event: TypeAlias = Evaluated | Observed | Complete | PeerClosed
