"""examples/multifidelity as a user runs it, and what its programs do with checkpoints."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
HMSERVE = [sys.executable, "-m", "hmserve"]
PLATE = [0.2, 0.65, 0.8, 0.7, 0.75, 0.2, 0.3, 0.4]
NAMES = "x1,x2,x3,y1,y2,y3,share1,share2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy, so that nothing is written into the repository."""
    return Path(shutil.copytree(EXAMPLES / "multifidelity", tmp_path / "multifidelity"))


@pytest.fixture
def module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return what imports a program of the copy, whose directory is the current one."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    known = set(sys.modules)

    def load(name: str) -> ModuleType:
        return __import__(name)

    yield load
    for name in {"digits", "vectors", "compare"} - known:
        sys.modules.pop(name, None)


@pytest.fixture
def heat(folder: Path) -> Path:
    if shutil.which("cc") is None or shutil.which("make") is None:
        assert not os.environ.get("CI"), "CI has to have cc and make"
        pytest.skip("no cc or make")
    flags = "CFLAGS=-O2 -std=c99 -Wall -Wextra -Wpedantic -Werror"
    succeed(["make", "heat", flags], folder)
    return folder


def succeed(command: list[str], directory: Path, asked: str = "") -> str:
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"},
        input=asked,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def samples(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def solved(directory: Path, mesh: int, columns: str = "") -> tuple[float, str]:
    """Return what the client says of a plate, and all it says."""
    header = f"{NAMES},mesh" + (",trial,previous" if columns else "")
    row = ",".join(map(str, [*PLATE, mesh])) + columns
    asked = f"Request 1\n{header}\n{row}\nEnd of HyperMapper\n"
    said = succeed(["./heat"], directory, asked)
    first, second = said.splitlines()
    assert first == f"{header},peak"
    assert second.startswith(f"{row},")
    return float(second.rpartition(",")[2]), said


def test_a_finer_mesh_begins_with_the_solution_of_a_coarser_one(heat: Path) -> None:
    coarse, _ = solved(heat, 12, ",5,0")
    kept = heat / "checkpoints" / "5"
    size = kept.stat().st_size
    assert solved(heat, 36, ",5,12")[0] == pytest.approx(solved(heat, 36)[0], rel=1e-3)
    assert kept.stat().st_size > size
    assert coarse == pytest.approx(solved(heat, 36)[0], rel=0.2)
    assert [path.name for path in (heat / "checkpoints").iterdir()] == ["5"]


@pytest.mark.parametrize("damage", ["lost", "cut", "another", "rubbish"])
def test_a_checkpoint_that_is_no_good_is_done_without(heat: Path, damage: str) -> None:
    solved(heat, 12, ",5,0")
    kept = heat / "checkpoints" / "5"
    data = kept.read_bytes()
    found = {"cut": data[:100], "another": bytes([1]) + data[1:], "rubbish": b"\xff" * 500}
    kept.unlink()
    if damage in found:
        kept.write_bytes(found[damage])
    assert solved(heat, 36, ",5,12")[0] == solved(heat, 36)[0]


def test_the_client_says_when_the_conversation_breaks_off(heat: Path) -> None:
    done = subprocess.run(
        ["./heat"], cwd=heat, input=b"Request 2\n", capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"broke off" in done.stderr


def test_the_plate_is_cooled_through_a_pipe(heat: Path) -> None:
    path = heat / "heat.json"
    scenario = json.loads(path.read_text())
    scenario["fidelity"] |= {"max": 36, "min": 12, "num_iterations": 2}
    scenario["evaluator"]["workers"] = 1
    path.write_text(json.dumps(scenario))
    succeed(["make"], heat)
    rows = samples(heat / "results" / "heat_output_samples.csv")
    assert Counter(row["mesh"] for row in rows) == {"12": 6, "36": 2}
    finest = [row for row in rows if row["mesh"] == "36"]
    for row in finest:
        (earlier,) = (r for r in rows if r["trial"] == row["trial"] and r["mesh"] == "12")
        assert row["previous"] == "12"
        assert row["x1"] == earlier["x1"]
        at = [row[name] for name in NAMES.split(",")]
        said = succeed(
            ["./heat", "36"],
            heat,
            f"Request 1\n{NAMES}\n{','.join(at)}\nEnd of HyperMapper\n",
        )
        peak = float(said.splitlines()[1].rpartition(",")[2])
        assert float(row["peak"]) == pytest.approx(peak, rel=1e-3)
    succeed(["make", "clean"], heat)
    assert not (heat / "checkpoints").exists()


def some(**more: Any) -> dict[str, Any]:
    values = {"rate": 0.01, "neurons": 8, "layers": 1, "batch": 64, "decay": 1e-4}
    kind = {"solver": "adam", "beta": 0.9, "momentum": None, "activation": "relu"}
    return {**values, **kind, **more}


def test_a_network_that_goes_on_is_the_one_that_was_trained_at_once(module: Any) -> None:
    digits = module("digits")
    digits.train(some(trial=3, previous=0, epochs=1))
    resumed = digits.train(some(trial=3, previous=1, epochs=3))
    assert resumed == digits.train(some(trial=4, previous=0, epochs=3))
    # A crash came before the last result was acknowledged: nothing is trained again.
    assert digits.train(some(trial=3, previous=1, epochs=3)) == resumed


@pytest.mark.parametrize("damage", [None, b"", b"rubbish"])
def test_a_network_whose_file_is_lost_is_trained_anew(
    module: Any, damage: bytes | None
) -> None:
    digits = module("digits")
    digits.train(some(trial=3, previous=0, epochs=1))
    kept = digits.checkpoint({"trial": 3})
    kept.unlink()
    if damage is not None:
        kept.write_bytes(damage)
    anew = digits.train(some(trial=4, previous=0, epochs=2))
    assert digits.train(some(trial=3, previous=1, epochs=2)) == anew


@pytest.mark.parametrize("program", ["digits", "vectors"])
def test_the_scenarios_are_sound_and_their_functions_take_any_configuration(
    module: Any, program: str
) -> None:
    import hmserve

    example = module(program)
    scenario = {**example.SCENARIO, "max_evaluations": 3}
    result = hmserve.optimize(scenario, example.train, progress=False)
    assert len(result.rows) == 3
    assert all(row.evaluation.feasible for row in result.rows)


@pytest.mark.slow
@pytest.mark.parametrize("program", ["digits", "vectors"])
def test_the_programs_run_with_one_command_and_do_well(folder: Path, program: str) -> None:
    said = succeed([sys.executable, f"{program}.py"], folder)
    first, second = said.splitlines()
    assert " of them full: " in first
    name, value, _ = second.split(maxsplit=2)
    assert float(value) < {"loss": 0.4, "error": 0.02}[name]
    assert not (folder / "results" / "checkpoints").exists()


@pytest.mark.slow
def test_the_plate_is_cooler_than_plain_search_makes_it(heat: Path) -> None:
    said = succeed([sys.executable, "compare.py", "--seeds", "3", "heat"], heat)
    medians = {line[9:29].strip(): float(line[29:].split()[1]) for line in said.splitlines()}
    assert medians["cost"] < 14
    assert medians["cheap and full"] < 0.8 * medians["plain"]
    assert medians["cheap and full"] < 0.8 * medians["draws"]
