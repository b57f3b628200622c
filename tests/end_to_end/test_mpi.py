"""Jobs of several ranks, started by mpiexec as users do."""

import csv
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hmserve.journal.ranks import merged
from hmserve.journal.records import Tell


def launcher() -> str | None:
    """Return the mpiexec beside this Python, or that on the path."""
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.exists() else shutil.which("mpiexec")


pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("mpi4py") is None or launcher() is None,
        reason="mpi4py and mpiexec are not both here",
    ),
    pytest.mark.xdist_group("mpi"),
]

# Open MPI: a container is root, and has fewer cores than ranks.
PERMISSIVE = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
PATIENCE = 120

REALS = {f"x{i}": {"parameter_type": "real", "values": [-5, 10]} for i in range(3)}
SQUARES = "import sys; print(sum((float(x) - 1) ** 2 for x in sys.argv[1:]))"
EVALUATE = [sys.executable, "-S", "-c", SQUARES]
VALUES = [f"{{{name}}}" for name in REALS]


def write(directory: Path, **changes: Any) -> Path:
    scenario = {
        "application_name": "app",
        "optimization_objectives": ["f"],
        "input_parameters": REALS,
        "design_of_experiment": {"number_of_samples": 8},
        "optimization_iterations": 12,
        "evaluator": {"command": [*EVALUATE, *VALUES], "kind": "once"},
        **changes,
    }
    path = directory / "app.json"
    path.write_text(json.dumps(scenario))
    return path


def environment() -> dict[str, str]:
    return os.environ | PERMISSIVE | {"OMP_NUM_THREADS": "1"}


def command(ranks: int, *arguments: str) -> list[str]:
    return [str(launcher()), "-n", str(ranks), *arguments]


def serve(ranks: int, *arguments: str) -> list[str]:
    return command(ranks, sys.executable, "-m", "hmserve", "--mpi", *arguments)


def run(directory: Path, words: list[str], status: int = 0) -> tuple[str, str]:
    """Run a job to its end; return what it said."""
    done = subprocess.run(
        words,
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr


def results(directory: Path) -> list[dict[str, str]]:
    with (directory / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_four_ranks_spend_the_budget_and_one_speaks(tmp_path) -> None:
    said, _ = run(tmp_path, serve(4, "--config", str(write(tmp_path))))
    header, best = said.splitlines()
    assert header == "x0,x1,x2,f"
    found = results(tmp_path)
    assert len(found) == 20
    assert {row["worker_rank"] for row in found} == {"0", "1", "2", "3"}
    assert float(best.split(",")[-1]) == min(float(row["objective"]) for row in found)
    assert len((tmp_path / "app_output_samples.csv").read_text().splitlines()) == 21
    shown, _ = run(tmp_path, [sys.executable, "-m", "hmserve", "best", "app.json"])
    assert shown.split() == said.split()


def test_ranks_of_different_scenarios_are_refused_at_the_start(tmp_path) -> None:
    (tmp_path / "other").mkdir()
    one, other = write(tmp_path), write(tmp_path / "other", seed=5)
    words = [
        *serve(1, "--config", str(one)),
        ":",
        *serve(1, "--config", str(other))[1:],
    ]
    _, errors = run(tmp_path, words, status=2)
    assert "do not agree on the key seed" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "results.csv").exists()


def test_command_that_does_not_exist_ends_the_job(tmp_path) -> None:
    _, errors = run(
        tmp_path, serve(3, str(write(tmp_path)), "--exec", "./none {x0} {x1} {x2}"), 5
    )
    assert errors.count("cannot start the command") == 1
    assert "./none" in errors


def test_evaluators_know_their_rank_but_nothing_of_mpi(tmp_path) -> None:
    script = (
        "import os, sys; "
        "bad = [n for n in os.environ if n.startswith(('PMI', 'OMPI_', 'PRTE', 'HYDI'))]; "
        "sys.exit('inherited: ' + str(bad)) if bad else None; "
        "print(float(os.environ['HMSERVE_RANK']) + 10 * float(os.environ['HMSERVE_SIZE']))"
    )
    evaluator = {"command": [sys.executable, "-c", script, "{x0}{x1}{x2}"], "kind": "once"}
    run(
        tmp_path, serve(2, str(write(tmp_path, evaluator=evaluator, optimization_iterations=0)))
    )
    for row in results(tmp_path):
        assert float(row["objective"]) == 20 + int(row["worker_rank"])


def test_processes_that_a_foreign_launcher_started_are_refused(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hmserve", "--mpi", "--config", str(write(tmp_path))],
        cwd=tmp_path,
        env=environment() | {"SLURM_STEP_NUM_TASKS": "4"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "4 ranks were started" in done.stderr
    assert not (tmp_path / "results.csv").exists()


def seconds_of(directory: Path, words: list[str]) -> float:
    """Return the seconds a job takes, the least of three."""
    found = []
    for _ in range(3):
        begun = time.monotonic()
        run(directory, words)
        found.append(time.monotonic() - begun)
    return min(found)


@pytest.mark.slow
def test_four_ranks_start_in_a_few_times_what_bare_mpi_takes(tmp_path) -> None:
    changes = {"design_of_experiment": {"number_of_samples": 4}, "optimization_iterations": 0}
    scenario = write(tmp_path, **changes)
    bare = seconds_of(
        tmp_path, command(4, sys.executable, "-c", "from mpi4py import MPI; import jsonschema")
    )
    assert seconds_of(tmp_path, serve(4, "--config", str(scenario))) < 8 * bare


@pytest.mark.slow
@pytest.mark.parametrize(
    "stop", [{"target": {"f": 1.0}}, {"time_budget": 2 / 60}, {"max_evaluations": 41}]
)
def test_ranks_in_step_stop_together_however_uneven_they_are(stop, tmp_path) -> None:
    uneven = (
        "import os, sys, time; time.sleep(0.02 * int(os.environ['HMSERVE_RANK'])); "
        "x = float(sys.argv[1]); sys.exit(1) if x > 6 else print((x - 1) ** 2)"
    )
    changes = {
        "evaluator": {"command": [sys.executable, "-S", "-c", uneven, *VALUES], "kind": "once"},
        "sync_communication": True,
        "sync_communication_freq": 3,
        "optimization_iterations": 4000,
    }
    run(tmp_path, serve(4, str(write(tmp_path, **changes, **stop))))
    found = results(tmp_path)
    assert len(found) == told(tmp_path)
    if "max_evaluations" in stop:
        assert len(found) == 41


@pytest.mark.slow
def test_jobs_in_step_are_the_same_again(tmp_path) -> None:
    seen = []
    for name in ("one", "two"):
        directory = tmp_path / name
        directory.mkdir()
        changes = {"sync_communication": True, "sync_communication_freq": 3, "seed": 7}
        run(directory, serve(4, str(write(directory, optimization_iterations=30, **changes))))
        seen.append(
            sorted(
                (row["worker_rank"], row["x0"], row["x1"], row["x2"], row["objective"])
                for row in results(directory)
            )
        )
    assert len(seen[0]) == 38
    assert seen[0] == seen[1]


@pytest.mark.slow
def test_finite_space_is_never_evaluated_twice(tmp_path) -> None:
    squares = {n: {"parameter_type": "integer", "values": [0, 7]} for n in ("a", "b")}
    evaluator = {"command": [*EVALUATE, "{a}", "{b}"], "kind": "once"}
    path = write(
        tmp_path, input_parameters=squares, evaluator=evaluator, optimization_iterations=500
    )
    run(tmp_path, serve(4, str(path)))
    counts = Counter((row["a"], row["b"]) for row in results(tmp_path))
    assert len(counts) == 64
    assert set(counts.values()) == {1}


SLOW = "import sys, time; time.sleep(0.1); print(float(sys.argv[1]) ** 2)"


class Started:
    """A job that goes on while a test looks; what it says goes into files, not into pipes.

    A pipe would stay open for as long as anything of the job that was killed does.
    """

    def __init__(self, directory: Path, ranks: int, *more: str) -> None:
        evaluator = {"command": [sys.executable, "-S", "-c", SLOW, *VALUES], "kind": "once"}
        self.scenario = write(directory, evaluator=evaluator, optimization_iterations=92)
        self._said = directory / "said"
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                serve(ranks, str(self.scenario), *more),
                cwd=directory,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def end(self) -> tuple[int, str]:
        """Wait until it is over; return its status and what it said."""
        status = self.process.wait(PATIENCE)
        return status, self._said.read_text()

    def kill(self) -> None:
        """Leave nothing of it."""
        if self.process.poll() is None:
            for rank in self.ranks:
                os.kill(rank, signal.SIGKILL)
            self.process.kill()
            self.process.wait()

    @property
    def ranks(self) -> list[int]:
        """The processes of its ranks: those of Python that were given --mpi."""
        found, path = [], str(self.scenario).encode()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0] == sys.executable.encode() and b"--mpi" in words and path in words:
                found.append(int(entry.name))
        return sorted(found)


@pytest.fixture
def started(tmp_path) -> Iterator[Callable[..., Started]]:
    jobs = []

    def start(ranks: int, *more: str) -> Started:
        jobs.append(Started(tmp_path, ranks, *more))
        return jobs[-1]

    yield start
    for job in jobs:
        job.kill()


def told(directory: Path) -> int:
    """Return how many evaluations the journals of all ranks hold."""
    journals = sorted((directory / "app_output_samples.ranks").glob("rank-*.journal"))
    records = merged(map(str, journals))
    return sum(len(record.evaluations) for record in records if isinstance(record, Tell))


def wait_until_told(directory: Path, least: int) -> None:
    until = time.monotonic() + PATIENCE
    while told(directory) < least:
        assert time.monotonic() < until
        time.sleep(0.05)


def resume(job: Started, directory: Path) -> None:
    """Check that `job` goes on with what was done, and comes to the end of the budget."""
    status, said = job.end()
    assert status == 0, said
    assert told(directory) == 100
    assert len(results(directory)) == 100


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
@pytest.mark.parametrize("others", [2, 6])
def test_killed_rank_ends_the_job_and_loses_no_result(others: int, tmp_path, started) -> None:
    job = started(4)
    wait_until_told(tmp_path, 20)
    os.kill(job.ranks[-1], signal.SIGKILL)
    assert job.end()[0] != 0
    assert 20 <= told(tmp_path) < 100
    resume(started(others, "--resume"), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_killed_launcher_leaves_nobody_and_loses_no_result(tmp_path, started) -> None:
    job = started(3)
    wait_until_told(tmp_path, 20)
    job.process.kill()
    job.end()
    until = time.monotonic() + PATIENCE
    while job.ranks:
        assert time.monotonic() < until
        time.sleep(0.05)
    resume(started(3, "--resume"), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_sigterm_gives_up_what_runs_and_keeps_what_was_measured(tmp_path, started) -> None:
    job = started(3)
    wait_until_told(tmp_path, 15)
    for pid in job.ranks:
        os.kill(pid, signal.SIGTERM)
    status, said = job.end()
    assert status == 143, said
    assert "all that was measured is on disk" in said
    before = told(tmp_path)
    assert len(results(tmp_path)) == before < 100
    resume(started(3, "--resume"), tmp_path)


@pytest.mark.slow
def test_client_that_dies_is_started_again(tmp_path) -> None:
    client = (
        "import sys\n"
        "for turn in range(3):\n"
        "    if not sys.stdin.readline().startswith('Request'): break\n"
        "    names = sys.stdin.readline().strip()\n"
        "    row = sys.stdin.readline().strip()\n"
        "    f = sum(float(x) ** 2 for x in row.split(','))\n"
        "    print(f'{names},f\\n{row},{f}', flush=True)\n"
    )
    evaluator = {"command": [sys.executable, "-c", client], "kind": "protocol"}
    run(
        tmp_path,
        serve(3, str(write(tmp_path, evaluator=evaluator, optimization_iterations=22))),
    )
    found = results(tmp_path)
    assert len(found) == 30
    assert sum(not row["objective"].startswith("F") for row in found) >= 20
