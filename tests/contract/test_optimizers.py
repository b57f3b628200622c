"""What every optimizer keeps, whatever it models and whatever is told.

An optimizer is tried with the calls a run may make, in any order; `Run` beside it knows from
the contract alone what may come back, and takes down the calls for a replay.
"""

import json
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmserve.design.samplers import design
from hmserve.engine.build import build
from hmserve.engine.history import History
from hmserve.engine.staged import StagedOptimizer
from hmserve.errors import UnknownTrialError
from hmserve.scenario import Scenario
from hmserve.space.encoding import Encoding
from hmserve.trial import OUTSIDE, Evaluation, Trial

REAL = {"parameter_type": "real", "values": [-5, 10]}
INTEGER = {"parameter_type": "integer", "values": [0, 10**9]}
ORDINAL = {"parameter_type": "ordinal", "values": [1, 2, 4, 8, 16]}
LABELS = {"parameter_type": "categorical", "values": ["a", "b", "c"]}
MANY_LABELS = {"parameter_type": "categorical", "values": [f"v{k}" for k in range(64)]}
ALONE = {"parameter_type": "ordinal", "values": [3]}
FOREST = {"models": {"model": "random_forest", "number_of_trees": 5}}
UCB = {"acquisition_function": "UCB"}


def scenario(parameters, objectives=1, samples=4, iterations=5, batch=1, **others):
    """A scenario of these parameters, named by their places."""
    return {
        "optimization_objectives": [f"y{k}" for k in range(objectives)],
        "input_parameters": {f"p{k}": p for k, p in enumerate(parameters)},
        "design_of_experiment": {"number_of_samples": samples},
        "optimization_iterations": iterations,
        "evaluations_per_optimization_iteration": batch,
        **others,
    }


SCENARIOS = {
    "a real": scenario([REAL]),
    "reals": scenario([REAL, REAL, REAL]),
    "mixed": scenario([REAL, ORDINAL, LABELS]),
    "wide integers": scenario([INTEGER, INTEGER]),
    "a real and a single level": scenario([ALONE, REAL]),
    "many labels": scenario([MANY_LABELS, MANY_LABELS, MANY_LABELS], iterations=4),
    "small": scenario([ORDINAL, LABELS], samples=3, iterations=30),
    "one configuration": scenario([ALONE], samples=1),
    "batches": scenario([REAL, LABELS], iterations=3, batch=3),
    "a batch beyond the space": scenario([ORDINAL], samples=2, iterations=2, batch=50),
    "no design": scenario([REAL, ORDINAL], samples=0),
    "nothing but a design": scenario([REAL, ORDINAL], iterations=0),
    "a grid": scenario([ORDINAL, LABELS], design_of_experiment={"doe_type": "grid_search"}),
    "no noise": scenario([REAL, REAL], noise=False),
    "two objectives": scenario([REAL, ORDINAL], objectives=2),
    "two objectives in batches": scenario([ORDINAL, LABELS], objectives=2, batch=2),
    "three objectives": scenario([REAL, LABELS], objectives=3),
    "confidence": scenario([REAL, ORDINAL], batch=2, iterations=3, **UCB),
    "two confidences": scenario([REAL], objectives=2, **UCB),
    "forest": scenario([REAL, LABELS], iterations=4, **FOREST),
    "forest of a small space": scenario([ORDINAL, LABELS], iterations=9, batch=2, **FOREST),
    "two forests": scenario([REAL], objectives=2, iterations=3, **FOREST),
}

OUTCOMES = ["measured", "failed", "infeasible", "huge", "tiny", "constant"]


class AtRandom:
    """The cheapest proposer there is; its state is how often it was asked."""

    def __init__(self):
        self.state = {"calls": 0}

    def restore(self, state):
        self.state = dict(state)

    def propose(self, history, n, first_id, *, quick=False):
        del quick
        self.state = {"calls": self.state["calls"] + 1}
        space = history.space
        rng = np.random.default_rng([first_id, self.state["calls"]])
        drawn = [space.draw(row) for row in rng.random((99, space.dimension)).tolist()]
        some = drawn if space.size > 99 else rng.permutation(list(space.enumerate())).tolist()
        fresh = {space.key(c): c for c in some if not history.has(c)}
        return list(fresh.values())[:n]


@cache
def read(name):
    return Scenario.parse(SCENARIOS[name])


def modelling(name, seed=1):
    return build(read(name), seed)


def drawing(name, seed=1):
    found = read(name)
    configurations = design(found.space, found.design.kind, found.design.samples, seed)
    iterations = 0 if found.design.kind == "grid_search" else found.iterations
    history = History(found.space)
    return StagedOptimizer(history, configurations, AtRandom, iterations, found.batch_size)


def measure(found, trial, outcome):
    """What came of a trial: a function of its configuration, but for the kind of outcome."""
    u = Encoding(found.space).encode([trial.configuration])[0]
    values = [float(((u - 0.3 - 0.2 * k) ** 2).sum()) for k in range(len(found.objectives))]
    if outcome == "huge":
        values = [(-1.0) ** (trial.id + k) * 1e300 for k in range(len(values))]
    elif outcome in {"tiny", "constant"}:
        values = [1e-300 * v if outcome == "tiny" else 7.0 for v in values]
    if outcome == "failed":
        return Evaluation(trial, {}, feasible=False)
    objectives = dict(zip(found.objectives, values, strict=True))
    return Evaluation(trial, objectives, feasible=outcome != "infeasible")


class Run:
    """An optimizer, what the contract says of it, and the calls it has had."""

    def __init__(self, name, make=modelling):
        self.scenario = read(name)
        self.space = self.scenario.space
        self.make = lambda: make(name)
        self.optimizer = self.make()
        self.known = Counter()
        self.asked, self.given_back = [], 0
        self.calls = []

    def key(self, trial):
        return self.space.key(trial.configuration)

    def ask(self, n, quick=False):
        before = list(self.optimizer.pending)
        trials = list(self.optimizer.ask(n, quick=quick))
        assert len(trials) <= n
        assert trials or before or self.optimizer.finished or not n
        first = len(self.asked)
        assert [trial.id for trial in trials] == list(range(first, first + len(trials)))
        for trial in trials:
            assert self.space.contains(trial.configuration)
            assert not self.known[self.key(trial)]
            self.known[self.key(trial)] += 1
        assert list(self.optimizer.pending) == before + trials
        self.asked += trials
        if trials:
            self.calls.append(("replay", trials, self.optimizer.state))
        return trials

    def chosen(self, places, expired=True):
        pending = [*self.optimizer.pending, *(self.optimizer.expired if expired else ())]
        return [pending[k] for k in dict.fromkeys(k % len(pending) for k in places if pending)]

    def settle(self, verb, places, outcome="measured"):
        before, late = list(self.optimizer.pending), list(self.optimizer.expired)
        trials = self.chosen(places, expired=verb != "expire")
        given = trials
        if verb == "tell":
            given = [measure(self.scenario, trial, outcome) for trial in trials]
        if verb == "drop":
            self.given_back += len(trials)
            self.known.subtract(map(self.key, trials))
        getattr(self.optimizer, verb)(iter(given))
        assert list(self.optimizer.pending) == [t for t in before if t not in trials]
        late += trials if verb == "expire" else []
        out = [t for t in late if t not in trials or verb == "expire"]
        assert list(self.optimizer.expired) == out
        self.calls.append((verb, given))

    def observe(self, seed, outcome="measured"):
        variates = np.random.default_rng(seed).random(self.space.dimension)
        configuration = self.space.draw(variates.tolist())
        if seed % 3 == 0 and self.asked:
            configuration = self.asked[seed % len(self.asked)].configuration
        given = [measure(self.scenario, Trial(OUTSIDE, configuration), outcome)]
        self.optimizer.observe(given)
        self.known[self.space.key(configuration)] += 1
        self.calls.append(("observe", given))

    def refuse(self):
        def everything():
            o = self.optimizer
            return o.pending, o.expired, o.budget, o.finished, json.dumps(o.state)

        before = everything()
        unknown = Trial(10**9, self.space.draw([0.5] * self.space.dimension))
        for trials in ([unknown], [*self.chosen([0]), unknown]):
            results = [measure(self.scenario, trial, "measured") for trial in trials]
            for verb, argument in (
                ("tell", results),
                ("drop", trials),
                ("abandon", trials),
                ("expire", trials),
            ):
                with pytest.raises(UnknownTrialError):
                    getattr(self.optimizer, verb)(argument)
        with pytest.raises(ValueError, match="do not follow"):
            self.optimizer.replay([unknown], {})
        assert everything() == before

    def end(self):
        for _ in range(200):
            if self.optimizer.finished:
                break
            self.ask(3)
            self.settle("tell", range(60))
        assert self.optimizer.finished
        assert self.optimizer.ask(5) == ()
        spent = len(self.asked) - self.given_back
        assert spent <= self.optimizer.budget
        assert spent == self.optimizer.budget or len(+self.known) == self.space.size

    def replayed(self, calls=None):
        """A new optimizer that has had these calls, as a journal holds them."""
        again = self.make()
        for verb, *arguments in self.calls if calls is None else calls:
            if verb == "replay":
                trials, state = arguments
                copies = [Trial(t.id, copy(dict(t.configuration))) for t in trials]
                again.replay(copies, copy(state))
            else:
                getattr(again, verb)(arguments[0])
        return again


def copy(data):
    return json.loads(json.dumps(data))


PLACES = st.lists(st.integers(0, 9), max_size=4)
ACTIONS = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 4), st.booleans()),
    st.tuples(st.just("settle"), st.just("tell"), PLACES, st.sampled_from(OUTCOMES)),
    st.tuples(st.just("settle"), st.sampled_from(["drop", "abandon", "expire"]), PLACES),
    st.tuples(st.just("observe"), st.integers(0, 99), st.sampled_from(OUTCOMES)),
    st.tuples(st.just("refuse")),
)


def check_the_contract(run, actions):
    for verb, *arguments in actions:
        getattr(run, verb)(*arguments)
    again = run.replayed()
    assert (again.pending, again.budget) == (run.optimizer.pending, run.optimizer.budget)
    assert again.expired == run.optimizer.expired
    assert again.finished == run.optimizer.finished
    assert list(again.ask(2)) == run.ask(2)
    run.end()


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(SCENARIOS)), st.lists(ACTIONS, max_size=25))
def test_stages_and_budgets_keep_the_contract_whatever_the_order_of_calls(name, actions):
    check_the_contract(Run(name, drawing), actions)


@pytest.mark.parametrize("name", SCENARIOS)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=st.lists(ACTIONS, min_size=4, max_size=10))
def test_models_keep_the_contract_whatever_the_order_of_calls(name, actions):
    check_the_contract(Run(name), actions)


def scripted(name, seed=0, outcomes=OUTCOMES[:3]):
    """A run of all verbs with trials pending most of the time, up to its last result."""
    run, rng = Run(name), np.random.default_rng(seed)
    run.observe(5)
    for _ in range(60):
        run.ask(int(rng.integers(1, 4)))
        run.settle(
            "tell", rng.integers(0, 9, 2).tolist(), outcomes[rng.integers(len(outcomes))]
        )
        if rng.random() < 0.15:
            run.settle(["drop", "abandon", "expire"][rng.integers(3)], [0])
        if run.optimizer.finished:
            break
    run.end()
    return run


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_that_was_cut_off_goes_on_as_if_it_had_not_been(name):
    run = scripted(name)
    asks = [k for k, call in enumerate(run.calls) if call[0] == "replay"]
    for cut in asks[len(asks) // 3 :: max(len(asks) // 3, 1)]:
        again = run.replayed(run.calls[:cut])
        for verb, *arguments in run.calls[cut:]:
            if verb == "replay":
                trials, state = arguments
                assert list(again.ask(len(trials))) == trials
                assert again.state == state
            else:
                getattr(again, verb)(arguments[0])
        assert again.finished


@pytest.mark.parametrize("name", ["reals", "mixed", "two objectives", "forest"])
def test_the_seed_decides_everything(name):
    def trials(seed):
        optimizer = modelling(name, seed)
        while not optimizer.finished:
            asked = optimizer.ask(2)
            optimizer.tell([measure(read(name), trial, "measured") for trial in asked])
            yield from asked

    assert list(trials(3)) == list(trials(3))
    assert list(trials(3)) != list(trials(4))


@pytest.mark.parametrize("name", ["reals", "mixed", "two objectives"])
def test_the_order_of_results_told_at_once_does_not_matter(name):
    one, two = modelling(name), modelling(name)
    for optimizer, step in ((one, 1), (two, -1)):
        results = [measure(read(name), trial, "measured") for trial in optimizer.ask(4)]
        optimizer.tell(results[::step])
    assert one.ask(1) == two.ask(1)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize(
    "name", ["mixed", "batches", "two objectives", "three objectives", "confidence", "forest"]
)
def test_a_run_with_one_kind_of_outcome_ends(name, outcome):
    run = Run(name)
    while not run.optimizer.finished:
        run.ask(5)
        run.settle("tell", range(9), outcome)
    assert len(run.asked) == run.optimizer.budget


@pytest.mark.parametrize("name", ["small", "a batch beyond the space", "one configuration"])
@pytest.mark.parametrize("outcomes", [["measured"], ["failed"], ["measured", "infeasible"]])
def test_a_small_space_is_exhausted_exactly_once(name, outcomes):
    run = Run(name)
    for k in range(100):
        if run.optimizer.finished:
            break
        run.ask(4)
        run.settle("tell", range(9), outcomes[k % len(outcomes)])
    assert len(run.asked) == run.space.size
    assert len(run.known) == run.space.size


@pytest.mark.parametrize("name", ["reals", "two objectives", "forest"])
def test_where_fits_are_rare_a_run_that_was_cut_off_goes_on_too(name):
    run = Run(name)
    run.ask(4)
    run.settle("tell", range(4))
    for seed in range(1, 110):
        run.observe(seed, "failed" if seed % 11 == 0 else "measured")
    for _ in range(2):
        run.ask(1)  # each view is fitted
    again = run.replayed()
    fitted = [view["fitted"] for view in run.optimizer.state["views"]]
    for _ in range(3):
        expected = run.ask(1)
        assert list(again.ask(1)) == expected
        run.settle("tell", range(9))
        again.tell(run.calls[-1][1])
    assert [view["fitted"] for view in run.optimizer.state["views"]] == fitted
