"""`hmserve.optimize` with an executor: whole runs."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import hmserve
from hmserve.errors import EvaluatorError, UsageError
from hmserve.report.sources import run_at

Document = dict[str, Any]


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return {
        "application_name": "app",
        "optimization_objectives": ["cost"],
        "design_of_experiment": {"number_of_samples": 6},
        "optimization_iterations": 2,
        "run_directory": str(tmp_path / "run"),
        "seed": 3,
        "input_parameters": {"x": {"parameter_type": "real", "values": [0, 1]}},
    }


def test_threads_evaluate_side_by_side_and_the_journal_tells_it(document: Document) -> None:
    barrier = threading.Barrier(3)

    def cost(values: dict[str, Any]) -> float:
        # Passes only if three are out at once.
        barrier.wait(timeout=30)
        return float(values["x"])

    document["design_of_experiment"]["number_of_samples"] = 9
    document["optimization_iterations"] = 0
    with ThreadPoolExecutor(3) as executor:
        result = hmserve.optimize(document, cost, executor=executor)
    assert len(result.rows) == 9
    found = run_at(result.files.journal)
    assert found.timeline is not None
    assert (found.timeline.measured, found.timeline.lanes) == (True, 3)


def test_no_worker_waits_for_another(document: Document) -> None:
    """With one evaluation that ends when all others have begun, the others go on."""
    document["design_of_experiment"]["number_of_samples"] = 4
    document["optimization_iterations"] = 8
    counted, done = threading.Lock(), threading.Event()
    calls: list[float] = []

    def cost(values: dict[str, Any]) -> float:
        with counted:
            calls.append(values["x"])
            first, last = len(calls) == 1, len(calls) == 12
        if last:
            done.set()
        if first:
            assert done.wait(300)
        return float(values["x"])

    with ThreadPoolExecutor(2) as executor:
        result = hmserve.optimize(document, cost, executor=executor)
    # It came back when all others had been given out.
    assert len(result.rows) == 12
    assert all(row.evaluation.feasible for row in result.rows)


def test_repeated_evaluations_go_to_the_workers_too(document: Document) -> None:
    document["number_of_repetitions"] = 3
    values = iter([1.0, 3.0, 2.0] * 8)
    lock = threading.Lock()

    def cost(_: dict[str, Any]) -> float:
        with lock:
            return next(values)

    with ThreadPoolExecutor(1) as executor:
        result = hmserve.optimize(document, cost, executor=executor)
    assert [record["cost"] for record in result.records] == [2.0] * 8


def test_an_interrupted_run_goes_on_with_what_was_out(document: Document) -> None:
    calls: list[float] = []

    def cost(values: dict[str, Any]) -> float:
        calls.append(values["x"])
        if len(calls) == 4:
            raise KeyboardInterrupt
        return float(values["x"])

    with ThreadPoolExecutor(1) as executor:
        first = hmserve.optimize(document, cost, executor=executor)
        assert (first.interrupted, len(first.rows)) == (True, 3)
        second = hmserve.optimize(document, cost, executor=executor, resume=True)
    assert (second.interrupted, len(second.rows)) == (False, 8)
    # The one that was interrupted, and no other, was called again.
    assert calls[3] == calls[4]
    assert len(set(calls)) == len(calls) - 1


SCRIPT = """
import json, os, signal, sys, time
from concurrent.futures import ProcessPoolExecutor

import hmserve
from hmserve.errors import HmserveError


def cost(values):
    if os.path.exists("kill") and values["x"] > 0.5:
        os._exit(1)
    if os.path.exists("hang"):
        open(f"hanging-{os.getpid()}", "w").close()
        time.sleep(60)
    return values["x"]


if __name__ == "__main__":
    document, resume = json.loads(sys.argv[1]), sys.argv[2] == "resume"
    with ProcessPoolExecutor(2) as executor:
        try:
            result = hmserve.optimize(document, cost, executor=executor, resume=resume)
            print(len(result.rows), result.interrupted)
        except HmserveError as error:
            print(error.status, error)
        for process in getattr(executor, "_processes", None) or {}:
            os.kill(process, signal.SIGKILL)
"""


@pytest.fixture
def script(tmp_path: Path, document: Document) -> Callable[..., "subprocess.Popen[str]"]:
    document["optimization_iterations"] = 0
    (tmp_path / "script.py").write_text(SCRIPT)

    def start(mode: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "script.py", json.dumps(document), mode]
        return subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


def test_a_killed_process_ends_the_run_and_another_pool_goes_on(script, tmp_path) -> None:
    (tmp_path / "kill").touch()
    out, _ = script("new").communicate(timeout=60)
    assert out.startswith("5 ProcessPoolExecutor takes no more trials")
    known = (tmp_path / "run" / "app_output_samples.csv").read_text().splitlines()
    (tmp_path / "kill").unlink()
    out, _ = script("resume").communicate(timeout=60)
    assert out == "6 False\n"
    again = (tmp_path / "run" / "app_output_samples.csv").read_text().splitlines()
    assert again[: len(known)] == known


def test_control_c_returns_what_was_found(script, tmp_path) -> None:
    (tmp_path / "hang").touch()
    process = script("new")
    # Both: Python's pool does not survive a signal while it starts a process.
    while len([*tmp_path.glob("hanging-*")]) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert out == "0 True\n"
    (tmp_path / "hang").unlink()
    out, _ = script("resume").communicate(timeout=60)
    assert out == "6 False\n"


class Picky(Executor):
    """An executor that cannot send functions."""

    num_workers = 2

    def submit(self, *_: Any, **__: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_exception(AttributeError("Can't pickle <lambda>"))
        return future


def test_a_function_that_does_not_reach_the_workers_is_refused_at_once(
    document: Document,
) -> None:
    with pytest.raises(EvaluatorError, match="top level of a module"):
        hmserve.optimize(document, lambda values: values["x"], executor=Picky())
    assert not Path(document["run_directory"]).exists()


@pytest.mark.parametrize(
    ("function", "executor", "workers", "words"),
    [
        (None, Picky(), None, "function"),
        (print, None, 3, "without an executor"),
    ],
)
def test_calls_that_cannot_be_meant_are_refused(
    document: Document, function: Any, executor: Any, workers: Any, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        hmserve.optimize(document, function, executor=executor, workers=workers)
    assert not Path(document["run_directory"]).exists()
