"""The journals of a run that several ranks make: one each, in a directory of their own.

Each holds what its rank asked and was told; what it heard from others is in theirs. Trials
have numbers that no two ranks share, so all of them together read like one journal.
"""

import heapq
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hmserve.errors import JournalError
from hmserve.journal.jsonl import read
from hmserve.journal.ledger import Ledger, Row
from hmserve.journal.records import Ask, Record, Start
from hmserve.scenario import Files

_NAME: Final = re.compile(r"rank-(\d{5,})\.journal")


def directory_of(files: Files) -> str:
    """Return where the journals of the ranks of a run are, or would be."""
    return os.path.splitext(files.journal)[0] + ".ranks"


def journal_of(files: Files, rank: int) -> str:
    """Return the path of the journal of `rank`."""
    return os.path.join(directory_of(files), f"rank-{rank:05d}.journal")


def journals_in(files: Files) -> Mapping[int, str]:
    """Return the journals that there are, by rank; none if the run was not made by ranks."""
    directory = directory_of(files)
    names = os.listdir(directory) if os.path.isdir(directory) else []
    ranks = {int(found[1]) for name in names if (found := _NAME.fullmatch(name))}
    return {rank: journal_of(files, rank) for rank in sorted(ranks)}


@dataclass(frozen=True, slots=True)
class Known:
    """What the ranks of a run had found when it stopped.

    Args:
        seed: Of the run; None if nothing was begun.
        rows: All results, by rank and then in the order they came.
        told: How many of them had been asked.
        first: No trial has this number, or a larger one.
        elapsed: Seconds the run has been running.
    """

    seed: int | None
    rows: Sequence[tuple[int, Row]]
    told: int
    first: int
    elapsed: float


def known_of(records: Mapping[int, Sequence[Record]]) -> Known:
    """Return what journals, by rank, add up to.

    Raises:
        JournalError: One of them cannot have come from one run, or two are of different runs.
    """
    ledgers = {rank: Ledger.of(found) for rank, found in records.items() if found}
    seeds = {rank: ledger.start.seed for rank, ledger in ledgers.items()}
    if len(set(seeds.values())) > 1:
        raise JournalError(f"the journals of the ranks are of different runs: seeds {seeds}")
    rows = [(rank, row) for rank, ledger in ledgers.items() for row in ledger.rows]
    asked = [r for found in records.values() for r in found if isinstance(r, Ask)]
    return Known(
        seed=next(iter(seeds.values()), None),
        rows=rows,
        told=sum(row.asked for _, row in rows),
        first=max((t.id + 1 for ask in asked for t in ask.trials), default=0),
        elapsed=max((ledger.elapsed for ledger in ledgers.values()), default=0.0),
    )


def merged(paths: Iterable[str]) -> list[Record]:
    """Return the records of all journals at `paths` in the order of time, one `Start` first.

    Raises:
        JournalError: A journal is damaged.
    """
    journals = [records for path in paths if (records := read(path).records)]
    first = [journal[0] for journal in journals]
    others = heapq.merge(*(journal[1:] for journal in journals), key=lambda r: r.time)
    return [min(first, key=lambda start: start.time), *others] if first else []


def is_begun(records: Sequence[Record]) -> bool:
    """Whether a journal holds more than a start that a crash left incomplete."""
    return bool(records) and isinstance(records[0], Start)
