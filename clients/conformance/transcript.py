"""Transcripts: one conversation a file, as README.md describes them."""

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

MARKS = "><!=x"
NO_OBJECTIVES = {"Valid", "epochs"}
DEFAULTS: Mapping[str, Any] = {
    "dialect": "classic",
    "outputs": "Value",
    "play": True,
    "rows": 0,
    "newline": "\n",
}


class Block(NamedTuple):
    """Consecutive lines with the same mark."""

    mark: str
    lines: list[str]


class Transcript(NamedTuple):
    """One conversation.

    `head` says the dialect, the outputs, and what the scenario has beside its inputs; `rows`
    is how many evaluations the real hmserve asks for, 0 if it is not played with it, `play`
    whether it is played with the scripted one, and `newline` what that one ends its lines with.
    """

    name: str
    head: Mapping[str, Any]
    blocks: list[Block]

    @classmethod
    def load(cls, path: Path) -> "Transcript":
        """Read a file.

        Raises:
            ValueError: A line has no mark.
        """
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        for line in lines:
            if line[:1] not in MARKS or line[1:2] not in {"", " "}:
                raise ValueError(
                    f"{path}: expected a mark of {MARKS} and a blank, came {line!r}"
                )
        groups = itertools.groupby(lines, key=lambda line: line[0])
        blocks = [Block(mark, [line[2:] for line in group]) for mark, group in groups]
        return cls(path.stem, {**DEFAULTS, **json.loads(first)}, blocks)

    def shown(self) -> list[str]:
        """Return the lines that a driver has to show."""
        return [line for block in self.blocks if block.mark == "=" for line in block.lines]

    def scenario(self, directory: Path) -> dict[str, Any]:
        """Return the scenario file of this conversation."""
        outputs = self.head["outputs"].split(",")
        feasible = {"feasible_output": {"enable_feasible_predictor": True, "name": "Valid"}}
        return {
            "application_name": "conformance",
            "optimization_objectives": [each for each in outputs if each not in NO_OBJECTIVES],
            "optimization_method": "random_search",
            "print_best": True,
            "seed": 1,
            "run_directory": str(directory),
            **(feasible if "Valid" in outputs else {}),
            **self.head["scenario"],
        }


def conversations(names: list[str]) -> Iterator[Transcript]:
    """Yield the transcripts beside this file, those of `names` if there are any."""
    for path in sorted((Path(__file__).parent / "transcripts").glob("*.txt")):
        if not names or path.stem in names:
            yield Transcript.load(path)
