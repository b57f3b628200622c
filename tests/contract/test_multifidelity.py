"""The contract of an optimizer where evaluations have fidelities, under any order of calls."""

import itertools
import json
import zlib
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.engine.history import History
from hmserve.engine.multifidelity import MultiFidelityOptimizer, Rules
from hmserve.engine.multifidelity_build import judge, multifidelity
from hmserve.errors import UnknownTrialError
from hmserve.fidelity.schedule import scheduler
from hmserve.journal.records import Ask, from_json, to_json
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, WHOLE, Evaluation, Trial

REAL = {"parameter_type": "real", "values": [-5, 10]}
ORDINAL = {"parameter_type": "ordinal", "values": [1, 2, 4, 8, 16]}
LABELS = {"parameter_type": "categorical", "values": ["a", "b", "c"]}


def scenario(parameters, objectives=1, samples=4, batch=1, others=None, **fidelity):
    return {
        "optimization_objectives": [f"y{k}" for k in range(objectives)],
        "input_parameters": {f"p{k}": p for k, p in enumerate(parameters)},
        "design_of_experiment": {"number_of_samples": samples},
        "evaluations_per_optimization_iteration": batch,
        "fidelity": {"name": "epochs", "min": 1, "max": 9, **fidelity},
        **(others or {}),
    }


ASHA = {"scheduler": "asha", "num_iterations": 15}
LIMITED = {"output_constraints": {"g": [None, 0.5]}}
SCENARIOS = {
    "hyperband": scenario([REAL, LABELS]),
    "two cycles": scenario([REAL], num_iterations=6, type="integer"),
    "halving": scenario([REAL], scheduler="successive_halving", rounding="table"),
    "asha": scenario([REAL, ORDINAL], **ASHA),
    "a small space": scenario([ORDINAL, LABELS], samples=3),
    "a small space, asha": scenario([ORDINAL, LABELS], **ASHA),
    "one configuration": scenario([{"parameter_type": "ordinal", "values": [3]}], samples=1),
    "no design": scenario([REAL], samples=0),
    "batches": scenario([REAL], batch=4),
    "evaluations are limited": scenario([REAL], others={"max_evaluations": 17}),
    "asha, evaluations are limited": scenario(
        [REAL], scheduler="asha", others={"max_evaluations": 30}
    ),
    "two objectives": scenario([REAL, ORDINAL], objectives=2),
    "two objectives, asha": scenario([REAL], objectives=2, **ASHA),
    "a constraint": scenario([REAL, LABELS], others=LIMITED),
}
OUTCOMES = ["measured", "failed", "infeasible", "constant", "stopped"]


@cache
def read(name):
    return Scenario.parse(SCENARIOS[name])


class AtRandom:
    """The cheapest sampler there is; its state is how often it was asked."""

    def __init__(self):
        self.state = {"calls": 0}

    def restore(self, state):
        self.state = dict(state)

    def propose(self, history, rung, n, first_id, *, quick=False):
        del quick
        assert rung.fidelity > 0
        self.state = {"calls": self.state["calls"] + 1}
        space = history.space
        rng = np.random.default_rng([first_id, rung.index, self.state["calls"]])
        drawn = [space.draw(row) for row in rng.random((99, space.dimension)).tolist()]
        some = drawn if space.size > 99 else rng.permutation(list(space.enumerate())).tolist()
        fresh = {space.key(c): c for c in some if not history.has(c)}
        return list(fresh.values())[:n]


def drawing(name, seed=1):
    found = read(name)
    space, options = found.space, found.fidelity
    rng = np.random.default_rng(seed)
    rows = rng.random((9 * found.design.samples, space.dimension)).tolist()
    distinct = {space.key(c): c for c in map(space.draw, rows)}
    limited = found.stops.evaluations is not None
    rules = Rules(
        scheduler(options, limited),
        options.ladder,
        judge(found),
        found.batch_size,
        found.stops.evaluations,
    )
    configurations = list(distinct.values())[: found.design.samples]
    return MultiFidelityOptimizer(History(space), configurations, AtRandom, rules)


def building(name, seed=1):
    found = read(name)
    return multifidelity(found, found.fidelity, seed)


def measure(found, trial, outcome):
    """What came of a trial: a function of its configuration, but for the kind of outcome."""
    if outcome == "failed":
        return Evaluation(trial, {}, feasible=False)
    if outcome == "stopped":
        trial = Trial(trial.id, trial.configuration, trial.fidelity * 0.5, trial.stage)
    value = float(zlib.crc32(repr(found.space.key(trial.configuration)).encode()) % 1013)
    value = 7.0 if outcome == "constant" else value
    objectives = {name: value * (-1) ** k for k, name in enumerate(found.objectives)}
    g = dict.fromkeys(found.output_constraints, 0.5 + value if outcome == "infeasible" else 0.0)
    return Evaluation(trial, objectives, outcome != "infeasible", g)


class Run:
    """An optimizer, what the contract says of it, and the calls it has had."""

    def __init__(self, name, make=drawing):
        self.scenario = read(name)
        self.space, self.ladder = self.scenario.space, self.scenario.fidelity.ladder
        self.make = lambda: make(name)
        self.optimizer = self.make()
        self.asked, self.given_back, self.calls = [], 0, []
        self.known, self.begun = Counter(), {}
        self.promotable, self.promoted = set(), set()

    def ask(self, n, quick=False):
        before = list(self.optimizer.pending)
        trials = list(self.optimizer.ask(n, quick=quick))
        assert len(trials) <= n
        assert trials or before or self.optimizer.finished or not n
        first = len(self.asked)
        assert [trial.id for trial in trials] == list(range(first, first + len(trials)))
        for trial in trials:
            self.check(trial)
        assert list(self.optimizer.pending) == before + trials
        self.asked += trials
        if trials:
            self.calls.append(("replay", trials, self.optimizer.state))
        return trials

    def check(self, trial):
        """A new configuration is new; a promoted one was evaluated one rung below."""
        bracket, rung, root, previous = trial.stage
        assert trial.fidelity == self.ladder.fidelities[rung]
        assert self.space.contains(trial.configuration)
        if root == trial.id:
            assert previous == 0.0
            assert not self.known[self.space.key(trial.configuration)]
            self.begun[root] = trial.configuration
        else:
            assert trial.configuration == self.begun[root]
            assert previous == self.ladder.fidelities[rung - 1]
            assert (bracket, rung - 1, root) in self.promotable
            assert (bracket, rung, root) not in self.promoted
            self.promoted.add((bracket, rung, root))
        self.known[self.space.key(trial.configuration)] += 1

    def chosen(self, places, late=True):
        out = [*self.optimizer.pending, *(self.optimizer.expired if late else ())]
        return [out[k] for k in dict.fromkeys(k % len(out) for k in places if out)]

    def tell(self, places, outcome="measured"):
        trials = self.chosen(places)
        told = [measure(self.scenario, trial, outcome) for trial in trials]
        self.call("tell", told)
        limited = bool(self.scenario.output_constraints)
        if outcome in ("measured", "constant") or (outcome == "infeasible" and limited):
            self.promotable |= {(t.stage.bracket, t.stage.rung, t.stage.root) for t in trials}

    def settle(self, verb, places):
        trials = self.chosen(places, late=verb != "expire")
        if verb == "drop":
            self.given_back += len(trials)
            self.known.subtract(self.space.key(t.configuration) for t in trials)
            self.promoted -= {(t.stage.bracket, t.stage.rung, t.stage.root) for t in trials}
        self.call(verb, trials)

    def observe(self, seed, fidelity):
        variates = np.random.default_rng(seed).random(self.space.dimension)
        configuration = self.space.draw(variates.tolist())
        trial = Trial(OUTSIDE, configuration, fidelity)
        self.known[self.space.key(configuration)] += 1
        self.call("observe", [measure(self.scenario, trial, "measured")])

    def refuse(self):
        def everything():
            o = self.optimizer
            return o.pending, o.expired, o.budget, o.finished, json.dumps(o.state)

        before = everything()
        unknown = Trial(10**9, self.space.draw([0.5] * self.space.dimension), 1.0)
        for trials in ([unknown], [*self.chosen([0]), unknown]):
            results = [measure(self.scenario, trial, "measured") for trial in trials]
            for verb, given_ in (("tell", results), ("drop", trials), ("abandon", trials)):
                with pytest.raises(UnknownTrialError):
                    getattr(self.optimizer, verb)(given_)
        with pytest.raises(ValueError, match="do not follow"):
            self.optimizer.replay([unknown], {})
        early = Trial(len(self.asked), unknown.configuration, 1.0)
        with pytest.raises(ValueError, match="no place"):
            self.optimizer.replay([early], {})
        assert everything() == before

    def call(self, verb, arguments):
        getattr(self.optimizer, verb)(iter(arguments))
        self.calls.append((verb, arguments))

    def end(self):
        for _ in range(500):
            if self.optimizer.finished:
                break
            self.ask(3)
            self.tell(range(60))
        assert self.optimizer.finished
        assert not self.optimizer.ask(5)
        assert len(self.asked) - self.given_back <= self.optimizer.budget

    def replayed(self, calls=None):
        """A new optimizer that has had these calls, as a journal holds them."""
        again = self.make()
        for verb, *arguments in self.calls if calls is None else calls:
            if verb == "replay":
                record = Ask(0.0, 0.0, *arguments)
                _, _, trials, state = from_json(json.loads(json.dumps(to_json(record))))
                assert list(trials) == arguments[0]
                again.replay(trials, state)
            else:
                getattr(again, verb)(arguments[0])
        return again


PLACES = st.lists(st.integers(0, 9), max_size=6)
ACTIONS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from([0, 1, 2, 5, 9, WHOLE]), st.booleans()),
    st.tuples(st.just("tell"), PLACES, st.sampled_from(OUTCOMES)),
    st.tuples(st.just("tell"), st.just(range(40)), st.sampled_from(OUTCOMES)),
    st.tuples(st.just("settle"), st.sampled_from(["drop", "abandon", "expire"]), PLACES),
    st.tuples(st.just("observe"), st.integers(0, 99), st.sampled_from([None, 1.0, 9.0])),
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


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(SCENARIOS)), st.lists(ACTIONS, max_size=25))
def test_the_contract_holds_whatever_the_order_of_calls(name, actions):
    check_the_contract(Run(name), actions)


@pytest.mark.parametrize("name", SCENARIOS)
@settings(max_examples=3, deadline=None)
@given(actions=st.lists(ACTIONS, min_size=4, max_size=10))
def test_it_holds_for_what_a_scenario_makes(name, actions):
    check_the_contract(Run(name, building), actions)


@pytest.mark.parametrize("make", [drawing, building])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_that_was_cut_off_goes_on_as_if_it_had_not_been(name, make):
    run, rng = Run(name, make), np.random.default_rng(3)
    run.observe(5, None)
    for _ in range(60):
        run.ask(int(rng.integers(1, 6)))
        run.tell(rng.integers(0, 9, 3).tolist(), OUTCOMES[rng.integers(3)])
        if rng.random() < 0.2:
            run.settle(["drop", "abandon", "expire"][rng.integers(3)], [0])
    run.end()
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


@pytest.mark.parametrize("name", ["hyperband", "asha", "two objectives"])
def test_the_seed_decides_everything_and_the_order_within_one_tell_nothing(name):
    def trials(seed, step=1):
        optimizer = building(name, seed)
        while not optimizer.finished:
            asked = optimizer.ask(4)
            told = [measure(read(name), trial, "measured") for trial in asked]
            optimizer.tell(told[::step])
            yield from asked

    assert list(trials(3)) == list(trials(3, step=-1))
    some = [list(itertools.islice(trials(seed), 20)) for seed in (3, 4)]
    assert some[0] != some[1]


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("name", ["hyperband", "asha", "a small space", "a constraint"])
def test_a_run_with_one_kind_of_outcome_ends(name, outcome):
    run = Run(name)
    for _ in range(200):
        run.ask(5)
        run.tell(range(5), outcome)
    assert run.optimizer.finished
    if outcome in ("failed", "stopped"):
        assert not run.promoted
