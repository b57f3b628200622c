"""Lines over byte streams; what `Streams` does with them is tested with that."""

import io
import os

import pytest

from hmserve.protocol.classic import LINE_LIMIT
from hmserve.transports.lines import Lines, PeerLeftError


def taken(data: bytes) -> tuple[list[str], str]:
    """Return the lines of a stream, and what is left after the last newline."""
    wire, lines = Lines(io.BytesIO(data), io.BytesIO()), []
    while not wire.ended:
        wire.fill()
        while (line := wire.take()) is not None:
            lines.append(line)
    return lines, wire.take_rest()


def test_lines_come_without_their_newlines() -> None:
    assert taken(b"a\n\nb c\r\nd") == (["a", "", "b c\r"], "d")


def test_bytes_that_are_no_text_can_be_shown() -> None:
    assert taken(b"a\xffb\n") == (["a\\xffb"], "")


@pytest.mark.parametrize("length", [LINE_LIMIT - 1, LINE_LIMIT, LINE_LIMIT + 1, 5 * LINE_LIMIT])
def test_long_line_is_cut_where_it_is_too_long_already(length) -> None:
    lines, rest = taken(b"a\n" + b"x" * length + b"\nb\nc")
    assert (lines[0], lines[2:], rest) == ("a", ["b"], "c")
    assert len(lines[1]) == length if length <= LINE_LIMIT else len(lines[1]) > LINE_LIMIT
    assert len(lines[1]) < LINE_LIMIT + 2**17


def test_long_line_without_an_end_is_one_line() -> None:
    lines, rest = taken(b"x" * (3 * LINE_LIMIT))
    assert (len(lines), rest) == (1, "")


@pytest.fixture
def pipe():
    source, sink = os.pipe()
    with io.FileIO(source, "rb") as reader, io.FileIO(sink, "wb") as writer:
        yield reader, writer


def test_peer_is_idle_while_nothing_arrives(pipe) -> None:
    reader, writer = pipe
    wire = Lines(reader, io.BytesIO())
    assert wire.idle(0.0)
    writer.write(b"a")
    assert not wire.idle(60.0)
    wire.fill()
    assert not wire.idle(0.0)


def test_peer_that_has_left_is_not_idle(pipe) -> None:
    reader, writer = pipe
    wire = Lines(reader, io.BytesIO())
    writer.close()
    assert not wire.idle(60.0)
    wire.fill()
    assert not wire.idle(60.0)
    assert not Lines(io.BytesIO(), io.BytesIO()).idle(60.0)


def test_writing_to_a_peer_that_left_matters_only_if_nothing_of_it_is_left(pipe) -> None:
    reader, writer = pipe
    reader.close()
    with pytest.raises(PeerLeftError):
        Lines(io.BytesIO(), writer).send("a\n")
    wire = Lines(io.BytesIO(b"b\n"), writer)
    wire.fill()
    wire.send("a\n")
    assert wire.take() == "b"
