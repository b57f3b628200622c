"""Whatever instant SIGKILL picks, `--resume` goes on as if nothing had happened."""

import functools
import itertools
import json
import math
import random
import re
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

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
    "earlier results": {"resume_optimization": True},
    "table": {
        "hypermapper_mode": {"mode": "exhaustive", "exhaustive_search_file": "all.csv"},
        "input_parameters": {"i": INTEGER},
        "optimization_iterations": 3,
    },
}

EARLIER = "x,n,Value\n0.5,5,2.5\n0.25,50,1.5\n"
"""The samples of an earlier run; that of now replaces them."""

TABLE = "i,Value\n0,3.5\n1,2.5\n2,1.5\n3,4.5\n"

Evaluate: TypeAlias = Callable[[dict[str, str]], Mapping[str, str]]


class Witness:
    """A client that outlives its daemons and remembers what they promised.

    Args:
        directory: Of the run.
        evaluate: Tells the outcome of a row.
    """

    def __init__(self, directory: Path, evaluate: Evaluate) -> None:
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

    def complete(
        changes: Mapping[str, Any], evaluate: Evaluate = evaluate
    ) -> tuple[Mapping[str, Any], str]:
        directory = Path(tempfile.mkdtemp(dir=tmp_path))
        write_scenario(directory, **changes)
        (directory / "app_output_samples.csv").write_text(EARLIER)
        (directory / "all.csv").write_text(TABLE)
        witness = Witness(directory, evaluate)
        with fork("app.json", directory=directory) as daemon:
            assert witness.serve(daemon)
        return outcome(directory), witness.ending

    return complete


@pytest.fixture
def begin(tmp_path, write_scenario, evaluate):
    """Return a function that makes a witness in a new directory with a scenario."""

    def make(
        name: object, changes: Mapping[str, Any], evaluate: Evaluate = evaluate
    ) -> Witness:
        directory = tmp_path / str(name)
        directory.mkdir()
        write_scenario(directory, **changes)
        (directory / "app_output_samples.csv").write_text(EARLIER)
        (directory / "all.csv").write_text(TABLE)
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
    {("design alone", False), ("one proposal", True)},
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


@pytest.mark.parametrize("share", [1, 2], ids=["all rows", "every other row"])
def test_rows_nobody_asked_for_are_not_recorded_twice(
    share, fork, begin, undisturbed, evaluate
) -> None:
    def rounding(row: dict[str, str]) -> Mapping[str, str]:
        """Repeat the inputs with so few digits that they are others."""
        strange = int(row["n"]) % share == 0
        return {**evaluate(row), "x": f"{float(row['x']):.2f}" if strange else row["x"]}

    changes = {"design_of_experiment": design(4)}
    expected = undisturbed(changes, rounding)
    begin_strange = functools.partial(begin, evaluate=rounding)
    assert die_everywhere(fork, begin_strange, changes, False, expected) > 30


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
            timer = threading.Timer(self._rng.uniform(0, self._patience), daemon.kill)
            timer.start()
            try:
                return self._witness.serve(daemon)
            finally:
                timer.cancel()
                timer.join()
        if self._witness.serve(daemon, requests=self._rng.randrange(3)):
            return True
        if manner == "in a reply":
            self._witness.kill_in_reply(daemon, self._rng.random())
        else:
            self._witness.kill_in_request(daemon, self._rng.randrange(4))
        return False


def kill_often(start, witness: Witness, murderer: Murderer, most: int) -> int:
    """Run to the end; return how many kills, `most` at the most, came before that."""
    arguments: tuple[str, ...] = ()
    for kills in range(most):
        with start("app.json", *arguments, directory=witness.directory) as daemon:
            if murderer.kill(daemon):
                return kills
        arguments = ("--resume",)
    resume_until_done(start, witness)
    return most


@pytest.mark.parametrize(
    ("name", "start", "most"),
    [
        ("batches of three", "fork", 4),
        ("two objectives", "fork", 4),
        ("forest", "fork", 4),
        ("mixed types", "spawn", 3),
    ],
)
def test_run_killed_again_and_again_ends_like_an_undisturbed_one(
    name, start, most, begin, undisturbed, request
) -> None:
    expected = undisturbed(SCENARIOS[name])
    witness = begin("killed", SCENARIOS[name])
    patience = 1.0 if start == "spawn" else 0.3
    kills = kill_often(
        request.getfixturevalue(start), witness, Murderer(1, witness, patience), most
    )
    assert kills > 0
    assert (outcome(witness.directory), witness.ending) == expected


def test_run_that_drew_its_seed_keeps_it(fork, begin, undisturbed) -> None:
    changes = {"seed": None, "optimization_iterations": 1}
    witness = begin("killed", changes)
    kill_often(fork, witness, Murderer(3, witness, 0.3), 3)
    (journal,) = witness.directory.glob("*.journal")
    seed = json.loads(journal.read_text().splitlines()[0])["seed"]
    assert (outcome(witness.directory), witness.ending) == undisturbed(
        {**changes, "seed": seed}
    )


def test_request_longer_than_a_pipe_is_asked_again(fork, begin, undisturbed) -> None:
    changes = {"design_of_experiment": design(5000)}
    witness = begin("killed", changes)
    with fork("app.json", directory=witness.directory) as daemon:
        witness.kill_in_request(daemon, 100)
    with fork("app.json", "--resume", directory=witness.directory) as daemon:
        witness.kill_in_reply(daemon, 0.5)
    resume_until_done(fork, witness)
    assert (outcome(witness.directory), witness.ending) == undisturbed(changes)


@pytest.mark.slow
def test_two_hundred_kills(spawn, begin, undisturbed) -> None:
    expected = {name: undisturbed(SCENARIOS[name]) for name in SCENARIOS}
    kills = 0
    for seed, name in enumerate(itertools.cycle(SCENARIOS)):
        witness = begin(seed, SCENARIOS[name])
        kills += kill_often(spawn, witness, Murderer(seed, witness, 1.5), 8)
        assert (outcome(witness.directory), witness.ending) == expected[name], (name, seed)
        if kills >= 200:
            return
