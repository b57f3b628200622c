"""The parts of a proposer, by the names a scenario has for them."""

from collections.abc import Sequence

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.confidence import LogConfidenceBound, hypermapper_beta
from hmserve.acquisition.fantasies import improvement
from hmserve.acquisition.maximize import Search, SearchOptions
from hmserve.acquisition.prior import (
    LogPrior,
    LogPriorOdds,
    PriorPosterior,
    TimesPrior,
    pibo_exponent,
)
from hmserve.acquisition.thompson import Thompson
from hmserve.acquisition.weighting import LIKELY
from hmserve.arrays import Floats
from hmserve.engine.bayesian import BayesianProposer, Maximiser, Policy, View, unwatched
from hmserve.engine.build import Watch
from hmserve.engine.evolution import EvolutionOptions, EvolutionProposer
from hmserve.engine.goals import Gain, Goal, Hypervolume, Minimum, Scalarised
from hmserve.engine.local_search import LocalSearchProposer
from hmserve.engine.measured import Limited
from hmserve.engine.models import Modeller
from hmserve.engine.pending import Strategy
from hmserve.engine.random_search import EpsilonGreedy, RandomProposer
from hmserve.engine.rank import ALONE, Exploration, Rank
from hmserve.engine.staged import Proposer
from hmserve.engine.strategies import strategy
from hmserve.engine.variants import Aimed, GoodOrBad, Logarithmic
from hmserve.multiobjective.scalarize import (
    SCALARISATIONS,
    BoundingBox,
    Scalarisation,
    Weights,
    even,
    flat,
    limits_of,
)
from hmserve.scenario import Scenario
from hmserve.space.encoding import Encoding
from hmserve.space.expectations import prior_of
from hmserve.space.permutation import Permutation
from hmserve.surrogate.base import ForestOptions, Posterior
from hmserve.surrogate.gp import GaussianProcess
from hmserve.surrogate.hyperprior import log_normal
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import (
    FitOptions,
    ForestRegression,
    GaussianProcessRegression,
    Regression,
)

_OWN = ("gibbon", "joint_ei", "thompson")
"""Strategies that are acquisitions themselves: which other one was named does not count."""

_NOISY = 0.05
"""Above this noise variance, in that of the targets, a draw decides instead of an improvement:
docs/decisions/0024-thompson-where-there-is-noise.md."""

_NO_AIM = -9999.0
"""BaCO's way to say that there is no target."""


class Learner:
    """Makes proposers for one run.

    Args:
        scenario: What the user wants.
        seed: Decides every draw of the run.
        designed: How many trials the design of experiments has.
        watch: Told where the time goes.
        rank: For which of several optimizers, if there are several.
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        designed: int,
        watch: Watch | None = None,
        rank: Rank = ALONE,
    ) -> None:
        self._scenario = scenario
        self._rank = rank
        self._shared_seed = seed
        self._seed = seed = rank.seed(seed)
        self._designed = designed
        self._watch = watch or unwatched
        self.encoding = Encoding(scenario.space)
        self._prior = prior_of(self.encoding)
        self._random = RandomProposer(self.encoding, self._draw, seed, rank.parts)
        # A wrong prior must not decide what is explored when nothing else is known.
        self._evenly = RandomProposer(self.encoding, self.encoding.sample, seed, rank.parts)

    def random_search(self) -> Proposer:
        """Return random search."""
        return self._random

    def local_search(self) -> Proposer:
        """Return hill climbing by evaluations."""
        scenario = self._scenario
        weights = np.ones(len(scenario.objectives))
        given = scenario.model_free.local_search_scalarization_weights
        if len(given) == len(weights):
            # As shares of the largest their sum is finite.
            weights = np.array(given, dtype=float) / max(*given, 1e-300)
        starts = scenario.searching.local_search_starting_points
        return LocalSearchProposer(
            scenario.objectives,
            list(weights / max(weights.sum(), 1e-300)),
            self._random,
            10 if starts is None else max(starts, 1),
            self._seed,
        )

    def evolution(self) -> Proposer:
        """Return an evolutionary algorithm."""
        options = self._scenario.model_free
        return EvolutionProposer(
            self._scenario.objectives,
            EvolutionOptions(
                population=options.evolution_population_size,
                tournament=options.batch_size,
                mutations=options.mutation_rate,
                crossover=options.evolution_crossover,
                regularised=options.regularize_evolution,
            ),
            self._random,
            self._seed,
        )

    def bayesian(self) -> Proposer:
        """Return Bayesian optimization, with the share of random trials that is wanted."""
        epsilon = self._scenario.searching.epsilon_greedy_threshold
        best = self.model_based()
        return EpsilonGreedy(best, self._evenly, epsilon, self._seed) if epsilon else best

    def model_based(self) -> BayesianProposer:
        """Return Bayesian optimization."""
        threshold = self._scenario.feasibility_threshold
        policy = Policy(
            [View(self.modeller(), goal) for goal in self._goals()],
            self._search(),
            self._weigh,
            LIKELY if threshold is None else threshold,
            self._watch,
            self._strategy(),
            self._rank,
        )
        return BayesianProposer(
            self._scenario.objectives, policy, self._evenly, self._seed, self.limited
        )

    @property
    def limited(self) -> Limited | None:
        """The measured constraints; None if there are none."""
        scenario = self._scenario
        if not scenario.output_constraints:
            return None
        return Limited(scenario.output_constraints, scenario.feasibility is not None)

    def _iteration(self, trial: int) -> int:
        """Return the number of the request that holds `trial`, 1 after the design."""
        return max(1 + (trial - self._designed) // self._scenario.batch_size, 1)

    def modeller(self) -> Modeller:
        """Return what fits the models the scenario names."""
        kinds = [
            p if isinstance(p, Permutation) else int(p.size) if p.categorical else 0
            for p in self._scenario.space.parameters
        ]
        kernel = Kernel(
            [kind if isinstance(kind, int) else 0 for kind in kinds],
            {j: kind for j, kind in enumerate(kinds) if isinstance(kind, Permutation)},
        )
        interval = self._scenario.fitting.reoptimise_hyperparameters_interval
        limited = self.limited
        slacks = self._processes(kernel, limited.width) if limited else None
        return Modeller(self._regression(kernel, kinds), kernel, interval, slacks)

    def _regression(self, kernel: Kernel, kinds: Sequence[int | Permutation]) -> Regression:
        model = self._scenario.model
        if model.kind != "random_forest":
            return self._processes(kernel)
        return ForestRegression(
            kinds,
            ForestOptions(
                model.trees,
                model.max_features,
                model.bootstrap,
                model.min_samples_split,
                model.means_from_all,
                model.variances_from_all,
            ),
        )

    def _processes(self, kernel: Kernel, columns: int = 0) -> GaussianProcessRegression:
        """Return what fits Gaussian processes, of so many `columns` if they are many."""
        fitting = self._scenario.fitting
        several = fitting.multistart_hyperparameter_optimization
        starts = fitting.hyperparameter_optimization_iterations if several else None
        priors = [
            log_normal(given["name"], given["parameters"])
            if given and given["name"] != "none"
            else None
            for given in (
                fitting.lengthscale_prior,
                fitting.noise_prior,
                fitting.outputscale_prior,
            )
        ]
        warm = fitting.reuse_gp_hyperparameters
        return GaussianProcessRegression(
            kernel, FitOptions(fitting.noise, starts or 1, warm, *priors), columns
        )

    def _strategy(self) -> Strategy:
        name = self._scenario.pending_strategy
        if self._odds and name in _OWN:
            name = "believer"
        return strategy(name, self.encoding, self._seed)

    def _search(self) -> Maximiser:
        chosen = self._scenario.searching
        if (
            chosen.acquisition_function_optimizer == "cma_es"
            and not self.encoding.discrete.any()
        ):
            from hmserve.acquisition.cma import CmaSearch

            return CmaSearch(self.encoding, chosen.cma_es_sigma, chosen.cma_es_starting_points)
        default = SearchOptions()
        candidates, starts = (
            chosen.local_search_random_points,
            chosen.local_search_starting_points,
        )
        step = chosen.local_search_step_size
        distances = default.distances if step is None else (step,)
        return Search(
            self.encoding,
            SearchOptions(
                default.candidates if candidates is None else candidates,
                default.starts if starts is None else starts,
                distances if chosen.local_search_from_best else (),
                chosen.local_search_improvement_threshold,
            ),
            self._prior,
        )

    def _goals(self) -> list[Goal]:
        goals = [self._several()] if len(self._scenario.objectives) > 1 else self._one()
        logarithmic = self._scenario.fitting.log_transform_output
        return [Logarithmic(goal) for goal in goals] if logarithmic else goals

    def _one(self) -> list[Goal]:
        scenario = self._scenario
        if self._odds:
            return [GoodOrBad(scenario.prior.model_good_quantile, self._good_or_bad)]
        aim = float(scenario.searching.objective_value_target)
        if aim != _NO_AIM:
            maximised = scenario.objectives[0] in scenario.maximised
            return [Aimed(-aim if maximised else aim, self._gain)]
        if scenario.model.kind == "random_forest":
            return [Minimum(self._gain)]
        return [Minimum(self._gain), Minimum(self._gain, spare=True)]

    def _several(self) -> Goal:
        scenario, chosen = self._scenario, self._scenario.scalarization
        explicit = scenario.method == "random_scalarizations" or chosen.scalarization_method
        boxed = chosen.weight_sampling == "bounding_box"
        plain = scenario.acquisition == "EI" and not (explicit or boxed)
        if plain and len(scenario.objectives) <= 3:
            return Hypervolume()
        scalarisation = SCALARISATIONS[chosen.scalarization_method or "tchebyshev"]
        return Scalarised(self._gain, scalarisation.value, self._weights(scalarisation))

    def _weights(self, scalarisation: Scalarisation) -> Weights:
        scenario, chosen = self._scenario, self._scenario.scalarization
        if chosen.weight_sampling == "bounding_box":
            limits = [
                (-high, -low) if name in scenario.maximised else (low, high)
                for name, (low, high) in zip(
                    scenario.objectives,
                    limits_of(chosen.bounding_box_limits, len(scenario.objectives)),
                    strict=True,
                )
            ]
            return BoundingBox(limits, scalarisation)
        # Weights that cover the front evenly, unless HyperMapper's were asked for.
        return flat if chosen.scalarization_method else even

    @property
    def _gain(self) -> Gain:
        several = self._rank.size > 1 and self._scenario.distributed.diversity
        if several == "auto":
            several = "kappa" if self._scenario.acquisition == "EI" else "pending"
        if several == "thompson":
            return Thompson(self._seed)
        if several == "kappa":
            return self._explore
        gains: dict[str, Gain] = {
            "EI": self._improvement,
            "UCB": self._bound,
            "TS": Thompson(self._seed),
        }
        own = self._scenario.pending_strategy in _OWN
        return self._improvement if own else gains[self._scenario.acquisition]

    def _improvement(self, model: Posterior, incumbent: float, trial: int) -> Acquisition:
        noisy = isinstance(model, GaussianProcess) and model.noise > _NOISY
        if noisy and not self.encoding.discrete.all():
            return Thompson(self._seed)(model, incumbent, trial)
        margin = self._scenario.searching.exploration_augmentation
        return improvement(model, incumbent, margin)

    def _explore(self, model: Posterior, incumbent: float, trial: int) -> Acquisition:
        """Return the bound with the optimism of this rank."""
        chosen, rank = self._scenario.distributed, self._rank
        exploration = Exploration(chosen.kappa, chosen.period, chosen.rate)
        beta = exploration.at(rank, trial // rank.size, self._shared_seed)
        return LogConfidenceBound(model, incumbent, beta)

    def _bound(self, model: Posterior, incumbent: float, trial: int) -> Acquisition:
        beta = hypermapper_beta(self._iteration(trial))
        return LogConfidenceBound(model, incumbent, beta)

    @property
    def _odds(self) -> bool:
        """Whether the acquisition is made of odds: BOPrO."""
        one = len(self._scenario.objectives) == 1
        return one and self._prior is not None and self._prior_method == "bopro"

    @property
    def _prior_method(self) -> str:
        named = str(self._scenario.document["acquisition_function"])
        _, _, method = named.partition("_")
        return method.lower() or self._scenario.prior.prior_method

    def _weigh(self, acquisition: Acquisition, trial: int) -> Acquisition:
        """Return `acquisition` times the prior, as piBO has it."""
        scenario = self._scenario
        weighed = self._prior is not None and self._prior_method == "pibo"
        if not weighed or len(scenario.objectives) > 1:
            return acquisition
        assert self._prior is not None
        iterations = max(scenario.iterations, 1)
        exponent = pibo_exponent(scenario.prior.prior_beta, iterations, self._iteration(trial))
        return TimesPrior(
            acquisition, LogPrior(self._prior, scenario.prior.prior_floor), exponent
        )

    def _good_or_bad(self, model: Posterior, threshold: float, trial: int) -> Acquisition:
        options = self._scenario.prior
        assert self._prior is not None
        odds = LogPriorOdds(self._prior, options.posterior_computation_lower_limit)
        exponent = self._iteration(trial) / options.model_posterior_weight
        return PriorPosterior(model, threshold, odds, exponent)

    def _draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Return points as the design draws them; known constraints hold."""
        if self._prior is None:
            return self.encoding.sample(n, rng)
        X = self._prior.draw(rng.random((n, self.encoding.space.dimension)))
        return X[self.encoding.holds(X)]
