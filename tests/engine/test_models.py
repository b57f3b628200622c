import json

import numpy as np
import pytest

from hmserve.engine.models import Data, Modeller, Models, merit, subset
from hmserve.surrogate import feasibility
from hmserve.surrogate.kernel import Kernel
from hmserve.surrogate.regression import FitOptions, GaussianProcessRegression

LEVELS = (0, 0)


class Counting:
    """A regression that counts what is asked of it; its memory is the count."""

    def __init__(self):
        self.calls = []
        self.kept = []

    def fit(self, X, z, memory, seed):
        del z, seed
        self.calls.append(("fit", len(X), memory))
        return None, [float(len(self.calls))]

    def condition(self, X, z, before, seed):
        del z, seed
        self.calls.append(("condition", len(X), before.memory))
        self.kept.append(before.rows)


def data(n, infeasible=0, columns=1, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, 2))
    Y = np.column_stack([X @ [1.0, k + 1.0] for k in range(columns)])
    feasible = np.arange(n) >= infeasible
    Y[~feasible] = np.nan
    return Data(X, Y, feasible)


def real():
    return Modeller(
        GaussianProcessRegression(Kernel(LEVELS), FitOptions(noise=False)), Kernel(LEVELS)
    )


def fitted(modeller, n, **kind):
    known = data(n, **kind)
    return modeller.fit(known, known.Y[known.feasible], 0)


def test_few_data_are_fitted_every_time_and_many_when_a_tenth_more_came():
    regression = Counting()
    modeller = Modeller(regression, Kernel(LEVELS))
    sizes = [98, 99, 100, 100, 105, 109, 112, 113, 122, 124, 124]
    for n in sizes:
        fitted(modeller, n)
    fits = [n for (kind, n, _) in regression.calls if kind == "fit"]
    assert fits == [98, 99, 100, 100, 112, 124]
    assert [n for (_, n, _) in regression.calls] == sizes


def test_a_model_that_is_not_fitted_is_told_which_rows_the_last_fit_had():
    regression = Counting()
    modeller = Modeller(regression, Kernel(LEVELS))
    for n in (150, 155, 160):
        fitted(modeller, n, infeasible=20)
    assert regression.kept == [130, 130]


def test_each_fit_starts_from_the_last_of_its_own_column():
    regression = Counting()
    modeller = Modeller(regression, Kernel(LEVELS))
    fitted(modeller, 20, columns=2)
    fitted(modeller, 21, columns=2)
    assert [memory for (_, _, memory) in regression.calls] == [None, None, [1.0], [2.0]]


def test_when_to_fit_is_part_of_the_state():
    one, two = Counting(), Counting()
    first, second = Modeller(one, Kernel(LEVELS)), Modeller(two, Kernel(LEVELS))
    fitted(first, 150)
    second.restore(json.loads(json.dumps(first.state)))
    for n in (160, 165):
        fitted(first, n)
        fitted(second, n)
    assert one.calls[1:] == two.calls
    assert [kind for (kind, _, _) in two.calls] == ["condition", "fit"]


def test_a_state_once_given_does_not_change():
    modeller = real()
    fitted(modeller, 10, infeasible=3)
    state = modeller.state
    before = json.dumps(state)
    fitted(modeller, 12, infeasible=4, seed=5)
    assert json.dumps(state) == before
    assert json.dumps(modeller.state) != before


def test_without_a_failure_there_is_no_model_of_failures():
    assert fitted(real(), 8).feasibility is None
    models = fitted(real(), 8, infeasible=2)
    assert models.feasibility is not None
    assert len(models.objectives) == 1


def test_without_a_success_there_is_no_model_of_objectives():
    models = fitted(real(), 6, infeasible=6, columns=2)
    assert models.objectives == ()
    assert models.feasibility is not None


def test_many_failures_and_no_success_are_not_fitted_every_time(monkeypatch):
    modeller, sizes = real(), []
    search = feasibility.maximum_a_posteriori

    def counting(kernel, X, *others):
        sizes.append(len(X))
        return search(kernel, X, *others)

    monkeypatch.setattr(feasibility, "maximum_a_posteriori", counting)
    fitted(modeller, 150, infeasible=150)
    fitted(modeller, 155, infeasible=155, seed=1)
    assert sizes == [150]
    fitted(modeller, 165, infeasible=165, seed=1)
    assert sizes == [150, 165]


def test_a_first_success_is_fitted_at_once():
    regression = Counting()
    modeller = Modeller(regression, Kernel(LEVELS))
    fitted(modeller, 150, infeasible=150)
    fitted(modeller, 151, infeasible=150)
    assert regression.calls == [("fit", 1, None)]


def test_believing_is_for_all_models_alike():
    models = fitted(real(), 10, infeasible=3, columns=2)
    P = np.array([[0.3, 0.4], [0.6, 0.7]])
    believed = models.believe(P)
    before = [*models.objectives, models.feasibility.latent]
    after = [*believed.objectives, believed.feasibility.latent]
    for one, two in zip(before, after, strict=True):
        np.testing.assert_allclose(two.mean(P), one.mean(P), atol=1e-9)
        assert (two.predict(P).variance < 0.1 * one.predict(P).variance).all()


def test_believing_nothing_is_nothing():
    models = Models((), None)
    assert models.believe(np.empty((0, 2))) is models


def places(found, known):
    return [int(np.flatnonzero((x == known.X).all(axis=1))[0]) for x in found.X]


def test_a_thousand_evaluations_are_all_used():
    known = data(1000)
    assert subset(known, 0) is known


def test_of_more_the_best_the_last_and_some_of_the_rest_stay_in_their_order():
    known = data(2530, infeasible=300)
    found = subset(known, 0)
    kept = places(found, known)
    assert kept == sorted(set(kept))
    assert len(kept) == 930
    assert found.omitted == 2530 - 930
    assert set(range(2500, 2530)) <= set(kept)
    ranks = merit(known.Y, known.feasible)
    best = set(np.argsort(ranks[:2500], kind="stable")[:450].tolist())
    assert best <= set(kept)
    rest = sorted(set(kept) - best)
    assert (~known.feasible[rest]).any()
    assert (found.feasible == known.feasible[kept]).all()


def test_a_subset_begins_as_the_one_before_until_a_hundred_more_came():
    known = data(2600, infeasible=300)
    parts = [Data(*(a[:n] for a in known[:3])) for n in (2501, 2599, 2600)]
    one, two, three = (subset(part, 0) for part in parts)
    assert one.settled == two.settled == 900
    assert (one.X[:900] == two.X[:900]).all()
    assert not (one.X[:900] == three.X[:900]).all()


def test_with_thousands_of_evaluations_a_fit_is_due_after_fifty_more():
    regression = Counting()
    modeller = Modeller(regression, Kernel(LEVELS))
    for n in (2500, 2549, 2550):
        known = subset(data(n), 0)
        modeller.fit(known, known.Y, 0)
    assert [kind for (kind, _, _) in regression.calls] == ["fit", "condition", "fit"]
    assert regression.kept == [900]


@pytest.mark.parametrize("columns", [2, 3])
def test_the_front_stays_however_bad_its_ends_are_in_the_other_objectives(columns):
    rng = np.random.default_rng(0)
    X = rng.random((3000, 2))
    Y = 10.0 + rng.random((3000, columns))
    ends = np.arange(columns)
    Y[ends] = 100.0
    Y[ends, ends] = 0.0
    found = subset(Data(X, Y, np.ones(3000, dtype=bool)), 0)
    assert all((Y[k] == found.Y).all(axis=1).any() for k in ends)


def test_merit_is_the_mean_rank_and_what_failed_has_none():
    Y = np.array([[3.0, 1.0], [1.0, 2.0], [np.nan, np.nan], [2.0, 3.0]])
    found = merit(Y, np.array([True, True, False, True]))
    assert found.tolist() == [1.0, 0.5, np.inf, 1.5]
