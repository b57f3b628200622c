"""One rank's part of a run: its journal, what was known before, its optimizer."""

import json
import math
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from hmserve import run as runs
from hmserve.budget import limited
from hmserve.closing import Closing
from hmserve.design.samplers import design
from hmserve.engine.build import build_ranked, shared_design
from hmserve.engine.rank import Parts, Rank
from hmserve.errors import JournalError
from hmserve.estimates import with_estimates
from hmserve.fidelity.schedule import scheduler
from hmserve.journal import store
from hmserve.journal.jsonl import JournalWriter, read
from hmserve.journal.ledger import Ledger, Row
from hmserve.journal.ranks import Known, directory_of, journal_of, journals_in, known_of
from hmserve.journal.records import Drop, Record
from hmserve.options import Stops
from hmserve.ranks.network import Network, agree
from hmserve.ranks.tables import Found
from hmserve.run import Recorder, Run
from hmserve.scenario import Scenario
from hmserve.space.space import Configuration
from hmserve.trial import OUTSIDE, Evaluation, Results
from hmserve.version import __version__

_UNLIMITED: Final = Stops(None, {}, None)
_PAUSE: Final = 1.0
"""Seconds between two flushes of a journal: evaluators do not outlive the machine either."""
_SPARE: Final = 10
"""One in so many evaluations may be at random where there is nothing else to do."""
_MANY: Final = 1000
"""Taken for a budget where there is none."""


class Extensible(Protocol):
    """An optimizer whose design of experiments can grow, such as `RankedOptimizer`."""

    @property
    def designed(self) -> int:
        """How many configurations of the design are still to be asked."""

    def extend_design(self, configurations: Sequence[Configuration]) -> None:
        """Ask `configurations` as well before anything is proposed."""


class _NoTable:
    """The samples of one rank alone are of no use to anyone."""

    def append(self, rows: Sequence[Row]) -> None:
        """Take no notice."""

    def close(self) -> None:
        """Have nothing to let go of."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What all ranks of a run have in common.

    Args:
        scenario: Of the run.
        seed: Likewise.
        known: What the ranks had found when the run stopped.
        given: Results to begin with, of a run that begins.
        design: What is left of the configurations to begin with, of all ranks together.
        budget: How many evaluations are left; None for no limit.
        met: When the ranks agreed on it, in Unix seconds of this machine.
    """

    scenario: Scenario
    seed: int
    known: Known
    given: Sequence[Evaluation]
    design: Sequence[Configuration]
    budget: int | None
    met: float = math.nan

    @property
    def digest(self) -> bytes:
        """Tell this run from any other; 8 bytes."""
        import hashlib

        said = f"{__version__} {self.seed} {_text(self.scenario.document)}"
        return hashlib.sha256(said.encode()).digest()[:8]

    @property
    def found(self) -> list[Found]:
        """What was found before, with the rank that evaluated it."""
        rows = sorted(self.known.rows, key=lambda item: item[1].time)
        return [Found(rank, row) for rank, row in rows]


class Part(Closing):
    """The optimizer of one rank and its journal.

    Args:
        plan: Shared with all ranks.
        rank: Which one this is, of how many.
        run: Asks and records.
        optimizer: That of `run`.
    """

    def __init__(self, plan: Plan, rank: Rank, run: Run, optimizer: Extensible) -> None:
        self.plan = plan
        self.rank = rank
        self.run = run
        self.optimizer = optimizer
        self.began = time.time() - run.recorder.elapsed

    def spare(self) -> list[Configuration]:
        """Return configurations at random, other ones on each rank, in place of waiting.

        None in a finite space, where only what a rank owns is its own, and none where ranks
        are in step: what is asked must not depend on time.
        """
        scenario, size = self.plan.scenario, self.rank.size
        if scenario.space.size < math.inf or scenario.distributed.synchronous:
            return []
        count = (_MANY if self.plan.budget is None else self.plan.budget) // (_SPARE * size)
        return design(
            scenario.space, "random sampling", 1 + count, self.rank.seed(self.plan.seed) + 1
        )[1:]

    def close(self) -> None:
        """Let go of the journal."""
        self.run.close()


def agreed(scenario: Scenario, network: Network, *, resume: bool) -> Plan:
    """Return what the ranks work on together; every rank comes here.

    Raises:
        UsageError: They were started with different scenarios or versions.
        ScenarioError: What the scenario names cannot be read, or it does not fit the run.
        JournalError: A journal is damaged or in use.
    """
    document = dict(sorted(scenario.document.items()))
    # First what another version of hmserve has as well.
    facts = [("the version of hmserve", __version__), ("--resume", str(resume))]
    agree(network, [*facts, ("the keys of the scenario", " ".join(document))])
    agree(network, [(f"the key {k} of the scenario", _text(v)) for k, v in document.items()])
    if network.rank == 0 and not resume:
        _clear(scenario)
    drawn = int.from_bytes(os.urandom(4), "big") if scenario.seed is None else scenario.seed
    # Rank 0 comes here when the files are in place.
    first = network.gather(drawn.to_bytes(16, "big"))[0]
    known = _known(scenario, resume)
    # Whatever any rank begins, it begins after all have come here.
    met = time.time()
    # Nobody writes before all have read.
    network.meet()
    seed = int.from_bytes(first, "big") if known.seed is None else known.seed
    scenario = with_estimates(scenario)
    given = [] if known.seed is not None else runs.known_at_start(scenario)
    return replace(_planned(scenario, seed, known, given, network.size), met=met)


def _planned(
    scenario: Scenario, seed: int, known: Known, given: Sequence[Evaluation], size: int
) -> Plan:
    chosen = scenario.design
    fewer = chosen._replace(samples=max(chosen.samples - len(given), 0))
    rest = replace(scenario, design=fewer)
    design = shared_design(rest, seed, size)
    designed = min(len(design), max(rest.design.samples, 0)) if size > 1 else len(design)
    if chosen.kind == "grid_search":
        designed = len(design)
    total = _total(scenario, designed)
    key = scenario.space.key
    done = {key(row.evaluation.trial.configuration) for _, row in known.rows}
    done |= {key(evaluation.trial.configuration) for evaluation in given}
    left = [configuration for configuration in design if key(configuration) not in done]
    budget = None if total is None else max(total - known.told, 0)
    return Plan(rest, seed, known, given, left, budget)


def _total(scenario: Scenario, designed: int) -> int | None:
    """Return how many evaluations all ranks make; None for no limit."""
    if scenario.fidelity is None:
        total: int | None = designed + scenario.iterations * scenario.batch_size
    else:
        options = scenario.fidelity
        total = scheduler(options, limited(scenario.stops, scenario.time_budget)).most
    limits = [n for n in (total, scenario.stops.evaluations) if n is not None]
    return min(limits, default=None)


def open_part(plan: Plan, network: Network, parts: Parts | None = None) -> Part:
    """Return the part of this rank.

    Args:
        plan: What the ranks agreed on.
        network: Says which rank this is.
        parts: What it may propose; None for everything.

    Raises:
        ScenarioError: The scenario does not fit this rank's journal.
        JournalError: The journal cannot be written, or another process holds it.
    """
    rank = Rank(network.rank, network.size, parts)
    scenario = plan.scenario
    with ExitStack() as stack:
        writer, records = _journal(plan, network.rank)
        stack.enter_context(writer)
        ledger = Ledger.of(records)
        if ledger.pending:
            # Nobody knows what became of them.
            ids = [trial.id for trial in ledger.pending]
            dropped = Drop(time.time(), ledger.elapsed, ids)
            writer.append(dropped)
            ledger.apply(dropped)
        # The clocks of all ranks began to run when they met.
        since = max(time.time() - plan.met, 0.0)
        ledger.elapsed = max(ledger.elapsed, plan.known.elapsed) + since
        designed = plan.design[network.rank :: network.size]
        optimizer = build_ranked(scenario, plan.seed, rank, designed, plan.known.first)
        recorder = Recorder(writer, ledger, _NoTable(), _PAUSE)
        # What ends the run is for all ranks to see.
        alone = replace(scenario, stops=_UNLIMITED, time_budget=None)
        run = Run(alone, optimizer, recorder)
        _observe(plan, network.rank, run)
        stack.pop_all()
    return Part(plan, rank, run, optimizer)


def _observe(plan: Plan, rank: int, run: Run) -> None:
    """Let the optimizer of `run` know what was known before."""
    if plan.given:
        if rank == 0:
            run.recorder.received(Results(observations=plan.given))
        run.optimizer.observe(plan.given)
    strangers = [
        replace(row.evaluation, trial=replace(row.evaluation.trial, id=OUTSIDE))
        for _, row in plan.known.rows
    ]
    run.optimizer.observe(strangers)


def _journal(plan: Plan, rank: int) -> tuple[JournalWriter, Sequence[Record]]:
    path = journal_of(plan.scenario.files, rank)
    if plan.known.seed is not None:
        found = store.resume(path, plan.scenario)
        if found is not None:
            return found.writer, found.records
    first = store.start(plan.scenario.document, plan.seed)
    return store.create(path, first), [first]


def _clear(scenario: Scenario) -> None:
    """Keep what earlier runs left under other names."""
    files = scenario.files
    ranks, alone = os.path.lexists(directory_of(files)), os.path.lexists(files.journal)
    if not ranks and not alone:
        store.keep_copy(files.samples)
    if ranks:
        store.put_aside(directory_of(files), journals_in(files).values())
    if alone:
        store.put_aside(files.journal, [files.journal])


def _known(scenario: Scenario, resume: bool) -> Known:
    if not resume:
        return known_of({})
    journals = journals_in(scenario.files)
    if not journals and os.path.exists(scenario.files.journal):
        raise JournalError(
            f"the run in {scenario.files.journal} was made without ranks: resume it without "
            "--mpi, or learn from it in a new run with the key warm_start"
        )
    records = {rank: read(path).records for rank, path in journals.items()}
    for rank, found in records.items():
        if found:
            store.refuse_differences(journals[rank], found[0], scenario)
    return known_of(records)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
