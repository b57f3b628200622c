"""The benchmark's runner: one job and its line, the peers, many jobs and resuming."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
from comparison import cli, results
from comparison.environments import RECIPES, MissingEnvironmentError, interpreter
from comparison.job import Job, run
from comparison.peers import PEERS
from comparison.peers.axes import axes
from comparison.peers.peer import Entry, Suggestion, violations
from comparison.problem import Outcome, Problem, simple_regret
from comparison.runner import Grid, Plan, Runner

PROGRAM = Path(__file__).parent / "compare.py"
REAL = {"parameter_type": "real", "values": [0, 1]}


def problem(evaluate=lambda c, _: Outcome((c["x"],)), parameters=None, **more):
    return Problem(
        "p", "smooth", parameters or {"x": REAL}, evaluate, simple_regret(0.0), **more
    )


class Counting:
    """Proposes 1, 1/2, 1/3, ...; notes what is pending."""

    def __init__(self, task):
        self.task, self.asked, self.pending, self.told = task, 0, [], []
        Counting.last = self

    def ask(self):
        self.asked += 1
        self.pending.append(self.asked)
        assert len(self.pending) <= self.task.pending
        return Suggestion({"x": 1 / self.asked}, self.asked)

    def tell(self, suggestion, outcome):
        self.pending.remove(suggestion.token)
        self.told.append((suggestion.token, outcome))


class Failing(Counting):
    """Dies at its twelfth question."""

    def ask(self):
        if self.asked == 11:
            raise RuntimeError("no\nmore")
        return super().ask()


class Short(Counting):
    """Knows seven configurations."""

    def ask(self):
        return None if self.asked == 7 else super().ask()


@pytest.fixture(autouse=True)
def peers(monkeypatch):
    here = sys.modules[__name__]
    monkeypatch.setitem(sys.modules, "comparison.peers.here", here)
    for each in (Counting, Failing, Short):
        monkeypatch.setitem(PEERS, each.__name__, Entry(f"here:{each.__name__}"))


def line_of(peer, problem, **more):
    lines = []
    run(Job("p", peer, more.pop("seed", 0), **more), problem, lines.append)
    return lines[-1]


def test_a_run_records_the_regret_at_each_checkpoint_of_its_budget():
    line = line_of("Counting", problem(), budget=20)
    assert line["regret"] == {"10": 0.1, "15": 0.066667, "20": 0.05}
    assert line["evaluations"] == 20
    assert line["error"] is None
    assert set(line["cpu"]) == {"start", "total", "mean", "last", "worst"}
    assert line["cpu"]["total"] >= line["cpu"]["worst"] >= line["cpu"]["last"] >= 0
    assert line["rss"] > 0


def test_nothing_feasible_is_recorded_as_null():
    failing = problem(lambda _, __: Outcome(()))
    line = line_of("Counting", failing, budget=15)
    assert line["regret"] == {"10": None, "15": None}


def test_as_many_are_pending_as_the_job_says_and_any_may_be_answered_first():
    line_of("Counting", problem(), pending=4, budget=40)
    order = [token for token, _ in Counting.last.told]
    assert sorted(order) == list(range(1, 41))
    assert order != sorted(order)
    assert all(token <= k + 4 for k, token in enumerate(order))
    line_of("Counting", problem(), pending=4, budget=40)
    assert [token for token, _ in Counting.last.told] == order
    line_of("Counting", problem(), pending=4, budget=40, seed=1)
    assert [token for token, _ in Counting.last.told] != order


def test_every_evaluation_has_noise_of_its_own_and_the_same_for_all_peers():
    noisy = problem(lambda _, seed: Outcome((float(seed),)))
    line_of("Counting", noisy, budget=12)
    first = [outcome for _, outcome in Counting.last.told]
    assert len(set(first)) == 12
    line_of("Short", noisy, budget=12)
    assert [outcome for _, outcome in Counting.last.told] == first[:7]


def test_a_peer_that_dies_keeps_the_regret_it_had():
    lines = []
    with pytest.raises(RuntimeError):
        run(Job("p", "Failing", 0, budget=25), problem(), lines.append)
    (line,) = lines
    assert line["error"] == "RuntimeError: no more"
    assert line["evaluations"] == 11
    assert line["regret"] == {"10": 0.1, "15": 0.090909, "20": 0.090909, "25": 0.090909}


def test_a_peer_with_nothing_left_to_suggest_ends_the_run():
    line = line_of("Short", problem(), budget=10)
    assert (line["evaluations"], line["error"]) == (7, None)
    assert line["regret"] == {"10": 0.14286}


def test_options_without_a_label_are_refused():
    with pytest.raises(ValueError, match="label"):
        Job("p", "hmserve", 0, options={"noise": False})
    assert Job("p", "hmserve", 0, label="exact", options={"noise": False}).name == (
        "hmserve@exact"
    )


PARAMETERS = {
    "real": {"parameter_type": "real", "values": [-2, 3]},
    "rate": {"parameter_type": "real", "values": [1e-4, 1], "transform": "log"},
    "count": {"parameter_type": "integer", "values": [1, 4]},
    "size": {"parameter_type": "integer", "values": [1, 100], "transform": "log"},
    "tile": {"parameter_type": "ordinal", "values": [8, 2, 4]},
    "label": {"parameter_type": "categorical", "values": ["a", "b"]},
    "order": {"parameter_type": "permutation", "values": [3]},
}


def test_an_axis_spreads_the_unit_interval_over_its_values():
    found = {axis.name: [axis.at(u) for u in (0, 0.5, 1)] for axis in axes(problem())}
    assert found == {"x": [0, 0.5, 1]}
    spread = axes(problem(parameters=PARAMETERS))
    found = {axis.name: [axis.at(u) for u in (0, 0.5, 1)] for axis in spread}
    assert found.pop("rate") == pytest.approx([1e-4, 1e-2, 1])
    assert found == {
        "real": [-2, 0.5, 3],
        "count": [1, 3, 4],
        "size": [1, 7, 100],
        "tile": [2, 4, 8],
        "label": ["a", "b", "b"],
        "order": [[0, 1, 2], [1, 2, 0], [2, 1, 0]],
    }


@pytest.mark.parametrize("peer", ["random", "hmserve"])
def test_our_peers_stay_in_the_space_and_repeat_their_seed(peer):
    asked = []

    def evaluate(configuration, _):
        asked.append(configuration)
        return Outcome(()) if configuration["label"] == "b" else Outcome((0.0,))

    for seed in (1, 1, 2):
        line = line_of(
            peer, problem(evaluate, PARAMETERS, penalty=(1.0,)), budget=13, seed=seed
        )
        assert line["evaluations"] == 13
    assert asked[:13] == asked[13:26] != asked[26:]
    for axis in axes(problem(parameters=PARAMETERS)):
        for value in (configuration[axis.name] for configuration in asked):
            if axis.values:
                assert (list(value) if axis.name == "order" else value) in axis.values
            else:
                assert axis.low <= value <= axis.high


def test_violations_are_the_measured_ones_or_the_failure():
    good, bad = Outcome((1.0,), (-2.0, 3.0)), Outcome(())
    assert violations(good, 2) == [-2.0, 3.0]
    assert violations(bad, 2) == [1.0, 1.0]
    assert violations(Outcome((1.0,)), 0) == [-1.0]
    assert violations(bad, 0) == [1.0]


@pytest.mark.parametrize("name", [name for name in PEERS if name[0].islower()])
def test_an_adapter_is_there_without_its_optimizer_and_has_an_environment(name):
    entry = PEERS[name]
    module, maker = entry.path.split(":")
    assert callable(getattr(import_module(f"comparison.peers.{module}"), maker))
    assert entry.environment in {"", *RECIPES}


def test_a_peer_takes_what_it_can_work_on():
    mixed, several = problem(parameters=PARAMETERS), problem(objectives=2)
    taken = [
        (PEERS["cma"].takes(each), PEERS["hebo"].takes(each), PEERS["hmserve"].takes(each))
        for each in (problem(), mixed, several)
    ]
    assert taken == [(True, True, True), (False, True, True), (False, False, True)]


def test_an_environment_that_was_not_made_is_named(tmp_path):
    with pytest.raises(MissingEnvironmentError, match="torch"):
        interpreter(tmp_path, "torch")
    assert interpreter(tmp_path, "") == sys.executable


STUB = """
import os, sys, time
sys.path.insert(0, {bench!r})
from types import ModuleType
from comparison import cli
from comparison.peers import PEERS
from comparison.peers.peer import Entry
from comparison.peers.uniform import Uniform

class Raises(Uniform):
    def tell(self, suggestion, outcome):
        print("talks")
        raise SystemExit(3)

class Aborts(Uniform):
    def tell(self, suggestion, outcome):
        os.abort()

class Hangs(Uniform):
    def ask(self):
        time.sleep(600)

class Slow(Uniform):
    def ask(self):
        time.sleep(0.01)
        return super().ask()

fake = sys.modules["comparison.peers.fake"] = ModuleType("fake")
for each in (Raises, Aborts, Hangs, Slow):
    setattr(fake, each.__name__, each)
    PEERS[each.__name__] = Entry("fake:" + each.__name__, "fake")
sys.argv.pop(1)
sys.exit(cli.main())
"""


@pytest.fixture
def environments(tmp_path, monkeypatch):
    """Make an environment ``fake`` whose python knows four peers that misbehave."""
    stub = tmp_path / "stub.py"
    stub.write_text(STUB.format(bench=str(PROGRAM.parent)))
    python = tmp_path / "fake" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stub}" "$@"\n')
    python.chmod(0o755)
    for name in ("Raises", "Aborts", "Hangs", "Slow"):
        monkeypatch.setitem(PEERS, name, Entry(f"fake:{name}", "fake"))
    return tmp_path


@pytest.mark.slow
def test_a_peer_that_raises_aborts_or_hangs_leaves_a_line_that_says_so(environments):
    path = environments / "lines.jsonl"
    names = ("Raises", "Aborts", "Slow", "Hangs")
    *quick, hanging = Grid(["branin"], names, [0], budget=10).jobs()
    assert Runner(Plan(path, environments, jobs=2)).run(quick) == 0
    assert Runner(Plan(path, environments, limit=4.0)).run([hanging]) == 0
    lines = {line["peer"]: line for line in results.read(path)}
    errors = {name: line["error"] for name, line in lines.items()}
    assert errors.pop("Aborts").startswith(f"Died: status {-signal.SIGABRT}")
    assert errors == {"Raises": "SystemExit: 3", "Hangs": "TimeLimit: 4 seconds", "Slow": None}
    assert [lines[name]["evaluations"] for name in names] == [0, 0, 10, 0]
    assert math.isfinite(lines["Slow"]["regret"]["10"])


def test_the_jobs_come_by_seed_first():
    jobs = Grid(["p", "q"], ["random", "hmserve"], [0, 1], label="new").jobs()
    assert [(j.seed, j.problem, j.name) for j in jobs[:5]] == [
        (0, "p", "random"),
        (0, "p", "hmserve@new"),
        (0, "q", "random"),
        (0, "q", "hmserve@new"),
        (1, "p", "random"),
    ]


@pytest.mark.slow
def test_a_runner_that_is_killed_goes_on_where_it_was(environments):
    path = environments / "lines.jsonl"
    command = [environments / "fake" / "bin" / "python", PROGRAM, "run", "--problems=branin"]
    command += ["--peers=Slow", "--seeds=8", "--budget=15", "--jobs=2"]
    command += [f"--results={path}", f"--environments={environments}"]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    while not path.exists() or path.read_text().count("\n") < 2:
        assert first.poll() is None
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    before = len(list(results.read(path)))
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"8 jobs, {8 - before} to run" in again.stderr
    seeds = Counter(line["seed"] for line in results.read(path))
    assert seeds == Counter(range(8))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "8 jobs, 0 to run" in done.stderr


def test_one_job_prints_one_line(capfd):
    command = [sys.executable, PROGRAM, "one", "--problem=branin", "--peer=random"]
    subprocess.run([*command, "--budget=10", "--seed=3"], check=True)
    (text,) = capfd.readouterr().out.splitlines()
    line = json.loads(text)
    assert (line["problem"], line["peer"], line["seed"]) == ("branin", "random", 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peers=nobody"], "no peer 'nobody'"),
        (["--problems=nothing"], "no problem or class 'nothing'"),
    ],
)
def test_a_name_that_is_not_there_is_refused(tmp_path, arguments, message):
    with pytest.raises(SystemExit, match=message):
        cli.main(["run", f"--results={tmp_path / 'lines'}", "--problems=branin", *arguments])
