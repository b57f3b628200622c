"""`hmserve app.json` over real pipes: what it says, and how it ends."""

import itertools
import os
import signal
import sys
import time
from pathlib import Path

import pytest

# ---- how it ends


def test_run_to_its_end_has_status_0(spawn, write_scenario, evaluate, tmp_path) -> None:
    daemon = spawn("--config", str(write_scenario(optimization_iterations=2)))
    requests = daemon.converse(evaluate)
    assert [len(rows) for rows in requests] == [3, 1, 1]
    assert daemon.heard.endswith(b"End of HyperMapper\n")
    assert daemon.rest() == ""
    assert daemon.wait() == 0
    assert daemon.stderr == ""
    assert len((tmp_path / "app_output_samples.csv").read_text().splitlines()) == 6


def test_peer_that_leaves_between_messages_is_no_error(fork, write_scenario, tmp_path) -> None:
    write_scenario()
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.request()
        daemon.close()
        assert daemon.rest() == ""
        assert daemon.wait() == 0


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_peer_that_leaves_in_mid_reply_ends_with_status_3(
    lines, fork, write_scenario, tmp_path
) -> None:
    write_scenario()
    with fork("app.json", directory=tmp_path) as daemon:
        rows = daemon.request()
        reply = ["x,n,Value", *(f"{row['x']},{row['n']},1.5" for row in rows)]
        daemon.say("".join(f"{line}\n" for line in reply[:lines]))
        daemon.close()
        assert daemon.rest() == ""
        assert daemon.wait() == 3
    assert "mid-reply" in daemon.stderr
    samples = (tmp_path / "app_output_samples.csv").read_text().splitlines()
    assert len(samples) == lines


def test_reply_that_makes_no_sense_is_quoted_with_what_to_do(
    fork, write_scenario, tmp_path
) -> None:
    write_scenario()
    with fork("app.json", directory=tmp_path) as daemon:
        rows = daemon.request()
        first = f"{rows[0]['x']},{rows[0]['n']},2.5"
        daemon.say(f"x,n,Value\n{first}\n{rows[1]['x']},{rows[1]['n']},{'oops' * 500}\n")
        assert daemon.rest() == ""
        assert daemon.wait() == 3
    said = daemon.stderr
    assert "row 2 of 3" in said
    assert "'oopsoops" in said
    assert len(said) < 1500
    assert str(tmp_path / "app_output_samples.csv") in said
    assert "--resume" in said
    assert "Traceback" not in said
    assert "2.5" in (tmp_path / "app_output_samples.csv").read_text()
    log = (tmp_path / "hypermapper_logfile.log").read_text()
    assert "row 2 of 3" in log


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_it_with_their_own_status(
    number, status, spawn, write_scenario, tmp_path, evaluate
) -> None:
    daemon = spawn(str(write_scenario(optimization_iterations=2)))
    rows = daemon.request()
    daemon.say("x,n,Value\n" + "".join(f"{r['x']},{r['n']},1\n" for r in rows))
    assert daemon.request()
    daemon.kill(number)
    assert daemon.wait() == status
    assert daemon.rest() == ""
    assert "Traceback" not in daemon.stderr
    assert "--resume" in daemon.stderr
    assert "Best point found" in (tmp_path / "hypermapper_logfile.log").read_text()
    resumed = spawn("app.json", "--resume")
    assert list(map(len, resumed.converse(evaluate))) == [1, 1]
    assert resumed.wait() == 0


def test_more_signals_do_not_disturb_the_end(spawn, write_scenario) -> None:
    daemon = spawn(str(write_scenario()))
    daemon.request()
    # To the last moment: Python itself restores the default handlers before it exits.
    for number in itertools.cycle((signal.SIGTERM, signal.SIGINT)):
        if daemon.child.process.poll() is not None:
            break
        daemon.kill(number)
        time.sleep(0.0005)
    assert daemon.wait() in (130, 143)
    assert "Traceback" not in daemon.stderr


def test_signals_that_the_parent_ignores_are_ignored(spawn, write_scenario) -> None:
    write_scenario()
    command = ["/bin/sh", "-c", 'trap "" INT; exec "$0" "$@"', sys.executable, "-m", "hmserve"]
    daemon = spawn("app.json", command=command)
    rows = daemon.request()
    daemon.kill(signal.SIGINT)
    daemon.say("x,n,Value\n" + "".join(f"{r['x']},{r['n']},1\n" for r in rows))
    assert daemon.line() == "End of HyperMapper\n"
    assert daemon.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_heard_during_a_proposal(number, spawn, write_scenario) -> None:
    daemon = spawn(str(write_scenario(optimization_iterations=50)))
    rows = daemon.request()
    daemon.say("x,n,Value\n" + "".join(f"{r['x']},{r['n']},{r['n']}\n" for r in rows))
    daemon.kill(number)
    assert daemon.wait() == 128 + number
    assert "Traceback" not in daemon.stderr


def test_unwritable_directory_has_status_4(run, write_scenario, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run(str(write_scenario(run_directory="file/below")))
    assert (done.returncode, done.stdout) == (4, "")
    assert "file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("key", ["output_data_file", "log_file"])
def test_file_that_is_a_directory_has_status_4(key, run, write_scenario, tmp_path) -> None:
    (tmp_path / "taken.csv").mkdir()
    done = run(str(write_scenario(**{key: "taken.csv"})))
    assert (done.returncode, done.stdout) == (4, "")
    assert "taken.csv" in done.stderr


def test_full_disk_stops_it_before_anything_more_is_promised(spawn, write_scenario) -> None:
    write_scenario(design_of_experiment={"number_of_samples": 80})
    # A process may not write files of more than so many blocks of 512 bytes.
    limited = [
        "/bin/sh",
        "-c",
        'ulimit -f 20; exec "$@"',
        "sh",
        sys.executable,
        "-m",
        "hmserve",
    ]
    daemon = spawn("app.json", command=limited)
    rows = daemon.request()
    assert len(rows) == 80
    daemon.say("x,n,Value\n" + "".join(f"{r['x']},{r['n']},1.5\n" for r in rows))
    assert daemon.rest() == ""
    assert daemon.wait() == 4
    assert "resume" in daemon.stderr
    assert "Traceback" not in daemon.stderr


def test_log_on_a_full_disk_does_not_matter(fork, write_scenario, evaluate, tmp_path) -> None:
    (tmp_path / "full.log").symlink_to("/dev/full")
    write_scenario(log_file="full.log", verbose_logging=True)
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.converse(evaluate)
        assert daemon.wait() == 0
        assert daemon.stderr == ""


def test_run_in_use_has_status_4_and_names_its_holder(
    spawn, run, write_scenario, tmp_path
) -> None:
    holder = spawn(str(write_scenario()))
    holder.request()
    before = sorted(os.listdir(tmp_path))
    for arguments in ([], ["--resume"]):
        done = run("app.json", *arguments)
        assert (done.returncode, done.stdout) == (4, "")
        assert str(holder.child.pid) in done.stderr
    assert sorted(os.listdir(tmp_path)) == before


def test_bad_scenario_has_status_2_and_creates_nothing(run, write_scenario, tmp_path) -> None:
    parameters = {"x": {"parameter_type": "reel", "values": [0, 1]}}
    scenario = write_scenario(input_parameters=parameters, optimisation_iterations=3)
    done = run(str(scenario))
    assert (done.returncode, done.stdout) == (2, "")
    assert "2 errors" in done.stderr
    assert '"real"' in done.stderr
    assert "optimization_iterations" in done.stderr
    assert os.listdir(tmp_path) == ["app.json"]


def test_directories_of_its_files_are_created(fork, write_scenario, evaluate, tmp_path) -> None:
    write_scenario(
        run_directory="run/here",
        output_data_file="data/samples.csv",
        output_pareto_file="fronts/front.csv",
        log_file="logs/app.log",
        optimization_objectives=["Value", "Cost"],
    )
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.converse(evaluate)
        assert daemon.wait() == 0
    made = {str(p.relative_to(tmp_path / "run")) for p in tmp_path.rglob("run/here/*/*")}
    assert made == {
        "here/data/samples.csv",
        "here/data/samples.journal",
        "here/fronts/front.csv",
        "here/logs/app.log",
    }


# ---- what it says


def test_stdout_carries_nothing_but_the_protocol(
    spawn, write_scenario, evaluate, tmp_path
) -> None:
    # A sitecustomize prints at once, as libraries do; so does a child of it.
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, os, sys\n"
        "atexit.register(lambda: (print('bye'), os.system('echo child')))\n"
    )
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    command = ["/usr/bin/env", f"PYTHONPATH={path}", sys.executable, "-m", "hmserve"]
    daemon = spawn(str(write_scenario(optimization_iterations=1)), "--verbose", command=command)
    requests = daemon.converse(evaluate)
    daemon.rest()
    assert daemon.wait() == 0
    expected = "".join(
        f"Request {len(rows)}\nx,n\n" + "".join(f"{','.join(row.values())}\n" for row in rows)
        for rows in requests
    )
    assert daemon.heard.decode() == expected + "End of HyperMapper\n"
    assert {"bye", "child"} <= set(daemon.stderr.split())


@pytest.mark.parametrize("arguments", [[], ["--verbose"]])
def test_stderr_stays_short(arguments, fork, write_scenario, tmp_path) -> None:
    samples = {"number_of_samples": 3000}
    write_scenario(design_of_experiment=samples, verbose_logging=True)
    with fork("app.json", *arguments, directory=tmp_path) as daemon:
        rows = daemon.request()
        daemon.say("x,n,Value\n")
        for row in rows:
            daemon.say(f"{row['x']},{row['n']},nan\n")
        assert daemon.rest() == "End of HyperMapper\n"
        assert daemon.wait() == 0
    assert len(daemon.stderr.encode()) < 2**15


# ---- again, and on


def test_second_run_keeps_the_journal_of_the_first(
    fork, write_scenario, evaluate, tmp_path
) -> None:
    write_scenario()
    journal = tmp_path / "app_output_samples.journal"
    kept = []
    for _ in range(3):
        with fork("app.json", directory=tmp_path) as daemon:
            daemon.converse(evaluate)
            assert daemon.wait() == 0
        kept.append(journal.read_bytes())
    assert Path(f"{journal}.1").read_bytes() == kept[0]
    assert Path(f"{journal}.2").read_bytes() == kept[1]
    assert len((tmp_path / "app_output_samples.csv").read_text().splitlines()) == 4


def test_resume_of_a_finished_run_ends_at_once(
    fork, write_scenario, evaluate, tmp_path
) -> None:
    write_scenario(print_best=True)
    endings = []
    for arguments in ([], ["--resume"], ["--resume"]):
        with fork("app.json", *arguments, directory=tmp_path) as daemon:
            daemon.converse(evaluate)
            ending = daemon.heard.decode() + daemon.rest()
            endings.append(ending[ending.index("Best point") :])
            assert daemon.wait() == 0
    assert len(set(endings)) == 1
    assert len((tmp_path / "app_output_samples.csv").read_text().splitlines()) == 4


def test_resume_makes_the_samples_file_anew(fork, write_scenario, evaluate, tmp_path) -> None:
    write_scenario()
    samples = tmp_path / "app_output_samples.csv"
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.converse(evaluate)
        assert daemon.wait() == 0
    written = samples.read_bytes()
    for spoilt in (b"", b"x,n,Value\r\n1,2", None):
        samples.unlink() if spoilt is None else samples.write_bytes(spoilt)
        with fork("app.json", "--resume", directory=tmp_path) as daemon:
            assert daemon.wait() == 0
        assert samples.read_bytes() == written


def test_resume_without_a_run_begins_one(fork, write_scenario, evaluate, tmp_path) -> None:
    write_scenario()
    with fork("app.json", "--resume", directory=tmp_path) as daemon:
        assert list(map(len, daemon.converse(evaluate))) == [3]
        assert daemon.wait() == 0


def test_resume_with_a_larger_budget_goes_on(fork, write_scenario, evaluate, tmp_path) -> None:
    trials = []
    for iterations in (1, 3):
        write_scenario(optimization_iterations=iterations)
        with fork("app.json", "--resume", directory=tmp_path) as daemon:
            trials += daemon.converse(evaluate)
            assert daemon.wait() == 0
    assert list(map(len, trials)) == [3, 1, 1, 1]
    at_once = tmp_path / "at once"
    at_once.mkdir()
    write_scenario(at_once, optimization_iterations=3)
    with fork("app.json", directory=at_once) as daemon:
        assert daemon.converse(evaluate) == trials


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"input_parameters": {"x": {"parameter_type": "real", "values": [0, 2]}}}, "values"),
        ({"optimization_objectives": ["Cost"]}, "optimization_objectives"),
        ({"seed": 8}, "seed"),
        ({"models": {"model": "random_forest"}}, "models.model"),
    ],
)
def test_resume_with_another_search_is_refused_naming_the_key(
    changes, key, fork, run, write_scenario, evaluate, tmp_path
) -> None:
    parameters = {"x": {"parameter_type": "real", "values": [0, 1]}}
    write_scenario(input_parameters=parameters)
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.converse(evaluate)
        assert daemon.wait() == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_scenario(**{"input_parameters": parameters, **changes})
    done = run("app.json", "--resume")
    assert (done.returncode, done.stdout) == (2, "")
    assert key in done.stderr
    changed = {
        path.name for path in tmp_path.iterdir() if before.get(path.name) != path.read_bytes()
    }
    assert changed == {"app.json"}


def test_resume_optimization_begins_with_the_results_of_a_table(
    fork, write_scenario, evaluate, tmp_path
) -> None:
    (tmp_path / "old.csv").write_text("n,Value,x,Note\n5,2.5,0.5,good\n6,nan,0.25,bad\n")
    write_scenario(
        resume_optimization=True,
        resume_optimization_data="old.csv",
        design_of_experiment={"number_of_samples": 5},
        optimization_iterations=1,
    )
    with fork("app.json", directory=tmp_path) as daemon:
        assert list(map(len, daemon.converse(evaluate))) == [3, 1]
        assert daemon.wait() == 0
    samples = (tmp_path / "app_output_samples.csv").read_text().splitlines()
    assert [line.rpartition(",")[0] for line in samples[:3]] == [
        "x,n,Value",
        "0.5,5,2.5",
        "0.25,6,",
    ]
    assert len(samples) == 7
