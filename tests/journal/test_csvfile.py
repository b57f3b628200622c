import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.errors import ScenarioError
from hmserve.journal.csvfile import read_lines
from hmserve.journal.table import to_csv

CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=1)
LINES = st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=5)


@given(LINES, st.sampled_from(["\r\n", "\n"]), st.booleans())
def test_lines_come_back_whatever_their_ends(tmp_path_factory, lines, end, blanks):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    text = to_csv(lines).replace("\r\n", end * 2 if blanks else end)
    path.write_bytes(text.encode())
    assert [cells for _, cells in read_lines(str(path))] == lines


def test_mark_gzip_and_outer_blanks_are_taken_off(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress("\ufeffx , y\n\n  \n1,\t2 \n".encode()))
    assert list(read_lines(str(path))) == [(1, ["x", "y"]), (4, ["1", "2"])]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (gzip.compress(b"x\n1\n" * 100, mtime=0)[:20], "gzip data are damaged"),
        (b'"' + b"x" * 200_000 + b'"\n', "line 1: no CSV"),
    ],
)
def test_what_is_no_csv_is_told(data, words, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(ScenarioError, match=words) as caught:
        list(read_lines(str(path)))
    assert str(path) in str(caught.value)


def test_missing_file_is_told(tmp_path):
    with pytest.raises(ScenarioError, match=r"cannot read .*No such file"):
        list(read_lines(str(tmp_path / "a.csv")))
