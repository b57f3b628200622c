"""An executor of `concurrent.futures`, or one of that form, made ready for work."""

from concurrent.futures import Executor
from dataclasses import dataclass

from hmserve.errors import EvaluatorError, UsageError
from hmserve.executors.task import arrive
from hmserve.transports.callable import Function


@dataclass(frozen=True, slots=True)
class Workers:
    """How trials are given to an executor.

    Args:
        count: How many are out at once; None: as many as the executor says it has workers.
        timeout: Seconds from when a trial is given to the executor, after which it counts as
            failed; None for no limit.
        batch_size: How many places have to be free before new trials are proposed.

    Raises:
        UsageError: A number cannot be meant.
    """

    count: int | None = None
    timeout: float | None = None
    batch_size: int = 1

    def __post_init__(self) -> None:
        if self.count is not None and not _is_count(self.count):
            raise UsageError(f"workers: expected at least 1, got {self.count!r:.200}")
        if not _is_count(self.batch_size):
            raise UsageError(f"batch_size: expected at least 1, got {self.batch_size!r:.200}")
        if self.timeout is not None and not self.timeout > 0:
            raise UsageError(f"timeout: expected seconds above 0, got {self.timeout!r:.200}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


@dataclass(frozen=True, slots=True)
class Pool:
    """An executor that has shown that it can take a function. Made by `prepared`.

    Args:
        executor: The user's; never shut down here.
        function: What its workers call.
        count: How many trials are out at once.
        workers: What else the user said.
    """

    executor: Executor
    function: Function
    count: int
    workers: Workers


def prepared(executor: Executor, function: Function, workers: Workers | int | None) -> Pool:
    """Return `executor` ready for work; a first task shows that `function` reaches a worker.

    Raises:
        UsageError: Nobody says how many workers there are, or a number cannot be meant.
        EvaluatorError: The function does not reach a worker.
    """
    wanted = workers if isinstance(workers, Workers) else Workers(workers)
    count = wanted.count or workers_of(executor)
    if wanted.batch_size > count:
        raise UsageError(
            f"batch_size: {wanted.batch_size} places are never free, there are {count} workers"
        )
    try:
        executor.submit(arrive, function).result()
    except Exception as error:  # every kind of executor has errors of its own
        raise EvaluatorError(
            f"the function does not reach the workers of {named(executor)}: "
            f"{shown(error)}. Processes import it by its name: define it at the top level of "
            "a module, no lambda and not within a function, and start a script's work below "
            'if __name__ == "__main__"'
        ) from error
    return Pool(executor, function, count, wanted)


def workers_of(executor: Executor) -> int:
    """Return how many workers `executor` says it has.

    Those of mpi4py and our own for Ray have `num_workers`; those of the standard library, and
    many that are made after them, only the `_max_workers` that everybody reads; Dask's asks
    the scheduler for the threads of each worker.

    Raises:
        UsageError: It does not say.
    """
    for name in ("num_workers", "max_workers", "_max_workers"):
        found = getattr(executor, name, None)
        if isinstance(found, int) and found >= 1:
            return found
    threads = getattr(getattr(executor, "_client", None), "nthreads", None)
    count = sum(threads().values()) if callable(threads) else 0
    if count < 1:
        raise UsageError(
            f"{named(executor)} does not say how many workers it has: name their number, "
            "as in optimize(scenario, function, executor=executor, workers=4)"
        )
    return int(count)


def named(executor: Executor) -> str:
    """Return what messages call `executor`."""
    return type(executor).__name__


def shown(error: BaseException) -> str:
    """Return the kind of `error` and what it says, cut at 200 characters."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return text if len(text) <= 200 else f"{text[:199]}…"
