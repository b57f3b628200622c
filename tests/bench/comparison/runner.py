"""Many jobs: those whose lines are not there yet, each in a process of its own.

A job's process says its line after every evaluation, so that what hangs or dies leaves the
regret it had. If the runner dies, its jobs die at their next line; nothing of them is recorded.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from comparison.environments import interpreter
from comparison.job import Job, Line, described
from comparison.peers import PEERS
from comparison.results import append, key, read

PROGRAM = Path(__file__).parents[1] / "compare.py"

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)

Versions = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Plan:
    """How to run.

    Args:
        results: The file that lines are appended to.
        environments: The directory of the virtual environments.
        jobs: How many at a time.
        limit: Wall seconds after which a job is ended.
        retry: Whether jobs that ended in an error are run again.
    """

    results: Path
    environments: Path
    jobs: int = 1
    limit: float = 3600.0
    retry: bool = False


@dataclass(frozen=True)
class Grid:
    """Every combination of these is a job."""

    problems: Sequence[str]
    peers: Sequence[str]
    seeds: Sequence[int]
    pending: Sequence[int] = (1,)
    budget: int = 100
    label: str = ""
    options: Mapping[str, object] = field(default_factory=dict)

    def jobs(self) -> list[Job]:
        """Return the jobs by seed first: partial results are balanced over the problems."""
        return [
            self._job(problem, peer, seed, pending)
            for seed, pending, problem, peer in product(
                self.seeds, self.pending, self.problems, self.peers
            )
        ]

    def _job(self, problem: str, peer: str, seed: int, pending: int) -> Job:
        mine = {"label": self.label, "options": self.options} if peer == "hmserve" else {}
        return Job(problem, peer, seed, pending, self.budget, **mine)


def installed(peers: Iterable[str], environments: Path) -> dict[str, dict[str, str]]:
    """Return the versions of each peer as its environment has them.

    Raises:
        MissingEnvironmentError: An environment has not been made.
        subprocess.CalledProcessError: It lacks a package.
    """
    found: dict[str, dict[str, str]] = {}
    for peer in peers:
        python = interpreter(environments, PEERS[peer].environment)
        command = [python, str(PROGRAM), "versions", peer]
        found[peer] = json.loads(
            subprocess.run(command, check=True, capture_output=True).stdout
        )
    return found


def remaining(jobs: Iterable[Job], versions: Versions, plan: Plan) -> list[Job]:
    """Return the jobs that have no line with the same versions in the results."""
    done = {key(line) for line in read(plan.results) if not (plan.retry and line["error"])}
    return [job for job in jobs if _key(job, versions) not in done]


def _key(job: Job, versions: Versions) -> object:
    return key(
        {
            "problem": job.problem,
            "peer": job.name,
            "versions": versions[job.peer],
            "seed": job.seed,
            "pending": job.pending,
            "budget": job.budget,
        }
    )


class Runner:
    """Runs jobs, some at a time, and appends their lines."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def run(self, jobs: Sequence[Job]) -> int:
        """Run all; return how many gave no line, because their environment lacks something."""
        pool = ThreadPoolExecutor(self._plan.jobs)
        try:
            missing = 0
            futures = {pool.submit(self._execute, job): job for job in jobs}
            for n, future in enumerate(as_completed(futures), 1):
                line = future.result()
                missing += line is None
                _report(n, len(jobs), futures[future], line)
            return missing
        finally:
            self._stopped = True
            pool.shutdown(wait=False, cancel_futures=True)
            for process in tuple(self._running):
                _kill(process)

    def _execute(self, job: Job) -> Line | None:
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                command(job, self._plan),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **_ONE_THREAD},
                start_new_session=True,
            )
            self._running.add(process)
            said, error = self._wait(process)
            self._running.discard(process)
            errors.seek(0)
            line = None if self._stopped else _last_line(said, error, errors.read())
        if line:
            append(self._plan.results, line)
        return line

    def _wait(self, process: subprocess.Popen[str]) -> tuple[str, str | None]:
        """Return what a process said, and why it ended unless it came to its end."""
        try:
            said, _ = process.communicate(timeout=self._plan.limit)
        except subprocess.TimeoutExpired:
            _kill(process)
            said, _ = process.communicate()
            return said, f"TimeLimit: {self._plan.limit:g} seconds"
        return said, f"Died: status {process.returncode}" if process.returncode else None


def command(job: Job, plan: Plan) -> list[str]:
    """Return the command that runs `job` in its peer's environment."""
    options = [f"--option={name}={json.dumps(value)}" for name, value in job.options.items()]
    return [
        interpreter(plan.environments, PEERS[job.peer].environment),
        *(str(PROGRAM), "one", "--follow"),
        *(f"--problem={job.problem}", f"--peer={job.peer}", f"--seed={job.seed}"),
        *(f"--pending={job.pending}", f"--budget={job.budget}", f"--label={job.label}"),
        *options,
    ]


def _last_line(said: str, error: str | None, errors: str) -> Line | None:
    """Return the last whole line; None if there is none: the peer never began."""
    whole = [text for text in said.splitlines(keepends=True) if text.endswith("}\n")]
    if not whole:
        sys.stderr.write(errors)
        return None
    line: Line = json.loads(whole[-1])
    if error and not line["error"]:
        last = errors.strip().splitlines()[-1:]
        line["error"] = described(error, *last or ("",))
    return line


def _kill(process: subprocess.Popen[str]) -> None:
    """End a job and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _report(n: int, total: int, job: Job, line: Line | None) -> None:
    what = f"{job.name} {job.problem} seed {job.seed} pending {job.pending}"
    if line is None:
        came = "could not begin"
    else:
        last = max(line["regret"], key=int, default="")
        came = f"regret {line['regret'].get(last)} in {line['seconds']:.0f} s"
        came += f" ({line['error']})" if line["error"] else ""
    sys.stderr.write(f"[{n}/{total}] {what}: {came}\n")
