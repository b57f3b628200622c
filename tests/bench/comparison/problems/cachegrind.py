"""A C kernel compiled by gcc and counted by cachegrind: real, discrete and deterministic.

Cachegrind (Nethercote & Seward 2007) simulates two small caches, so that a matrix of 72 x 72
overflows both. Cost is Ir + 10 D1 misses + 100 LL misses, the estimate of its manual. Counts
depend on the version of gcc, so what was counted is kept on disk under the versions.
"""

import functools
import hashlib
import itertools
import os
import re
import subprocess
import tempfile
from pathlib import Path

from comparison.problem import Configuration, Outcome, Problem
from comparison.problems.spaces import categorical, ordinal, relative_regret

SOURCE = Path(__file__).with_name("cachegrind.c")
COMPILER = (
    *("gcc", "-nostdlib", "-static", "-fno-pie", "-no-pie", "-fno-builtin"),
    *("-fno-stack-protector", "-fno-tree-loop-distribute-patterns"),
)
SIMULATOR = (
    *("valgrind", "--tool=cachegrind", "--cache-sim=yes", "--I1=32768,8,64"),
    *("--D1=4096,2,64", "--LL=32768,4,64"),
)
COUNTS = re.compile(r"(I +refs|D1 +misses|LL +misses): +([\d,]+)")
WEIGHTS = {"I refs": 1, "D1 misses": 10, "LL misses": 100}
TILES = (1, 2, 3, 4, 6, 8, 9, 12, 18, 24, 36, 72)

MINIMUM = 1_328_136
MINIMISER = {
    **{"tile_i": 24, "tile_j": 8, "tile_k": 8, "order": "ijk", "unroll": 2},
    **{"pack": "none", "level": "O3"},
}


def _output(command: tuple[str, ...], folder: str | None = None) -> str | None:
    """Return what the program said, None if it failed."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    return done.stdout + done.stderr if done.returncode == 0 else None


def _macros(c: Configuration) -> tuple[str, ...]:
    loops = zip(("FIRST", "SECOND", "THIRD"), c["order"], strict=True)
    values = {
        **{f"TILE_{loop}": c[f"tile_{loop}"] for loop in "ijk"},
        **dict(loops),
        "UNROLL": c["unroll"],
        "PACK_A": int(c["pack"] in {"a", "both"}),
        "PACK_B": int(c["pack"] in {"b", "both"}),
    }
    return (f"-{c['level']}", *(f"-D{name}={value}" for name, value in values.items()))


def count(configuration: Configuration) -> int | None:
    """Return the cost of a configuration, compiled and run; None if either fails."""
    with tempfile.TemporaryDirectory() as folder:
        command = (*COMPILER, *_macros(configuration), "-o", "kernel", str(SOURCE))
        if _output(command, folder) is None:
            return None
        said = _output((*SIMULATOR, "--cachegrind-out-file=counts", "./kernel"), folder)
    if said is None:
        return None
    found = {" ".join(name.split()): number for name, number in COUNTS.findall(said)}
    return sum(weight * int(found[name].replace(",", "")) for name, weight in WEIGHTS.items())


class Notebook:
    """Costs by configuration in a text file, to which several processes may append.

    Args:
        path: The file; made, with its folder, when a first cost is noted.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        whole = (line.split() for line in lines)
        self._costs = {words[0]: words[1] for words in whole if len(words) == 3}

    def cost(self, configuration: Configuration) -> int | None:
        """Return what `count` returns, looked up if it is known."""
        key = ",".join(f"{name}={configuration[name]}" for name in sorted(configuration))
        if key not in self._costs:
            self._costs[key] = str(count(configuration))
            self._note(f"{key} {self._costs[key]} .\n")
        known = self._costs[key]
        return None if known == "None" else int(known)

    def _note(self, line: str) -> None:
        # One write to a file opened for appending: lines of several processes do not mix, and
        # a line without its end mark, cut short by a crash, is not read.
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            file.write(line.encode())


def _version(program: str) -> str:
    return (_output((program, "--version")) or "").split("\n", maxsplit=1)[0]


@functools.cache
def notebook() -> Notebook:
    """Return the costs counted so far by these versions of gcc, valgrind and the kernel.

    They are in COMPARISON_CACHE, or else in ~/.cache/hmserve-comparison.
    """
    default = Path.home() / ".cache" / "hmserve-comparison"
    folder = Path(os.environ.get("COMPARISON_CACHE", default))
    made_of = [SOURCE.read_text(), *COMPILER, *SIMULATOR, *map(_version, ("gcc", "valgrind"))]
    digest = hashlib.sha256("\n".join(made_of).encode()).hexdigest()
    return Notebook(folder / f"cachegrind-{digest[:16]}.txt")


def cachegrind() -> Problem:
    """Cost of a product of two 72 x 72 matrices by its tiles, loop order and compilation.

    It does not compile where a step of the inner loop does not divide its tile or the tiles
    that are copied do not fit their buffer. Regret is cost / best known - 1; best known is
    MINIMUM at MINIMISER, found by two evolutionary searches, each followed by trying all
    pairs of changes, 5000 evaluations together (gcc 12.2.0, valgrind 3.19.0).
    """

    def evaluate(configuration: Configuration, _: int) -> Outcome:
        cost = notebook().cost(configuration)
        return Outcome(() if cost is None else (float(cost),))

    return Problem(
        name="cachegrind",
        kind="discrete",
        parameters={
            **{f"tile_{loop}": ordinal(*TILES, transform="log") for loop in "ijk"},
            "order": categorical(*map("".join, itertools.permutations("ijk"))),
            "unroll": ordinal(1, 2, 3, 4, 6, 8, transform="log"),
            "pack": categorical("none", "a", "b", "both"),
            "level": categorical("O1", "O2", "O3", "Os"),
        },
        evaluate=evaluate,
        regret=relative_regret(MINIMUM),
        penalty=(8.4e6,),
        initial=20,
        needs=("gcc", "valgrind"),
    )


MINIMISERS = {"cachegrind": MINIMISER}

MAKERS = {"cachegrind": cachegrind}
