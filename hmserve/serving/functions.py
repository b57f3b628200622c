"""A Python function on the ranks of an MPI job."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from hmserve.errors import UsageError
from hmserve.executors.pool import Workers, prepared
from hmserve.executors.pooled import Pooled
from hmserve.journal.ledger import Row
from hmserve.progress import Shown
from hmserve.ranks.network import Network
from hmserve.ranks.union import AT_ONCE, REASONS, Union
from hmserve.scenario import Scenario
from hmserve.serving.ranks import Job, ending_all
from hmserve.transports.callable import Function


def on_ranks(
    load: Callable[[], Scenario],
    function: Function | None,
    comm: Any,
    executor: tuple[Executor | None, Workers | int | None],
    *,
    resume: bool,
    progress: bool | None,
) -> tuple[Scenario, Sequence[Row], bool]:
    """Minimise `function` together with the other ranks of `comm`.

    A rank that cannot go on says why on standard error and ends the whole job.

    Args:
        load: Reads the scenario; where only one rank cannot, the others do not wait for it.
        function: Evaluates a configuration, in a thread of its own.
        comm: A communicator of mpi4py; every rank of it comes here.
        executor: Whose workers call `function` on this rank, and how many they are; None for
            the thread.
        resume: Whether to go on with an earlier run.
        progress: Whether rank 0 shows progress; None: if standard error is a terminal.

    Returns:
        The scenario, all results that this rank heard of, its own among them, and whether the
        user ended the run.

    Raises:
        UsageError: There is no function.
    """
    if function is None:
        raise UsageError("optimize() needs a function to minimise: ranks have no table")
    network = Network(comm)
    shown = sys.stderr.isatty() if progress is None else progress
    with ending_all(network, _complain), ExitStack() as stack:
        scenario = load()
        job = stack.enter_context(Job(scenario, network, resume=resume, keep=True))
        report = Shown(sys.stderr, job.line) if shown and network.rank == 0 else None
        given, workers = executor
        if given is None:
            given = stack.enter_context(ThreadPoolExecutor(1, "hmserve"))
        pool = prepared(given, function, workers)
        evaluator = Pooled(job.scenario, pool, job.log.say, post=job.post_of(pool.count))
        stack.callback(evaluator.cancel)
        reason = job.drive(evaluator, report or _unheard)
        job.conclude()
        if report:
            report.finish(job.union)
    interrupted = reason in REASONS and REASONS.index(reason) in AT_ONCE
    return scenario, tuple(job.union.rows), interrupted


def _complain(text: str) -> None:
    sys.stderr.write(f"hmserve: {text}\n")
    sys.stderr.flush()


def _unheard(union: Union) -> None:
    """Take no notice."""
