"""Whatever instant SIGKILL picks, `--resume` goes on as if nothing had happened."""

import contextlib
import itertools
import json
import math
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

REAL = {"parameter_type": "real", "values": [-1, 1]}
INTEGER = {"parameter_type": "integer", "values": [0, 3]}
ORDINAL = {"parameter_type": "ordinal", "values": [1, 2, 4, 8]}
CATEGORICAL = {"parameter_type": "categorical", "values": ["a", "b", "c d"]}
MIXED = {"r": REAL, "i": INTEGER, "o": ORDINAL, "c": CATEGORICAL}
FEASIBLE = {"enable_feasible_predictor": True}
FOREST = {"model": "random_forest"}


def design(samples: int, kind: str = "random sampling") -> dict[str, Any]:
    return {"doe_type": kind, "number_of_samples": samples}


SCENARIOS: Mapping[str, Mapping[str, Any]] = {
    "design alone": {"design_of_experiment": design(3)},
    "one proposal": {"design_of_experiment": design(2), "optimization_iterations": 1},
    "gaussian process": {"optimization_iterations": 4, "print_best": True},
    "mixed types": {"input_parameters": MIXED, "optimization_iterations": 3},
    "forest": {"input_parameters": MIXED, "optimization_iterations": 3, "models": FOREST},
    "two objectives": {
        "optimization_objectives": ["Value", "Cost"],
        "feasible_output": FEASIBLE,
        "input_parameters": MIXED,
        "design_of_experiment": design(6, "standard latin hypercube"),
        "optimization_iterations": 3,
    },
    "batches of three": {
        "input_parameters": MIXED,
        "optimization_iterations": 3,
        "evaluations_per_optimization_iteration": 3,
        "acquisition_function": "UCB",
        "print_best": True,
    },
    "finite space": {
        "input_parameters": {"i": INTEGER, "c": CATEGORICAL},
        "optimization_iterations": 30,
        "print_best": True,
    },
    "without noise": {"noise": False, "optimization_iterations": 3},
    "earlier results": {"resume_optimization": True, "optimization_iterations": 1},
}

EARLIER = "x,n,Value\n0.5,5,2.5\n0.25,50,1.5\n"
"""The samples of an earlier run; that of now replaces them."""


class Witness:
    """A client that outlives its daemons and remembers what they promised.

    Args:
        directory: Of the run.
        evaluate: Tells the outcome of a row.
    """

    def __init__(self, directory: Path, evaluate: Callable[[Any], Any]) -> None:
        self.directory = directory
        self.ending = ""
        self._evaluate = evaluate
        self._acknowledged: set[str] = set()
        self._told: set[str] = set()

    def serve(self, daemon: Any, requests: float = math.inf) -> bool:
        """Answer until the daemon ends, or so many requests; return whether the run is over."""
        while requests:
            rows = self._request(daemon)
            if not rows:
                return self._ended(daemon)
            requests -= 1
            daemon.say(self._reply(rows))
            self._told = set(map(json.dumps, rows))
        return False

    def kill_in_reply(self, daemon: Any, share: float) -> None:
        """Kill the daemon when it was told a share of its next reply."""
        if rows := self._request(daemon):
            text = self._reply(rows)
            daemon.say(text[: int(share * len(text))])
            self._let_it_read()
        self._kill(daemon)

    def kill_in_request(self, daemon: Any, lines: int) -> None:
        """Kill the daemon when it has said so many lines of its next request."""
        for _ in range(lines):
            self._note(daemon.line())
        self._kill(daemon)

    def _request(self, daemon: Any) -> list[dict[str, str]]:
        before = len(daemon.heard)
        rows: list[dict[str, str]] = daemon.request()
        self.ending = daemon.heard[before:].decode()
        self._note(self.ending)
        lost = self._acknowledged & set(map(json.dumps, rows))
        assert not lost, "what was acknowledged is asked again"
        return rows

    def _note(self, said: str) -> None:
        # Whatever it says next acknowledges what it was told.
        if said:
            self._acknowledged |= self._told
            self._told = set()

    def _reply(self, rows: Sequence[dict[str, str]]) -> str:
        full = [{**row, **self._evaluate(row)} for row in rows]
        lines = [full[0], *(row.values() for row in full)]
        return "".join(f"{','.join(line)}\n" for line in lines)

    def _let_it_read(self) -> None:
        # No matter for the outcome: all that is told may or may not be recorded.
        time.sleep(0.002)

    def _kill(self, daemon: Any) -> None:
        daemon.kill()
        daemon.wait()
        self._told = set()

    def _ended(self, daemon: Any) -> bool:
        self.ending += daemon.rest()
        self._told = set()
        status = daemon.wait()
        assert status in (0, -signal.SIGKILL), daemon.stderr
        return bool(status == 0)


def outcome(directory: Path) -> Mapping[str, Any]:
    """Return what the files of a finished run say, without times."""
    (samples,) = directory.glob("*samples.csv")
    (journal,) = directory.glob("*.journal")
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    asks = [record for record in records if record["type"] == "ask"]
    told = [e["id"] for r in records if r["type"] == "tell" for e in r["evaluations"]]
    assert len(told) == len(set(told)), "a result was recorded twice"
    log = (directory / "hypermapper_logfile.log").read_text()
    return {
        "samples": without_times(samples.read_bytes()),
        "trials": [trial for ask in asks for trial in ask["trials"]],
        "fitted": [ask["state"] for ask in asks],
        "told": told,
        "fronts": [without_times(path.read_bytes()) for path in directory.glob("*pareto.csv")],
        "best": re.findall(r"(?s).*\n((?:Best|\nMultiple|\nNo feas).*)", log),
    }


def without_times(table: bytes) -> list[bytes]:
    return [line.rpartition(b",")[0] for line in table.splitlines(keepends=True)]


@pytest.fixture
def undisturbed(tmp_path, fork, write_scenario, evaluate):
    """Return a function that runs a scenario in peace, and tells its outcome."""

    def complete(changes: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
        directory = tmp_path / "undisturbed"
        directory.mkdir()
        write_scenario(directory, **changes)
        (directory / "app_output_samples.csv").write_text(EARLIER)
        witness = Witness(directory, evaluate)
        with fork("app.json", directory=directory) as daemon:
            assert witness.serve(daemon)
        return outcome(directory), witness.ending

    return complete


@pytest.fixture
def begin(tmp_path, write_scenario, evaluate):
    """Return a function that makes a witness in a new directory with a scenario."""

    def make(name: object, changes: Mapping[str, Any]) -> Witness:
        directory = tmp_path / str(name)
        directory.mkdir()
        write_scenario(directory, **changes)
        (directory / "app_output_samples.csv").write_text(EARLIER)
        return Witness(directory, evaluate)

    return make


def resume_until_done(start: Callable[..., Any], witness: Witness) -> None:
    with start("app.json", "--resume", directory=witness.directory) as daemon:
        assert witness.serve(daemon), daemon.stderr


def everywhere(
    names: Iterable[str], quick: Collection[tuple[str, bool]]
) -> pytest.MarkDecorator:
    """Each of `names` with a process that dies and with a power failure; few are quick."""
    cases = [
        pytest.param(
            name,
            power,
            marks=() if (name, power) in quick else pytest.mark.slow,
            id=f"{name}, {'power fails' if power else 'process dies'}",
        )
        for name in names
        for power in (False, True)
    ]
    return pytest.mark.parametrize(("name", "power"), cases)


def die_everywhere(fork, begin, changes, power, expected, *arguments, prepare=lambda _: None):
    """Let hmserve die at its first, second, ... point until it lives; resume each time."""
    for point in itertools.count(1):
        witness = begin(f"{point}{len(arguments)}", changes)
        prepare(witness)
        options = {"directory": witness.directory, "at": point, "power": power}
        with fork("app.json", *arguments, **options) as daemon:
            if witness.serve(daemon):
                return point
        resume_until_done(fork, witness)
        assert (outcome(witness.directory), witness.ending) == expected, f"point {point}"
    return 0


@everywhere(
    SCENARIOS,
    {
        ("design alone", False),
        ("design alone", True),
        ("one proposal", False),
        ("earlier results", True),
    },
)
def test_death_at_any_call_of_the_system_changes_nothing(
    name, power, fork, begin, undisturbed
) -> None:
    changes = SCENARIOS[name]
    points = die_everywhere(fork, begin, changes, power, undisturbed(changes))
    assert points > 30


@everywhere(["design alone", "batches of three"], {("design alone", True)})
def test_death_at_any_call_of_a_resume_changes_nothing(
    name, power, fork, begin, undisturbed
) -> None:
    changes = SCENARIOS[name]

    def die_once(witness: Witness) -> None:
        with fork("app.json", directory=witness.directory) as daemon:
            witness.kill_in_reply(daemon, 0.6)

    points = die_everywhere(
        fork, begin, changes, power, undisturbed(changes), "--resume", prepare=die_once
    )
    assert points > 20


class Murderer:
    """Picks instants at which to kill a daemon.

    Args:
        seed: Of the choice.
        witness: Serves the daemon until then.
        patience: The longest time in seconds to wait for a kill out of the blue.
    """

    def __init__(self, seed: int, witness: Witness, patience: float) -> None:
        self._rng = random.Random(seed)
        self._witness = witness
        self._patience = patience

    def kill(self, daemon: Any) -> bool:
        """Kill `daemon` at some instant; return whether its run ended before that."""
        manner = self._rng.choice(["in a reply", "in a request", "at any time"])
        if manner == "at any time":
            pause = self._rng.uniform(0, self._patience)
            with killing(daemon, pause):
                return self._witness.serve(daemon)
        if self._witness.serve(daemon, requests=self._rng.randrange(3)):
            return True
        if manner == "in a reply":
            self._witness.kill_in_reply(daemon, self._rng.random())
        else:
            self._witness.kill_in_request(daemon, self._rng.randrange(4))
        return False


@contextlib.contextmanager
def killing(daemon: Any, pause: float) -> Iterator[None]:
    timer = threading.Timer(pause, daemon.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def kill_often(start, witness: Witness, murderer: Murderer, kills: int) -> None:
    """Run to the end through at most so many kills."""
    arguments: tuple[str, ...] = ()
    for _ in range(kills):
        with start("app.json", *arguments, directory=witness.directory) as daemon:
            if murderer.kill(daemon):
                return
        arguments = ("--resume",)
    resume_until_done(start, witness)


@pytest.mark.parametrize("name", ["batches of three", "two objectives", "forest"])
def test_run_killed_again_and_again_ends_like_an_undisturbed_one(
    name, fork, begin, undisturbed
) -> None:
    expected = undisturbed(SCENARIOS[name])
    witness = begin("killed", SCENARIOS[name])
    kill_often(fork, witness, Murderer(1, witness, 0.3), 4)
    assert (outcome(witness.directory), witness.ending) == expected


def test_processes_killed_again_and_again_end_like_undisturbed_ones(
    spawn, begin, undisturbed
) -> None:
    changes = SCENARIOS["mixed types"]
    expected = undisturbed(changes)
    witness = begin("killed", changes)
    kill_often(spawn, witness, Murderer(2, witness, 1.0), 3)
    assert (outcome(witness.directory), witness.ending) == expected


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", SCENARIOS)
def test_two_hundred_kills(name, seed, spawn, begin, undisturbed) -> None:
    expected = undisturbed(SCENARIOS[name])
    witness = begin("killed", SCENARIOS[name])
    kill_often(spawn, witness, Murderer(seed, witness, 1.5), 6)
    assert (outcome(witness.directory), witness.ending) == expected
