"""From a scenario to an optimizer: which method it names.

Whatever needs numpy is imported when the design of experiments is over, so that a daemon says
its first request at once.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hmserve.design.samplers import design
from hmserve.engine.history import History
from hmserve.engine.optimizer import Optimizer
from hmserve.engine.rank import ALONE, Rank
from hmserve.engine.ranked import RankedOptimizer
from hmserve.engine.staged import Proposer, StagedOptimizer
from hmserve.scenario import Scenario
from hmserve.space.space import Configuration

if TYPE_CHECKING:
    from hmserve.engine.ranked_multifidelity import RankedMultiFidelity

Watch = Callable[[str], contextlib.AbstractContextManager[None]]
"""Counts the time in a block under a name."""


def build(
    scenario: Scenario, seed: int, known: int = 0, watch: Watch | None = None
) -> Optimizer:
    """Return the optimizer of `scenario`.

    Args:
        scenario: What to optimize.
        seed: Decides every draw of the run.
        known: How many evaluations are observed before the first ask; the design of
            experiments is that much shorter, unless it is a grid.
        watch: Told where the time goes.
    """
    if scenario.fidelity is not None:
        from hmserve.engine.multifidelity_build import multifidelity

        return multifidelity(scenario, scenario.fidelity, seed, known, watch)
    chosen = scenario.design
    samples = max(chosen.samples - known, 0)
    configurations = design(scenario.space, chosen.kind, samples, seed, chosen.repeating)
    return StagedOptimizer(
        History(scenario.space),
        configurations,
        lambda: proposer(scenario, seed, len(configurations), watch),
        scenario.iterations,
        scenario.batch_size,
        scenario.stops.evaluations,
    )


def shared_design(scenario: Scenario, seed: int, size: int) -> list[Configuration]:
    """Return the design that `size` ranks have together: at least one configuration each."""
    chosen = scenario.design
    samples = max(chosen.samples, size)
    return design(scenario.space, chosen.kind, samples, seed, chosen.repeating)


def build_ranked(
    scenario: Scenario,
    seed: int,
    rank: Rank,
    designed: Sequence[Configuration],
    first: int = 0,
) -> "RankedOptimizer | RankedMultiFidelity":
    """Return the optimizer of one rank of a run of `scenario`.

    Args:
        scenario: What to optimize.
        seed: Of the run; each rank draws from its own.
        rank: Which one this is.
        designed: Its part of the design of experiments.
        first: No trial has a smaller number.
    """
    if scenario.fidelity is not None:
        from hmserve.engine.multifidelity_build import ranked_multifidelity

        return ranked_multifidelity(scenario, scenario.fidelity, seed, rank, designed, first)
    count = max(scenario.design.samples, rank.size)
    return RankedOptimizer(
        History(scenario.space),
        designed,
        lambda: proposer(scenario, seed, count, rank=rank),
        rank,
        first,
    )


def proposer(
    scenario: Scenario,
    seed: int,
    designed: int,
    watch: Watch | None = None,
    rank: Rank = ALONE,
) -> Proposer:
    """Return what proposes after a design of `designed` configurations."""
    from hmserve.engine.learner import Learner
    from hmserve.engine.threads import FewThreads

    learner = Learner(scenario, seed, designed, watch, rank)
    chosen = {
        "evolutionary_optimization": learner.evolution,
        "local_search": learner.local_search,
        "random_search": learner.random_search,
    }.get(scenario.method, learner.bayesian)
    return FewThreads(chosen(), scenario.threads)
