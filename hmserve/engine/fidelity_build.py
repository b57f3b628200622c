"""From a scenario to the sampler its key ``fidelity`` names."""

from collections.abc import Callable, Sequence

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.improvement import LogExpectedImprovement
from hmserve.acquisition.maximize import Search, SearchOptions
from hmserve.acquisition.weighting import LIKELY
from hmserve.engine.bayesian import unwatched
from hmserve.engine.build import Watch
from hmserve.engine.fidelity_data import places
from hmserve.engine.fidelity_gp import Aim, ModelGuide
from hmserve.engine.fidelity_guide import Drawing, Guide
from hmserve.engine.fidelity_kde import DensityGuide, DensityOptions
from hmserve.engine.fidelity_mixture import MixedSampler, Mixture
from hmserve.engine.fidelity_priors import BandDraws, EvenDraws
from hmserve.engine.goals import Goal, Hypervolume, Minimum, Scalarised
from hmserve.engine.learner import Learner
from hmserve.engine.models import Modeller
from hmserve.engine.random_search import RandomProposer
from hmserve.fidelity.rungs import Ladder
from hmserve.scenario import Scenario
from hmserve.space.expectations import prior_of
from hmserve.space.permutation import Permutation
from hmserve.surrogate.base import ForestOptions, Posterior
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import ForestRegression, Regression
from hmserve.surrogate.rungs import MultiRung

_INTERVAL = 10
"""Hyperparameters are fitted again when there are so many results more."""

_SEARCH = SearchOptions(candidates=384, starts=2, distances=(0.1, 0.02))
"""A proposal is one of many of a bracket, and has a few milliseconds."""

_FULL = 3
"""Where densities can do without, a model is asked from so many full evaluations on."""

_MODEL_SHARE, _BOTH_SHARES = 2 / 3, (1 / 3, 1 / 3)
"""How many configurations a model chooses alone, and model and densities where both do."""


class Parts:
    """What samplers of one run are made of.

    Args:
        scenario: What the user wants; with fidelities.
        ladder: The fidelities in use.
        seed: Decides every draw of the run.
        designed: How many trials the design of experiments has.
        watch: Told where the time goes.
    """

    def __init__(
        self,
        scenario: Scenario,
        ladder: Ladder,
        seed: int,
        designed: int,
        watch: Watch | None = None,
    ) -> None:
        self._scenario = scenario
        self._ladder = ladder
        self._seed = seed
        self._watch = watch or unwatched
        learner = Learner(scenario, seed, designed, watch)
        self._encoding = encoding = learner.encoding
        self._limited = learner.limited
        self._random = RandomProposer(encoding, encoding.sample, seed)
        self._prior = prior_of(encoding)
        self._kinds = [
            p if isinstance(p, Permutation) else int(p.size) if p.categorical else 0
            for p in scenario.space.parameters
        ]

    def sampler(self) -> MixedSampler:
        """Return the sampler the scenario names."""
        kinds: dict[str, Callable[[], Mixture]] = {
            "auto": self._auto,
            "kde": self._density,
            "gp": self._process,
            "random_forest": self._forest,
            "random": lambda: Mixture(self._drawing),
        }
        assert self._scenario.fidelity is not None
        mixture = kinds[self._scenario.fidelity.sampler]()
        data = (self._scenario.objectives, self._limited)
        return MixedSampler(mixture, self._random, data, self._ladder, self._seed)

    @property
    def _drawing(self) -> Drawing:
        if self._prior is None:
            return EvenDraws(self._random)
        return BandDraws(self._random, self._prior, self._ladder)

    def _auto(self) -> Mixture:
        guides = [self._model(self._processes(), _FULL), self._densities()]
        return Mixture(self._drawing, guides, _BOTH_SHARES)

    def _density(self) -> Mixture:
        assert self._scenario.fidelity is not None
        share = 1.0 - self._scenario.fidelity.random_fraction
        return Mixture(self._drawing, [self._densities()], [share])

    def _process(self) -> Mixture:
        return Mixture(self._drawing, [self._model(self._processes())], [_MODEL_SHARE])

    def _forest(self) -> Mixture:
        model = self._scenario.model
        options = ForestOptions(
            model.trees,
            model.max_features,
            model.bootstrap,
            model.min_samples_split,
            model.means_from_all,
            model.variances_from_all,
        )
        forests = ForestRegression([*self._kinds, 0], options)
        return Mixture(self._drawing, [self._model(forests)], [_MODEL_SHARE])

    def _densities(self) -> Guide:
        chosen = self._scenario.fidelity
        assert chosen is not None
        options = DensityOptions(
            chosen.top_n_percent,
            chosen.min_samples_in_model,
            chosen.num_samples,
            chosen.bandwidth_factor,
            chosen.min_bandwidth,
        )
        return DensityGuide(self._encoding, options)

    def _model(self, objectives: Regression, full: int = 0) -> Guide:
        scenario = self._scenario
        interval = scenario.fitting.reoptimise_hyperparameters_interval or _INTERVAL
        # Whether a configuration works at all is taken not to depend on the fidelity.
        modeller = Modeller(objectives, self._kernel(), interval, self._processes())
        threshold = scenario.feasibility_threshold
        likely = LIKELY if threshold is None else threshold
        aim = Aim(self._goal(), likely, full, self._watch)
        search = Search(self._encoding, _SEARCH, self._prior)
        return ModelGuide(modeller, aim, search, places(self._ladder), self._seed)

    def _goal(self) -> Goal:
        objectives = len(self._scenario.objectives)
        if objectives == 1:
            return Minimum(_improvement, spare=True)
        return Hypervolume() if objectives <= 3 else Scalarised(_improvement)

    def _processes(self) -> MultiRung:
        noise = self._scenario.fitting.noise
        return MultiRung(self._kernel([0]), places(self._ladder), noise)

    def _kernel(self, more: Sequence[int] = ()) -> Kernel:
        """Return a kernel over points, with numeric columns `more`."""
        kinds = self._kinds
        levels = [kind if isinstance(kind, int) else 0 for kind in kinds]
        orders = {j: kind for j, kind in enumerate(kinds) if isinstance(kind, Permutation)}
        return Kernel([*levels, *more], orders)


def _improvement(model: Posterior, incumbent: float, trial: int) -> Acquisition:
    """Return what improves on `incumbent`; noise is the model's to see through."""
    del trial
    return LogExpectedImprovement(model, incumbent)
