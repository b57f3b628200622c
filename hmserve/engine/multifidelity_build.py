"""From a scenario with fidelities to an optimizer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hmserve.budget import limited
from hmserve.design.samplers import design
from hmserve.engine.build import Watch
from hmserve.engine.fidelity_samplers import Sampler, sampler
from hmserve.engine.history import History
from hmserve.engine.multifidelity import MultiFidelityOptimizer, Rules
from hmserve.engine.rank import Rank
from hmserve.engine.ranked_multifidelity import RankedMultiFidelity
from hmserve.fidelity.options import FidelityOptions
from hmserve.fidelity.ranking import Outcome
from hmserve.fidelity.rungs import Rung
from hmserve.fidelity.schedule import scheduler
from hmserve.fidelity.shared import Shared, starts
from hmserve.scenario import Scenario
from hmserve.space.space import Configuration
from hmserve.trial import Evaluation


def multifidelity(
    scenario: Scenario,
    options: FidelityOptions,
    seed: int,
    known: int = 0,
    watch: Watch | None = None,
) -> MultiFidelityOptimizer:
    """Return the optimizer of `scenario`, whose fidelities are those of `options`.

    Args:
        scenario: What to optimize.
        options: Its fidelities.
        seed: Decides every draw of the run.
        known: How many evaluations are observed before the first ask; the design of
            experiments is that much shorter.
        watch: Told where the time goes.
    """
    chosen = scenario.design
    samples = max(chosen.samples - known, 0)
    configurations = design(scenario.space, chosen.kind, samples, seed, chosen.repeating)

    def make() -> Sampler:
        found = sampler(scenario, options.ladder, seed, len(configurations), watch)
        return _FewThreads(found, scenario.threads)

    rules = Rules(
        scheduler(options, limited(scenario.stops, scenario.time_budget)),
        options.ladder,
        judge(scenario),
        scenario.batch_size,
        scenario.stops.evaluations,
    )
    return MultiFidelityOptimizer(History(scenario.space), configurations, make, rules)


def ranked_multifidelity(
    scenario: Scenario,
    options: FidelityOptions,
    seed: int,
    rank: Rank,
    designed: Sequence[Configuration],
    first: int,
) -> RankedMultiFidelity:
    """Return the optimizer of one rank of a run of `scenario`.

    How many trials all ranks ask together is for their permits to say.

    Args:
        scenario: What to optimize.
        options: Its fidelities.
        seed: Of the run; each rank draws from its own.
        rank: Which one this is.
        designed: Its part of the design of experiments.
        first: No trial has a smaller number.
    """
    ladder = options.ladder
    every = options.scheduler == "hyperband"
    begin = starts(ladder, options.rounding, every=every)
    shared = Shared(ladder, begin, rank.number, rank.size)

    def make() -> Sampler:
        found = sampler(scenario, ladder, rank.seed(seed), len(designed), None)
        return _FewThreads(found, scenario.threads)

    rules = Rules(shared, ladder, judge(scenario), scenario.batch_size)
    history = History(scenario.space)
    return RankedMultiFidelity(history, designed, make, rules, shared, (rank, first))


def judge(scenario: Scenario) -> Callable[[Evaluation], Outcome | None]:
    """Return what is promoted by an evaluation of `scenario`; None: nothing.

    What failed tells nothing; nor does a column how far what is infeasible is from being
    feasible, as a measured constraint does.
    """
    limits = scenario.output_constraints

    def outcome(evaluation: Evaluation) -> Outcome | None:
        found = evaluation.constraints
        excess = tuple(
            max(low - found[name], found[name] - high, 0.0) if name in found else 0.0
            for name, (low, high) in limits.items()
        )
        if not evaluation.feasible:
            return Outcome((), excess) if any(excess) else None
        return Outcome(tuple(evaluation.objectives[n] for n in scenario.objectives))

    return outcome


class _FewThreads:
    """A sampler whose linear algebra uses few threads, as `hmserve.engine.threads` says.

    Args:
        sampler: Does the work.
        threads: How many.
    """

    def __init__(self, sampler: Sampler, threads: int) -> None:
        from threadpoolctl import ThreadpoolController

        self._sampler = sampler
        self._threads = threads
        self._controller = ThreadpoolController()

    @property
    def state(self) -> Mapping[str, Any]:
        return self._sampler.state

    def restore(self, state: Mapping[str, Any]) -> None:
        self._sampler.restore(state)

    def propose(
        self, history: History, rung: Rung, n: int, first_id: int, *, quick: bool = False
    ) -> Sequence[Configuration]:
        with self._controller.limit(limits=self._threads, user_api="blas"):
            return self._sampler.propose(history, rung, n, first_id, quick=quick)
