"""What `hmserve run` tells of failures, and of files that were there before."""

from pathlib import Path

import pytest

BUDGET = {"optimization_method": "random_search", "optimization_iterations": 2}


@pytest.fixture
def app(write_scenario):
    def write(command: str, **changes) -> str:
        evaluator = {"command": ["sh", "-c", command], "kind": "once"}
        return str(write_scenario(evaluator=evaluator, **BUDGET, **changes))

    return write


def test_the_first_failure_is_told_and_the_others_are_in_the_log(app, run, tmp_path) -> None:
    broken = "echo no cable >&2; test {n} -gt 50 && echo 1"
    done = run("run", app(broken, design_of_experiment={"number_of_samples": 20}))
    log = (tmp_path / "hypermapper_logfile.log").read_text()
    assert done.returncode == 0
    assert log.count("no cable") > done.stderr.count("no cable") == 1
    assert "exit status 1" in done.stderr
    assert str(tmp_path / "hypermapper_logfile.log") in done.stderr


@pytest.mark.parametrize("command", ["exit 3", "echo nan", "echo hello"])
def test_a_run_in_which_nothing_was_measured_has_failed(app, run, command) -> None:
    done = run("run", app(command))
    assert done.returncode == 5
    assert "none of 5 evaluations gave a result" in done.stderr
    assert "hypermapper_logfile.log" in done.stderr
    assert done.stdout == "x,n,Value\n"


def test_a_run_that_found_nothing_feasible_says_so(app, run) -> None:
    done = run("run", app("echo 3,7", output_constraints={"heat": [None, 5]}))
    assert done.returncode == 0
    assert done.stderr == (
        "hmserve: none of 5 evaluations was feasible, so there is no best point\n"
    )


def test_a_run_that_begins_anew_says_where_the_earlier_one_is(app, run, tmp_path) -> None:
    scenario = app("echo {n}")
    assert run("run", scenario).stderr == ""
    first = (tmp_path / "app_output_samples.csv").read_text()
    again = run("run", scenario)
    kept = tmp_path / "app_output_samples.journal.1"
    assert (again.returncode, str(kept) in again.stderr) == (0, True)
    assert "--resume" in again.stderr
    best = min(float(line.split(",")[2]) for line in first.splitlines()[1:])
    assert run("best", str(kept)).stdout.strip().endswith(f",{best}")


def test_samples_without_a_journal_are_kept(app, run, tmp_path) -> None:
    scenario = app("echo {n}")
    samples = tmp_path / "app_output_samples.csv"
    samples.write_text("precious\n")
    done = run("run", scenario, "--resume")
    assert done.returncode == 0
    assert "begins anew" in done.stderr
    assert f"{samples}.1" in done.stderr
    assert Path(f"{samples}.1").read_text() == "precious\n"
    # With a journal nothing is lost: no more copies.
    for arguments in (["--resume"], []):
        assert run("run", scenario, *arguments).returncode == 0
    assert not Path(f"{samples}.2").exists()


def test_check_refuses_what_run_would_refuse(app, run) -> None:
    scenario = app("echo {m}")
    for verb in ("check", "run"):
        done = run(verb, scenario)
        assert (done.returncode, done.stdout) == (2, "")
        assert "no parameter is called 'm'" in done.stderr


def test_a_run_that_ends_for_want_of_configurations_says_so(app, run) -> None:
    few = {"n": {"parameter_type": "integer", "values": [1, 4]}}
    done = run("run", app("echo {n}", input_parameters=few))
    assert (done.returncode, done.stdout) == (0, "n,Value\n1,1.0\n")
    assert done.stderr == "hmserve: the space has no more than these 4 configurations\n"


@pytest.mark.parametrize("name", ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE"])
def test_who_starts_ranks_without_saying_so_hears_of_it(app, run, monkeypatch, name) -> None:
    monkeypatch.setenv(name, "4")
    done = run("run", app("echo {n}"))
    assert done.returncode == 0
    assert "one of 4 ranks" in done.stderr
    assert "--mpi" in done.stderr
