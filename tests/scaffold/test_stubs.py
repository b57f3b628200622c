"""Stubs of all languages, built and run as the printed commands say."""

import csv
import random
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from toolchains import require

from hmserve.document import parse_json
from hmserve.scaffold.languages import LANGUAGES

WORDS = (
    "tile=8,16,32,64@16",
    "class=1:8",
    "alpha=-2.5:2.5",
    "factor=0.5,1.5,2.5",
    r"loop-order=a\b,x%d $HOME,it's [#1]{2}",
    "end=permutation:4",
    "loop_order=0.001:1:log",
    "PATH=5000000000:6000000000",
    "3d=on,off",
    "Tile=-3:3",
    "rate=1e-5:1.0:log",
    "depth=2:5",
    "mode=x,y",
    "seq=permutation:3",
    "--objective=run time",
    "--maximize=fps",
    "--condition=rate: 3d=on",
    "--condition=depth: 3d=off and tile=8,16",
    "--condition=mode: depth=2,3",
    "--condition=seq: 3d=on",
    "--feasible",
)
"""Words for `hmserve init`: every kind of parameter, and names that no language takes."""

MIDDLES = {
    "tile": (24.8, 56.0),
    "class": (3.1, 7.0),
    "alpha": (-1.0, 5.0),
    "factor": (1.1, 2.0),
    "loop_order": (0.301, 0.999),
    "PATH": (5300000000.0, 1000000000.0),
    "Tile": (-1.2, 6.0),
}
LABELS = {"loop-order": "x%d $HOME", "3d": "off"}


def cost_of(row: Mapping[str, str]) -> float:
    """Return what the stubs compute for `row` until they are filled in."""
    cost = 1.0 + int(row["end"].strip("()").split(",")[0])
    cost += sum(row[name] != label for name, label in LABELS.items())
    return cost + sum(
        ((float(row[name]) - middle) / width) ** 2 for name, (middle, width) in MIDDLES.items()
    )


def answered(rows: Sequence[Mapping[str, str]]) -> list[float]:
    """Return the objectives of `rows`, all of which are feasible."""
    assert {row["Valid"].lower() for row in rows} <= {"true", "1"}
    return [float(row[name]) for row in rows for name in ("run time", "fps")]


def read_rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a reply; the commas within a permutation have a blank after them."""
    table = csv.reader(text.replace(", ", ";").splitlines())
    header, *rows = ([cell.replace(";", ", ") for cell in row] for row in table)
    return [dict(zip(header, row, strict=True)) for row in rows]


FAST = ("python", "bash")


@pytest.fixture(
    params=[
        pytest.param(name, marks=[] if name in FAST else [pytest.mark.slow])
        for name in LANGUAGES
    ]
)
def language(request: pytest.FixtureRequest) -> str:
    if request.param == "julia" and shutil.which("julia") is None:
        pytest.skip("Debian has no julia: its stub is not run")
    require("|".join(LANGUAGES[request.param].programs))
    return str(request.param)


def written(shell: Callable[..., str], language: str, *words: str) -> list[str]:
    """Write a stub with `words`; return the printed commands."""
    # Ten are the design: no model is loaded, which takes longer than all of them.
    count = "10" if language in FAST else "12"
    given = shlex.join([*words, "--language", language, "--evaluations", count, "--seed", "1"])
    lines = shell(f"hmserve init {given}").splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_a_stub_runs_by_the_printed_command_and_finds_every_value_by_its_name(
    language: str, shell: Callable[..., str], tmp_path: Path
) -> None:
    [command] = written(shell, language, *WORDS)
    shell(command)
    with (tmp_path / "app_output_samples.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 10
    assert {row["rate"] == "" for row in rows} == {True, False}
    costs = [cost_of(row) for row in rows]
    expected = [value for cost in costs for value in (cost, -((cost - 1) ** 2))]
    assert answered(rows) == pytest.approx(expected, rel=1e-9, abs=0)

    # The same rows with their columns in another order.
    names = list(rows[0])[: len(WORDS) - 7]
    random.Random(7).shuffle(names)
    lines = [",".join(row[name] for name in names) for row in rows]
    request = "".join(f"{line}\n" for line in [f"Request {len(rows)}", ",".join(names), *lines])
    document, _ = parse_json((tmp_path / "app.json").read_text("utf-8"), "app.json")
    worker = shlex.join(document["evaluator"]["command"])
    reply = shell(worker, f"{request}{request}End of HyperMapper\n").splitlines()
    assert reply[: len(rows) + 1] == reply[len(rows) + 1 :]
    assert reply[0] == ",".join([*names, "run time", "fps", "Valid"])
    assert [
        line.startswith(sent)
        for line, sent in zip(reply[1 : len(rows) + 1], lines, strict=True)
    ]
    found = answered(read_rows("\n".join(reply[: len(rows) + 1])))
    assert found == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.slow
def test_a_stub_makes_progress_with_one_label_and_one_objective(
    language: str, shell: Callable[..., str], tmp_path: Path
) -> None:
    [command] = written(shell, language, "order=ijk,ikj,kij", "--name", "a-b.2")
    header, best = shell(command).splitlines()
    assert header == "order,cost"
    assert best.split(",")[0] == "ikj"
    assert float(best.split(",")[1]) == 1
    assert (tmp_path / "a-b.2_output_samples.csv").exists()
