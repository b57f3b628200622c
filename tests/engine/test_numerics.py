"""What no history may do to an optimizer, however ugly its numbers and however odd its space.

Whatever is told, every proposal lies in the space, holds its known constraints and is new
while anything new is left; the seed and the history decide it, in a resumed run as well; and
nothing warns, since pytest makes errors of warnings.
"""

import functools
import json
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import hmserve
from hmserve.engine.build import build
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Evaluation, Trial

many = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.reuse, Phase.generate],  # small cases as they are: shrinking is slow
)
few = settings(many, max_examples=2)


def parameter(kind, *values, **others):
    return {"parameter_type": kind, "values": list(values), **others}


real, integer = functools.partial(parameter, "real"), functools.partial(parameter, "integer")
ordinal = functools.partial(parameter, "ordinal")


def labels(n, **others):
    return parameter("categorical", *(f"v{k}" for k in range(n)), **others)


def order(n, kind):
    return parameter("permutation", n, parametrization=kind)


LOG = {"transform": "log"}
IF_FIRST = {"condition": {"p0": ["v0"]}}
WIDE = 2**50

SPACES = {
    "a square": [real(0, 1), real(0, 1)],
    "a tiny range": [real(1, 1 + 1e-12), real(0, 1)],
    "a tiny range about zero": [real(-1e-300, 1e-300), real(0, 1e-320)],
    "a tiny range of logarithms": [real(1, 1 + 1e-9, **LOG), real(1, 1 + 1e-12, **LOG)],
    "a huge range": [real(-1e300, 1e300), real(-1.7e308, 1.7e308)],
    "a huge range of logarithms": [real(1e-300, 1e300, **LOG), real(5e-324, 1e308, **LOG)],
    "far from zero": [real(1e15, 1e15 + 100), real(-1e-12, 1e12)],
    "one level everywhere": [ordinal(7), labels(1), integer(3, 3), real(2, 2)],
    "one real among single levels": [ordinal(7), labels(1), integer(3, 3), real(2, 3)],
    "wide integers": [integer(-WIDE, WIDE), integer(0, WIDE)],
    "wide integers by logarithm": [integer(1, WIDE, **LOG), integer(1, 10, **LOG)],
    "huge levels": [ordinal(-1e300, -1, 0, 1e-300, 1, 1e300), ordinal(1e300, 1.0000001e300)],
    "levels that all but coincide": [ordinal(*(1 + k * 1e-15 for k in range(9))), labels(2)],
    "hundreds of labels": [labels(300), real(0, 1)],
    "a few labels": [labels(3), labels(2)],
    "a small space": [ordinal(1, 2, 4), labels(2), integer(0, 1)],
    "orders": [order(4, "spearman"), order(3, "kendall"), order(3, "hamming")],
    "orders without distance": [order(4, "naive"), labels(2)],
    "a long order": [order(9, "kendall")],
    "all depend on one": [
        labels(4),
        real(0, 1, **IF_FIRST),
        integer(0, 5, **IF_FIRST),
        ordinal(1, 2, 4, **IF_FIRST),
        labels(3, **IF_FIRST),
    ],
    "few solutions": [*(integer(1, 60) for _ in range(3)), "p0 * p1 * p2 == 60"],
    "one solution": [integer(1, 40), integer(1, 40), labels(1), "p0 * p1 == 1600"],
    "a sliver": [real(0, 1), real(0, 1), integer(1, 9), "p0 + p1 <= 0.001 * p2"],
}

ENGINES = {
    "the default": {},
    "processes": {"models": {"model": "gaussian_process"}},
    "a forest": {"models": {"model": "random_forest", "number_of_trees": 5}},
    "a forest of samples": {
        "models": {
            "model": "random_forest",
            "number_of_trees": 3,
            "bootstrap": True,
            "max_features": 1e-9,
            "min_samples_split": 2,
            "use_all_data_to_fit_mean": True,
            "use_all_data_to_fit_variance": True,
        }
    },
    "no noise": {"noise": False},
    "bounds": {"acquisition_function": "UCB"},
    "samples of functions": {"acquisition_function": "TS"},
    "samples of forests": {
        "acquisition_function": "TS",
        "models": {"model": "random_forest", "number_of_trees": 5},
    },
    "evolution strategy": {"acquisition_function_optimizer": "cma_es"},
    "no search": {"local_search_random_points": 0, "local_search_starting_points": 0},
    "short steps": {"local_search_step_size": 1e-300, "local_search_from_best": True},
    "an aim too low": {"objective_value_target": -1e300},
    "an aim too high": {"objective_value_target": 1e300},
    "logarithms": {"log_transform_output": True},
    "a margin": {"exploration_augmentation": 1e300},
    "narrow steps": {"acquisition_function_optimizer": "cma_es", "cma_es_sigma": 1e-300},
    "wide steps": {"acquisition_function_optimizer": "cma_es", "cma_es_sigma": 1e300},
    "now and then at random": {"epsilon_greedy_threshold": 0.5},
    "many starts": {
        "multistart_hyperparameter_optimization": True,
        "hyperparameter_optimization_iterations": 3,
        "reuse_gp_hyperparameters": False,
    },
    "rare fits": {"reoptimise_hyperparameters_interval": 5},
    "narrow hyperpriors": {
        "lengthscale_prior": {"name": "gamma", "parameters": [1e-3, 1e3]},
        "noise_prior": {"name": "lognormal", "parameters": [-300, 1e-6]},
        "outputscale_prior": {"name": "uniform", "parameters": [1e-9, 1e9]},
    },
    "wide hyperpriors": {
        "lengthscale_prior": {"name": "normal", "parameters": [1e-200, 1e200]},
        "noise_prior": {"name": "lognormal", "parameters": [1e300, 1]},
        "outputscale_prior": {"name": "lognormal", "parameters": [0, 1e-300]},
    },
    "random scalarizations": {"optimization_method": "random_scalarizations"},
    "sums": {"scalarization_method": "linear", "weight_sampling": "bounding_box"},
    "farthest": {"scalarization_method": "modified_tchebyshev"},
    "prior guided": {"optimization_method": "prior_guided_optimization"},
    "prior weighed": {"acquisition_function": "EI_BOPRO"},
    "a prior that decides": {"prior_beta": 1e300, "prior_floor": 0},
    "a prior that does not": {
        "acquisition_function": "EI_BOPRO",
        "model_posterior_weight": 1e-300,
        "model_good_quantile": 1,
        "posterior_computation_lower_limit": 1e300,
    },
    "hill climbing": {"optimization_method": "local_search"},
    "evolution": {"optimization_method": "evolutionary_optimization", "batch_size": 3},
    "regularised evolution": {
        "optimization_method": "evolutionary_optimization",
        "evolution_population_size": 3,
        "regularize_evolution": True,
        "evolution_crossover": True,
        "mutation_rate": 9,
    },
    "random search": {"optimization_method": "random_search"},
}


class Measured(NamedTuple):
    """Objective `k` of trial `i` at the point `u`."""

    u: np.ndarray
    i: int
    k: int

    @property
    def bowl(self):
        return float(((self.u - 0.3 - 0.1 * self.k) ** 2).sum())

    @property
    def sign(self):
        return 1.0 if (self.i + self.k) % 2 else -1.0


# What is measured; None for a failure.
WORLDS = {
    "a bowl": lambda at: at.bowl,
    "a constant": lambda _: 7.0,
    "zero": lambda _: 0.0,
    "one objective is constant": lambda at: at.bowl if at.k else 0.0,
    "all objectives are one": lambda at: at._replace(k=0).bowl,
    "objectives in conflict": lambda at: (1.0 - 2.0 * at.k) * at._replace(k=0).bowl,
    "a peak": lambda at: 1e300 if at.i == 2 else at.bowl,
    "a pit": lambda at: -1e300 if at.i == 2 else at.bowl,
    "peaks and pits": lambda at: at.sign * 1.7e308,
    "a mix of scales": lambda at: at.sign * 10.0 ** (200 * (at.i % 4 - 2)) * at.bowl,
    "all scales": lambda at: 10.0 ** (600.0 * float(at.u.mean()) - 300.0),
    "tiny": lambda at: 1e-300 * at.bowl,
    "subnormal": lambda at: 5e-324 * round(9 * at.bowl),
    "far from zero": lambda at: 1e15 + at.bowl,
    "the last bits": lambda at: 1.0 + 1e-15 * round(9 * at.bowl),
    "two values": lambda at: float(at.bowl > 0.2),
    "noise": lambda at: math.sin(1e9 * (at.i + 1) * (at.k + 1)),
    "nothing feasible": lambda _: None,
    "one feasible": lambda at: at.bowl if at.i == 1 else None,
    "one infeasible": lambda at: None if at.i == 1 else at.bowl,
    "half infeasible": lambda at: None if at.u[0] < 0.5 else at.bowl,
    "infeasible at random": lambda at: None if at.i % 3 else at.sign * 1e300,
}


@functools.cache
def read(space, engine, objectives, prior=None):
    """A scenario of 4 points and 4 more."""
    parameters = [dict(p) for p in SPACES[space] if not isinstance(p, str)]
    for p in parameters if prior else ():
        if p["parameter_type"] in ("real", "integer"):
            p["prior"] = prior
    return Scenario.parse(
        {
            "optimization_objectives": [f"y{k}" for k in range(objectives)],
            "input_parameters": {f"p{k}": p for k, p in enumerate(parameters)},
            "constraints": [p for p in SPACES[space] if isinstance(p, str)],
            "design_of_experiment": {"number_of_samples": 4},
            "optimization_iterations": 4,
            "evolution_population_size": 4,
            "evolution_generations": 4,
            "max_evaluations": 8,
            **ENGINES[engine],
        }
    )


class Run:
    """An optimizer that is watched, and the calls it has had."""

    def __init__(self, scenario, world, seed=1):
        self.scenario, self.space, self.world = scenario, scenario.space, WORLDS[world]
        self.seed = seed
        self.optimizer = build(scenario, seed)
        self.seen, self.calls = set(), []
        self.wanted = {}

    def measure(self, trial, number):
        u = np.array(self.space.encode(trial.configuration))
        measured = [Measured(u, number, k) for k in range(len(self.scenario.objectives))]
        values = list(map(self.world, measured))
        if None in values:
            return Evaluation(trial, {}, feasible=False)
        return Evaluation(trial, dict(zip(self.scenario.objectives, values, strict=True)))

    def observe(self, seed, n):
        """Tell `n` results nobody asked for, every other one of the same configuration."""
        rng, space = np.random.default_rng(seed), self.space
        if space.known is not None:
            codes = space.known.region.draw(n, rng).tolist()
            found = [space.at_codes(row) for row in codes]
        else:
            found = [space.draw(row) for row in rng.random((n, space.dimension)).tolist()]
        found[::2] = found[:1] * len(found[::2])
        given = [self.measure(Trial(OUTSIDE, c), i) for i, c in enumerate(found)]
        self.optimizer.observe(given)
        self.seen |= {space.key(c) for c in found}
        self.calls.append(("observe", given))

    def ask(self, n):
        trials = self.optimizer.ask(n)
        for trial in trials:
            assert self.space.fault(trial.configuration) is None
            key = self.space.key(trial.configuration)
            assert key not in self.seen
            self.seen.add(key)
        if trials:
            state = json.dumps(self.optimizer.state, allow_nan=False)
            self.wanted[len(self.calls)] = n
            self.calls.append(("replay", list(trials), json.loads(state)))
        return list(trials)

    def tell(self, n):
        given = [self.measure(trial, trial.id) for trial in self.optimizer.pending[:n]]
        self.optimizer.tell(given)
        self.calls.append(("tell", given))

    def end(self, asked, told):
        for _ in range(40):
            if self.optimizer.finished:
                break
            self.ask(asked)
            self.tell(told)
        assert self.optimizer.finished

    def check_that_it_is_complete(self):
        asked = sum(len(call[1]) for call in self.calls if call[0] == "replay")
        assert asked == self.optimizer.budget or len(self.seen) == self.space.size

    def check_that_it_can_be_resumed(self, last):
        """A new optimizer told of all but the `last` asks goes on with these."""
        again = build(self.scenario, self.seed)
        asks = [place for place, call in enumerate(self.calls) if call[0] == "replay"]
        first = asks[-last] if last < len(asks) else 0
        for place, (verb, *arguments) in enumerate(self.calls):
            if verb == "replay" and place >= first:
                trials, state = arguments
                assert list(again.ask(self.wanted[place])) == trials
                assert json.loads(json.dumps(again.state)) == state
            else:
                getattr(again, verb)(*arguments)


@dataclass(frozen=True)
class History:
    """How a run goes: what was known before, how many are asked and told at a time."""

    seed: int
    observed: int
    asked: int
    told: int

    def check(self, scenario, world, last=2):
        run = Run(scenario, world, self.seed)
        if self.observed:
            run.observe(self.seed, self.observed)
        run.end(self.asked, self.told)
        run.check_that_it_is_complete()
        run.check_that_it_can_be_resumed(last)


spaces, engines, worlds = map(st.sampled_from, (list(SPACES), list(ENGINES), list(WORLDS)))
objectives = st.sampled_from([1, 1, 2, 3, 5])
priors = st.sampled_from([None, None, "gaussian", "decay", "exponential"])
histories = st.builds(
    History,
    st.integers(0, 99),
    st.sampled_from([0, 1, 7, 25]),
    st.integers(1, 3),
    st.integers(1, 3),
)


@pytest.mark.parametrize("space", SPACES)
@few
@given(engine=engines, world=worlds, m=objectives, prior=priors, history=histories)
def test_in_every_space_a_run_goes_well(space, engine, world, m, prior, history):
    history.check(read(space, engine, m, prior), world)


@pytest.mark.parametrize("engine", ENGINES)
@few
@given(space=spaces, world=worlds, m=objectives, prior=priors, history=histories)
def test_by_every_method_a_run_goes_well(engine, space, world, m, prior, history):
    history.check(read(space, engine, m, prior), world)


@pytest.mark.parametrize("world", WORLDS)
@few
@given(space=spaces, engine=engines, m=objectives, prior=priors, history=histories)
def test_whatever_is_measured_a_run_goes_well(world, space, engine, m, prior, history):
    history.check(read(space, engine, m, prior), world)


@pytest.mark.slow
@many
@given(
    space=spaces, engine=engines, world=worlds, m=objectives, prior=priors, history=histories
)
def test_a_run_goes_well(space, engine, world, m, prior, history):
    history.check(read(space, engine, m, prior), world, last=99)


@pytest.mark.parametrize("scale", ["none", "log"])
@pytest.mark.parametrize(
    "method",
    ["bayesian_optimization", "random_search", "local_search", "evolutionary_optimization"],
)
@pytest.mark.parametrize(("low", "high", "n"), [(1, 1 + 4e-16, 3), (2**53, 2**53 + 8, 5)])
def test_of_a_real_with_few_numbers_each_is_asked_once(scale, method, low, high, n):
    scenario = Scenario.parse(
        {
            "optimization_objectives": ["y"],
            "input_parameters": {"x": real(low, high, transform=scale)},
            "design_of_experiment": {"number_of_samples": 2},
            "evolution_population_size": 2,
            "optimization_method": method,
        }
    )
    optimizer, asked = build(scenario, 1), []
    while not optimizer.finished:
        trials = optimizer.ask(1)
        asked += [trial.configuration["x"] for trial in trials]
        optimizer.tell([Evaluation(trial, {"y": 1.0}) for trial in trials])
    assert len(asked) == len(set(asked)) == n


def test_values_that_are_not_finite_count_as_failures(tmp_path):
    scenario = {
        "optimization_objectives": ["y"],
        "input_parameters": {"x": real(0, 1), "n": ordinal(1, 2, 4)},
        "design_of_experiment": {"number_of_samples": 3},
        "optimization_iterations": 6,
        "run_directory": str(tmp_path),
    }
    returned = [math.nan, math.inf, -math.inf, None, 1e308, -1e308, np.nan, np.inf, "1e999"]
    with hmserve.AskTell(scenario) as run:
        for value in returned:
            (trial,) = run.ask()
            run.tell(trial, value)
        assert run.finished
        records = run.result.records
    assert [record["y"] for record in records if record["feasible"]] == [1e308, -1e308]
