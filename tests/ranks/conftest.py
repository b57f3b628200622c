"""Ranks of one job as threads of this process: no MPI, all else is real."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hmserve.ranks.union import Union
from hmserve.scenario import Scenario
from hmserve.serving.ranks import Job
from hmserve.transports.callable import arguments_of
from hmserve.transports.outcomes import Outcomes
from hmserve.trial import Evaluation, Results, Trial

PATIENCE = 60.0


class Post:
    """What ranks send each other; frames of one pair keep their order."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.boxes: list[deque[tuple[int, bytes]]] = [deque() for _ in range(size)]
        self.barrier = threading.Barrier(size, timeout=PATIENCE)
        self.said: list[bytes] = [b""] * size


class Threads:
    """A network for one of several threads; the interface is that of `Network`."""

    def __init__(self, post: Post, rank: int) -> None:
        self._post = post
        self.rank = rank
        self.size = post.size

    @property
    def idle(self) -> bool:
        return not self._post.boxes[self.rank]

    def busy(self, neighbours: Iterable[int]) -> set[int]:
        del neighbours
        return set()

    def send(self, neighbour: int, frame: bytes) -> None:
        self._post.boxes[neighbour].append((self.rank, frame))

    def receive(self) -> list[tuple[int, bytes]]:
        # A launcher ends all ranks when one dies; else those left would wait for its permits.
        if self._post.barrier.broken:
            raise threading.BrokenBarrierError
        box = self._post.boxes[self.rank]
        return [box.popleft() for _ in range(len(box))]

    def gather(self, data: bytes) -> list[bytes]:
        self._post.said[self.rank] = data
        self._post.barrier.wait()
        found = list(self._post.said)
        self._post.barrier.wait()
        return found

    def meet(self) -> None:
        self._post.barrier.wait()


class AtOnce:
    """Evaluates a function as soon as it can."""

    def __init__(self, scenario: Scenario, function: Callable[[Any], Any]) -> None:
        self._outcomes = Outcomes(scenario)
        self._function = function
        self._fidelity = scenario.fidelity
        self._held: deque[Trial] = deque()
        self.evaluated: list[Trial] = []

    hungry = False

    @property
    def free(self) -> int:
        return 1 - len(self._held)

    def submit(self, trials: Sequence[Trial]) -> None:
        self._held.extend(trials)

    def collect(self) -> Results:
        trial = self._held.popleft()
        self.evaluated.append(trial)
        arguments = arguments_of(trial, self._fidelity)
        started = time.time()
        (found,) = self._outcomes.read([trial], self._function(arguments))
        details = {"started": started, "finished": time.time()}
        return Results(evaluations=[replace(found, details=details)])


class Ranks:
    """Runs a scenario on several ranks at once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def scenario(self, **changes: Any) -> Scenario:
        return Scenario.parse(
            {
                "application_name": "app",
                "optimization_objectives": ["f"],
                "run_directory": str(self._directory),
                "design_of_experiment": {"number_of_samples": 6},
                "optimization_iterations": 6,
                "optimization_method": "random_search",
                "distributed": {"interval": 0.001},
                "seed": 1,
                "input_parameters": {
                    "x": {"parameter_type": "real", "values": [0, 1]},
                    "n": {"parameter_type": "integer", "values": [0, 9]},
                },
                **changes,
            }
        )

    def run(
        self,
        scenario: Scenario | Sequence[Scenario],
        function: Callable[[Any], Any] | Sequence[Callable[[Any], Any]],
        size: int = 3,
        *,
        resume: bool = False,
    ) -> "list[Done]":
        """Return what came of it on each rank; the first error of any rank is raised."""
        post = Post(size)
        scenarios = [scenario] * size if isinstance(scenario, Scenario) else scenario
        functions = [function] * size if callable(function) else function
        done: list[Done | BaseException] = [RuntimeError("it hangs")] * size

        def work(rank: int) -> None:
            network = Threads(post, rank)
            try:
                with ExitStack() as stack:
                    job = stack.enter_context(
                        Job(scenarios[rank], network, resume=resume, keep=True)
                    )
                    evaluator = AtOnce(job.scenario, functions[rank])
                    reason = job.drive(evaluator, lambda _: None)
                    job.conclude()
                    done[rank] = Done(reason, job.union, evaluator.evaluated)
            except BaseException as error:  # noqa: BLE001 - shown by the test
                done[rank] = error
                post.barrier.abort()

        threads = [threading.Thread(target=work, args=[r], daemon=True) for r in range(size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        errors = [each for each in done if isinstance(each, BaseException)]
        first = [e for e in errors if not isinstance(e, threading.BrokenBarrierError)]
        for error in [*first, *errors]:
            raise error
        return [each for each in done if isinstance(each, Done)]


class Done:
    """How a rank ended."""

    def __init__(self, reason: str, union: Union, evaluated: Sequence[Trial]) -> None:
        self.reason = reason
        self.union = union
        self.evaluated = evaluated

    @property
    def found(self) -> list[Evaluation]:
        return [row.evaluation for row in self.union.rows]


@pytest.fixture
def ranks(tmp_path: Path) -> Ranks:
    return Ranks(tmp_path)
