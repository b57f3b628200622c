"""Reports among the lines of an output."""

import itertools
import math

from hypothesis import example, given
from hypothesis import strategies as st

from hmserve.workers.reports import Reports
from hmserve.workers.tail import Tail

LINES = st.sampled_from(
    [
        "Report 3,0.25",
        "Report 1e1 , -2\r",
        "Report 3,nan",
        "Report inf,1",
        "Report 3",
        "Report 3,4,5",
        "Report of the year",
        "Report ",
        "Repo",
        " Report 3,1",
        "report 3,1",
        "Report " + "1" * 300 + ",1",
        "",
        "0.5",
    ]
)
TOLD = {"Report 3,0.25": (3.0, 0.25), "Report 1e1 , -2\r": (10.0, -2.0)}
SWALLOWED = {*TOLD, "Report 3,nan", "Report inf,1"}


def understood(chunks):
    told = []
    reports = Reports(Tail(), lambda *stands: told.append(stands))
    for chunk in chunks:
        reports.add(chunk)
    before = list(told)
    reports.finish()
    assert told[: len(before)] == before
    return told, reports.tail.data.decode()


@given(st.lists(LINES), st.lists(st.integers(0, 400)), st.booleans())
@example(["0.5", "Report 3,0.25"], [2, 9], False)
def test_reports_are_told_and_all_else_is_kept_however_it_comes(lines, cuts, ended) -> None:
    text = "\n".join(lines) + ("\n" if ended and lines else "")
    data = text.encode()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[a:b] for a, b in itertools.pairwise(places)]
    told, kept = understood(chunks)
    assert told == [TOLD[line] for line in lines if line in TOLD]
    assert kept.split("\n") == _without(text)


def _without(text):
    """Return the lines of what is left of `text`."""
    whole = text.split("\n")
    *others, last = whole
    left = [line for line in others if line not in SWALLOWED]
    return [*left, "" if last in SWALLOWED else last]


def test_a_report_is_told_as_soon_as_its_line_is_whole() -> None:
    told = []
    reports = Reports(Tail(), lambda *stands: told.append(stands))
    reports.add(b"Report 1,2")
    assert not told
    reports.add(b"5\nRepo")
    assert told == [(1.0, 25.0)]
    assert reports.tail.data == b""


def test_a_long_line_that_began_as_one_is_none() -> None:
    told, kept = understood([b"Report 1,", b"2" * 300, b"\nReport 1,2\n"])
    assert told == [(1.0, 2.0)]
    assert kept == f"Report 1,{'2' * 300}\n"
    assert all(map(math.isfinite, told[0]))
