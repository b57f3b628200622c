"""examples/compiler-flags, cachegrind and zstd: what they check, and what tuning gains."""

import collections
import csv
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from toolchains import require

EXAMPLES = Path(__file__).parents[2] / "examples"
PLAIN = "(0, 2, 3, 1, 4, 5),(0, 1, 2, 3),16,16,32,32"


def copy_of(name: str, directory: Path) -> Path:
    """Copy an example, so that nothing is written into the repository."""
    ignore = shutil.ignore_patterns("results", "__pycache__")
    folder = Path(shutil.copytree(EXAMPLES / name, directory / name, ignore=ignore))
    (folder / "results").mkdir()
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: copy_of(name, tmp_path)


@pytest.fixture
def hmserve(hmserve_program: Path) -> str:
    """A directory whose `hmserve` is this interpreter's."""
    return str(hmserve_program.parent)


def run(
    command: Sequence[str], folder: Path, said: str = "", **variables: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | variables,
        input=said,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def succeed(command: Sequence[str], folder: Path, said: str = "", **variables: str) -> str:
    done = run(command, folder, said, **variables)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def shorten(scenario: Path, evaluations: int) -> None:
    # The text, not what JSON makes of it: one of the examples reads it with awk.
    text = re.sub(r'("max_evaluations": )\d+', rf"\g<1>{evaluations}", scenario.read_text())
    text = re.sub(r'("number_of_samples": )\d+', rf"\g<1>{evaluations // 2}", text)
    assert json.loads(text)["max_evaluations"] == evaluations
    scenario.write_text(text)


# ---- compiler-flags


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the example with its data and its program."""
    require("gcc", "awk")
    folder = copy_of("compiler-flags", tmp_path_factory.mktemp("flags"))
    bookings = folder / "results" / "bookings.jsonl"
    bookings.write_text(succeed(["awk", "-f", "generate.awk"], folder))
    strict = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    succeed(["gcc", *strict, "tally.c", "json.c", "-o", "tally", "-lm"], folder)
    return folder


def test_what_tally_has_to_print_is_what_python_reckons(flags: Path) -> None:
    text = (flags / "results" / "bookings.jsonl").read_text()
    amounts = collections.defaultdict(list)
    tags: collections.Counter[str] = collections.Counter()
    for record in map(json.loads, text.splitlines()):
        amounts[record["account"]].append(record["amount"])
        tags.update(record["tags"])
    wanted = set()
    for account, all_of_it in amounts.items():
        known = [amount for amount in all_of_it if amount is not None]
        missing = len(all_of_it) - len(known)
        start = f"{account}: {len(known)} bookings, {missing} missing"
        wanted.add(f"{start}, sum {math.fsum(known):.2f}, {min(known):.2f} to {max(known):.2f}")
    expected = (flags / "expected.txt").read_text()
    lines = expected.splitlines()
    assert {line.partition(", deviation")[0] for line in lines if "bookings" in line} == wanted
    assert {line for line in lines if re.fullmatch(r"\w+ \d+", line)} == {
        f"{tag} {count}" for tag, count in tags.items()
    }
    assert succeed(["./tally"], flags, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"a": 1,}',
        '{"a" 1}',
        '"a\\q"',
        '"\\u12x4"',
        '"a',
        "[1 2]",
        "-",
        "1e",
        "1e301",
        "nul",
        "\\",
        "[" * 1000,
    ],
)
def test_tally_refuses_what_is_no_json(flags: Path, text: str) -> None:
    done = run(["./tally"], flags, '{"account": "a", "amount": 1}\n' + text)
    assert done.returncode == 1
    assert "tally: no JSON at byte" in done.stderr


def test_settings_become_options_of_gcc(flags: Path) -> None:
    settings = "O3 lto=yes tree-pre=no pie=no align-loops=8 align-jumps=level max-unroll-times="
    said = succeed(["sh", "flags.sh", *settings.split(), "early-inlining-insns=4"], flags)
    assert said.split() == [
        *("-O3", "-flto", "-fno-tree-pre", "-fno-pie", "-no-pie", "-falign-loops=8"),
        "--param=early-inlining-insns=4",
    ]


def test_flags_that_make_tally_wrong_have_no_result(flags: Path, tmp_path: Path) -> None:
    require("valgrind")
    measure = ["sh", str(flags / "measure.sh"), str(flags), "O2"]
    good = run(measure, tmp_path)
    assert re.fullmatch(r"\d+,\d+\n", good.stdout), good.stderr
    wrong = run([*measure, "fast-math=yes"], tmp_path)
    assert wrong.returncode != 0
    assert wrong.stdout == ""
    assert "differ" in wrong.stderr


@pytest.mark.slow
def test_compiler_flags_are_tuned(copy: Callable[[str], Path], hmserve: str) -> None:
    require("gcc", "awk", "valgrind")
    folder = copy("compiler-flags")
    shorten(folder / "flags.json", 30)
    said = succeed(["sh", "tune.sh"], folder, PATH=f"{hmserve}:{os.environ['PATH']}")
    assert "30 configurations tried" in said
    (least,) = (line for line in said.splitlines() if line.startswith("fewest bytes  "))
    assert float(least.split()[4]) < -10
    again = succeed(
        ["sh", "tune.sh", "--resume"], folder, PATH=f"{hmserve}:{os.environ['PATH']}"
    )
    assert least in again
    succeed(["sh", "tune.sh", "clean"], folder)
    assert not (folder / "results").exists()


# ---- cachegrind


def loops(*order: str, **last: int) -> str:
    extents = {"k": 16, "c": 16, "y": 32, "x": 32, "r": 3, "s": 3} | last
    heads = [f"for (int {d} = 0; {d} < {extents[d]}; {d}++)" for d in order]
    body = "output[k][y][x] += input[c][y + r][x + s] * weight[k][c][r][s];"
    return "\n".join([*heads, body, ""])


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (loops(*"kyxcrs"), 0),
        (loops(*"srxyck"), 0),
        (loops(*"kyxcrs", s=2), 1),
        (loops(*"kyxcrs", x=31), 1),
    ],
    ids=["as defined", "backwards", "a column less", "a pixel less"],
)
def test_a_convolution_that_is_wrong_says_so(
    copy: Callable[[str], Path], text: str, status: int
) -> None:
    require("gcc")
    folder = copy("cachegrind")
    (folder / "loops.h").write_text(text)
    strict = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    succeed(["gcc", *strict, '-DLOOPS="loops.h"', "convolution.c", "-o", "convolution"], folder)
    done = run(["./convolution"], folder)
    assert done.returncode == status
    assert ("wrong result" in done.stderr) == bool(status)


def ask(folder: Path, *rows: str) -> list[str]:
    names = "loops,tiles,tile_k,tile_c,tile_y,tile_x"
    said = "\n".join([f"Request {len(rows)}", names, *rows, "End of HyperMapper", ""])
    header, *answers = succeed(["sh", "worker.sh"], folder, said).splitlines()
    assert header == f"{names},Cycles"
    for row, answer in zip(rows, answers, strict=True):
        assert answer.startswith(f"{row},")
    return [answer.rpartition(",")[2] for answer in answers]


def test_the_worker_of_cachegrind_writes_the_loops_it_is_asked_for(
    copy: Callable[[str], Path],
) -> None:
    require("gcc", "valgrind", "awk")
    folder = copy("cachegrind")
    tiled = "(1, 0, 2, 4, 5, 3),(2, 1, 3, 0),4,2,32,8"
    first, second = ask(folder, tiled, tiled)
    assert float(first) == float(second) > 1e6
    heads = re.findall(
        r"for \(int (\w+) = \w+; (.*?)\)", (folder / "results/worker-/loops.h").read_text()
    )
    assert [head for head, _ in heads] == ["c0", "x0", "k0", *"ckyrsx"]
    assert dict(heads)["x0"] == "x0 < 32; x0 += 8"
    assert dict(heads)["x"] == "x < x0 + 8; x++"
    assert dict(heads)["y"] == "y < 32; y++"


def test_the_worker_of_cachegrind_answers_nan_where_nothing_compiles(
    copy: Callable[[str], Path],
) -> None:
    require("gcc", "valgrind", "awk")
    folder = copy("cachegrind")
    (folder / "convolution.c").write_text("#error\n")
    assert ask(folder, PLAIN) == ["nan"]


@pytest.mark.slow
def test_loops_are_tuned(copy: Callable[[str], Path], hmserve: str) -> None:
    require("gcc", "valgrind", "awk", "make")
    folder = copy("cachegrind")
    shorten(folder / "convolution.json", 30)
    path = f"{hmserve}:{os.environ['PATH']}"
    said = succeed(["make"], folder, PATH=path)
    (tuned,) = (line for line in said.splitlines() if line.startswith("tuned"))
    assert float(tuned.split()[-4]) > 1
    assert tuned in succeed(["make", "resume"], folder, PATH=path)
    succeed(["make", "clean"], folder)
    assert not (folder / "results").exists()


# ---- zstd


@pytest.fixture
def zstd(copy: Callable[[str], Path]) -> Path:
    """Return the example with data that are compressed at once."""
    require("zstd", "python3")
    folder = copy("zstd")
    text = "".join(f"{i},{i * i % 97},{'true' if i % 3 else 'false'}\n" for i in range(20_000))
    (folder / "results" / "data.csv").write_text(text)
    return folder


ROW = "7,19,16,13,1,6,64,no,,,,"
LONG = "1,19,16,,,5,8,yes,14,64,3,2"
REFUSED = "12,19,16,13,1,6,64,no,,,,"


def test_the_worker_of_zstd_goes_on_after_options_that_are_refused(zstd: Path) -> None:
    names = "strat,wlog,hlog,clog,slog,mml,tlen,long,lhlog,lmml,lblog,lhrlog"
    said = "\n".join(["Request 3", names, ROW, REFUSED, LONG, "End of HyperMapper", ""])
    done = run([sys.executable, "worker.py"], zstd, said)
    header, *answers = done.stdout.splitlines()
    assert header == f"{names},Bytes,Effort"
    assert answers[1] == f"{REFUSED},nan,nan"
    assert "out of bound" in done.stderr
    size = (zstd / "results" / "data.csv").stat().st_size
    for row, answer in ((ROW, answers[0]), (LONG, answers[2])):
        *asked, small, effort = answer.split(",")
        assert ",".join(asked) == row
        assert 100 < int(small) < size
        assert float(effort) > 0


@pytest.mark.slow
def test_zstd_is_tuned(copy: Callable[[str], Path], hmserve: str) -> None:
    require("zstd", "python3")
    copy("blackscholes")
    folder = copy("zstd")
    shorten(folder / "zstd.json", 30)
    path = f"{hmserve}:{os.environ['PATH']}"
    said = succeed([sys.executable, "tune.py"], folder, PATH=path)
    (tuned,) = (line for line in said.splitlines() if line.startswith("tuned"))
    assert float(tuned.split()[-4]) < -20  # over -3; over -12 that takes more evaluations
    with (folder / "results" / "zstd_output_samples.csv").open(newline="") as lines:
        sizes = [float(row["Bytes"]) for row in csv.DictReader(lines) if row["Bytes"]]
    assert int(tuned.split()[1].replace(",", "")) in sizes
    assert "tuned" in succeed([sys.executable, "tune.py", "--resume"], folder, PATH=path)


# ---- all of them


@pytest.mark.parametrize(
    ("name", "command", "missing"),
    [
        ("compiler-flags", ["sh", "tune.sh"], "gcc, valgrind, hmserve"),
        ("cachegrind", ["make"], "gcc"),
        ("zstd", [sys.executable, "tune.py"], "zstd, hmserve"),
    ],
)
def test_missing_tools_are_named_with_what_to_install(
    copy: Callable[[str], Path], tmp_path: Path, name: str, command: Sequence[str], missing: str
) -> None:
    require("make")
    tools = tmp_path / "few"
    tools.mkdir()
    for tool in ("sh", "make", "dirname", "mkdir"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    done = run([shutil.which(command[0]) or "", *command[1:]], copy(name), PATH=str(tools))
    assert done.returncode not in {0, 126, 127}
    (line,) = (line for line in done.stderr.splitlines() if "apt install" in line)
    assert missing in line
