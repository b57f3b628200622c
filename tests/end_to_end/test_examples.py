"""The examples as a user runs them: their own programs around the installed command."""

import csv
import gzip
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from toolchains import require

EXAMPLES = Path(__file__).parents[2] / "examples"
HMSERVE = [sys.executable, "-m", "hmserve"]


def copy_of(name: str, directory: Path) -> Path:
    """Copy an example, so that nothing is written into the repository."""
    return Path(shutil.copytree(EXAMPLES / name, directory / name))


def change(scenario: Path, **keys: Any) -> None:
    scenario.write_text(json.dumps(json.loads(scenario.read_text()) | keys))


def shorten(scenario: Path, samples: int, iterations: int) -> None:
    change(
        scenario,
        seed=1,
        design_of_experiment={"doe_type": "random sampling", "number_of_samples": samples},
        optimization_iterations=iterations,
    )


def run(
    command: Sequence[str], directory: Path, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=directory,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def succeed(command: Sequence[str], directory: Path, **environment: str) -> str:
    done = run(command, directory, **environment)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def samples(file: Path) -> list[dict[str, str]]:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", newline="") as lines:
        return list(csv.DictReader(lines))


def levels(scenario: Path) -> Mapping[str, set[str]]:
    parameters = json.loads(scenario.read_text())["input_parameters"]
    return {name: set(map(str, entry["values"])) for name, entry in parameters.items()}


@pytest.fixture
def compiler() -> str:
    require("cc")
    return "cc"


@pytest.fixture
def path_with_hmserve(tmp_path: Path) -> str:
    """A PATH on which `hmserve` is this interpreter's."""
    directory = tmp_path / "bin"
    directory.mkdir()
    script = directory / "hmserve"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(HMSERVE)} "$@"\n')
    script.chmod(0o755)
    return f"{directory}{os.pathsep}{os.environ['PATH']}"


# ---- matmul: a plain C client


@pytest.fixture
def matmul(compiler: str, tmp_path: Path) -> Path:
    directory = copy_of("matmul", tmp_path)
    strict = "CFLAGS=-O2 -std=c99 -Wall -Wextra -Wpedantic -Werror"
    succeed(["make", f"CC={compiler}", strict, "client"], directory)
    return directory


def test_c_client_tunes_the_matrix_product(matmul: Path, path_with_hmserve: str) -> None:
    shorten(matmul / "matmul.json", 8, 4)
    said = succeed(["./client"], matmul, PATH=path_with_hmserve)
    rows = samples(matmul / "results" / "matmul_output_samples.csv")
    failed = sum(row["Valid"] == "false" for row in rows)
    assert f"{len(rows)} evaluations, {failed} of them failed" in said
    assert len(rows) == 12
    assert "times as fast" in said


def test_c_client_refuses_what_its_kernel_has_no_code_for(
    matmul: Path, path_with_hmserve: str
) -> None:
    shorten(matmul / "matmul.json", 30, 0)
    succeed(["./client"], matmul, PATH=path_with_hmserve)
    for row in samples(matmul / "results" / "matmul_output_samples.csv"):
        innermost = int(row[f"tile_{row['order'][2]}"])
        assert (row["Valid"] == "true") == (innermost % int(row["unroll"]) == 0)


@pytest.mark.parametrize(
    ("daemon", "status"),
    [
        ("exit 7", 7),
        ("echo Request 1; exit 4", 4),
        ("echo Request 1; echo tile_i; printf 9; exit 3", 3),
        ("echo Request 1; head -c 3000 /dev/zero | tr '\\0' x; exit 9", 9),
        ("echo Request 1; echo tile_i; echo 4,4; exit 5", 5),
        ("echo End of HyperMapper; exit 2", 2),
        ("kill -9 $$", 128 + 9),
    ],
)
def test_c_client_reports_how_the_daemon_died(matmul: Path, daemon: str, status: int) -> None:
    done = run(["./client", daemon], matmul)
    assert done.returncode == 1
    assert f"exit status {status}" in done.stderr


@pytest.mark.slow
def test_c_client_is_clean_under_sanitizers(
    compiler: str, tmp_path: Path, path_with_hmserve: str
) -> None:
    directory = copy_of("matmul", tmp_path)
    checked = "CFLAGS=-g -O1 -std=c99 -fsanitize=address,undefined -fno-sanitize-recover"
    succeed(["make", f"CC={compiler}", checked, "client"], directory)
    done = run(["./client"], directory, PATH=path_with_hmserve)
    assert done.returncode == 0, done.stderr
    assert "Sanitizer" not in done.stderr
    assert "runtime error" not in done.stderr
    assert "80 evaluations" in done.stdout


# ---- blackscholes: two objectives and feasibility, from a table


def test_blackscholes_scenario_has_exactly_the_levels_of_its_table() -> None:
    directory = EXAMPLES / "blackscholes"
    rows = samples(directory / "exhaustive.csv.gz")
    for name, values in levels(directory / "blackscholes.json").items():
        assert {row[name] for row in rows} == values


def test_blackscholes_gives_back_rows_of_its_table(tmp_path: Path) -> None:
    directory = copy_of("blackscholes", tmp_path)
    shorten(directory / "blackscholes.json", 60, 3)
    succeed([*HMSERVE, "--config", "blackscholes.json"], directory)
    columns = ("B", "OP", "IP", "x1873", "ALMs", "Cycles", "Valid")

    def known(row: Mapping[str, str]) -> tuple[str | float, ...]:
        return tuple(float(row[c]) if c in {"ALMs", "Cycles"} else row[c] for c in columns)

    table = {known(row) for row in samples(directory / "exhaustive.csv.gz")}
    rows = samples(directory / "results" / "blackscholes_output_samples.csv")
    assert len(rows) == 63
    assert {known(row) for row in rows} <= table


def test_hypervolume_of_the_true_front_is_everything(tmp_path: Path) -> None:
    directory = copy_of("blackscholes", tmp_path)
    said = succeed([sys.executable, "hypervolume.py", "pareto.csv"], directory)
    assert "pareto.csv: 88 designs, 88 valid, 100.00%" in said


@pytest.mark.slow
def test_blackscholes_reaches_the_front(tmp_path: Path) -> None:
    directory = copy_of("blackscholes", tmp_path)
    said = succeed([sys.executable, "hypervolume.py", "--seeds", "3"], directory)
    (median,) = (line for line in said.splitlines() if line.startswith("median of 3"))
    assert float(median.split()[-1].rstrip("%")) >= 99


# ---- kernels: a table with failures behind a plain Python client


def test_kernel_scenario_covers_its_table() -> None:
    directory = EXAMPLES / "kernels"
    rows = samples(directory / "convolution-rtx3090.csv.gz")
    for name, values in levels(directory / "convolution.json").items():
        assert {row[name] for row in rows} <= values


def test_kernel_client_answers_from_its_table(tmp_path: Path) -> None:
    directory = copy_of("kernels", tmp_path)
    shorten(directory / "convolution.json", 20, 3)
    command = [sys.executable, "client.py", *HMSERVE, "--config", "convolution.json"]
    said = succeed(command, directory)
    names = levels(directory / "convolution.json")
    times = {
        tuple(row[name] for name in names): row["time_ms"]
        for row in samples(directory / "convolution-rtx3090.csv.gz")
        if row["status"] == "ok"
    }
    rows = samples(directory / "results" / "convolution_output_samples.csv")
    for row in rows:
        time = times.get(tuple(row[name] for name in names))
        assert (row["Valid"] == "true") == (time is not None)
        assert time is None or float(row["time_ms"]) == float(time)
    failed = sum(row["Valid"] == "false" for row in rows)
    assert 0 < failed < len(rows) == 23
    assert f"23 evaluations, {failed} of them failed" in said


def test_kernel_client_reports_a_dead_daemon(tmp_path: Path) -> None:
    directory = copy_of("kernels", tmp_path)
    done = run([sys.executable, "client.py", "sh", "-c", "exit 5"], directory)
    assert done.returncode == 1
    assert "exit status 5" in done.stderr


@pytest.mark.slow
def test_kernel_is_tuned_close_to_the_best_known_time(tmp_path: Path) -> None:
    directory = copy_of("kernels", tmp_path)
    said = succeed([sys.executable, "compare.py", "3"], directory)
    (median,) = (line for line in said.splitlines() if line.startswith("median of 3"))
    assert float(median.split()[-1]) <= 1.02


# ---- branin: the smallest clients there are


@pytest.fixture
def branin(tmp_path: Path) -> Path:
    directory = copy_of("branin", tmp_path)
    shorten(directory / "branin.json", 6, 6)
    return directory


def assert_branin_was_run(directory: Path, evaluations: int) -> None:
    rows = samples(directory / "results" / "branin_output_samples.csv")
    assert len(rows) == evaluations
    assert (float(rows[0]["x1"]), float(rows[0]["x2"])) == (0, 0)
    assert float(rows[0]["Value"]) == pytest.approx(55.602112642270262)


def test_shell_client_runs_to_the_end(branin: Path, path_with_hmserve: str) -> None:
    succeed(["sh", "client.sh"], branin, PATH=path_with_hmserve)
    assert_branin_was_run(branin, 12)
    assert not (branin / "wire").exists()


def test_python_function_runs_to_the_end(branin: Path) -> None:
    assert "the minimum is 0.397887" in succeed([sys.executable, "branin.py"], branin)
    assert_branin_was_run(branin, 12)


def test_python_batch_function_runs_to_the_end(branin: Path) -> None:
    assert "the minimum is 0.397887" in succeed([sys.executable, "batch.py"], branin)
    assert_branin_was_run(branin, 6 + 4 * 10)


# ---- workers: programs that hmserve starts itself


def test_flags_are_compiled_and_timed_by_two_workers(compiler: str, tmp_path: Path) -> None:
    directory = copy_of("workers", tmp_path)
    shorten(directory / "flags.json", 4, 4)
    said = succeed([*HMSERVE, "run", "flags.json"], directory, CC=compiler)
    rows = samples(directory / "results" / "flags_output_samples.csv")
    assert len(rows) == 8
    assert float(said.splitlines()[1].split(",")[-1]) == min(float(row["ms"]) for row in rows)
    assert not (directory / "results" / "flags_trials").exists()


def test_clients_are_started_side_by_side(tmp_path: Path) -> None:
    directory = copy_of("workers", tmp_path)
    shorten(directory / "camel.json", 6, 6)
    client = [sys.executable, "client.py"]
    said = succeed([*HMSERVE, "run", "camel.json", "--workers", "4", "--", *client], directory)
    assert said.startswith("x,y,Value\n")
    assert len(samples(directory / "results" / "camel_output_samples.csv")) == 12


# ---- the quickstart


def test_quickstart_tunes_a_compiled_program(compiler: str, tmp_path: Path) -> None:
    said = succeed([*HMSERVE, "quickstart"], tmp_path, CC=compiler, TMPDIR=str(tmp_path))
    assert "<< Request 10\n" in said
    assert "<< End of HyperMapper\n" in said
    assert "35 evaluations" in said
    (directory,) = tmp_path.glob("hmserve-quickstart-*")
    assert len(samples(directory / "transpose_output_samples.csv")) == 35
    untuned, tuned = (
        float(line.split()[1])
        for line in said.splitlines()
        if line.startswith(("Untuned:", "Tuned:"))
    )
    assert tuned <= untuned


@pytest.mark.slow
def test_quickstart_says_so_when_there_is_no_compiler(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    said = succeed(
        [*HMSERVE, "quickstart"], tmp_path, CC="", PATH=str(empty), TMPDIR=str(tmp_path)
    )
    assert said.startswith("There is no C compiler here")
    (directory,) = tmp_path.glob("hmserve-quickstart-*")
    assert len(samples(directory / "compress_output_samples.csv")) == 35
