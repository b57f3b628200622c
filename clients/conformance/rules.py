"""The black box of the conformance runs, and when two tables say the same."""

import math
import re
from collections.abc import Mapping, Sequence

FAILED = {"", "nan", "inf", "-inf", "none", "null", "na"}
WORDS = {
    "true": "true",
    "1": "true",
    "yes": "true",
    "false": "false",
    "0": "false",
    "no": "false",
}
FIELD = re.compile(r'\s*(?:"([^"]*)"|(\([0-9, ]*\)(?=\s*(?:,|$)))|([^,]*))\s*(?:,|$)')

Row = Mapping[str, str]


def black_box(row: Row) -> dict[str, str]:
    """Return what a driver has to answer: `Value`, `Cost` and `Valid`, or `failed` thrice."""
    if row.get("c") == "fails":
        return dict.fromkeys(("Value", "Cost", "Valid"), "failed")
    x = float(row["x"])
    value = x * x + float(row.get("n") or 0) + float(row.get("m") or 0)
    if row.get("epochs"):
        value += 1 / float(row["epochs"])
    order = [int(k) for k in re.findall(r"\d+", row.get("p", ""))]
    value += sum((place + 1) * k for place, k in enumerate(order))
    valid = "false" if row.get("c") == "infeasible" else "true"
    return {"Value": repr(value), "Cost": repr(1 - x), "Valid": valid}


def split(line: str) -> list[str]:
    """Cut a line at its commas, but not at those within brackets or quotes."""
    line = line.strip()
    cells, start = [], 0
    while start <= len(line):
        match = FIELD.match(line, start)
        if match is None:
            return line.split(",")
        cells.append(next((group for group in match.groups() if group is not None), "").strip())
        if not match.group().endswith(","):
            break
        start = match.end()
    return cells


def table(lines: Sequence[str]) -> list[Row]:
    """Return rows by the names of their columns.

    Raises:
        ValueError: A row has another number of fields than the header.
    """
    names, *rows = [split(line) for line in lines]
    for cells in rows:
        if len(cells) != len(names):
            raise ValueError(f"expected {len(names)} fields as in {names}, came {cells}")
    return [dict(zip(names, cells, strict=True)) for cells in rows]


def same_cell(expected: str, came: str) -> bool:
    """Return whether a client may write `came` where a transcript has `expected`."""
    if expected == "failed":
        return came.lower() in FAILED
    if expected in {"true", "false"}:
        return (WORDS.get(came.lower()) or WORDS.get(whole(came))) == expected
    if expected.startswith("("):
        return re.findall(r"\d+", expected) == re.findall(r"\d+", came)
    try:
        return math.isclose(float(expected), float(came), rel_tol=1e-5, abs_tol=1e-9)
    except ValueError:
        return expected == came


def whole(text: str) -> str:
    """Return 1 for 1.0 and the like, as Fortran writes it."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return ""


def same_command(expected: str, came: str) -> bool:
    """Return whether two first lines of a message say the same, such as `Report 0,1,0.5`."""
    words, others = (re.split(r"[ ,]+", line.strip().lower()) for line in (expected, came))
    return len(words) == len(others) and all(map(same_cell, words, others))


def same_row(expected: Row, came: Row) -> bool:
    # Of an inactive input hmserve does not read what the reply has.
    return all(
        name in came and (text == "" or same_cell(text, came[name]))
        for name, text in expected.items()
    )


def difference(expected: Sequence[Row], came: Sequence[Row]) -> str:
    """Return what is wrong with the rows that came, in any order; nothing if they are right."""
    left = list(came)
    for row in expected:
        match = next((each for each in left if same_row(row, each)), None)
        if match is None:
            return f"expected the row {dict(row)}, came {[dict(each) for each in left]}"
        left.remove(match)
    return ""
