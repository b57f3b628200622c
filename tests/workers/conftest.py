"""Workers at work, seen from a run: commands in shell, and who of them is left."""

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hmserve.options import EvaluatorOptions
from hmserve.scenario import Scenario
from hmserve.serve import codec_of
from hmserve.trial import Trial
from hmserve.workers.crew import CommandWorkers

PATIENCE = 30.0


class Crew:
    """`CommandWorkers` in a directory, with whatever they complain of."""

    def __init__(self, directory: Path, command, changes=None, **options) -> None:
        document = {
            "application_name": "app",
            "optimization_objectives": ["f"],
            "run_directory": str(directory),
            "input_parameters": {
                "x": {"parameter_type": "real", "values": [0, 1]},
                "n": {"parameter_type": "integer", "values": [0, 1000]},
            },
            **(changes or {}),
        }
        self.mark = uuid.uuid4().hex
        self.complaints: list[str] = []
        self.home = directory / "app_trials"
        scenario = Scenario.parse(document)
        self.workers = CommandWorkers(
            scenario,
            EvaluatorOptions(tuple(command), **{"kind": "once", **options}),
            codec_of(scenario),
            self.complaints.append,
            {**os.environ, "MARK": self.mark},
        )

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self.workers.close()

    def evaluate(self, n: int, first: int = 0):
        """Return the evaluations of `n` trials in the order of their ids."""
        self.workers.submit(trials(n, first))
        found = []
        while len(found) < n:
            found += self.workers.collect().evaluations
        return sorted(found, key=lambda evaluation: evaluation.trial.id)

    def left(self) -> list[int]:
        return marked(self.mark)

    def wait_until(self, condition: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.01)


def trials(n: int, first: int = 0) -> list[Trial]:
    return [Trial(i, {"x": i / 1000, "n": i}) for i in range(first, first + n)]


def marked(mark: str) -> list[int]:
    """Return the living processes that have inherited `mark`."""
    return [int(e.name) for e in Path("/proc").glob("[0-9]*") if mark in environment_of(e)]


def environment_of(entry: Path) -> str:
    try:
        return (entry / "environ").read_text(errors="replace")
    except OSError:
        return ""


def shell(script: str) -> tuple[str, ...]:
    """Return a command that runs `script`, in which $1 is x and $2 is n."""
    return ("sh", "-c", script.replace("{", "{{").replace("}", "}}"), "sh", "{x}", "{n}")


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Callable[..., Crew]]:
    """Return a function that starts workers for a script or a command."""
    with contextlib.ExitStack() as stack:

        def start(command, **options) -> Crew:
            words = shell(command) if isinstance(command, str) else command
            return stack.enter_context(Crew(tmp_path, words, **options))

        yield start
