"""From a scenario to an optimizer: the one place that knows the names of options.

Whatever needs numpy is imported when the design of experiments is over, so that a daemon says
its first request at once.
"""

from collections.abc import Sequence

from hmserve.design.samplers import design
from hmserve.engine.history import History
from hmserve.engine.staged import Proposer, StagedOptimizer
from hmserve.scenario import Scenario


def build(scenario: Scenario, seed: int, known: int = 0) -> StagedOptimizer:
    """Return the optimizer of `scenario`.

    Args:
        scenario: What to optimize.
        seed: Decides every draw of the run.
        known: How many evaluations are observed before the first ask; the design of
            experiments is that much shorter, unless it is a grid.
    """
    samples = max(scenario.design.samples - known, 0)
    configurations = design(scenario.space, scenario.design.kind, samples, seed)
    return StagedOptimizer(
        History(scenario.space),
        configurations,
        lambda: proposer(scenario, seed, len(configurations)),
        scenario.iterations,
        scenario.batch_size,
    )


def proposer(scenario: Scenario, seed: int, designed: int) -> Proposer:
    """Return what proposes after a design of `designed` configurations."""
    from hmserve.acquisition.base import Acquisition
    from hmserve.acquisition.confidence import LogConfidenceBound, hypermapper_beta
    from hmserve.acquisition.improvement import LogExpectedImprovement
    from hmserve.engine.bayesian import BayesianProposer
    from hmserve.engine.goals import Goal, Hypervolume, Minimum, Scalarised
    from hmserve.engine.models import Modeller
    from hmserve.engine.threads import SingleThreaded
    from hmserve.space.encoding import Encoding
    from hmserve.surrogate.base import ForestOptions, Posterior
    from hmserve.surrogate.kernel import Kernel
    from hmserve.surrogate.regression import (
        ForestRegression,
        GaussianProcessRegression,
        Regression,
    )

    def confidence_bound(model: Posterior, incumbent: float, trial: int) -> Acquisition:
        iteration = 1 + (trial - designed) // scenario.batch_size
        return LogConfidenceBound(model, incumbent, hypermapper_beta(max(iteration, 1)))

    def improvement(model: Posterior, incumbent: float, trial: int) -> Acquisition:
        del trial
        return LogExpectedImprovement(model, incumbent)

    def goal(objectives: Sequence[str]) -> Goal:
        gain = {"EI": improvement, "UCB": confidence_bound}[scenario.acquisition]
        if len(objectives) == 1:
            return Minimum(gain)
        if len(objectives) == 2 and scenario.acquisition == "EI":
            return Hypervolume()
        return Scalarised(gain)

    encoding = Encoding(scenario.space)
    levels = [axis.levels if axis.categorical else 0 for axis in encoding.axes]
    kernel = Kernel(levels)

    def regression() -> Regression:
        model = scenario.model
        if model.kind == "random_forest":
            options = ForestOptions(
                model.trees, model.max_features, model.bootstrap, model.min_samples_split
            )
            return ForestRegression(levels, options)
        return GaussianProcessRegression(kernel, model.noise)

    return SingleThreaded(
        BayesianProposer(
            encoding,
            scenario.objectives,
            Modeller(regression(), kernel),
            goal(scenario.objectives),
            seed,
        )
    )
