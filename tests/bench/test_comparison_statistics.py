"""The statistics of the benchmark against brute force, scipy and examples done by hand."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from comparison.statistics import (
    FLOOR,
    Comparison,
    by_class,
    by_problem,
    compare,
    corrected,
    holm,
    logarithm,
    mean_ranks,
    quantile,
    ranks,
    seed_ranks,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, wilcoxon

finite = st.floats(-1e6, 1e6)
regret = st.floats(1e-6, 1e6)
INF = math.inf


@given(st.lists(finite, min_size=1), st.floats(0, 1))
def test_a_quantile_of_finite_values_is_that_of_numpy(values, q):
    assert quantile(values, q) == pytest.approx(np.quantile(values, q), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1, INF, 2], 2), ([1, INF], INF), ([INF, INF], INF), ([1, 2, INF, INF], INF), ([3], 3)],
)
def test_a_median_may_be_of_infinite_values(values, expected):
    assert quantile(values, 0.5) == expected


def test_a_quantile_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


def test_equal_regrets_share_their_rank_and_so_do_those_below_the_floor():
    found = ranks({"a": 3.0, "b": 1.0, "c": 3.0, "d": INF})
    assert found == {"a": 2.5, "b": 1, "c": 2.5, "d": 4}
    assert ranks({"a": FLOOR / 10, "b": 0.0, "c": 1.0}) == {"a": 1.5, "b": 1.5, "c": 3}


REGRETS = {
    "one": {"x": {0: 1.0, 1: 2.0, 2: 9.0}, "y": {0: 3.0, 1: 3.0, 2: 3.0}},
    "two": {"x": {0: 5.0}, "y": {0: 1.0}, "z": {0: INF}},
}


def test_the_mean_rank_is_over_the_problems_that_a_peer_ran():
    assert mean_ranks(REGRETS, ["one", "two"]) == {"x": (1.5, 2), "y": (1.5, 2), "z": (3, 1)}


def test_a_problem_that_one_peer_ran_has_no_ranks():
    assert mean_ranks({"one": {"x": {0: 1.0}}}, ["one", "other"]) == {}


def test_the_mean_rank_of_single_runs_counts_each_seed_that_all_ran():
    assert seed_ranks(REGRETS["one"]) == {"x": pytest.approx(4 / 3), "y": pytest.approx(5 / 3)}
    assert seed_ranks({"x": {0: 1.0, 1: 9.0}, "y": {0: 2.0}}) == {"x": 1, "y": 2}
    assert seed_ranks({"x": {0: 1.0}, "y": {1: 2.0}}) == {}
    found = mean_ranks(REGRETS, ["one"], by_seed=True)
    assert found == {"x": (pytest.approx(4 / 3), 1), "y": (pytest.approx(5 / 3), 1)}


def signed_rank_p(differences):
    """Return the exact two-sided p-value by going through every assignment of signs."""
    ranked = rankdata(np.abs(differences))
    positive = sum(r for r, d in zip(ranked, differences, strict=True) if d > 0)
    extreme = min(positive, ranked.sum() - positive)
    every = product((0, 1), repeat=len(ranked))
    return min(1.0, 2 * np.mean([np.dot(signs, ranked) <= extreme for signs in every]))


@given(st.lists(st.tuples(regret, regret), min_size=3, max_size=9))
def test_the_test_is_the_exact_signed_rank_test_of_logarithms(pairs):
    differences = [logarithm(a) - logarithm(b) for a, b in pairs]
    if 0.0 in differences or len(set(map(abs, differences))) < len(differences):
        return
    assert compare(pairs).p == pytest.approx(signed_rank_p(differences))


def test_the_test_of_many_pairs_is_that_of_scipy():
    rng = np.random.default_rng(1)
    pairs = [tuple(10.0 ** rng.normal(size=2)) for _ in range(80)]
    differences = [math.log10(a) - math.log10(b) for a, b in pairs]
    assert compare(pairs).p == pytest.approx(wilcoxon(differences).pvalue)


def test_the_verdict_says_who_had_the_smaller_regrets():
    low, high = [(1.0, 2.0 + k) for k in range(9)], [(2.0 + k, 1.0) for k in range(9)]
    assert compare(low) == Comparison("better", pytest.approx(2 / 2**9), 9, 9)
    assert compare(high) == Comparison("worse", pytest.approx(2 / 2**9), 9, 0)
    assert compare([(1.0, 1.0)] * 9) == Comparison("undecided", 1.0, 9, 4.5)
    assert compare(low[:3]).verdict == "undecided"


def test_who_found_nothing_feasible_is_worse_than_any_who_did():
    assert compare([(INF, 10.0**k) for k in range(9)]).verdict == "worse"
    assert compare([(INF, INF)] * 9).verdict == "undecided"


def test_holms_correction_of_an_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holms_correction_is_the_closed_test_of_bonferroni(p):
    sets = [s for k in range(1, len(p) + 1) for s in combinations(range(len(p)), k)]
    for i, found in enumerate(holm(p)):
        worst = max(min(1.0, len(s) * min(p[j] for j in s)) for s in sets if i in s)
        assert found == pytest.approx(worst)


def test_a_verdict_does_not_outlive_the_correction():
    many = {name: Comparison("better", 0.04, 9, 9) for name in "abc"}
    assert {c.verdict for c in corrected(many).values()} == {"undecided"}
    assert corrected({"a": many["a"]}) == {"a": many["a"]}


def test_optimizers_are_compared_where_both_ran_the_same_seed():
    runs = {
        "one": {"us": dict.fromkeys(range(6), 1.0), "them": {k: 2.0 + k for k in range(3, 9)}},
        "two": {"us": dict.fromkeys(range(6), 1.0), "them": {k: 2.5 + k for k in range(6)}},
        "three": {"them": {0: 0.0}},
    }
    found = by_class(runs, runs, "us")
    assert found == {"them": Comparison("better", pytest.approx(2 / 2**9), 9, 9)}
    alone = by_problem(runs, runs, "us")
    assert {place: c.pairs for place, c in alone.items()} == {
        ("one", "them"): 3,
        ("two", "them"): 6,
    }
