"""How the cost of an ask and a tell grows: by ratios of CPU times measured in one process.

An ask is the least of several, so that what else the machine does hardly counts; the bounds
are some times what is measured, so that only another order of growth breaks them.
"""

import statistics
import time
import tracemalloc

import numpy as np
import pytest
from scale import CASES, gain

from hmserve.engine.build import build
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Evaluation, Trial

REAL = {"parameter_type": "real", "values": [0, 1]}


def levels(n):
    return {"parameter_type": "ordinal", "values": list(range(1, n + 1))}


def labels(n):
    return {"parameter_type": "categorical", "values": [f"v{k}" for k in range(n)]}


def read(*kinds, objectives=1, samples=0, **options):
    """A scenario of so many parameters of each kind."""
    parameters = [kind for count, kind in kinds for _ in range(count)]
    return Scenario.parse(
        {
            "optimization_objectives": [f"y{k}" for k in range(objectives)],
            "input_parameters": {f"x{j}": p for j, p in enumerate(parameters)},
            "design_of_experiment": {"number_of_samples": samples},
            "optimization_iterations": 10**6,
            "evolution_population_size": 1,
            **options,
        }
    )


def measured(scenario, trial):
    u = np.array(scenario.space.encode(trial.configuration))
    values = [float(((u - 0.3 - 0.1 * k) ** 2).sum()) for k in range(len(scenario.objectives))]
    return Evaluation(trial, dict(zip(scenario.objectives, values, strict=True)))


def results(scenario, n, failures=0.0):
    """Results of configurations drawn at random."""
    rng, space = np.random.default_rng(9876), scenario.space
    found = []
    for row in rng.random((n, space.dimension)).tolist():
        trial = Trial(OUTSIDE, space.draw(row))
        failed = rng.random() < failures
        found.append(
            Evaluation(trial, {}, feasible=False) if failed else measured(scenario, trial)
        )
    return found


def after(scenario, n, pending=0, failures=0.0):
    """An optimizer that knows `n` results, with so many trials out besides the last."""
    optimizer = build(scenario, 1)
    optimizer.observe(results(scenario, n, failures))
    while len(optimizer.pending) < pending + 1:
        assert optimizer.ask(1)
    return optimizer


def seconds(function, times=5):
    """The least CPU time of some calls."""
    found = []
    for _ in range(times):
        before = time.process_time()
        function()
        found.append(time.process_time() - before)
    return min(found)


def asking(scenario, n, **known):
    """CPU seconds of an ask; what is asked is told, so that as many stay pending."""
    optimizer = after(scenario, n, **known)

    def ask():
        optimizer.tell([measured(scenario, optimizer.pending[0])])
        assert optimizer.ask(1)

    return seconds(ask)


SIX = (6, REAL)
MODELS = {
    "processes": {},
    "forests": {"models": {"model": "random_forest"}},
    "samples of functions": {"acquisition_function": "TS"},
    "an evolution strategy": {"acquisition_function_optimizer": "cma_es"},
}
OTHERS = {
    "hill climbing": {"optimization_method": "local_search"},
    "evolution": {"optimization_method": "evolutionary_optimization"},
    "random search": {"optimization_method": "random_search"},
}


@pytest.mark.parametrize("method", OTHERS)
def test_without_a_model_an_ask_costs_the_same_however_long_the_history_is(method):
    scenario = read(SIX, **OTHERS[method])
    assert asking(scenario, 10_000) < 4 * asking(scenario, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("n", [10_000, 100_000])
def test_however_many_results_there_are_an_ask_costs_what_it_costs_with_a_thousand(model, n):
    scenario = read(SIX, **MODELS[model])
    assert asking(scenario, n) < 4 * asking(scenario, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("objectives", [2, 3, 5])
@pytest.mark.parametrize("failures", [0.0, 0.3])
def test_it_is_so_with_several_objectives_and_with_failures(objectives, failures):
    scenario = read((10, REAL), (5, levels(1000)), (2, labels(64)), objectives=objectives)
    many = asking(scenario, 10_000, failures=failures)
    assert many < 4 * asking(scenario, 1000, failures=failures)


@pytest.mark.slow
@pytest.mark.parametrize("objectives", [2, 3, 5])
def test_several_objectives_cost_a_few_times_one(objectives):
    several = asking(read(SIX, objectives=objectives), 300)
    assert several < 8 * asking(read(SIX), 300)


LARGER = {
    "100 parameters": ((100, REAL), (10, REAL), 10),
    "100 parameters of three kinds": (
        (50, REAL, 25, levels(1000), 25, labels(64)),
        (5, REAL, 3, levels(1000), 2, labels(64)),
        40,
    ),
    "1,000 levels": ((6, levels(1000)), (6, levels(10)), 8),
    "20 categoricals of 64": ((20, labels(64)), (20, labels(4)), 40),
    "3,000 labels": ((1, labels(3000), 1, REAL), (1, labels(30), 1, REAL), 60),
}


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, MODELS["forests"], MODELS["samples of functions"]])
@pytest.mark.parametrize("name", LARGER)
def test_a_larger_space_costs_no_more_than_it_is_larger(name, options):
    large, small, factor = LARGER[name]
    costs = [
        asking(read(*zip(kinds[::2], kinds[1::2], strict=True), **options), 200)
        for kinds in (large, small)
    ]
    assert costs[0] < factor * costs[1]


@pytest.mark.slow
@pytest.mark.parametrize("objectives", [1, 2, 5])
def test_what_is_pending_costs_little(objectives):
    scenario = read(SIX, objectives=objectives, evaluations_per_optimization_iteration=1)
    assert asking(scenario, 200, pending=64) < 4 * asking(scenario, 200)


def telling(scenario, known=0):
    """CPU seconds of telling the results of a design one by one, asked at once."""
    optimizer = build(scenario, 1)
    optimizer.observe(results(scenario, known))
    told = [measured(scenario, trial) for trial in optimizer.ask(10**6)]
    return seconds(lambda: [optimizer.tell([result]) for result in told], times=1)


def observing(scenario):
    """CPU seconds of observing what is not of the design, one result by one."""
    optimizer = build(scenario, 1)
    found = results(scenario, scenario.design.samples)
    return seconds(lambda: [optimizer.observe([result]) for result in found], times=1)


def least(function, *arguments, **others):
    """The least of three: what the machine or the garbage collector did meanwhile is gone."""
    return min(function(*arguments, **others) for _ in range(3))


def test_a_tell_costs_the_same_however_many_results_there_are():
    scenario = read(SIX, samples=500)
    assert least(telling, scenario, known=5000) < 6 * least(telling, scenario)


@pytest.mark.parametrize("verb", [telling, observing])
def test_a_result_costs_the_same_however_long_the_design_is(verb):
    few, many = (least(verb, read(SIX, samples=n)) for n in (500, 4000))
    assert many < 8 * 3 * few


def test_the_memory_of_an_ask_is_bounded():
    scenario = read(SIX)

    def peak(n):
        optimizer = after(scenario, n)
        optimizer.tell([measured(scenario, optimizer.pending[0])])
        tracemalloc.start()
        optimizer.ask(1)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(5000) < 2 * peak(1000)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.evaluations])
def test_at_any_size_random_search_is_behind_even_with_ten_times_as_many_evaluations(name):
    ours, _, more = zip(*(gain(name, seed) for seed in range(3)), strict=True)
    assert statistics.median(ours) < statistics.median(more)
