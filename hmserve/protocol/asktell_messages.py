"""What the two sides of the ask-tell dialect say, once it is understood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from hmserve.protocol.codec import Row
from hmserve.trial import Evaluation, Trial


@dataclass(frozen=True, slots=True)
class Ask:
    """The client wants at most `count` trials."""

    count: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that changed nothing, counted from 1, and why."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """A row of results that could be read.

    Args:
        number: Of the row, from 1.
        trial: The id in it; None for an observation from outside.
        found: What was measured; its inputs are those that had a field.
    """

    number: int
    trial: int | None
    found: Row


@dataclass(frozen=True, slots=True)
class Tell:
    """Results, in the order of their rows, and the rows that could not be read."""

    rows: Sequence[Told]
    refused: Sequence[Refusal] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """A row that gives a trial back: its number, from 1, and the id in it."""

    number: int
    trial: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Trials that were never evaluated, and the rows that could not be read."""

    rows: Sequence[Given]
    refused: Sequence[Refusal] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """How a trial stands that is still being evaluated.

    Args:
        trial: Its id.
        fidelity: How far the evaluation has come.
        objective: The value so far, as the client measures it.
    """

    trial: int
    fidelity: float
    objective: float


@dataclass(frozen=True, slots=True)
class Best:
    """The client wants the incumbent, or the Pareto front."""


@dataclass(frozen=True, slots=True)
class Status:
    """The client wants to know how the run stands."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The client wants nothing more to be handed out."""


@dataclass(frozen=True, slots=True)
class Junk:
    """What the client said is none of the above, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Handed:
    """Trials to evaluate, at least one."""

    trials: Sequence[Trial]


@dataclass(frozen=True, slots=True)
class Wait:
    """There is nothing to hand out while this many trials are out."""

    pending: int


@dataclass(frozen=True, slots=True)
class End:
    """The run is over."""


@dataclass(frozen=True, slots=True)
class Ok:
    """So many rows were taken; the others are `refused`, in the order of their numbers."""

    taken: int = 0
    refused: Sequence[Refusal] = ()


@dataclass(frozen=True, slots=True)
class Continue:
    """The evaluation that was reported is to go on."""


@dataclass(frozen=True, slots=True)
class Halt:
    """The evaluation that was reported is to end: its trial is told with what it reached."""


@dataclass(frozen=True, slots=True)
class Incumbents:
    """The best evaluations, as the client sees them; there may be none."""

    evaluations: Sequence[Evaluation]


@dataclass(frozen=True, slots=True)
class Standing:
    """How the run stands, as JSON values."""

    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Error:
    """The message could not be taken, for this reason; nothing has changed."""

    reason: str


Message: TypeAlias = Ask | Tell | Drop | Report | Best | Status | Stop | Junk
Answer: TypeAlias = Handed | Wait | End | Ok | Continue | Halt | Incumbents | Standing | Error
