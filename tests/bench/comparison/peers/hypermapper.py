"""HyperMapper 2 as its own program, in client-server mode: a forest or a Gaussian process.

It has no logarithmic parameters: such reals are given as their decimal logarithm. With several
pending it asks in batches of that size, and for no other before all are answered.
"""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from comparison.peers.axes import Axis, axes
from comparison.peers.peer import Suggestion, Task, measured
from comparison.problem import Outcome

# The release needs names that numpy 1.24 dropped, and has no seed.
_PROGRAM = """
import random, sys
import numpy as np
np.int, np.float, np.bool, np.object = int, float, bool, object
seed = int(sys.argv.pop())
random.seed(seed)
np.random.seed(seed)
from hypermapper.optimizer import main
main()
"""


class HyperMapper:
    """The conversation: requests are handed out one by one and answered when all are back."""

    def __init__(self, task: Task, model: str) -> None:
        self._problem = task.problem
        self._axes = {axis.name: axis for axis in axes(task.problem)}
        self._valid = math.isfinite(task.problem.penalty[0])
        self._directory = Path(task.closing.enter_context(tempfile.TemporaryDirectory()))
        path = self._directory / "scenario.json"
        path.write_text(json.dumps(self._scenario(task, model)))
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _PROGRAM, str(path), str(task.seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self._directory,
        )
        task.closing.callback(self._process.kill)
        self._queue: list[Suggestion] = []
        self._answers: list[str] = []
        self._open = 0

    def _scenario(self, task: Task, model: str) -> dict[str, Any]:
        left = max(task.budget - task.problem.initial, 0)
        valid = {
            "feasible_output": {
                "enable_feasible_predictor": True,
                "name": "Valid",
                "true_value": "1",
                "false_value": "0",
            }
        }
        return {
            "application_name": "benchmark",
            "optimization_objectives": list(task.problem.names),
            "hypermapper_mode": {"mode": "client-server"},
            "run_directory": str(self._directory),
            "models": {"model": model},
            "design_of_experiment": {"number_of_samples": task.problem.initial},
            "optimization_iterations": math.ceil(left / task.pending),
            "evaluations_per_optimization_iteration": task.pending,
            "input_parameters": {n: parameter(axis) for n, axis in self._axes.items()},
            **(valid if self._valid else {}),
        }

    def ask(self) -> Suggestion | None:
        """Return the next of the request; None while some of it is out, or at the end."""
        if not self._queue and not self._open:
            self._queue = self._read_request()
            self._open = len(self._queue)
        return self._queue.pop(0) if self._queue else None

    def _read_request(self) -> list[Suggestion]:
        """Return what is requested; nothing when the program has come to its end."""
        words = self._read().split()
        if words[:1] != ["Request"]:
            if words[:3] != ["End", "of", "HyperMapper"]:
                raise RuntimeError(f"HyperMapper died: {self._last_words()}")
            return []
        names = self._read().split(",")
        rows = [self._read().split(",") for _ in range(int(words[1]))]
        return [self._suggestion(dict(zip(names, row, strict=True))) for row in rows]

    def _read(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def _last_words(self) -> str:
        """Return the end of its log, where it writes its errors."""
        path = self._directory / "hypermapper_logfile.log"
        return path.read_text()[-200:] if path.exists() else "without a log"

    def _suggestion(self, cells: dict[str, str]) -> Suggestion:
        found = {name: value(axis, cells[name]) for name, axis in self._axes.items()}
        return Suggestion(found, cells)

    def tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Keep the answer; the last of a request sends them all."""
        values = measured(self._problem, outcome)
        cells = [*suggestion.token.values(), *map(repr, values)]
        cells += ["1" if outcome.feasible else "0"] if self._valid else []
        self._answers.append(",".join(cells))
        self._open -= 1
        if self._open:
            return
        header = [*suggestion.token, *self._problem.names, *(["Valid"] if self._valid else [])]
        assert self._process.stdin
        self._process.stdin.write("\n".join([",".join(header), *self._answers]) + "\n")
        self._process.stdin.flush()
        self._answers = []


def parameter(axis: Axis) -> dict[str, Any]:
    """Return HyperMapper's counterpart of `axis`; it takes levels as they are."""
    if axis.kind == "labels":
        labels = [str(k) for k in range(len(axis.values))]
        return {"parameter_type": "categorical", "values": labels}
    if axis.kind == "levels":
        return {"parameter_type": "ordinal", "values": list(axis.values)}
    ends = [axis.low, axis.high]
    if axis.kind == "real" and axis.log:
        ends = [math.log10(end) for end in ends]
    return {"parameter_type": axis.kind, "values": ends}


def value(axis: Axis, cell: str) -> Any:
    """Return the value that a cell of a request stands for; out of range it is the bound."""
    if axis.kind == "labels":
        return axis.value(cell)
    number = float(cell)
    if axis.kind == "levels":
        return min(axis.values, key=lambda level: abs(level - number))
    return axis.value(10**number if axis.kind == "real" and axis.log else number)


def forest(task: Task) -> HyperMapper:
    """Return HyperMapper with its default model."""
    return HyperMapper(task, "random_forest")


def gp(task: Task) -> HyperMapper:
    """Return HyperMapper with a Gaussian process."""
    return HyperMapper(task, "gaussian_process")
