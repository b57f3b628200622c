"""The verbs of the command line, and what they end with."""

import json
import os
from collections.abc import Iterator

import pytest

from hmserve.version import __version__


@pytest.fixture
def finished(write_scenario, fork, tmp_path, evaluate):
    """Return a function that runs a scenario to its end and returns the scenario's path."""

    def complete(**changes):
        path = write_scenario(run_directory=str(tmp_path), **changes)
        with fork(str(path), directory=tmp_path) as daemon:
            daemon.converse(evaluate)
            assert daemon.wait() == 0
        return path

    return complete


def is_refused(done, *words: str) -> None:
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_no_arguments_at_all_is_refused_with_an_example(run, tmp_path) -> None:
    is_refused(run(), "hmserve --config app.json", "--help")
    assert os.listdir(tmp_path) == []


def test_two_scenarios_are_refused(run) -> None:
    is_refused(run("a.json", "--config", "b.json"), "one scenario")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--unknown", "app.json"],
        ["app.json", "extra"],
        ["--config"],
        ["check"],
        ["best"],
        ["pareto", "a", "b"],
        ["quickstart", "x"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_refused_with_the_usage(arguments, run) -> None:
    is_refused(run(*arguments), "usage: hmserve")


def test_help_teaches_every_verb(run) -> None:
    done = run("--help")
    assert done.returncode == 0
    for text in ("check", "best", "pareto", "quickstart", "--resume", "exit status", "Request"):
        assert text in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("verb", ["serve", "check", "best", "pareto", "quickstart"])
def test_every_verb_has_a_help_of_its_own(verb, run) -> None:
    done = run(verb, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: hmserve {verb}".removesuffix(" serve"))


def test_version_is_told(run) -> None:
    assert run("--version").stdout == f"hmserve {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["app.json"], ["--config", "app.json"], ["serve", "app.json"]]
)
def test_all_ways_to_name_a_scenario_serve_it(arguments, run, write_scenario) -> None:
    write_scenario()
    done = run(*arguments)
    assert done.returncode == 0
    assert done.stdout.startswith("Request 3\nx,n\n")


def test_check_describes_the_space_and_creates_nothing(run, write_scenario, tmp_path) -> None:
    parameters = {
        "n": {"parameter_type": "integer", "values": [0, 9]},
        "c": {"parameter_type": "categorical", "values": ["slow", "fast"]},
    }
    done = run("check", str(write_scenario(input_parameters=parameters)))
    assert (done.returncode, done.stderr) == (0, "")
    for text in ("20", "integer", "0, 1", "categorical", "slow, fast", "Value", "valid"):
        assert text in done.stdout
    assert os.listdir(tmp_path) == ["app.json"]


def test_check_lists_every_error(run, write_scenario) -> None:
    parameters = {"x": {"parameter_type": "real", "values": [0]}, "y": {}}
    done = run("check", str(write_scenario(input_parameters=parameters, seeds=3)))
    is_refused(done, "4 errors", "$.input_parameters.x", "$.input_parameters.y", '"seed"')


def test_best_prints_the_best_point_of_a_run(run, finished, tmp_path) -> None:
    scenario = finished()
    with (tmp_path / "app_output_samples.csv").open() as lines:
        rows = [line.split(",")[:3] for line in lines][1:]
    best = min((row for row in rows if row[2]), key=lambda row: float(row[2]))
    for path in (str(scenario), str(tmp_path / "app_output_samples.journal")):
        done = run("best", path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"x,n,Value\n{','.join(best)}\n"


def test_best_of_several_objectives_points_to_pareto(run, finished) -> None:
    scenario = finished(optimization_objectives=["Value", "Cost"])
    is_refused(run("best", str(scenario)), "hmserve pareto")


def test_pareto_prints_the_front_and_writes_its_file(run, finished, tmp_path) -> None:
    scenario = finished(
        optimization_objectives=["Value", "Cost"],
        design_of_experiment={"number_of_samples": 20},
    )
    file = tmp_path / "app_output_pareto.csv"
    written = file.read_bytes()
    file.unlink()
    done = run("pareto", str(scenario))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.encode() == written.replace(b"\r\n", b"\n")
    assert file.read_bytes() == written


@pytest.mark.parametrize("verb", ["best", "pareto"])
def test_runs_that_are_not_there_are_refused(verb, run, write_scenario, tmp_path) -> None:
    is_refused(run(verb, "nothing.json"), "nothing.json")
    is_refused(run(verb, "nothing.journal"), "nothing.journal")
    is_refused(run(verb, str(write_scenario())), "app_output_samples.journal")
    assert os.listdir(tmp_path) == ["app.json"]


def test_run_without_a_feasible_result_has_no_best(run, fork, write_scenario, tmp_path) -> None:
    write_scenario(print_best=True)
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.converse(lambda _: {"Value": "nan"})
        assert daemon.heard.endswith(b"End of HyperMapper\n")
        assert daemon.wait() == 0
    assert run("best", "app.json").stdout == "x,n,Value\n"


def test_damaged_journal_is_refused_with_its_line(run, finished, tmp_path) -> None:
    scenario = finished()
    journal = tmp_path / "app_output_samples.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], lines[1].replace(b"1", b"2", 1), *lines[2:]]))
    for arguments in (["best", str(scenario)], ["--resume", str(scenario)]):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (4, "")
        assert "line 2" in done.stderr
        assert "Traceback" not in done.stderr


def test_exhaustive_mode_answers_itself(run, write_scenario, tmp_path) -> None:
    rows = [f"{n},{(n - 7) ** 2}" for n in range(20)]
    (tmp_path / "all.csv").write_text("\n".join(["n,Value", *rows]))
    write_scenario(
        hypermapper_mode={"mode": "exhaustive", "exhaustive_search_file": "all.csv"},
        input_parameters={"n": {"parameter_type": "integer", "values": [0, 19]}},
        optimization_iterations=40,
    )
    done = run("app.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Best point found:\nn,Value\n7,0.0\n\nEnd of HyperMapper\n"


@pytest.fixture
def broken() -> Iterator[int]:
    """The end of a pipe that nobody reads."""
    source, sink = os.pipe()
    os.close(source)
    yield sink
    os.close(sink)


@pytest.fixture
def full() -> Iterator[int]:
    """A file on a disk that is full."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("arguments", [["--help"], ["check"], ["best"], ["pareto"]])
def test_reader_that_has_seen_enough_is_no_error(arguments, run, finished, broken) -> None:
    scenario = finished()
    done = run(*arguments, str(scenario), stdout=broken)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("verb", ["check", "best", "pareto"])
def test_standard_output_on_a_full_disk_has_status_4(verb, run, finished, full) -> None:
    done = run(verb, str(finished()), stdout=full)
    assert done.returncode == 4
    assert done.stderr.startswith("hmserve: cannot write to standard output: No space left")


@pytest.mark.parametrize("sink", ["broken", "full"])
def test_status_does_not_depend_on_standard_error(sink, run, finished, request) -> None:
    stderr = request.getfixturevalue(sink)
    scenario = str(finished())
    assert run(scenario, "--resume", "--verbose", stderr=stderr).returncode == 0
    assert run(scenario, stderr=stderr).returncode == 0
    assert run("nothing.json", stderr=stderr).returncode == 2
    assert run("--unknown", stderr=stderr).returncode == 2
    assert run(scenario, stderr=stderr, input="junk\n").returncode == 3


def test_progress_is_one_line_where_nobody_watches(
    fork, write_scenario, evaluate, tmp_path
) -> None:
    write_scenario()
    with fork("app.json", "--verbose", directory=tmp_path) as daemon:
        daemon.converse(evaluate)
        assert daemon.wait() == 0
        (line,) = daemon.stderr.splitlines()
    assert line.startswith("3/3 evaluations")
    assert "best Value" in line


def test_log_tells_the_whole_scenario(finished, tmp_path) -> None:
    scenario = finished()
    log = (tmp_path / "hypermapper_logfile.log").read_text().splitlines()
    written = next(json.loads(line) for line in log if line.startswith("{"))
    for key in ("application_name", "seed", "run_directory", "optimization_iterations"):
        assert written[key] == json.loads(scenario.read_text())[key]
    assert written["time_budget"] == -1
