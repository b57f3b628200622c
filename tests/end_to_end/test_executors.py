"""The examples of executors and of asynchronous runs, run for real."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def needs(module: str) -> "pytest.MarkDecorator":
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"{module} is not installed")


def mpiexec() -> str | None:
    """Return the mpiexec beside this Python, or that on the path."""
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def output(command: list[str], directory: Path) -> str:
    # Open MPI: a container is root, and has fewer cores than ranks.
    environment = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    done = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(
    "program",
    [
        "threads.py",
        "processes.py",
        pytest.param("dask_cluster.py", marks=[pytest.mark.slow, needs("distributed")]),
        pytest.param("ray_cluster.py", marks=[pytest.mark.slow, needs("ray")]),
    ],
)
def test_each_executor_finds_the_minimum_with_three_workers(program: str, tmp_path) -> None:
    place = Path(shutil.copytree(EXAMPLES / "executors", tmp_path / "executors"))
    check(output([sys.executable, program], place))


@pytest.mark.slow
@needs("mpi4py")
@pytest.mark.skipif(mpiexec() is None, reason="there is no mpiexec")
def test_mpi_ranks_find_the_minimum(tmp_path) -> None:
    place = Path(shutil.copytree(EXAMPLES / "executors", tmp_path / "executors"))
    ranks = [str(mpiexec()), "-n", "4", sys.executable, "-m", "mpi4py.futures", "mpi.py"]
    check(output(ranks, place))


def check(said: str) -> None:
    found = re.search(r"24 evaluations by (\d+) workers, best (\S+) at .*'n': 5", said)
    assert found, said
    assert found[1] == "3"
    assert float(found[2]) < 1e-4


@pytest.mark.slow
def test_the_comparison_of_asynchronous_and_synchronous_runs(tmp_path) -> None:
    """Workers that do not wait for each other are done sooner; all runs find the minimum."""
    place = Path(shutil.copytree(EXAMPLES / "asynchronous", tmp_path / "asynchronous"))
    command = [sys.executable, "compare.py", "--seeds", "3", "--delay", "0.3"]
    said = output(command, place)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in said.splitlines()]
    table = {row[0]: row[1:] for row in rows if len(row) == 7}
    regrets = {name: float(table[name][0].split("/")[1]) for name in list(table)[2:]}
    assert len(regrets) == 5
    assert max(regrets.values()) < 1e-2
    for kind in ("", ", local penalization"):
        together, apart = table[f"synchronous{kind}"], table[f"asynchronous{kind}"]
        assert float(apart[3]) < float(together[3])
    for image in ("asynchronous.png", "penalized.png", "hybrid.png"):
        assert (place / "results" / image).stat().st_size > 0


HANGS = """
import time
import ray
import hmserve
from hmserve.executors.ray import RayExecutor
from problem import SCENARIO

def cost(values):
    time.sleep(600 if values["x"] > 0.5 else 0)
    return values["x"]

if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False)
    executor = RayExecutor()
    scenario = {**SCENARIO, "optimization_iterations": 0}
    workers = hmserve.Workers(timeout=2)
    records = hmserve.optimize(scenario, cost, executor=executor, workers=workers).records
    print(executor.num_workers, all(each["feasible"] == (each["x"] <= 0.5) for each in records))
    ray.shutdown()
"""


@pytest.mark.slow
@needs("ray")
def test_a_ray_task_past_its_timeout_ends_and_its_place_is_free(tmp_path) -> None:
    place = Path(shutil.copytree(EXAMPLES / "executors", tmp_path / "executors"))
    (place / "hangs.py").write_text(HANGS)
    assert output([sys.executable, "hangs.py"], place).split() == ["2", "True"]
