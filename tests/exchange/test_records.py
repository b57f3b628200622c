import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.errors import ExchangeError
from hmserve.exchange.records import Format, Kind, Record, Status, frame, unframe

DIGEST = b"8 bytes."
DOUBLES = st.floats(allow_nan=True, allow_infinity=True)
FORM = Format(3, 2, 1)


def records() -> st.SearchStrategy[Record]:
    def build(kind: Kind, numbers: list[float], **fields: int) -> Record:
        known = {Kind.RESULT: 6, Kind.PENDING: 3}.get(kind, 0)
        told = tuple(numbers[:known])
        parts = (told[:3], told[3:5], told[5:])
        named = dict(zip(("coordinates", "objectives", "constraints"), parts, strict=True))
        times = dict(zip(("fidelity", "started", "finished"), numbers[6:], strict=True))
        return Record(kind=kind, **fields, **named, **times)

    return st.builds(
        build,
        kind=st.sampled_from(Kind),
        numbers=st.lists(DOUBLES, min_size=9, max_size=9),
        origin=st.integers(0, 2**32 - 1),
        sequence=st.integers(0, 2**64 - 1),
        trial=st.integers(-1, 2**63 - 1),
        status=st.sampled_from(Status),
        left=st.integers(-1, 2**63 - 1),
        to=st.integers(-1, 2**31 - 1),
        amount=st.integers(0, 2**64 - 1),
        turn=st.integers(0, 2**32 - 1),
    )


@given(records())
def test_a_record_survives_bytes_bit_for_bit(record: Record) -> None:
    data = FORM.pack(record)
    assert len(data) == FORM.size
    found = FORM.unpack(data)
    # NaN is not equal to itself: compare what they look like.
    assert repr(found) == repr(record)
    assert FORM.pack(found) == data


def test_a_negative_zero_and_the_least_double_arrive() -> None:
    told = Record(0, 0, Kind.PENDING, coordinates=(-0.0, 5e-324, math.nextafter(1, 2)))
    found = FORM.unpack(FORM.pack(told)).coordinates
    assert struct.pack("3d", *found) == struct.pack("3d", *told.coordinates)


def test_what_was_not_measured_is_nan() -> None:
    failed = Record(0, 0, Kind.RESULT, 7, (1.0, 2.0, 3.0), status=Status.FAILED)
    found = FORM.unpack(FORM.pack(failed))
    assert all(map(math.isnan, (*found.objectives, *found.constraints)))
    assert (len(found.objectives), len(found.constraints)) == (2, 1)


def test_a_record_of_too_many_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 3 numbers or none"):
        FORM.pack(Record(0, 0, Kind.PENDING, coordinates=(1.0, 2.0)))
    with pytest.raises(ValueError, match="does not fit"):
        FORM.pack(Record(-1, 0, Kind.DONE))


def test_a_frame_holds_its_records_in_order() -> None:
    payloads = [FORM.pack(Record(4, i, Kind.DONE)) for i in range(5)]
    assert unframe(DIGEST, frame(DIGEST, payloads)) == payloads


@given(st.binary(max_size=200))
def test_garbage_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(ExchangeError, match="something else uses the same communicator"):
        unframe(DIGEST, data)


def test_a_frame_of_another_run_is_refused() -> None:
    data = frame(b"another.", [FORM.pack(Record(0, 0, Kind.DONE))])
    with pytest.raises(ExchangeError, match="give all ranks the same scenario"):
        unframe(DIGEST, data)


def test_a_frame_of_another_version_is_refused() -> None:
    data = bytearray(frame(DIGEST, [FORM.pack(Record(0, 0, Kind.DONE))]))
    data[4] += 1
    with pytest.raises(ExchangeError, match=r"speaks version 2 .* run the same hmserve"):
        unframe(DIGEST, bytes(data))


@given(st.data())
def test_a_frame_cut_anywhere_is_refused(data: st.DataObject) -> None:
    whole = frame(DIGEST, [FORM.pack(Record(0, i, Kind.DONE)) for i in range(3)])
    length = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ExchangeError):
        unframe(DIGEST, whole[:length])
    with pytest.raises(ExchangeError, match="cut or damaged"):
        unframe(DIGEST, whole + b"x")


def test_a_record_of_another_format_or_kind_is_refused() -> None:
    data = FORM.pack(Record(0, 0, Kind.DONE))
    with pytest.raises(ExchangeError, match="do all ranks run the same scenario"):
        Format(2, 2, 1).unpack(data)
    with pytest.raises(ExchangeError, match=f"a record of {FORM.size} bytes, got 5 bytes"):
        FORM.unpack(data[:5])
    unknown = data[:12] + b"\xff" + data[13:]
    with pytest.raises(ExchangeError, match="255 is not a valid Kind"):
        FORM.unpack(unknown)
