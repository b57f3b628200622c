"""How much work CaDiCaL has with a set of formulas: python3 evaluate.py SET --OPTION=VALUE ...

A set is a folder of formulas, as instances.py makes them. The last line that is printed is what
is minimised: the work, added up over the formulas. Work is CPU time in milliseconds, as it
follows from what CaDiCaL counts (see WEIGHTS), the same whenever and wherever it runs. A
formula that is not solved within LIMIT conflicts counts as PENALTY times the work done till
then: to solve the others well is still worth something, and how bad a configuration is can be
learnt.

An answer that is wrong ends this with status 1: the assignment of a satisfiable formula is
checked against its clauses, unsatisfiable may only be what was made so.
"""

import math
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

LIMIT = 40_000
PENALTY = 10
SAT, UNSAT = "SATISFIABLE", "UNSATISFIABLE"
WEIGHTS = {
    "conflicts": 6.0,
    "restarts": 60.0,
    "searchprops": 0.08,
    "probeprops": 0.33,
    "vivifyprops": 0.33,
    "transredprops": 0.33,
    "subchecks": 0.015,
    "elimres": 0.2,
}
"""Microseconds for each of what `cadical -v` counts: propagations in search and elsewhere,
checks of subsumption, resolvents. Fitted to the CPU time of 47 configurations."""


class Solved(NamedTuple):
    """What CaDiCaL says of a formula.

    Args:
        answer: SAT, UNSAT, or empty if the limit came first.
        milliseconds: CPU time by the weights, with the penalty if there is no answer.
        seconds: CPU time by the clock; it is shown, but not what is minimised.
        literals: What is true, if satisfiable.
    """

    answer: str
    milliseconds: float
    seconds: float
    literals: frozenset[int]


def parse(said: str) -> Solved:
    """Read what CaDiCaL prints. A count that is zero may be left out there."""
    answer = re.search(r"^s (\w+)$", said, re.MULTILINE)
    seconds = re.search(r"^c total process time since .*: +([\d.]+)", said, re.MULTILINE)
    values = re.findall(r"^v (.*)$", said, re.MULTILINE)
    counts = dict(re.findall(r"^c +(\w+): +(\d+)", said, re.MULTILINE))
    work = sum(weight * int(counts.get(name, 0)) for name, weight in WEIGHTS.items())
    return Solved(
        answer[1] if answer else "",
        work / 1000 * (1 if answer else PENALTY),
        float(seconds[1]) if seconds else 0.0,
        frozenset(int(word) for line in values for word in line.split()),
    )


def clauses(formula: str) -> Iterable[list[int]]:
    for line in formula.splitlines():
        if line[0] not in "cp":
            yield [int(word) for word in line.split()[:-1]]


def fault(formula: str, solved: Solved) -> str:
    """Return what is wrong with an answer; nothing if it is right, or none."""
    expected = re.match(r"c expect (\w+)\n", formula)
    if solved.answer and expected and expected[1] != solved.answer:
        return f"expected {expected[1]}, got {solved.answer}"
    if solved.answer == SAT:
        for clause in clauses(formula):
            if solved.literals.isdisjoint(clause):
                return f"the assignment violates {clause}"
    return ""


def solve(path: Path, options: Sequence[str]) -> Solved:
    """Run CaDiCaL on a formula.

    Raises:
        SystemExit: It refuses the options, or its answer is wrong.
    """
    command = ["cadical", "-v", "-c", str(LIMIT), *options, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 10, 20):
        sys.exit(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    solved = parse(done.stdout)
    if wrong := fault(path.read_text(), solved):
        sys.exit(f"{path}: {wrong}, by {' '.join(command)}")
    return solved


def solve_all(folder: Path, options: Sequence[str]) -> list[Solved]:
    """Return what comes of the formulas of a set, in the order of their names.

    Raises:
        SystemExit: There are none, or as for `solve`.
    """
    paths = sorted(folder.glob("*.cnf"))
    if not paths:
        sys.exit(f"{folder}: expected formulas *.cnf; instances.py makes them")
    return [solve(path, options) for path in paths]


def total_work(solved: Iterable[Solved]) -> float:
    """Return the work in milliseconds."""
    return math.fsum(each.milliseconds for each in solved)


def main() -> None:
    folder, *options = sys.argv[1:]
    # An option that is not active comes without a value: CaDiCaL keeps its default.
    print(total_work(solve_all(Path(folder), [o for o in options if not o.endswith("=")])))


if __name__ == "__main__":
    main()
