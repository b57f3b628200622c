import itertools
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, qmc

from hmserve.design.samplers import design
from hmserve.space.parameters import Categorical, Integer, Ordinal, Parameter, Real
from hmserve.space.priors import cells
from hmserve.space.space import Space

HYPERCUBES = ["standard latin hypercube", "k latin hypercube"]
KINDS = ["random sampling", *HYPERCUBES]


def mixed(*extra: Parameter) -> Space:
    return Space(
        [
            Real("x", -5.0, 10.0, 0.0),
            Integer("i", 0, 99, 7),
            Categorical("c", ["a", "b", "d"], "b"),
            Ordinal("o", [1, 2, 4, 8], 4),
            Categorical("e", ["u", "v"], "v"),
            *extra,
        ]
    )


def strata(space: Space, name: str, rows: list, n: int) -> list[int]:
    parameter = space.parameters[space.names.index(name)]
    return sorted(math.floor(parameter.encode(row[name]) * n) for row in rows)


small = st.lists(
    st.sampled_from(
        [
            lambda name: Integer(name, 0, 3),
            lambda name: Ordinal(name, [0.5, 2]),
            lambda name: Categorical(name, ["a", "b", "c"], "c"),
            lambda name: Real(name, 1.0, 1.0),
        ]
    ),
    min_size=1,
    max_size=4,
).map(lambda kinds: Space([make(f"p{i}") for i, make in enumerate(kinds)]))


@given(small, st.sampled_from(KINDS), st.integers(0, 60), st.integers(0, 5))
@settings(deadline=None)
def test_a_finite_space_is_never_asked_twice_and_gives_all_it_has(
    space: Space, kind: str, samples: int, seed: int
) -> None:
    rows = design(space, kind, samples, seed)
    assert len(rows) == min(samples, space.size)
    assert len({space.key(row) for row in rows}) == len(rows)
    assert all(space.contains(row) for row in rows)
    assert all(list(row) == list(space.names) for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_configuration_comes_first_and_counts(kind: str) -> None:
    space = mixed()
    rows = design(space, kind, 12, 3)
    assert rows[0] == {"x": 0.0, "i": 7, "c": "b", "o": 4, "e": "v"}
    assert len(rows) == 12
    assert design(space, kind, 1, 3) == rows[:1]
    assert design(space, kind, 0, 3) == []


@pytest.mark.parametrize("kind", [*KINDS, "grid_search"])
def test_a_missing_default_is_drawn_for_that_parameter_alone(kind: str) -> None:
    space = Space([Integer("i", 0, 9, 7), Categorical("c", list("abcdefghij"))])
    firsts = [design(space, kind, 5, seed)[0] for seed in range(40)]
    assert {first["i"] for first in firsts} == {7}
    assert len({first["c"] for first in firsts}) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_alone_decides(kind: str) -> None:
    assert design(mixed(), kind, 30, 1) == design(mixed(), kind, 30, 1)
    assert design(mixed(), kind, 30, 1) != design(mixed(), kind, 30, 2)


def test_a_design_is_the_same_in_every_version_of_python() -> None:
    space = Space([Real("x", 0.0, 1.0), Integer("i", 0, 9), Categorical("c", ["a", "b"])])
    rows = design(space, "standard latin hypercube", 3, 42)
    assert [[row["i"], row["c"], round(float(row["x"]), 12)] for row in rows] == [
        [2, "a", 0.227253217551],
        [0, "b", 0.626321544128],
        [8, "a", 0.452140397716],
    ]


@pytest.mark.parametrize("kind", HYPERCUBES)
@pytest.mark.parametrize("seed", range(3))
def test_a_latin_hypercube_has_one_real_in_each_stratum(kind: str, seed: int) -> None:
    space = Space([Real("x", -5.0, 10.0), Integer("i", 0, 10**6), Real("y", 0.0, 1e-9)])
    rows = design(space, kind, 41, seed)[1:]
    for name in space.names:
        assert strata(space, name, rows, 40) == list(range(40))


def test_a_latin_hypercube_fills_the_cube_better_than_random_sampling() -> None:
    space = Space([Real(f"x{j}", 0.0, 1.0) for j in range(3)])

    def discrepancy(kind: str, seed: int) -> float:
        return float(
            qmc.discrepancy([space.encode(row) for row in design(space, kind, 64, seed)])
        )

    better = [
        discrepancy("standard latin hypercube", s) < discrepancy("random sampling", s)
        for s in range(20)
    ]
    assert sum(better) >= 16


@pytest.mark.parametrize("n", [24, 25, 29])
def test_a_latin_hypercube_balances_labels_and_levels(n: int) -> None:
    rows = design(mixed(), "standard latin hypercube", n + 1, 0)[1:]
    for name, k in (("c", 3), ("e", 2)):
        counts = Counter(row[name] for row in rows).values()
        assert set(counts) <= {n // k, -(-n // k)}
    assert all(abs(count - n / 4) < 2 for count in Counter(row["o"] for row in rows).values())


@pytest.mark.parametrize("n", [36, 40])
def test_k_latin_hypercube_stratifies_within_each_combination_of_labels(n: int) -> None:
    space = mixed(Real("y", 0.0, 1.0))
    groups: dict[tuple, list] = {}
    for row in design(space, "k latin hypercube", n + 1, 0)[1:]:
        groups.setdefault((row["c"], row["e"]), []).append(row)
    assert len(groups) == 6
    for rows in groups.values():
        assert len(rows) in {n // 6, n // 6 + 1}
        assert strata(space, "x", rows, len(rows)) == list(range(len(rows)))
        assert strata(space, "y", rows, len(rows)) == list(range(len(rows)))


def test_k_latin_hypercube_with_more_combinations_than_rows_takes_each_at_most_once() -> None:
    space = Space(
        [Categorical(f"c{j}", list("abcdefgh")) for j in range(20)] + [Real("x", 0.0, 1.0)]
    )
    rows = design(space, "k latin hypercube", 31, 0)[1:]
    labels = {tuple(value for value in row.values() if isinstance(value, str)) for row in rows}
    assert len(rows) == len(labels) == 30


@pytest.mark.parametrize("kind", HYPERCUBES)
def test_avoiding_repeats_keeps_the_levels_balanced(kind: str) -> None:
    space = Space([Integer("i", 0, 9), Integer("j", 0, 9), Integer("k", 0, 9)])
    rows = design(space, kind, 201, 0)
    assert len({space.key(row) for row in rows}) == 201
    for name in space.names:
        counts = Counter(row[name] for row in rows[1:])
        assert set(counts.values()) == {20}


def test_random_sampling_is_uniform() -> None:
    space = mixed()
    rows = design(space, "random sampling", 3001, 0)[1:]
    assert (
        kstest([space.parameters[0].encode(row["x"]) for row in rows], "uniform").pvalue > 0.01
    )
    for name, k in (("c", 3), ("o", 4), ("e", 2)):
        counts = Counter(row[name] for row in rows)
        assert len(counts) == k
        assert all(abs(count - 3000 / k) < 5 * math.sqrt(3000 / k) for count in counts.values())


def test_nearly_all_of_a_finite_space_is_drawn_without_repeats() -> None:
    space = Space([Integer("i", 0, 99), Integer("j", 0, 99)])
    for kind in KINDS:
        rows = design(space, kind, 9_999, 0)
        assert len({space.key(row) for row in rows}) == len(rows) == 9_999


def test_a_real_with_hardly_a_float_in_its_range_ends_the_design_early() -> None:
    low = 1.0
    high = math.nextafter(math.nextafter(low, 2), 2)
    for kind in KINDS:
        rows = design(Space([Real("x", low, high)]), kind, 20, 0)
        assert len(rows) == len({row["x"] for row in rows}) <= 3


def test_a_grid_has_every_combination_once_after_the_default() -> None:
    space = Space([Integer("i", 0, 2, 1), Ordinal("o", [0.5, 1, 2], 2)])
    rows = design(space, "grid_search", 1, 0)
    assert rows[0] == {"i": 1, "o": 2}
    others = [{"i": i, "o": o} for i, o in itertools.product([0, 1, 2], [0.5, 1, 2])]
    others.remove(rows[0])
    assert rows[1:] == others


def test_a_grid_takes_ten_equidistant_values_of_a_real_and_a_default_beside_them() -> None:
    rows = design(Space([Real("x", 0.0, 9.0, 0.5)]), "grid_search", 10, 0)
    assert [row["x"] for row in rows] == pytest.approx([0.5, *range(10)])
    on_the_grid = design(Space([Real("x", 0.0, 9.0, 9.0)]), "grid_search", 10, 0)
    assert [row["x"] for row in on_the_grid] == pytest.approx([9, *range(9)])


def test_a_grid_draws_a_missing_default_from_the_grid() -> None:
    rows = design(Space([Real("x", 0.0, 9.0), Real("y", 2.0, 2.0)]), "grid_search", 10, 0)
    assert sorted(row["x"] for row in rows) == pytest.approx(range(10))
    assert {row["y"] for row in rows} == {2.0}


def test_a_prior_that_rules_labels_out_keeps_them_out_of_every_design() -> None:
    labels = [f"l{i}" for i in range(12)]
    space = Space(
        [Categorical("c", labels), Real("x", 0, 1)],
        priors={"c": cells([1.0, 1.0] + [0.0] * 10)},
    )
    for kind in KINDS:
        drawn = design(space, kind, 20, seed=1)[1:]
        assert len(drawn) == 19
        assert {configuration["c"] for configuration in drawn} == {"l0", "l1"}
