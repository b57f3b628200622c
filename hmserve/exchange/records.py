"""What one rank tells all the others: records of one size, and frames of records.

All integers and doubles are little endian. A record is::

    origin u32, sequence u64, kind u8, status u8, to i32, trial i64, left i64, amount u64,
    turn u32, fidelity f64, started f64, finished f64,
    coordinates f64 ..., objectives f64 ..., constraints f64 ...

and a frame "HMSX", version u16, size of a record u32, digest of the run 8 bytes, number of
records u32, and the records.
"""

import math
import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from hmserve.errors import ExchangeError

VERSION: Final = 1
ALL: Final = -1
"""Whom a record is for, if for everyone."""
UNLIMITED: Final = -1
"""What is left of a budget that has no limit."""
NO_TRIAL: Final = -1
"""The trial of a record that is about none."""

_FIXED: Final = "IQBBiqqQIddd"
_HEADER: Final = struct.Struct("<4sHI8sI")
_MAGIC: Final = b"HMSX"


class Kind(IntEnum):
    """What a record says."""

    RESULT = 0
    """A trial was evaluated."""
    PENDING = 1
    """A trial is being evaluated."""
    WITHDRAWN = 2
    """A trial that was pending will have no result."""
    BEG = 3
    """The rank `to` is asked for permits."""
    GIVE = 4
    """The answer: `amount` permits, maybe none."""
    SEEK = 5
    """The rank `to` is asked for buckets; in synchronous mode everyone is."""
    CEDE = 6
    """The answer: of the buckets ``trial + k * size`` those whose bit k is set in `amount`.

    `turn` orders the hand-overs of one bucket. With no bucket it is how many the rank keeps.
    """
    ROUND = 7
    """The round number `turn` of this rank is over (synchronous mode)."""
    STOP = 8
    """Nobody is to begin anything any more; `amount` says why."""
    DONE = 9
    """This rank has told all its results and begins nothing any more; it still answers."""


class Status(IntEnum):
    """What came of an evaluation."""

    OK = 0
    INFEASIBLE = 1
    FAILED = 2


class Record(NamedTuple):
    """What a rank says to all the others.

    Args:
        origin: The rank that says it.
        sequence: 0, 1, 2, ... over all that this rank says.
        kind: What it is about; a member of `Kind`.
        trial: Its id at its origin; `NO_TRIAL` if it is about none.
        coordinates: One number a parameter (`Coordinates`), empty unless the kind is RESULT
            or PENDING.
        objectives: As minimised, NaN for what was not measured; empty unless a RESULT.
        constraints: Likewise.
        status: What came of the evaluation.
        fidelity: NaN for none.
        started: Unix seconds; NaN for unknown.
        finished: Unix seconds; NaN for unknown.
        left: How many permits the origin holds after this; `UNLIMITED` without a budget.
        to: The rank that is addressed; `ALL` for everyone. Everyone hears it anyway.
        amount: Permits, buckets, or the reason to stop; not negative.
        turn: The number of a round or of a hand-over.
    """

    origin: int
    sequence: int
    kind: Kind
    trial: int = NO_TRIAL
    coordinates: tuple[float, ...] = ()
    objectives: tuple[float, ...] = ()
    constraints: tuple[float, ...] = ()
    status: Status = Status.OK
    fidelity: float = math.nan
    started: float = math.nan
    finished: float = math.nan
    left: int = UNLIMITED
    to: int = ALL
    amount: int = 0
    turn: int = 0


class Format:
    """How a record is laid out in bytes, the same on all ranks.

    Args:
        parameters: How many coordinates a configuration has.
        objectives: How many objectives are measured.
        constraints: How many constraints are measured.
    """

    def __init__(self, parameters: int, objectives: int, constraints: int) -> None:
        self._counts = (parameters, objectives, constraints)
        self._struct = struct.Struct(f"<{_FIXED}{parameters + objectives + constraints}d")
        self._nothing = tuple((math.nan,) * count for count in self._counts)
        first = len(_FIXED)
        second = first + parameters
        third = second + objectives
        self._cuts = (slice(first, second), slice(second, third), slice(third, None))

    @property
    def size(self) -> int:
        """How many bytes a record takes."""
        return self._struct.size

    def pack(self, record: Record) -> bytes:
        """Return `record` as bytes; coordinates and measurements that are not there as NaN.

        Raises:
            ValueError: It has more or fewer of them than the format, or a number too large.
        """
        r = record
        given = (r.coordinates, r.objectives, r.constraints)
        numbers = [
            value
            for values, nothing in zip(given, self._nothing, strict=True)
            for value in self._whole(values, nothing)
        ]
        integers = (r.origin, r.sequence, r.kind, r.status, r.to, r.trial, r.left, r.amount)
        times = (r.fidelity, r.started, r.finished)
        try:
            return self._struct.pack(*integers, r.turn, *times, *numbers)
        except struct.error as error:
            raise ValueError(f"{record} does not fit into a record: {error}") from error

    def _whole(
        self, values: tuple[float, ...], nothing: tuple[float, ...]
    ) -> tuple[float, ...]:
        if values and len(values) != len(nothing):
            raise ValueError(f"expected {len(nothing)} numbers or none, got {values}")
        return values or nothing

    def unpack(self, data: bytes) -> Record:
        """Return the record that `data` is.

        Raises:
            ExchangeError: It is none of this format.
        """
        try:
            fields = self._struct.unpack(data)
            kind, status = Kind(fields[2]), Status(fields[3])
        except (struct.error, ValueError) as error:
            raise ExchangeError(
                f"expected a record of {self.size} bytes, got {len(data)} bytes: {error}; "
                "do all ranks run the same scenario?"
            ) from error
        origin, sequence, _, _, to, trial, left, amount, turn, *times = fields[: len(_FIXED)]
        known = 3 if kind == Kind.RESULT else 1 if kind == Kind.PENDING else 0
        numbers = [fields[cut] for cut in self._cuts[:known]] + [()] * (3 - known)
        told = (origin, sequence, kind, trial, *numbers, status, *times)
        return Record._make((*told, left, to, amount, turn))


def frame(digest: bytes, payloads: Sequence[bytes]) -> bytes:
    """Return one message of records that all have the same size.

    Args:
        digest: 8 bytes that tell this run from any other.
        payloads: The records, in order; at least one.
    """
    assert len(digest) == 8
    assert payloads
    header = _HEADER.pack(_MAGIC, VERSION, len(payloads[0]), digest, len(payloads))
    return b"".join((header, *payloads))


def unframe(digest: bytes, data: bytes) -> list[bytes]:
    """Return the records of a message.

    Raises:
        ExchangeError: It was cut, or is none of this run or of this version of hmserve.
    """
    if len(data) < _HEADER.size or data[: len(_MAGIC)] != _MAGIC:
        raise ExchangeError(
            f"expected a message of another rank, got {len(data)} bytes that begin with "
            f"{bytes(data[:16])!r}: something else uses the same communicator"
        )
    _, version, size, theirs, count = _HEADER.unpack_from(data)
    if version != VERSION:
        raise ExchangeError(
            f"a rank speaks version {version} of the exchange, this one version {VERSION}: "
            "run the same hmserve on all ranks"
        )
    if theirs != digest:
        raise ExchangeError(
            f"a rank runs another scenario or seed: its digest is {theirs.hex()}, here it is "
            f"{digest.hex()}; give all ranks the same scenario"
        )
    if not size or len(data) != _HEADER.size + size * count:
        raise ExchangeError(
            f"a message of {count} records of {size} bytes has {len(data)} bytes instead of "
            f"{_HEADER.size + size * count}: it was cut or damaged on the way"
        )
    return [bytes(data[i : i + size]) for i in range(_HEADER.size, len(data), size)]
