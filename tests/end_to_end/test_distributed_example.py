"""The example of many ranks, with four of them and little time, both ways."""

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "distributed"
BESIDE = Path(sys.executable).with_name("mpiexec")
LAUNCHER = str(BESIDE) if BESIDE.exists() else shutil.which("mpiexec")
# Open MPI: a container is root, and has fewer cores than ranks.
PERMISSIVE = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("mpi4py") is None or LAUNCHER is None,
        reason="mpi4py and mpiexec are not both here",
    ),
    pytest.mark.xdist_group("mpi"),
]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "distributed"))


def launch(example: Path, *words: str) -> str:
    """Run four ranks of Python; return what is printed."""
    done = subprocess.run(
        [str(LAUNCHER), "-n", "4", sys.executable, *words],
        cwd=example,
        env=os.environ
        | PERMISSIVE
        | {"EVALUATIONS": "60", "SECONDS": "0.05", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def check_table(example: Path) -> list[dict[str, str]]:
    with (example / "results" / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    assert {row["worker_rank"] for row in rows} == {"0", "1", "2", "3"}
    assert min(float(row["timestamp_start"]) for row in rows) >= 0
    for row in rows:
        seconds = float(row["timestamp_end"]) - float(row["timestamp_start"])
        assert seconds >= 0.05
    return rows


def test_the_program_spends_its_budget_and_tells_who_did_what(example: Path) -> None:
    said = launch(example, "tune.py").splitlines()
    assert said[0] == "60 evaluations on 4 ranks"
    rows = check_table(example)
    best = min(float(row["objective"]) for row in rows)
    assert said[1] == f"best {best:.3f}"


def test_the_command_does_the_same_and_its_run_can_be_drawn(example: Path) -> None:
    scenario = example / "ackley.json"
    document = json.loads(scenario.read_text())
    document["evaluator"]["command"][0] = sys.executable
    scenario.write_text(json.dumps(document | {"max_evaluations": 60}))
    launch(example, "-m", "hmserve", "run", "ackley.json", "--mpi")
    check_table(example)
    if importlib.util.find_spec("matplotlib") is None:
        return
    subprocess.run(
        [sys.executable, "-m", "hmserve", "plot", "ackley.json", "--out", "run.png"],
        cwd=example,
        check=True,
        timeout=120,
    )
    assert (example / "run.png").read_bytes().startswith(b"\x89PNG")


def test_program_and_scenario_are_one_problem(example: Path) -> None:
    document = json.loads((example / "ackley.json").read_text())
    program = (example / "tune.py").read_text()
    reals = {f"x{i}" for i in range(10)}
    assert set(document["input_parameters"]) == reals
    assert document["evaluator"]["command"][2:] == [f"{{x{i}}}" for i in range(10)]
    assert f'"seed": {document["seed"]}' in program
    assert f'"EVALUATIONS", "{document["max_evaluations"]}"' in program
