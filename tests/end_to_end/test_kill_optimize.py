"""Python programs killed at work, and started again with ``resume=True``."""

import itertools
import json
import signal
from pathlib import Path

import pytest

# Dies in its k-th call of the function.
SCRIPT = """
import os, signal, sys
import hmserve

calls = int(sys.argv[1])

def cost(x, n):
    return (x - 0.3) ** 2 + abs(n - 40) if n % 7 else None

def function(configuration):
    global calls
    calls -= 1
    if calls == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    x, n = configuration["x"], configuration["n"]
    return list(map(cost, x, n)) if isinstance(x, list) else cost(x, n)

result = hmserve.optimize("app.json", function, resume=True, progress=False)
print(result.best, flush=True)
"""

# Says what it has told.
LOOP = """
import hmserve

with hmserve.AskTell("app.json", resume=True) as run:
    while not run.finished:
        for trial in run.pending or run.ask(2):
            run.tell(trial, trial.configuration["n"])
            print(trial.id, flush=True)
"""


def results(directory: Path) -> tuple[list[str], list[object]]:
    """Return the samples without their times, and all trials that were asked."""
    samples = (directory / "app_output_samples.csv").read_text().splitlines()
    journal = (directory / "app_output_samples.journal").read_text().splitlines()
    asks = [r for r in map(json.loads, journal) if r["type"] == "ask"]
    trials = [trial for ask in asks for trial in ask["trials"]]
    return [line.rpartition(",")[0] for line in samples], trials


@pytest.mark.parametrize("batch", [1, 2])
def test_optimize_killed_inside_the_function_goes_on(
    batch, fork, write_scenario, tmp_path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    changes = {
        "hypermapper_mode": {"mode": "default"},
        "optimization_iterations": 3,
        "evaluations_per_optimization_iteration": batch,
    }

    def attempt(directory: Path, calls: int) -> str:
        with fork("script.py", str(calls), directory=directory, script=script) as process:
            said = process.rest()
            assert process.wait() == (0 if said else -signal.SIGKILL), process.stderr
        return str(said)

    peaceful, killed = tmp_path / "peaceful", tmp_path / "killed"
    for directory in (peaceful, killed):
        directory.mkdir()
        write_scenario(directory, **changes)
    best = attempt(peaceful, -1)
    attempts = 1
    while not (said := attempt(killed, 1 + attempts % 3)):
        attempts += 1
    assert attempts > 3
    assert (said, results(killed)) == (best, results(peaceful))


@pytest.mark.parametrize("power", [False, True], ids=["process dies", "power fails"])
def test_ask_and_tell_survive_death_at_any_call(power, fork, write_scenario, tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(LOOP)
    expected = None
    for point in itertools.chain([None], itertools.count(1)):
        directory = tmp_path / str(point)
        directory.mkdir()
        write_scenario(directory)
        options = {"directory": directory, "script": script}
        with fork("script.py", at=point, power=power, **options) as process:
            told = process.rest().split()
            died = process.wait() != 0
        with fork("script.py", **options) as process:
            told_again = process.rest().split()
            assert process.wait() == 0, process.stderr
        assert not set(told) & set(told_again), f"point {point}"
        expected = expected or results(directory)
        assert results(directory) == expected, f"point {point}"
        if point and not died:
            break
    assert point > 20
