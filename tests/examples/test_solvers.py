"""examples/sat and circuit: what they generate and check, and what tuning gains."""

import importlib.util
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from toolchains import require

EXAMPLES = Path(__file__).parents[2] / "examples"
TOOLS = {"sat": "cadical", "circuit": "ngspice"}
HAND = "w1=20 l1=1 w3=15 l3=1 w5=20 w8=20 l5=1 w6=45 l6=0.5 w7=60 ib=20 cc=3 rz=1.5"


def load(name: str) -> Any:
    """Import a program of examples/sat, without its directory in the path."""
    found = importlib.util.spec_from_file_location(
        f"sat_{name}", EXAMPLES / "sat" / f"{name}.py"
    )
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


instances = load("instances")
evaluate = load("evaluate")


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    """Return what copies an example, so that nothing is written into the repository."""
    ignore = shutil.ignore_patterns("results", "__pycache__")
    return lambda name: Path(shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=ignore))


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], str]:
    """Return what writes a shell script, and returns its directory, which is for PATH."""
    directory = tmp_path / "bin"
    directory.mkdir()

    def written(name: str, text: str) -> str:
        (directory / name).write_text(f"#!/bin/sh\n{text}\n")
        (directory / name).chmod(0o755)
        return str(directory)

    return written


@pytest.fixture
def hmserve(hmserve_program: Path) -> str:
    """A PATH whose `hmserve` is this interpreter's."""
    return os.pathsep.join([str(hmserve_program.parent), os.environ["PATH"]])


def run(
    command: Sequence[str], folder: Path, path: str | None = None
) -> "subprocess.CompletedProcess[str]":
    sh = {"sh": shutil.which("sh") or "sh", "python3": sys.executable}
    return subprocess.run(
        [sh.get(command[0], command[0]), *command[1:]],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PATH": path or os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def shorten(scenario: Path, evaluations: int, workers: int) -> None:
    text = scenario.read_text()
    for key, value in {
        "max_evaluations": evaluations,
        "number_of_samples": evaluations // 2,
        "workers": workers,
    }.items():
        text, times = re.subn(rf'("{key}": )\d+', rf"\g<1>{value}", text)
        assert times == 1
    scenario.write_text(text)


def propagated(clauses: Iterable[Sequence[int]]) -> set[int]:
    """Return the literals that follow by unit clauses."""
    true: set[int] = set()
    waiting = list(clauses)
    while True:
        units = set()
        for clause in waiting:
            left = [literal for literal in clause if -literal not in true]
            if len(left) == 1 and left[0] not in true:
                units.add(left[0])
        if not units:
            return true
        true |= units


# ---- sat: the formulas


def test_the_same_seed_writes_the_same_formulas_and_another_one_others(tmp_path: Path) -> None:
    for directory, seed in (("a", 1), ("b", 1), ("c", 4)):
        (tmp_path / directory).mkdir()
        instances.write(tmp_path / directory, seed)
    first, again, other = (
        [path.read_text() for path in sorted((tmp_path / name).iterdir())] for name in "abc"
    )
    assert len(first) == 14
    assert first == again
    assert not set(first) & set(other)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_the_circuit_that_multiplies_multiplies(order: Sequence[int]) -> None:
    for a, b in itertools.product(range(8), repeat=2):
        formula = instances.Formula("")
        x, y = formula.new(3), formula.new(3)
        product = formula.times(x, y, order)
        formula.fix(x, a)
        formula.fix(y, b)
        true = propagated(formula.clauses)
        assert sum(2**i for i, bit in enumerate(product) if bit in true) == a * b
        assert all((bit in true) != (-bit in true) for bit in product)


@pytest.mark.parametrize("odd", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_parity_has_the_assignments_it_should_have(size: int, odd: bool) -> None:
    formula = instances.Formula("")
    formula.parity(formula.new(size), odd)
    for values in itertools.product([False, True], repeat=size):
        literals = {i if on else -i for i, on in enumerate(values, start=1)}
        allowed = all(literals & set(clause) for clause in formula.clauses)
        assert allowed == (sum(values) % 2 == odd)


def test_every_clause_is_over_variables_that_the_first_line_counts(tmp_path: Path) -> None:
    instances.write(tmp_path, 1)
    for path in tmp_path.iterdir():
        clauses = list(evaluate.clauses(path.read_text()))
        found = re.search(r"^p cnf (\d+) (\d+)$", path.read_text(), re.MULTILINE)
        assert found is not None, path
        assert len(clauses) == int(found[2])
        used = {abs(literal) for clause in clauses for literal in clause}
        assert 0 not in used
        assert max(used) <= int(found[1])


# ---- sat: what an answer is worth

SAID = """c --- [ statistics ] ---
c conflicts:                  1000    93273.42    per second
c   searchprops:            500000        98.65 %  of propagations
c total process time since initialization:         0.15    seconds
"""


def solved(answer: str, literals: Iterable[int] = ()) -> Any:
    return evaluate.Solved(answer, 1.0, 0.0, frozenset(literals))


def test_work_is_what_the_counts_weigh_and_ten_times_as_much_without_an_answer() -> None:
    done = evaluate.parse(f"s SATISFIABLE\nv 1 -2\nv 3 0\n{SAID}")
    assert (done.answer, done.seconds) == ("SATISFIABLE", 0.15)
    assert done.literals == {1, -2, 3, 0}
    assert done.milliseconds == pytest.approx((1000 * 6 + 500000 * 0.08) / 1000)
    assert evaluate.parse(SAID).answer == ""
    assert evaluate.parse(SAID).milliseconds == pytest.approx(10 * done.milliseconds)
    assert evaluate.total_work([done, evaluate.parse(SAID)]) == 11 * done.milliseconds


@pytest.mark.parametrize(
    ("formula", "answer", "literals", "complaint"),
    [
        ("c expect SATISFIABLE\np cnf 2 1\n1 -2 0\n", "SATISFIABLE", [1, 2], ""),
        ("p cnf 2 1\n1 -2 0\n", "SATISFIABLE", [-1, 2], r"violates \[1, -2\]"),
        ("c expect SATISFIABLE\np cnf 1 1\n1 0\n", "UNSATISFIABLE", [], "expected SATISF"),
        ("c expect UNSATISFIABLE\np cnf 1 1\n1 0\n", "SATISFIABLE", [1], "expected UNSAT"),
        ("c expect UNSATISFIABLE\np cnf 1 1\n1 0\n", "UNSATISFIABLE", [], ""),
        ("c expect UNSATISFIABLE\np cnf 1 1\n1 0\n", "", [], ""),
    ],
)
def test_a_wrong_answer_is_told(
    formula: str, answer: str, literals: Sequence[int], complaint: str
) -> None:
    found = evaluate.fault(formula, solved(answer, literals))
    assert bool(found) == bool(complaint)
    assert re.search(complaint, found)


def test_options_without_a_value_are_not_passed_on_and_a_refusal_is_a_failure(
    copy: Callable[[str], Path], program: Callable[[str, str], str]
) -> None:
    folder = copy("sat")
    (folder / "one").mkdir()
    (folder / "one" / "a.cnf").write_text("c expect UNSATISFIABLE\np cnf 1 2\n1 0\n-1 0\n")
    command = ["python3", "evaluate.py", "one", "--elim=true", "--elimint="]
    path = program(
        "cadical", 'echo "$@" >said; echo s UNSATISFIABLE; echo c conflicts: 1; exit 20'
    )
    done = run(command, folder, path)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(0.006)
    assert (folder / "said").read_text() == "-v -c 40000 --elim=true one/a.cnf\n"
    program("cadical", "echo s SATISFIABLE; exit 10")
    assert "expected UNSATISFIABLE" in run(command, folder, path).stderr
    program("cadical", "echo invalid option >&2; exit 1")
    refused = run(command, folder, path)
    assert refused.returncode == 1
    assert "invalid option" in refused.stderr


# ---- circuit


def test_what_does_not_converge_is_a_failure_whatever_was_measured(
    copy: Callable[[str], Path], program: Callable[[str, str], str]
) -> None:
    folder = copy("circuit")
    path = program("ngspice", "cat >netlist; echo power = 1; echo slew = 2")
    path = os.pathsep.join([path, os.environ["PATH"]])
    done = run(["sh", "simulate.sh", "w1=20", "cc=3"], folder, path)
    assert (done.returncode, done.stdout) == (0, "power = 1\nslew = 2\n")
    assert ".param w1=20\n.param cc=3\n" in (folder / "netlist").read_text()
    program("ngspice", "cat >netlist; echo power = 1; echo 'tran simulation(s) aborted' >&2")
    done = run(["sh", "simulate.sh", "w1=20"], folder, path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "aborted" in done.stderr


def test_the_hand_design_meets_its_specifications() -> None:
    require("ngspice")
    done = run(["sh", "simulate.sh", *HAND.split()], EXAMPLES / "circuit")
    assert done.returncode == 0, done.stderr
    measured = dict(line.split(" = ") for line in done.stdout.splitlines())
    assert set(measured) == {"power", "gain", "gbw", "pm", "slew"}
    assert float(measured["gain"]) >= 60
    assert float(measured["pm"]) >= 60
    assert float(measured["slew"]) >= 5
    assert float(measured["gbw"]) >= 10


# ---- both


@pytest.mark.parametrize("name", TOOLS)
def test_a_missing_tool_is_named_with_the_package_that_has_it(
    copy: Callable[[str], Path], program: Callable[[str, str], str], name: str
) -> None:
    path = program("dirname", f'exec {shutil.which("dirname")} "$@"')
    done = run(["sh", "tune.sh"], copy(name), path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(
        rf"missing: .*\b{TOOLS[name]}\b.*; apt install .*\b{TOOLS[name]}\b.*", line
    )


@pytest.mark.slow
def test_the_solver_is_tuned_with_one_command(
    copy: Callable[[str], Path], hmserve: str
) -> None:
    require("cadical")
    folder = copy("sat")
    shorten(folder / "sat.json", evaluations=16, workers=1)
    done = run(["sh", "tune.sh"], folder, hmserve)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("Best options: cadical --")
    table = {line[:10].strip(): line[10:].split() for line in done.stdout.splitlines()[-2:]}
    assert set(table) == {"tuned for", "others"}
    formulas, default, best, gain, *_, open_by_default, _ = table["tuned for"]
    assert (formulas, open_by_default) == ("28", "0")
    assert float(best) < float(default)
    assert int(gain.rstrip("%")) > 0
    again = run(["sh", "tune.sh"], folder, hmserve)
    assert again.stdout.splitlines()[0] == done.stdout.splitlines()[0]


@pytest.mark.slow
def test_the_amplifier_is_tuned_with_one_command_though_some_do_not_converge(
    copy: Callable[[str], Path], hmserve: str
) -> None:
    require("ngspice")
    folder = copy("circuit")
    shorten(folder / "opamp.json", evaluations=80, workers=1)
    done = run(["sh", "tune.sh"], folder, hmserve)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.match(r"80 circuits: (\d+) did not converge, ", done.stdout)
    assert found is not None, done.stdout
    assert int(found[1]) > 0
    gained = re.search(r"^power ([-+]\d+)%, or band ([-+]\d+)%$", done.stdout, re.MULTILINE)
    assert gained is not None, done.stdout
    assert int(gained[1]) < 0
    assert int(gained[2]) > 0
