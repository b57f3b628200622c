"""`hmserve run` as its users see it: options, statuses, what is on disk, who is left."""

import csv
import json
import os
import signal
import sys
import time
import uuid
from pathlib import Path

import pytest

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")
SHORT = {
    "optimization_method": "random_search",
    "design_of_experiment": {"doe_type": "random sampling", "number_of_samples": 4},
    "optimization_iterations": 4,
}


def details(directory: Path) -> dict[int, dict]:
    """Return the details of each evaluation that the journal holds, by trial."""
    lines = (directory / "app_output_samples.journal").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    told = [r["evaluations"] for r in records if r["type"] == "tell"]
    return {e["id"]: e["details"] for evaluations in told for e in evaluations}


def samples(directory: Path) -> list[dict[str, str]]:
    with (directory / "app_output_samples.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def marked(mark: str) -> list[int]:
    """Return the processes but this one that `mark` is passed on to."""

    def environment(entry: Path) -> str:
        try:
            return (entry / "environ").read_text(errors="replace")
        except OSError:
            return ""

    found = [int(e.name) for e in Path("/proc").glob("[0-9]*") if mark in environment(e)]
    return [pid for pid in found if pid != os.getpid()]


def wait_until(condition) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def mark(monkeypatch):
    name = uuid.uuid4().hex
    monkeypatch.setenv("HMSERVE_TEST_MARK", name)
    return name


@pytest.fixture
def app(write_scenario):
    def write(**changes):
        return str(write_scenario(**{**SHORT, **changes}))

    return write


def test_a_command_with_placeholders_runs_once_for_each_trial(app, run, tmp_path) -> None:
    done = run("run", app(), "--workers", "3", "--exec", "sh -c 'echo $1' sh {x}")
    assert (done.returncode, done.stderr) == (0, "")
    names, best = csv.reader(done.stdout.splitlines())
    assert names == ["x", "n", "Value"]
    assert float(best[0]) == float(best[2]) == min(float(r["Value"]) for r in samples(tmp_path))
    assert len(samples(tmp_path)) == len(details(tmp_path)) == 8


def test_a_command_after_two_dashes_is_a_client(app, run, tmp_path) -> None:
    script = 'while read a n && test "$a" = Request; do read h; read r; echo "$h,Value"; '
    script += 'echo "$r,5"; done'
    done = run("run", "--config", app(), "--workers", "2", "--", "sh", "-c", script)
    assert (done.returncode, done.stderr) == (0, "")
    assert {row["Value"] for row in samples(tmp_path)} == {"5.0"}
    assert {d["worker"] for d in details(tmp_path).values()} <= {0, 1}


def test_a_scenario_with_an_evaluator_needs_no_options(app, run) -> None:
    scenario = app(evaluator={"command": "echo 3", "kind": "once", "workers": 2})
    done = run("run", scenario)
    assert done.returncode == 0
    assert done.stdout.endswith(",3.0\n") or done.stdout.endswith(",3\n")
    plain = run(scenario)
    assert (plain.returncode, plain.stdout.splitlines()[0]) == (0, "x,n,Value")


def test_options_take_the_place_of_the_keys(app, run, tmp_path) -> None:
    scenario = app(evaluator={"command": "false", "kind": "once", "directories": "keep"})
    done = run("run", scenario, "--directories", "none", "--exec", "echo {n}")
    assert done.returncode == 0
    assert not (tmp_path / "app_trials").exists()


def test_the_verb_without_a_name_takes_exec_too(app, run) -> None:
    done = run("--config", app(), "--exec", "echo {n}")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "x,n,Value")


def test_several_objectives_end_with_their_front(app, run) -> None:
    scenario = app(optimization_objectives=["Value", "Cost"])
    done = run("run", scenario, "--exec", "echo {x},{n}")
    assert done.returncode == 0
    assert "Cost" in done.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--exec", "sim {y}"], "no parameter is called 'y'"),
        (["--exec", "sim '{x}"], "cannot split"),
        (["--exec", ""], "the command is empty"),
        ([], "names no command"),
        (["--exec", "a", "--", "b"], "two commands"),
        (["--exec", "a", "--workers", "0"], "from 1"),
        (["--exec", "a", "--timeout", "nan"], "above 0"),
        (["--exec", "a {n}", "--kind", "protocol"], "--kind once"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(
    app, run, tmp_path, arguments, words
) -> None:
    done = run("run", app(), *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["app.json"]


def test_a_command_that_does_not_exist_ends_the_run_with_status_5(app, run, tmp_path) -> None:
    done = run("run", app(), "--exec", "no-such-program {x}")
    assert done.returncode == 5
    assert "no-such-program" in done.stderr
    assert samples(tmp_path) == []
    again = run("run", app(), "--resume", "--exec", "echo {x}")
    assert again.returncode == 0
    assert len(samples(tmp_path)) == 8


def test_failures_in_a_row_end_the_run_with_status_5(app, run, tmp_path) -> None:
    command = "sh -c 'echo why >&2; exit 3'"
    options = ["--kind", "once", "--max-consecutive-failures", "3", "--retries", "1"]
    done = run("run", app(), "--exec", command, *options)
    assert done.returncode == 5
    assert "exit status 3" in done.stderr
    assert "why" in done.stderr
    assert [d["attempts"] for d in details(tmp_path).values()] == [2, 2, 2]


def test_variables_that_hmserve_sets_for_itself_are_not_passed_on(
    app, run, monkeypatch
) -> None:
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    done = run("run", app(), "--exec", "sh -c 'echo ${{MKL_NUM_THREADS:-7}}'", "--kind", "once")
    assert done.stdout.splitlines()[1].split(",")[2] in {"7", "7.0"}


@LINUX
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, None)],
    ids=["SIGINT", "SIGTERM", "SIGKILL"],
)
def test_nobody_survives_a_run_that_is_ended(app, spawn, mark, number, status) -> None:
    deaf = "(setsid sh -c 'trap \"\" TERM; sleep 1000; :' &); trap '' TERM; sleep 1000; :"
    command = ["--workers", "2", "--kind", "once", "--", "sh", "-c", deaf]
    daemon = spawn("run", app(), *command)
    wait_until(lambda: len(marked(mark)) >= 1 + 2 + 2 * 4)
    daemon.kill(number)
    ended = daemon.wait()
    assert status is None or ended == status
    wait_until(lambda: marked(mark) == [])


@LINUX
def test_a_killed_run_goes_on_with_what_was_pending(app, spawn, run, tmp_path, mark) -> None:
    gate = tmp_path / "gate"
    script = f"test $1 -lt 6 || test -e {gate} || sleep 1000; echo $2"
    command = ["--workers", "2", "--kind", "once", "--", "sh", "-c", script, "sh"]
    command += ["{trial}", "{x}"]
    daemon = spawn("run", app(), *command)
    wait_until((tmp_path / "app_output_samples.csv").exists)
    wait_until(lambda: len(samples(tmp_path)) == 6)
    wait_until(lambda: '"id":7' in (tmp_path / "app_output_samples.journal").read_text())
    daemon.kill()
    daemon.wait()
    wait_until(lambda: marked(mark) == [])
    gate.touch()
    done = run("run", app(), "--resume", *command)
    assert done.returncode == 0
    rows = samples(tmp_path)
    assert len(rows) == 8
    assert all(float(row["x"]) == float(row["Value"]) for row in rows)
    assert sorted(details(tmp_path)) == list(range(8))
