"""The tour's client, told line by line what the daemon would say."""

import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from hmserve.quickstart import subjects
from hmserve.quickstart.tour import Client


class Peer:
    """A client that squares x, what it shows, and what it sends."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.heard = io.StringIO()
        self.client = Client(self.square, self.shown.append)

    def square(self, values: Mapping[str, str]) -> float | None:
        x = float(values["x"])
        return x * x if x >= 0 else None

    def listen(self, said: str) -> bool:
        return self.client.converse(io.StringIO(said), self.heard)


@pytest.fixture
def peer() -> Peer:
    return Peer()


REQUEST = "Request 2\nx,k\n3,a\n-1,b\n"


def test_a_request_is_answered_row_by_row_and_a_failure_says_so(peer: Peer) -> None:
    assert peer.listen(REQUEST + "End of HyperMapper\n")
    assert peer.heard.getvalue() == "x,k,Milliseconds,Valid\n3,a,9.0000,true\n-1,b,,false\n"


def test_both_sides_of_the_conversation_are_shown(peer: Peer) -> None:
    peer.listen(REQUEST)
    assert [line for line in peer.shown if line.startswith("<<")] == [
        "<< Request 2",
        "<< x,k",
        "<< 3,a",
        "<< -1,b",
    ]
    assert [line for line in peer.shown if line.startswith(">>")] == [
        ">> x,k,Milliseconds,Valid",
        ">> 3,a,9.0000,true",
        ">> -1,b,,false",
    ]


def test_the_best_is_the_shortest_that_worked(peer: Peer) -> None:
    peer.listen(REQUEST)
    peer.listen("Request 2\nx,k\n2,a\n5,a\n")
    assert peer.client.best == 2
    assert peer.client.rows[2] == "2,a"


def test_there_is_no_best_while_everything_failed(peer: Peer) -> None:
    peer.listen("Request 1\nx,k\n-1,b\n")
    assert peer.client.best is None


@pytest.mark.parametrize(
    "cut", [len("Request 2\n"), len("Request 2\nx,k\n3,"), len(REQUEST) - 1]
)
def test_a_daemon_that_leaves_in_mid_request_is_not_answered(peer: Peer, cut: int) -> None:
    assert not peer.listen(REQUEST[:cut])
    assert peer.heard.getvalue() == ""


def test_a_stream_that_ends_without_the_last_line_is_no_end(peer: Peer) -> None:
    assert not peer.listen(REQUEST)


def test_a_daemon_that_no_longer_listens_ends_the_conversation(peer: Peer) -> None:
    class Deaf(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    assert not peer.client.converse(io.StringIO(REQUEST), Deaf())


def test_a_compiler_that_fails_gives_the_stand_in_and_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    false = shutil.which("false")
    assert false is not None
    monkeypatch.setenv("CC", false)
    subject = subjects.choose(tmp_path)
    assert subject.scenario.name == "compress.json"
    assert f"`{false} " in subject.about[0]


def test_the_stand_in_measures_every_kind_of_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "")
    monkeypatch.setenv("PATH", "")
    subject = subjects.choose(tmp_path)
    for strategy in ("default", "filtered", "huffman", "run_length", "fixed"):
        values = {
            "level": "1",
            "window_bits": "9",
            "memory_level": "1",
            "strategy": strategy,
        }
        time = subject.evaluate(values)
        assert time is not None
        assert time > 0
