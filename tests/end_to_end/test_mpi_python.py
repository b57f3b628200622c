"""Python programs whose ranks optimize together, started by mpiexec."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BESIDE = Path(sys.executable).with_name("mpiexec")
MPIEXEC = str(BESIDE) if BESIDE.exists() else shutil.which("mpiexec")
# Open MPI: a container is root, and has fewer cores than ranks.
PERMISSIVE = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMP_NUM_THREADS": "1",
}
SCENARIO = {
    "application_name": "app",
    "optimization_objectives": ["f"],
    "input_parameters": {"x": {"parameter_type": "real", "values": [-5, 10]}},
    "design_of_experiment": {"number_of_samples": 8},
    "optimization_iterations": 12,
}

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None or MPIEXEC is None,
    reason="mpi4py and mpiexec are not both here",
)


def run(directory: Path, ranks: int, program: str) -> "subprocess.CompletedProcess[str]":
    (directory / "app.json").write_text(json.dumps(SCENARIO))
    (directory / "program.py").write_text(
        f"from mpi4py import MPI\nimport hmserve\nrank = MPI.COMM_WORLD.rank\n{program}"
    )
    return subprocess.run(
        [str(MPIEXEC), "-n", str(ranks), sys.executable, "program.py"],
        cwd=directory,
        env=os.environ | PERMISSIVE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_function_gives_every_rank_all_results(tmp_path) -> None:
    done = run(
        tmp_path,
        3,
        "result = hmserve.optimize('app.json', lambda c: c['x'] ** 2, comm=MPI.COMM_WORLD)\n"
        "said = f'{len(result.rows)} {result.best.objectives}'\n"
        "open(f'said{rank}', 'w').write(said)\n",
    )
    assert done.returncode == 0, done.stderr
    said = [(tmp_path / f"said{rank}").read_text() for rank in range(3)]
    assert said == [said[0]] * 3
    assert said[0].startswith("20 ")


def test_scenario_that_one_rank_cannot_read_ends_the_job(tmp_path) -> None:
    done = run(
        tmp_path,
        2,
        "path = 'none.json' if rank == 1 else 'app.json'\n"
        "hmserve.optimize(path, lambda c: 1.0, comm=MPI.COMM_WORLD)\n",
    )
    assert done.returncode == 2
    assert "rank 1: none.json" in done.stderr
