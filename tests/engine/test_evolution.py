import json
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hmserve.design.samplers import design
from hmserve.engine.evolution import EvolutionOptions, EvolutionProposer
from hmserve.engine.fitness import Fittest, fitness_order, front_numbers
from hmserve.engine.history import History
from hmserve.engine.random_search import RandomProposer
from hmserve.engine.staged import StagedOptimizer
from hmserve.multiobjective.hypervolume import hypervolume
from hmserve.multiobjective.pareto import non_dominated
from hmserve.space.encoding import Encoding
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.space import Space
from hmserve.trial import OUTSIDE, Evaluation, Trial

REALS = [Real(f"x{k}", 0, 1) for k in range(4)]
MIXED = [
    Real("x", 0, 1),
    Integer("i", 0, 40),
    Ordinal("o", [1, 2, 4, 8, 16]),
    Categorical("c", ["a", "b", "c"]),
]
SMALL = [Ordinal("o", [1, 2, 4, 8]), Categorical("c", ["a", "b", "c"])]
LABELS = [Categorical(f"c{k}", [f"v{i}" for i in range(20)]) for k in range(5)]


def evolution(parameters, options, objectives=("y0",), seed=0):
    encoding = Encoding(Space(parameters))
    random = RandomProposer(encoding, encoding.sample, seed)
    return EvolutionProposer(objectives, options, random, seed)


def optimizer(parameters, options, objectives, seed, sizes=(20, 80, 1)):
    samples, iterations, batch = sizes
    space = Space(parameters)
    return StagedOptimizer(
        History(space),
        design(space, "random sampling", samples, seed),
        lambda: evolution(parameters, options, objectives, seed),
        iterations,
        batch,
    )


def evaluation(trial, values):
    """What came of a trial; None is a failure."""
    objectives = {} if values is None else {f"y{k}": float(v) for k, v in enumerate(values)}
    return Evaluation(trial, objectives, feasible=values is not None)


def run(parameters, function, options, seed=0, sizes=(20, 80, 1)):
    """Trials and values of a whole run."""
    m = max(len(function(c) or ()) for c in design(Space(parameters), "random sampling", 9, 0))
    names = [f"y{k}" for k in range(m)]
    found, trials, values = optimizer(parameters, options, names, seed, sizes), [], []
    while not found.finished:
        asked = found.ask(sizes[2])
        values += [function(trial.configuration) for trial in asked]
        trials += asked
        pairs = zip(asked, values[-len(asked) :], strict=True)
        found.tell([evaluation(trial, value) for trial, value in pairs])
    return trials, values


def bowl(c):
    return [sum((x - 0.3) ** 2 for x in c.values())]


def mixed(c):
    """Lowest at (0.2, 17, 8, "b"); a third of the labels fails with large values."""
    if c["c"] == "a" and c["o"] > 4:
        return None
    away = (c["x"] - 0.2) ** 2 + ((c["i"] - 17) / 40) ** 2 + (math.log2(c["o"]) - 3) ** 2 / 16
    return [away + (c["c"] != "b")]


def labels(c):
    return [sum(value != "v7" for value in c.values())]


PROBLEMS = {
    "reals": (REALS, bowl, 5.0),
    "mixed": (MIXED, mixed, 5.0),
    "labels": (LABELS, labels, 1.5),
}
EAGER = EvolutionOptions(population=20, tournament=5)


def least(values):
    return min(math.inf if value is None else value[0] for value in values)


@pytest.mark.parametrize("name", PROBLEMS)
def test_it_is_better_than_random_search(name):
    parameters, function, factor = PROBLEMS[name]
    found = [
        least(run(parameters, function, EAGER, seed, (20, 130, 1))[1]) for seed in range(5)
    ]
    rng, space = np.random.default_rng(0), Space(parameters)
    draws = rng.random((5, 150, space.dimension)).tolist()
    random = [least([function(space.draw(u)) for u in some]) for some in draws]
    assert factor * statistics.median(found) < statistics.median(random)


def zdt1(c):
    """The first problem of Zitzler, Deb and Thiele (2000); its front is 1 - sqrt(x)."""
    x = list(c.values())
    g = 1.0 + 9.0 * statistics.mean(x[1:])
    return [x[0], g * (1.0 - math.sqrt(x[0] / g))]


def test_two_objectives_are_better_than_in_random_search_all_along_the_front():
    volumes, reference = [], np.array([1.1, 3.3])
    for seed in range(3):
        _, values = run(REALS, zdt1, EAGER, seed, (20, 130, 1))
        drawn = np.random.default_rng(seed).random((150, 4)).tolist()
        random = [zdt1(dict(enumerate(u))) for u in drawn]
        volumes.append([hypervolume(np.array(v), reference) for v in (values, random)])
        front = np.array(values)[non_dominated(np.array(values))]
        assert np.ptp(front, axis=0).min() > 0.5
    ours, theirs = np.median(volumes, axis=0)
    best = 1.1 * 3.3 - 1.0 / 3.0
    assert best - ours < 0.5 * (best - theirs)


@pytest.mark.parametrize("parameters", [REALS, MIXED, SMALL])
@pytest.mark.parametrize("batch", [1, 5])
def test_nothing_is_proposed_twice(parameters, batch):
    space, encoding = Space(parameters), Encoding(Space(parameters))

    def function(c):
        return [float(((encoding.encode([c]) - 0.3) ** 2).sum())]

    trials, _ = run(parameters, function, EAGER, sizes=(5, 60 // batch, batch))
    keys = {space.key(trial.configuration) for trial in trials}
    assert len(keys) == len(trials) == min(65, space.size)
    assert all(space.contains(trial.configuration) for trial in trials)


def told(parameters, pairs):
    history = History(Space(parameters))
    history.observe([evaluation(Trial(OUTSIDE, c), values) for c, values in pairs])
    return history


def labelled(*digits):
    return {f"c{k}": f"v{digit}" for k, digit in enumerate(digits)}


def differences(child, parent):
    return sum(child[name] != parent[name] for name in parent)


BEST = labelled(1, 1, 1, 1, 1)
OTHERS = [labelled(k, k, k, k, k) for k in range(2, 8)]


@pytest.mark.parametrize("mutations", [1, 2, 4, 9])
def test_a_child_of_the_fittest_differs_in_as_many_parameters_as_mutate(mutations):
    history = told(LABELS, [(BEST, [0.0]), *((c, [1.0]) for c in OTHERS)])
    options = EvolutionOptions(tournament=7, mutations=mutations)
    found = [evolution(LABELS, options).propose(history, 1, k)[0] for k in range(60)]
    counts = [differences(child, BEST) for child in found]
    # What is drawn anew may be what it was.
    assert max(counts) == min(mutations, 5)
    assert min(counts) >= 1


def test_the_infeasible_have_children_only_if_there_are_no_others():
    failed = [(c, None) for c in OTHERS]
    options = EvolutionOptions(population=5, tournament=2)
    found = evolution(LABELS, options).propose(told(LABELS, failed), 30, 0)
    assert all(min(differences(child, c) for c in OTHERS) == 1 for child in found)
    options = EvolutionOptions(population=1, tournament=2)
    found = evolution(LABELS, options).propose(told(LABELS, [*failed, (BEST, [9.0])]), 30, 0)
    assert all(differences(child, BEST) == 1 for child in found)


def test_the_worst_leave_or_if_it_is_regularised_the_oldest():
    history = told(LABELS, [(BEST, [0.0]), *((c, [1.0]) for c in OTHERS)])
    for regularised, parents in ((False, [BEST, *OTHERS[:2]]), (True, OTHERS[-3:])):
        options = EvolutionOptions(population=3, tournament=1, regularised=regularised)
        found = evolution(LABELS, options).propose(history, 60, 0)
        nearest = {min(range(3), key=lambda k: differences(c, parents[k])) for c in found}
        assert nearest == {0, 1, 2}
        assert all(min(differences(child, c) for c in parents) == 1 for child in found)


def test_in_a_crossover_each_parameter_comes_from_one_of_the_two_fittest():
    second = labelled(2, 2, 2, 2, 2)
    pairs = [(BEST, [0.0]), (second, [0.5]), (labelled(3, 3, 3, 3, 3), [1.0])]
    for tournament, mixes in ((3, True), (2, False)):
        options = EvolutionOptions(population=3, tournament=tournament, crossover=True)
        found = evolution(LABELS, options).propose(told(LABELS, pairs), 40, 0)
        foreign = [sum(v not in {"v1", "v2"} for v in child.values()) for child in found]
        both = [{"v1", "v2"} <= set(child.values()) for child in found]
        if mixes:
            assert max(foreign) <= 1
        assert (sum(both) > 20) == mixes


def test_numbers_move_by_small_and_by_large_steps():
    history = told(REALS, [({f"x{k}": 0.5 for k in range(4)}, [0.0])])
    found = evolution(REALS, EvolutionOptions()).propose(history, 200, 0)
    steps = np.array([max(abs(x - 0.5) for x in c.values()) for c in found])
    assert (steps < 0.01).mean() > 0.1
    assert (steps > 0.1).mean() > 0.1


def test_without_a_population_it_proposes_at_random():
    found = evolution(SMALL, EvolutionOptions()).propose(History(Space(SMALL)), 50, 0)
    assert len({tuple(c.values()) for c in found}) == 12 == len(found)


def test_it_is_a_function_of_the_history_the_number_and_the_seed():
    history = told(LABELS, [(BEST, [0.0]), *((c, [1.0]) for c in OTHERS)])
    one, two = evolution(LABELS, EAGER, seed=1), evolution(LABELS, EAGER, seed=1)
    one.propose(history, 3, 0)
    two.restore(json.loads(json.dumps(one.state)))
    assert one.propose(history, 3, 5) == two.propose(history, 3, 5)
    assert one.propose(history, 3, 5) != one.propose(history, 3, 9)
    other = evolution(LABELS, EAGER, seed=2)
    assert one.propose(history, 3, 5) != other.propose(history, 3, 5)


@given(arrays(float, (9, 2), elements=st.integers(0, 4).map(float)))
def test_fronts_are_numbered_from_the_best(Y):
    numbers = front_numbers(Y)
    for i, y in enumerate(Y):
        dominating = (y >= Y).all(axis=1) & (y > Y).any(axis=1)
        assert numbers[i] == numbers[dominating].max(initial=-1) + 1


@given(arrays(float, (9, 3), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_the_fitter_come_from_the_better_fronts(Y):
    order = fitness_order(Y, np.random.default_rng(0))
    assert sorted(order) == list(range(9))
    assert (np.diff(front_numbers(Y)[order]) >= 0).all()


values = st.integers(0, 3).map(float) | st.floats(-1e300, 1e300)
histories = st.integers(1, 4).flatmap(
    lambda m: st.lists(
        arrays(float, st.tuples(st.integers(0, 40), st.just(m)), elements=values)
    )
)


@given(histories, st.integers(1, 6), st.integers(0, 9))
def test_of_a_history_that_grows_the_fittest_are_those_of_the_whole(blocks, size, seed):
    fittest = Fittest(size, blocks[0].shape[1] if blocks else 1)
    for n, block in enumerate(blocks):
        first = sum(map(len, blocks[:n]))
        fittest.extend(np.arange(first, first + len(block)), block)
    whole = np.concatenate([*blocks, fittest.Y[:0]])
    wanted = fitness_order(whole, np.random.default_rng(seed))[:size]
    order = fitness_order(fittest.Y, np.random.default_rng(seed), size)[:size]
    assert fittest.rows[order].tolist() == wanted.tolist()


@given(arrays(float, (60, 2), elements=st.integers(0, 9).map(float)), st.integers(0, 60))
def test_enough_are_in_the_order_that_all_would_have(Y, enough):
    whole, some = (fitness_order(Y, np.random.default_rng(1), k) for k in (None, enough))
    assert whole[:enough].tolist() == some[:enough].tolist()
    assert sorted(some) == list(range(60))


def test_few_rows_of_a_long_history_are_kept():
    fittest, Y = Fittest(20, 2), np.random.default_rng(0).random((20_000, 2))
    fittest.extend(np.arange(20_000), Y)
    assert len(fittest.rows) < 500
    same = Fittest(20, 2)
    same.extend(np.arange(20_000), np.zeros((20_000, 2)))
    assert same.rows.tolist() == list(range(20))


def test_each_part_of_a_front_has_its_turn():
    t = np.linspace(0.0, 1.0, 30)
    Y = np.column_stack([t, (1.0 - t) ** 2]) * [1e9, 1e-9]
    first = {int(fitness_order(Y, np.random.default_rng(seed))[0]) for seed in range(300)}
    assert len(first) > 20
