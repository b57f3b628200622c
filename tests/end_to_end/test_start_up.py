"""Nothing heavy stands between the command and its first request."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

HEAVY = {"numpy", "scipy", "sklearn", "jsonschema"}

# Serves like the command; tells on SIGUSR1, and at the end, which libraries are loaded.
TELLING = textwrap.dedent("""
    import atexit, signal, sys
    def tell(*_):
        loaded = sorted({name.partition(".")[0] for name in sys.modules})
        print("loaded:", *loaded, file=sys.stderr, flush=True)
    atexit.register(tell)
    signal.signal(signal.SIGUSR1, tell)
    from hmserve.cli import main
    sys.exit(main(sys.argv[1:]))
""")

TWO_OBJECTIVES = {
    "optimization_objectives": ["Value", "Cost"],
    "feasible_output": {"enable_feasible_predictor": True},
}
KINDS = {
    "r": {"parameter_type": "real", "values": [-5, 10]},
    "i": {"parameter_type": "integer", "values": [0, 9]},
    "o": {"parameter_type": "ordinal", "values": [1, 2, 4, 8]},
    "c": {"parameter_type": "categorical", "values": ["a", "b"], "parameter_default": "b"},
}
FIDELITY = {"name": "epochs", "min": 1, "max": 81, "resumable": True, "stopping": "asha"}
LATIN = {"doe_type": "standard latin hypercube", "number_of_samples": 10}


def loaded(daemon) -> set[str]:
    """Return the libraries that the last report of `daemon` lists."""
    reports = [line for line in daemon.stderr.splitlines() if line.startswith("loaded:")]
    return set(reports[-1].split()[1:])


def tell(daemon) -> set[str]:
    """Return the libraries that `daemon` has loaded while it waits for a reply."""
    daemon.kill(signal.SIGUSR1)
    # Wait for the whole line: it may come in parts.
    while "\n" not in daemon.stderr.partition("loaded:")[2]:
        assert daemon.child.process.poll() is None
    return loaded(daemon)


@pytest.fixture
def serve(spawn, write_scenario):
    def start(**changes):
        scenario = write_scenario(**changes)
        return spawn(str(scenario), command=[sys.executable, "-c", TELLING])

    return start


@pytest.mark.parametrize(
    "changes",
    [
        {},
        TWO_OBJECTIVES,
        {"input_parameters": KINDS, "design_of_experiment": LATIN},
        {"models": {"model": "random_forest"}, "optimization_iterations": 10},
        {"design_of_experiment": {"doe_type": "k latin hypercube", "number_of_samples": 9}},
        {"fidelity": FIDELITY},
    ],
    ids=[
        *("one objective", "two objectives", "latin hypercube", "forest"),
        *("k latin hypercube", "fidelity"),
    ],
)
def test_nothing_heavy_is_loaded_before_the_first_request(changes, serve) -> None:
    daemon = serve(**changes)
    assert daemon.request()
    libraries = tell(daemon)
    assert "hmserve" in libraries
    assert not libraries & HEAVY


@pytest.mark.parametrize(
    "changes",
    [{}, TWO_OBJECTIVES, {"fidelity": FIDELITY}],
    ids=["one objective", "two", "fidelity"],
)
@pytest.mark.parametrize("message", ["Ask 2", "Status", "Best", "Stop", "Drop 0\ntrial"])
def test_nothing_heavy_is_loaded_before_the_first_answer(message, changes, serve) -> None:
    daemon = serve(protocol="ask-tell", **changes)
    daemon.say(f"{message}\n")
    assert daemon.line()
    assert not tell(daemon) & HEAVY


def test_nothing_heavy_is_loaded_by_a_run_without_proposals(serve, evaluate) -> None:
    daemon = serve(print_best=True)
    daemon.converse(evaluate)
    assert daemon.rest().endswith("End of HyperMapper\n")
    assert daemon.wait() == 0
    assert not loaded(daemon) & HEAVY


def test_resume_loads_nothing_heavy_before_its_first_request(
    serve, spawn, write_scenario
) -> None:
    daemon = serve(optimization_iterations=2)
    daemon.say("x,n,Value\n")
    assert daemon.request()
    daemon.kill()
    daemon.wait()
    command = [sys.executable, "-c", TELLING, "--resume"]
    resumed = spawn(str(write_scenario(optimization_iterations=2)), command=command)
    assert resumed.request()
    assert not tell(resumed) & HEAVY


@pytest.mark.parametrize(
    ("model", "expected"),
    [("gaussian_process", set()), ("random_forest", {"sklearn"})],
)
def test_only_forests_load_scikit_learn(model, expected, serve, evaluate) -> None:
    daemon = serve(models={"model": model}, optimization_iterations=2)
    assert len(daemon.converse(evaluate)) == 3
    assert daemon.wait() == 0
    libraries = loaded(daemon)
    assert "numpy" in libraries
    assert libraries & {"sklearn"} == expected
    assert "jsonschema" not in libraries


def cpu_seconds(arguments: Sequence[str], cwd: Path) -> float:
    """Return the processor time of Python until it has said a line, or ended."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        # Not process.kill(), which may fetch the status, and with it the times.
        os.kill(process.pid, signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert line.startswith(b"Request") or "pass" in arguments
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize(
    "changes", [{}, TWO_OBJECTIVES | {"input_parameters": KINDS}], ids=["plain", "all kinds"]
)
def test_first_request_costs_little_more_than_python_itself(
    changes, write_scenario, tmp_path
) -> None:
    serve = ["-m", "hmserve", str(write_scenario(**changes))]
    # The first run may write bytecode.
    ours = min(cpu_seconds(serve, tmp_path) for _ in range(6))
    python = min(cpu_seconds(["-c", "pass"], tmp_path) for _ in range(6))
    assert ours < 10 * python


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_run_of_a_hundred_evaluations_stays_small(serve, evaluate) -> None:
    daemon = serve(
        input_parameters=KINDS,
        design_of_experiment={"doe_type": "random sampling", "number_of_samples": 60},
        optimization_iterations=8,
        evaluations_per_optimization_iteration=5,
    )
    status = Path(f"/proc/{daemon.child.pid}/status")
    kilobytes = []

    def evaluate_and_look(row):
        kilobytes.append(int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]))
        return evaluate(row)

    daemon.converse(evaluate_and_look)
    assert daemon.wait() == 0
    assert len(kilobytes) == 100
    assert kilobytes[0] < 30_000
    assert kilobytes[-1] < 150_000
