"""From a scenario to an optimizer: which method it names.

Whatever needs numpy is imported when the design of experiments is over, so that a daemon says
its first request at once.
"""

import contextlib
from collections.abc import Callable

from hmserve.design.samplers import design
from hmserve.engine.history import History
from hmserve.engine.staged import Proposer, StagedOptimizer
from hmserve.scenario import Scenario

Watch = Callable[[str], contextlib.AbstractContextManager[None]]
"""Counts the time in a block under a name."""


def build(
    scenario: Scenario, seed: int, known: int = 0, watch: Watch | None = None
) -> StagedOptimizer:
    """Return the optimizer of `scenario`.

    Args:
        scenario: What to optimize.
        seed: Decides every draw of the run.
        known: How many evaluations are observed before the first ask; the design of
            experiments is that much shorter, unless it is a grid.
        watch: Told where the time goes.
    """
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


def proposer(
    scenario: Scenario, seed: int, designed: int, watch: Watch | None = None
) -> Proposer:
    """Return what proposes after a design of `designed` configurations."""
    from hmserve.engine.learner import Learner
    from hmserve.engine.threads import FewThreads

    learner = Learner(scenario, seed, designed, watch)
    chosen = {
        "evolutionary_optimization": learner.evolution,
        "local_search": learner.local_search,
        "random_search": learner.random_search,
    }.get(scenario.method, learner.bayesian)
    return FewThreads(chosen(), scenario.threads)
