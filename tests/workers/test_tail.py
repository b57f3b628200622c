import itertools
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.workers.tail import STDERR_LIMIT, WINDOW, StderrFile, Tail


def chunks(data, cuts):
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def fed(pieces, patterns=None):
    tail = Tail(patterns)
    for piece in pieces:
        tail.add(piece)
    tail.finish()
    return tail


LINES = st.lists(st.text("ab=1 \n", max_size=40), max_size=30)


@settings(max_examples=20, deadline=None)
@given(LINES, st.lists(st.integers(0, 2**20), max_size=5), st.sampled_from([1, 400]))
def test_how_an_output_is_cut_into_chunks_makes_no_difference(lines, cuts, repeat) -> None:
    data = ("\n".join(lines).encode() + b"\n") * repeat
    patterns = {"a": r"a=(\d+)", "line": r"^(.*1)$"}
    whole, cut = fed([data], patterns), fed(chunks(data, cuts), patterns)
    assert cut.found == whole.found
    assert data.endswith(cut.data)
    assert len(cut.data) <= WINDOW


def test_the_last_match_counts_however_long_ago() -> None:
    tail = fed([b"f=1\nf=2\n", *[b"noise\n" * 1000] * 100], {"f": r"^f=(.*)$"})
    assert tail.found == {"f": "2"}
    assert len(tail.data) <= WINDOW


def test_a_line_that_is_not_complete_matches_only_what_it_becomes() -> None:
    tail = fed([b"f=12", b"34 ms\n"], {"f": r"f=(\d+)"})
    assert tail.found == {"f": "1234"}


def test_memory_stays_flat_over_a_line_without_end() -> None:
    tail = Tail({"f": r"(f)"})
    largest = 0
    for _ in range(200):
        tail.add(b"1" * 2**16)
        largest = max(largest, len(tail.data))
    tail.finish()
    assert largest <= 2 * WINDOW
    assert tail.cut


def test_the_last_line_is_whole_after_a_flood() -> None:
    tail = fed([*[b"x" * 10 + b"\n"] * 20_000, b"0.25\n"])
    assert tail.data.splitlines()[-1] == b"0.25"
    assert not tail.cut


def test_a_file_takes_the_beginning_and_the_end(tmp_path) -> None:
    file = StderrFile(str(tmp_path / "stderr.txt"), fresh=True)
    file.add(b"begin\n")
    for _ in range(100):
        file.add(b"x" * 2**16)
    file.add(b"end\n")
    file.close()
    written = (tmp_path / "stderr.txt").read_bytes()
    assert written.startswith(b"begin\n")
    assert b"not kept" in written
    assert written.endswith(b"end\n")
    assert len(written) < STDERR_LIMIT + 2**14


def test_a_program_that_says_nothing_leaves_no_file(tmp_path) -> None:
    StderrFile(str(tmp_path / "stderr.txt"), fresh=True).close()
    assert not list(tmp_path.iterdir())


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path) -> None:
    (tmp_path / "precious").write_text("kept")
    os.symlink(tmp_path / "precious", tmp_path / "stderr.txt")
    for fresh in (True, False):
        file = StderrFile(str(tmp_path / "stderr.txt"), fresh)
        file.add(b"words")
        file.close()
        assert file.tail == b"words"
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_file_that_is_appended_to_is_put_aside_when_it_is_full(tmp_path) -> None:
    path = tmp_path / "worker"
    path.write_bytes(b"o" * (STDERR_LIMIT + 1))
    file = StderrFile(str(path), fresh=False, title="trial 7\n")
    file.add(b"new")
    file.close()
    assert path.read_bytes() == b"trial 7\nnew"
    assert (tmp_path / "worker.old").stat().st_size == STDERR_LIMIT + 1


@pytest.mark.parametrize("patterns", [None, {"x": "(x)"}])
def test_bytes_of_no_encoding_are_taken(patterns) -> None:
    data = bytes(range(256)) * 10
    assert fed([data], patterns).data == data
    assert json.dumps(fed([data], patterns).found)
