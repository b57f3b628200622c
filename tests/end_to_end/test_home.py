"""A directory as HYPERMAPPER_HOME, used as programs use it: by other Pythons and shells."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HMSERVE = [sys.executable, "-m", "hmserve"]


@pytest.fixture
def home(tmp_path, run):
    directory = tmp_path / "a home"
    done = run("hypermapper-home", str(directory))
    assert (done.returncode, done.stderr) == (0, "")
    return directory


@pytest.fixture
def other_python():
    """A Python that has no hmserve."""
    found = shutil.which("python3", path="/usr/bin:/usr/local/bin:/bin")
    if found is None:
        assert not os.environ.get("CI"), "CI has to have a python3 of the system"
        pytest.skip("no python3 of the system")
    return found


def test_it_says_what_to_export(tmp_path, run):
    done = run("hypermapper-home", "it's")
    shell = 'eval "$1"; printf \'%s\\n\' "$HYPERMAPPER_HOME" "$PYTHONPATH" "$PATH"'
    said = subprocess.run(
        ["sh", "-c", shell, "sh", done.stdout], capture_output=True, text=True, check=True
    )
    home, pythonpath, path = said.stdout.splitlines()
    assert home == pythonpath == str(tmp_path / "it's")
    assert path.startswith(f"{home}/bin:")


@pytest.mark.parametrize(
    "script", ["scripts/hypermapper.py", "hypermapper/optimizer.py", "bin/hypermapper"]
)
def test_a_client_that_launches_through_it_runs_to_the_end(
    script, home, other_python, spawn, write_scenario, evaluate, tmp_path
):
    write_scenario(optimization_iterations=0, print_best=True)
    # Modules in the current directory are none of ours.
    (tmp_path / "random.py").write_text("raise SystemExit('not this one')\n")
    daemon = spawn("app.json", command=[other_python, str(home / script)])
    assert len(daemon.converse(evaluate)) == 1
    daemon.rest()
    assert daemon.heard.endswith(b"\n\nEnd of HyperMapper\n")
    assert daemon.wait() == 0
    assert daemon.stderr == ""
    assert (tmp_path / "app_output_samples.csv").exists()


def test_a_signal_reaches_hmserve(home, other_python, spawn, write_scenario):
    write_scenario()
    daemon = spawn("app.json", command=[other_python, str(home / "scripts/hypermapper.py")])
    assert daemon.request()
    daemon.kill(signal.SIGTERM)
    assert daemon.wait() == 128 + signal.SIGTERM
    assert "terminated" in daemon.stderr


def test_its_programs_are_links_and_commands_too(home, run, write_scenario, tmp_path):
    link = tmp_path / "hypermapper"
    link.symlink_to(home / "bin/hypermapper")
    done = run(str(write_scenario()), command=[str(link)])
    assert done.stdout.startswith("Request 3\nx,n\n")
    for name in ("compute-pareto", "plot-pareto", "plot-hvi", "plot-optimization-results"):
        said = run("--help", command=[str(home / "bin" / f"hm-{name}")]).stdout
        assert said.startswith(f"usage: hmserve {name} ")
    assert run("--help", command=[str(home / "bin/hm-quickstart")]).returncode == 0


def test_the_scripts_of_old_do_the_tools_work(
    home, other_python, run, write_scenario, tmp_path
):
    write_scenario()
    (tmp_path / "app_output_samples.csv").write_text("x,n,Value\n0.5,1,3\n0.25,2,1\n")
    done = run("app.json", command=[other_python, str(home / "scripts/compute_pareto.py")])
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "app_output_pareto.csv").read_text() == "x,n,Value\n0.25,2,1\n"


def test_scenarios_beside_the_scripts_are_found(home, other_python, write_scenario, tmp_path):
    (home / "examples").mkdir()
    write_scenario(directory=home / "examples")
    done = subprocess.run(
        [other_python, str(home / "scripts/hypermapper.py"), "examples/app.json"],
        env=os.environ | {"HYPERMAPPER_HOME": str(home)},
        cwd=tmp_path,
        input="",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Request 3\n")
    # The run directory "." is where the program was started.
    assert (tmp_path / "app_output_samples.csv").exists()


def test_programs_that_import_hypermapper_run_unchanged(home, tmp_path):
    document = {
        "application_name": "app",
        "optimization_objectives": ["Value"],
        "optimization_iterations": 0,
        "input_parameters": {"x": {"parameter_type": "integer", "values": [0, 9]}},
    }
    (tmp_path / "app.json").write_text(json.dumps(document))
    (tmp_path / "program.py").write_text(
        "import hypermapper\n"
        "from hypermapper import optimizer, compute_pareto, plot_pareto\n"
        "from hypermapper.plot_hvi import HVI_from_files\n"
        "from hypermapper.plot_optimization_results import plot_regret\n"
        "from hypermapper.utility_functions import validate_json\n"
        "from hypermapper.run import optimize\n"
        "assert hypermapper.optimize is optimize is optimizer.optimize\n"
        "assert validate_json('app.json')['timestamp'] == 'Timestamp'\n"
        "optimizer.optimize('app.json', lambda point: point['x'] ** 2)\n"
        "compute_pareto.compute('app.json', None, None)\n"
    )
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("Best point found:\nx,Value\n0,0.0\n\nEnd of HyperMapper\n")
    assert Path(tmp_path / "app_output_pareto.csv").read_text() != ""


def test_writing_again_replaces_its_own_files_and_no_others(home, run):
    script = home / "scripts/hypermapper.py"
    written = script.read_text()
    script.write_text(written + "# older\n")
    (home / "scripts/mine.py").write_text("mine")
    assert run("hypermapper-home", str(home)).returncode == 0
    assert script.read_text() == written
    assert os.access(script, os.X_OK)
    assert (home / "scripts/mine.py").read_text() == "mine"


def test_files_of_others_are_not_overwritten(run, tmp_path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/hypermapper.py").write_text("import sys\n")
    done = run("hypermapper-home", ".")
    assert (done.returncode, done.stdout) == (2, "")
    assert "./scripts/hypermapper.py: in the way" in done.stderr
    assert os.listdir(tmp_path) == ["scripts"]
    assert os.listdir(tmp_path / "scripts") == ["hypermapper.py"]


def test_an_interpreter_that_is_gone_is_told(home, run, other_python):
    script = home / "scripts/hypermapper.py"
    script.write_text(script.read_text().replace(repr(sys.executable), "'/gone/python'"))
    done = run("app.json", command=[other_python, str(script)])
    assert done.returncode == 1
    assert "/gone/python is gone" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_directory_that_cannot_be_made_has_status_4(run, tmp_path):
    (tmp_path / "file").write_text("")
    done = run("hypermapper-home", "file/home")
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
