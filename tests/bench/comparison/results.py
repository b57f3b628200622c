"""Files of results: JSON lines, appended whole, read back as what the statistics need."""

import json
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison.job import Line, as_text

Key = tuple[str, str, str, int, int, int]
"""Problem, peer, versions, seed, pending, budget: what is not run twice."""

Regrets = dict[str, dict[str, dict[int, float]]]
"""By problem, peer and seed."""


@dataclass(frozen=True)
class Results:
    """Lines, at most one for each problem, peer, seed and number pending."""

    lines: tuple[Line, ...]

    @property
    def classes(self) -> dict[str, list[str]]:
        """The problems of each class, both in the order of the lines."""
        found: dict[str, list[str]] = {}
        for line in self.lines:
            problems = found.setdefault(line["class"], [])
            if line["problem"] not in problems:
                problems.append(line["problem"])
        return found

    @property
    def peers(self) -> list[str]:
        """The names of the peers in the order of the lines."""
        return list(dict.fromkeys(line["peer"] for line in self.lines))

    @property
    def checkpoints(self) -> list[int]:
        """After how many evaluations there are regrets."""
        return sorted({int(n) for line in self.lines for n in line["regret"]})

    @property
    def errors(self) -> list[Line]:
        """The lines of runs that died."""
        return [line for line in self.lines if line["error"]]

    def regrets(self, evaluations: int) -> Regrets:
        """Return the regrets after so many evaluations; infinite before anything feasible."""
        found: Regrets = {}
        for line in self.lines:
            if (n := str(evaluations)) in line["regret"]:
                value = line["regret"][n]
                peers = found.setdefault(line["problem"], {})
                seeds = peers.setdefault(line["peer"], {})
                seeds[line["seed"]] = math.inf if value is None else value
        return found


def load(paths: Iterable[Path], pending: int) -> Results:
    """Read the results with so many pending; of one job the longest run, then the last line."""
    best: dict[tuple[Any, ...], Line] = {}
    for path in paths:
        for line in read(path):
            if line["pending"] != pending:
                continue
            job = (line["problem"], line["peer"], line["seed"])
            if job not in best or line["budget"] >= best[job]["budget"]:
                best[job] = line
    return Results(tuple(best.values()))


def read(path: Path) -> Iterator[Line]:
    """Yield the lines of `path`, which need not exist; a torn last line is none."""
    if not path.exists():
        return
    with path.open() as file:
        for text in file:
            if text.endswith("}\n"):
                yield json.loads(text)


def append(path: Path, line: Line) -> None:
    """Add `line` in one write, after ending what a dying writer left half."""
    text = as_text(line)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (("\n" if torn else "") + text).encode())
    finally:
        os.close(descriptor)


def key(line: Line) -> Key:
    """Return what `line` is the result of."""
    return (
        line["problem"],
        line["peer"],
        json.dumps(line["versions"], sort_keys=True),
        line["seed"],
        line["pending"],
        line["budget"],
    )
