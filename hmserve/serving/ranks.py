"""Runs that the ranks of an MPI job make together."""

import math
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Final

from hmserve.closing import Closing
from hmserve.engine.rank import Parts
from hmserve.errors import HmserveError
from hmserve.exchange.buckets import totals
from hmserve.exchange.coordinates import Coordinates
from hmserve.exchange.knowledge import Terms
from hmserve.exchange.member import Member
from hmserve.exchange.records import Format
from hmserve.journal.files import make_directory
from hmserve.journal.ledger import Row
from hmserve.journal.ranks import directory_of
from hmserve.log import Log
from hmserve.ranks.driver import Driver
from hmserve.ranks.network import Network
from hmserve.ranks.part import Part, Plan, agreed, open_part
from hmserve.ranks.tables import Found, Tables, checkpoint_of
from hmserve.ranks.union import AT_ONCE, REASONS, Union
from hmserve.report import tables
from hmserve.run import Evaluator
from hmserve.scenario import Scenario, outward
from hmserve.serving.command import load_models
from hmserve.space.space import Space
from hmserve.transports.places import Post
from hmserve.transports.repeating import Repeating
from hmserve.version import __version__

Heard = Callable[[Union], None]

_COUNTED: Final = 20_000
"""A finite space of at most so many configurations is counted bucket by bucket."""
_PRECEDENCE: Final = 1.0
"""Seconds that rank 0 has to say what is wrong everywhere, before others say it too."""
_SIGNALS: Final = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
_LAUNCHERS: Final = (*("PMI", "OMPI_", "PRTE", "PRRTE", "HYDI", "HYDRA", "MPI_LOCAL", "MPIR_"),)
"""What the variables begin with by which a process knows that it is a rank."""


@contextmanager
def ending_all(network: Network, complain: Callable[[str], None]) -> Iterator[None]:
    """End the whole job with a message where this rank cannot go on: nobody waits for it."""
    try:
        yield
    except HmserveError as error:
        _give_precedence(network)
        complain(f"rank {network.rank}: {error}")
        network.abort(error.status)
        raise
    except Exception:
        complain(f"rank {network.rank}: a defect of hmserve:\n{traceback.format_exc()}")
        network.abort(1)
        raise
    except BaseException as error:
        complain(f"rank {network.rank}: ended by {type(error).__name__}")
        network.abort(128 + signal.SIGTERM)
        raise


def _give_precedence(network: Network) -> None:
    """Let rank 0 speak first: what is wrong on every rank is said once."""
    if network.rank:
        time.sleep(_PRECEDENCE)


def environment_of(given: Mapping[str, str], network: Network) -> dict[str, str]:
    """Return the environment of evaluators: `given`, without what makes a process a rank.

    A program that uses MPI itself would take itself for a rank of this job, and end it.
    """
    kept = {name: value for name, value in given.items() if not name.startswith(_LAUNCHERS)}
    own = {"HMSERVE_RANK": str(network.rank), "HMSERVE_SIZE": str(network.size)}
    return {**kept, **own}


class _Buckets(Parts):
    """The parts of a finite space, in which points are named by their coordinates."""

    def __init__(self, member: Member, space: Space) -> None:
        self._member = member
        self._space = space
        self._coordinates = Coordinates(space)

    @property
    def held(self) -> list[bool]:
        return self._member.held

    def part(self, point: bytes) -> int:
        row = memoryview(point).cast("d").tolist()
        return self._member.bucket(self._coordinates.encode(self._space.decode(row)))


class Job(Closing):
    """One rank of a run, open for work. All ranks make one at the same time.

    Args:
        scenario: What is optimized.
        network: To all ranks.
        resume: Whether to go on with an earlier run.
        keep: Whether every result is to be kept in memory.

    Raises:
        UsageError: The ranks were started with different scenarios or versions.
        ScenarioError: What the scenario names cannot be read, or it does not fit the run.
        JournalError: A file cannot be written, or another process holds the run.
    """

    def __init__(
        self, scenario: Scenario, network: Network, *, resume: bool, keep: bool = False
    ) -> None:
        checkpoint_of(scenario)
        self.network = network
        plan = self.plan = agreed(scenario, network, resume=resume)
        self.scenario = scenario = plan.scenario
        member = self._member = _member(plan, network)
        finite = _is_divided(scenario) and network.size > 1
        parts = _Buckets(member, scenario.space) if finite else None
        with ExitStack() as stack:
            self._part: Part = stack.enter_context(open_part(plan, network, parts))
            self.log = stack.enter_context(Log(self._log_path))
            self._say_what_it_is()
            now = time.time()
            given = [Found(0, Row(e, now, 0.0, asked=False)) for e in plan.given]
            known = [*plan.found, *given]
            written = None
            if network.rank == 0:
                written = stack.enter_context(Tables(scenario, known))
            self.union = Union(scenario, known, written, keep=keep)
            coordinates = Coordinates(scenario.space)
            for found in known:
                configuration = found.row.evaluation.trial.configuration
                member.known(coordinates.encode(configuration))
            self._stack = stack.pop_all()

    def post_of(self, workers: int) -> Post:
        """Return how an evaluator of so many workers is to work on this rank."""
        options = self.scenario.distributed
        patience = max(options.interval, 0.001)
        first = self.network.rank * workers
        eager = not options.synchronous
        return Post(first, patience, eager=eager, heed=self._part.run.report)

    def drive(self, evaluator: Evaluator, heard: Heard) -> str:
        """Work with `evaluator` until all ranks are done; return why they stopped.

        What proposes after the design is loaded meanwhile.

        Raises:
            EvaluatorError: It cannot be started, or fails every time.
            JournalError: A file cannot be written.
        """
        network = self.network
        repeated = self._repeated(evaluator)
        driver = Driver(self._part, self._member, network, self.union, repeated, heard)
        driver.loading = load_models(self.scenario)
        with _signals_tell(driver):
            reason = driver.drive()
        if REASONS.index(reason if reason in REASONS else "") not in AT_ONCE:
            network.meet()
        self._part.run.end(reason)
        self.log.say(f"ended: {reason}")
        return reason

    def line(self, union: Union) -> str:
        """Return how the run stands, on one line."""
        budget = self.plan.budget
        total = "" if budget is None else f"/{self.plan.known.told + budget}"
        bad = union.failed + union.infeasible
        parts = [f"{union.told}{total} evaluations on {self.network.size} ranks"]
        parts += [f"{bad} failed or infeasible"] if bad else []
        best = tables.best(union.leading, self.scenario)
        if len(self.scenario.objectives) > 1:
            parts.append(f"{len(union.leading)} on the Pareto front")
        elif best:
            name = self.scenario.objectives[0]
            found = outward(self.scenario, best.evaluation)
            parts.append(f"best {name} {found.objectives[name]:.6g}")
        return ", ".join([*parts, f"{self._part.run.recorder.elapsed:.0f} s"])

    def conclude(self) -> None:
        """Write what stands at the end of a run: the front, and the best into the log."""
        if self.network.rank == 0:
            if len(self.scenario.objectives) > 1:
                tables.write_front(self.union.leading, self.scenario)
            self.log.write(tables.best_block(self.union.leading, self.scenario))

    def close(self) -> None:
        """Let go of the files."""
        self._stack.close()

    def _repeated(self, evaluator: Evaluator) -> Evaluator:
        """Return what evaluates each trial as often as the scenario wants it."""
        scenario = self.scenario
        if scenario.repetitions == 1:
            return evaluator
        return Repeating(
            evaluator, scenario.repetitions, self.log.say, scenario.output_constraints
        )

    @property
    def _log_path(self) -> str:
        files, rank = self.scenario.files, self.network.rank
        if rank == 0:
            return files.log
        make_directory(directory_of(files))
        return os.path.join(directory_of(files), f"rank-{rank:05d}.log")

    def _say_what_it_is(self) -> None:
        network, plan = self.network, self.plan
        self.log.say(
            f"hmserve {__version__}: {self.scenario.source}, rank {network.rank} of "
            f"{network.size}, seed {plan.seed}, {len(plan.known.rows)} evaluations known"
        )
        for warning in self.scenario.warnings:
            self.log.say(warning)


def _is_divided(scenario: Scenario) -> bool:
    """Whether each rank proposes what lies in its own part of the space, and nothing else.

    Not where a configuration is evaluated more than once, at several fidelities.
    """
    return scenario.space.size < math.inf and scenario.fidelity is None


def _member(plan: Plan, network: Network) -> Member:
    scenario = plan.scenario
    space = scenario.space
    counts = (space.dimension, len(scenario.objectives), len(scenario.output_constraints))
    finite = _is_divided(scenario)
    counted = None
    if finite and space.size <= _COUNTED:
        coordinates = Coordinates(space)
        counted = totals(network.size, map(coordinates.encode, space.enumerate()))
    terms = Terms(plan.budget, finite, counted, scenario.distributed.synchronous)
    return Member(network.rank, network.size, Format(*counts), plan.digest, terms)


@contextmanager
def _signals_tell(driver: Driver) -> Iterator[None]:
    """Let signals stop all ranks in good order; a second one has its usual effect."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def tell(number: int, frame: FrameType | None) -> None:
        del frame
        driver.signal = REASONS.index(_SIGNALS[signal.Signals(number)])
        signal.signal(number, before[signal.Signals(number)])

    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, tell)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
