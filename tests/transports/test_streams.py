import contextlib
import errno
import io
import os
import threading

import pytest

from hmserve.errors import RemoteProtocolError
from hmserve.protocol.classic import LINE_LIMIT, ClassicSession
from hmserve.protocol.codec import Codec
from hmserve.protocol.events import LocalProtocolError
from hmserve.space.parameters import Real
from hmserve.space.space import Space
from hmserve.transports.streams import PeerLeftError, Streams
from hmserve.trial import OUTSIDE, Evaluation, Trial

SPACE = Space([Real("x", 0, 1)])


def trials(n, first=0):
    return [Trial(first + i, {"x": (i + 1) / (n + 1)}) for i in range(n)]


class Wire:
    """Streams at one end of two pipes, the test at the other."""

    def __init__(self, buffering) -> None:
        their_reader, our_writer = os.pipe()
        our_reader, their_writer = os.pipe()
        # The context of these files is the test's.
        self.ours = (
            open(our_reader, "rb", buffering=buffering),  # noqa: SIM115
            open(our_writer, "wb", buffering=buffering),  # noqa: SIM115
        )
        self.reader = io.FileIO(their_reader, "rb")
        self.writer = io.FileIO(their_writer, "wb")
        self.streams = Streams(ClassicSession(Codec(SPACE, ["f"])), *self.ours)

    def say(self, text):
        self.writer.write(text.encode())

    def hear(self):
        return self.reader.read(2**16).decode()

    def close(self):
        for file in (self.reader, self.writer, *self.ours):
            # A buffered writer whose peer has left has bytes it cannot get rid of.
            with contextlib.suppress(BrokenPipeError):
                file.close()


@pytest.fixture(params=[0, -1], ids=["raw", "buffered"])
def wire(request):
    wire = Wire(request.param)
    yield wire
    wire.close()


def ids(results):
    return [e.trial.id for e in results.evaluations]


def collect_all(streams, into):
    """Append the ids of what is answered, until the request is."""
    while not streams.free:
        into += ids(streams.collect())


def test_a_request_goes_out_and_its_rows_come_back(wire) -> None:
    asked = trials(2)
    assert wire.streams.free > 10**6
    wire.streams.submit(asked)
    assert wire.streams.free == 0
    assert wire.hear() == "Request 2\nx\n0.3333333333333333\n0.6666666666666666\n"
    wire.say("x,f\n0.6666666666666666,2\n0.3333333333333333,nan\n")
    results = wire.streams.collect()
    assert results.evaluations == [
        Evaluation(asked[1], {"f": 2.0}),
        Evaluation(asked[0], {}, feasible=False),
    ]
    assert wire.streams.free > 10**6


def test_rows_are_handed_over_as_they_arrive(wire) -> None:
    wire.streams.submit(trials(4))
    wire.say("f\n1\n")
    assert ids(wire.streams.collect()) == [0]
    assert wire.streams.free == 0
    wire.say("2\n3\n4")
    assert ids(wire.streams.collect()) == [1, 2]
    wire.say("\n")
    assert ids(wire.streams.collect()) == [3]
    assert wire.streams.free > 0


def test_collect_waits_for_a_row_not_for_a_line(wire) -> None:
    wire.streams.submit(trials(1))
    pieces = ["f", "\n", "\n", "  \r\n", "1.", "5", "\n"]
    peer = threading.Thread(target=lambda: [wire.say(piece) for piece in pieces])
    peer.start()
    results = wire.streams.collect()
    peer.join()
    assert results.evaluations[0].objectives == {"f": 1.5}


def test_strangers_are_observations_and_the_last_row_tells_what_is_unanswered(wire) -> None:
    asked = trials(2)
    wire.streams.submit(asked)
    wire.say("x,f\n0.25,1\n")
    first = wire.streams.collect()
    assert [(e.trial.id, e.trial.configuration) for e in first.observations] == [
        (OUTSIDE, {"x": 0.25})
    ]
    assert (first.evaluations, first.abandoned) == ([], [])
    wire.say("0.6666666666666666,2\n")
    last = wire.streams.collect()
    assert ids(last) == [1]
    assert last.abandoned == [asked[0]]


def test_results_of_both_kinds_come_in_the_order_of_their_rows(wire) -> None:
    wire.streams.submit(trials(4))
    wire.say("x,f\n0.25,1\n0.4,2\n0.3,3\n0.8,4\n")
    came = []
    while not wire.streams.free:
        results = wire.streams.collect()
        assert not (results.evaluations and results.observations)
        both = (*results.evaluations, *results.observations)
        came += [evaluation.objectives["f"] for evaluation in both]
    assert came == [1.0, 2.0, 3.0, 4.0]
    assert [trial.id for trial in results.abandoned] == [0, 2]


def test_what_came_before_a_fault_is_handed_over_first(wire) -> None:
    wire.streams.submit(trials(3))
    wire.say("f\n1\nabc\n3\n")
    assert ids(wire.streams.collect()) == [0]
    assert wire.streams.free == 0
    for act in (wire.streams.collect, lambda: wire.streams.submit(trials(1))):
        with pytest.raises(RemoteProtocolError, match=r"row 2 of 3 .* came 'abc'"):
            act()


def test_leaving_before_a_reply_is_clean(wire) -> None:
    wire.streams.submit(trials(1))
    wire.writer.close()
    with pytest.raises(PeerLeftError) as caught:
        wire.streams.collect()
    assert caught.value.status == 0


def test_leaving_between_two_requests_is_clean(wire) -> None:
    wire.streams.submit(trials(1))
    wire.say("f\n1")
    wire.writer.close()
    assert ids(wire.streams.collect()) == [0]
    with pytest.raises(PeerLeftError):
        wire.streams.submit(trials(1))


def test_a_peer_that_no_longer_reads_has_left(wire) -> None:
    wire.reader.close()
    with pytest.raises(PeerLeftError):
        wire.streams.submit(trials(1))


@pytest.mark.parametrize("said", ["f", "f\n1\n", "f\n1\n2", "f\n1\n2\n"])
def test_leaving_within_a_reply_is_a_fault(wire, said) -> None:
    wire.streams.submit(trials(3))
    wire.say(said)
    wire.writer.close()
    collected = []
    with pytest.raises(RemoteProtocolError, match="mid-reply") as caught:
        collect_all(wire.streams, collected)
    assert caught.value.status == 3
    assert collected == list(range(max(said.count("\n") - 1, 0)))


def test_the_last_row_needs_no_newline_before_the_peer_leaves(wire) -> None:
    wire.streams.submit(trials(2))
    wire.say("f\n1\n2")
    wire.writer.close()
    assert ids(wire.streams.collect()) + ids(wire.streams.collect()) == [0, 1]
    wire.streams.finish()
    assert wire.hear().endswith("End of HyperMapper\n")


def test_the_end_comes_with_the_best_point_if_wanted(wire) -> None:
    wire.streams.finish(Evaluation(Trial(0, {"x": 0.5}), {"f": 2.0}))
    assert wire.hear() == "Best point found:\nx,f\n0.5,2\n\nEnd of HyperMapper\n"


def test_a_peer_that_has_left_is_told_nothing(wire) -> None:
    wire.reader.close()
    with pytest.raises(PeerLeftError):
        wire.streams.finish()


def test_replies_that_are_there_already_are_read_when_their_turn_comes(wire) -> None:
    wire.say("f\n1\n2\nf\n3\n")
    wire.writer.close()
    wire.streams.submit(trials(2))
    assert ids(wire.streams.collect()) == [0, 1]
    wire.streams.submit(trials(1, first=2))
    assert ids(wire.streams.collect()) == [2]


def test_a_surplus_row_is_never_taken_for_a_header(wire) -> None:
    wire.say("f\n1\n2\n")
    wire.streams.submit(trials(1))
    assert ids(wire.streams.collect()) == [0]
    wire.streams.submit(trials(1))
    with pytest.raises(RemoteProtocolError, match="one row too many"):
        wire.streams.collect()


def test_nothing_is_collected_without_a_request(wire) -> None:
    with pytest.raises(LocalProtocolError, match="nothing was submitted"):
        wire.streams.collect()


def test_bytes_that_are_no_utf8_show_in_the_message(wire) -> None:
    wire.streams.submit(trials(1))
    wire.writer.write(b"f\n\xff\x00\n")
    with pytest.raises(RemoteProtocolError, match=r"came '\\\\xff\\x00'"):
        wire.streams.collect()


class Endless(io.RawIOBase):
    """A peer that never ends its line; counts what was taken from it."""

    taken = 0

    def readable(self):
        return True

    def read(self, size=-1):
        self.taken += size
        return b"7" * size


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    peer = Endless()
    streams = Streams(ClassicSession(Codec(SPACE, ["f"])), peer, io.BytesIO())
    streams.submit(trials(1))
    with pytest.raises(RemoteProtocolError, match="a line of more than 1 MiB"):
        streams.collect()
    assert peer.taken < 2 * LINE_LIMIT


class Recorder(io.RawIOBase):
    """Counts calls; takes at most `most` bytes a call."""

    def __init__(self, most):
        self.most, self.calls = most, []

    def writable(self):
        return True

    def write(self, data):
        self.calls.append(bytes(data[: self.most]))
        return min(len(data), self.most)

    def flush(self):
        self.calls.append("flush")


def test_a_request_is_one_write_and_one_flush() -> None:
    sink = Recorder(10**9)
    Streams(ClassicSession(Codec(SPACE, ["f"])), io.BytesIO(), sink).submit(trials(3))
    assert sink.calls == [b"Request 3\nx\n0.25\n0.5\n0.75\n", "flush"]


def test_a_write_cut_short_goes_on_where_it_stopped() -> None:
    sink = Recorder(7)
    Streams(ClassicSession(Codec(SPACE, ["f"])), io.BytesIO(), sink).submit(trials(3))
    assert b"".join(sink.calls[:-1]) == b"Request 3\nx\n0.25\n0.5\n0.75\n"


class Broken(io.RawIOBase):
    """Fails with `code` however it is used."""

    def __init__(self, code):
        self.code = code

    def read(self, _size=-1):
        raise OSError(self.code, os.strerror(self.code))

    def write(self, _data):
        raise OSError(self.code, os.strerror(self.code))


def test_a_stream_that_cannot_be_written_is_an_error_in_words() -> None:
    streams = Streams(ClassicSession(Codec(SPACE, ["f"])), io.BytesIO(), Broken(errno.ENOSPC))
    with pytest.raises(RemoteProtocolError, match="cannot write to the peer: No space left"):
        streams.submit(trials(1))


def test_a_stream_that_cannot_be_read_is_an_error_in_words() -> None:
    streams = Streams(ClassicSession(Codec(SPACE, ["f"])), Broken(errno.EIO), io.BytesIO())
    streams.submit(trials(1))
    with pytest.raises(RemoteProtocolError, match="cannot read from the peer: "):
        streams.collect()


def test_a_connection_that_is_reset_is_closed() -> None:
    streams = Streams(
        ClassicSession(Codec(SPACE, ["f"])), Broken(errno.ECONNRESET), io.BytesIO()
    )
    streams.submit(trials(1))
    with pytest.raises(PeerLeftError):
        streams.collect()


def test_a_long_request_needs_no_descriptors() -> None:
    sink = io.BytesIO()
    streams = Streams(ClassicSession(Codec(SPACE, ["f"])), io.BytesIO(b"f\n"), sink)
    streams.submit(trials(20_000))
    assert sink.getvalue().count(b"\n") == 20_002


def test_a_peer_that_will_never_answer_may_still_read_a_long_request(wire) -> None:
    wire.writer.close()
    heard = []

    def listen():
        while sum(map(len, heard)) < 100_000:
            heard.append(wire.hear())
        wire.reader.close()

    peer = threading.Thread(target=listen, daemon=True)
    peer.start()
    with pytest.raises(PeerLeftError):
        wire.streams.submit(trials(20_000))
    peer.join()


def answer_row_by_row(wire, upto):
    """Read a row, write its answer, read the next: what a shell loop does."""
    with (
        open(os.dup(wire.reader.fileno()), "rb") as requests,
        open(os.dup(wire.writer.fileno()), "wb", buffering=0) as replies,
    ):
        count = int(requests.readline().split()[1])
        header = requests.readline().strip()
        replies.write(header + b",f\n")
        for _ in range(min(count, upto)):
            replies.write(requests.readline().strip() + b",1\n")


def test_a_peer_that_answers_row_by_row_never_waits_for_us_while_we_wait_for_it(wire) -> None:
    # Both directions are longer than a pipe holds.
    n = 20_000
    peer = threading.Thread(target=answer_row_by_row, args=(wire, n), daemon=True)
    peer.start()
    wire.streams.submit(trials(n))
    done = []
    collect_all(wire.streams, done)
    peer.join()
    assert sorted(done) == list(range(n))


def test_what_such_a_peer_answered_before_it_died_counts(wire) -> None:
    n = 20_000

    def die_early():
        answer_row_by_row(wire, 10_000)
        wire.reader.close()
        wire.writer.close()

    peer = threading.Thread(target=die_early, daemon=True)
    peer.start()
    wire.streams.submit(trials(n))
    done = []
    with pytest.raises(RemoteProtocolError, match="row 10001 of 20000"):
        collect_all(wire.streams, done)
    peer.join()
    assert len(done) == 10_000
