"""Known constraints as a scenario has them: what is refused, drawn, listed and counted."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy.stats import chi2

import hmserve
from hmserve.design.samplers import design
from hmserve.errors import ScenarioError
from hmserve.scenario import Scenario
from hmserve.space.encoding import Encoding
from hmserve.space.space import Space, levels_of

REAL = {"parameter_type": "real", "values": [0, 1]}


def integer(low: int, high: int, **more) -> dict:
    return {"parameter_type": "integer", "values": [low, high], **more}


def label(*labels: str) -> dict:
    return {"parameter_type": "categorical", "values": list(labels)}


def scenario(parameters: dict, constraints: list[str], **more) -> dict:
    return {
        "optimization_objectives": ["v"],
        "input_parameters": parameters,
        "constraints": constraints,
        "seed": 1,
        **more,
    }


def space_of(parameters: dict, constraints: list[str]) -> Space:
    return Scenario.parse(scenario(parameters, constraints)).space


SPACES = {
    "products": ({c: integer(1, 9) for c in "abc"}, ["a * b == 12 or a * c == 8"]),
    "divisors": ({c: integer(1, 12) for c in "ab"}, ["a % b == 0", "a != b"]),
    "labels": (
        {"t": label("x", "y", "z"), "n": integer(1, 6), "m": integer(0, 3)},
        ["t != 'x' or n > 3", "(t == 'y') & (m > 1) | (t in ['x', 'z'])"],
    ),
    "orders": (
        {"p": {"parameter_type": "permutation", "values": [4]}, "k": integer(0, 3)},
        ["p_0 == k", "p_i3 > p_i1"],
    ),
    "conditions": (
        {
            "t": label("x", "y"),
            "n": integer(1, 5, condition={"t": ["x"]}),
            "m": integer(1, 5),
        },
        ["n < m"],
    ),
}


@pytest.fixture(params=SPACES)
def space(request) -> Space:
    return space_of(*SPACES[request.param])


def test_what_is_enumerated_is_what_holds(space: Space) -> None:
    everything = {}
    for values in itertools.product(*map(levels_of, space.parameters)):
        settled = space.conditions.settle(dict(zip(space.names, values, strict=True)))
        if space.fault(settled) is None:
            everything.setdefault(space.key(settled), settled)
    codes = space.known.region.enumerate(10_000)
    found = [space.at_codes(row) for row in codes.tolist()]
    assert sorted(map(space.key, found), key=str) == sorted(everything, key=str)
    assert list(space.enumerate()) == found
    assert len(found) == space.size == space.known.region.count


def test_arrays_and_single_configurations_agree(space: Space) -> None:
    encoding = Encoding(space)
    X = encoding.draw(np.random.default_rng(1).random((500, space.dimension)))
    holds = [space.known.broken(c) is None for c in encoding.decode(X)]
    assert encoding.holds(X).tolist() == holds
    assert 0 < sum(holds) < 500


def test_draws_are_uniform_over_the_product_of_the_parameters(space: Space) -> None:
    region = space.known.region
    drawn = region.draw(4000, np.random.default_rng(2))
    counts = Counter(space.key(space.at_codes(row)) for row in drawn.tolist())
    # An inactive parameter stands for all of its values.
    weights = {}
    for configuration in space.enumerate():
        idle = [p.size for p in space.parameters if configuration[p.name] is None]
        weights[space.key(configuration)] = math.prod(idle)
    total = sum(weights.values())
    assert counts.keys() <= weights.keys()
    expected = {key: 4000 * weight / total for key, weight in weights.items()}
    statistic = sum((counts[key] - e) ** 2 / e for key, e in expected.items())
    assert statistic < chi2.ppf(1 - 1e-6, len(expected) - 1)


def test_distinct_draws_are_all_there_are(space: Space) -> None:
    drawn = space.known.region.draw_distinct(10_000, np.random.default_rng(3))
    assert len(drawn) == len(np.unique(drawn, axis=0)) == space.size


def test_neighbours_hold_and_are_others(space: Space) -> None:
    encoding = Encoding(space)
    lonely = 0
    for x in encoding.enumerate():
        around = encoding.neighbours(x)
        assert encoding.holds(around).all()
        assert not (around == x).all(axis=1).any()
        lonely += not len(around)
    assert lonely < space.size / 4


RARE = {
    "sum": ({c: integer(1, 1000) for c in "abcd"}, ["a + b + c + d == 1000", "a % b == 0"]),
    "powers": (
        {
            c: {"parameter_type": "ordinal", "values": [2**i for i in range(11)]}
            for c in "abcdefgh"
        },
        ["a * b * c * d == 1024", "e * f == 64", "a % e == 0", "g * h == a * b", "d <= 2"],
    ),
    "corner": (dict.fromkeys("xyz", REAL), ["x + y + z <= 0.02"]),
    "components": (
        {c: integer(1, 100) for c in "abcdef"},
        ["a * b == 96", "c * d == 360", "e + f == 7"],
    ),
}


@pytest.mark.parametrize("name", RARE)
def test_a_thousand_distinct_configurations_where_one_in_a_million_holds(name: str) -> None:
    space = space_of(*RARE[name])
    assert 0 < space.known.region.share < 5e-5
    drawn = design(space, "random sampling", 1000, seed=1)
    assert len({space.key(c) for c in drawn}) == len(drawn) == min(1000, space.size)
    assert all(space.fault(configuration) is None for configuration in drawn)


@pytest.mark.parametrize("kind", ["standard latin hypercube", "k latin hypercube"])
def test_hypercubes_keep_to_the_constraints(kind: str) -> None:
    space = space_of({"x": REAL, "y": REAL, "t": label("a", "b")}, ["x + y <= 0.5"])
    drawn = design(space, kind, 40, seed=1)
    assert len(drawn) == 40
    assert all(space.fault(configuration) is None for configuration in drawn)


def test_a_default_that_breaks_a_constraint_gives_way() -> None:
    parameters = {"a": integer(1, 9, parameter_default=9), "b": integer(1, 9)}
    found = Scenario.parse(scenario(parameters, ["a < 5"]))
    assert design(found.space, "random sampling", 3, seed=1)[0]["a"] < 5
    complete = {**parameters, "b": integer(1, 9, parameter_default=2)}
    (warning,) = Scenario.parse(scenario(complete, ["a < 5"])).warnings
    assert 'the defaults break the constraint "a < 5"' in warning


def test_a_partial_default_is_completed_so_that_the_constraints_hold() -> None:
    parameters = {"a": integer(1, 9, parameter_default=9), "b": integer(1, 9)}
    space = space_of(parameters, ["a * b == 9"])
    assert design(space, "random sampling", 3, seed=1)[0] == {"a": 9, "b": 1}


def test_constraints_that_nothing_satisfies_are_refused() -> None:
    with pytest.raises(ScenarioError, match="no configuration satisfies all constraints"):
        space_of({"a": integer(1, 9), "b": integer(1, 9)}, ["a * b == 97"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a < bb", "bb"),
        ("a +", "column 4"),
        ("__import__('os')", "__import__"),
        ("a.real > 1", "real"),
        ("t == 'lef'", "left"),
        ("t < 3", "t"),
        ("a + b", "condition"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused_where_it_stands(
    text: str, message: str
) -> None:
    parameters = {"a": integer(1, 9), "b": integer(1, 9), "t": label("left", "right")}
    with pytest.raises(ScenarioError) as caught:
        space_of(parameters, ["a < b", text])
    assert "$.constraints[1]: " in str(caught.value)
    assert message in str(caught.value)


def test_constraints_under_parameters_count_like_those_at_the_top() -> None:
    parameters = {
        "a": integer(1, 9, constraints=["a < b"], dependencies=["b"]),
        "b": integer(1, 9, constraints=["a < b"]),
    }
    assert space_of(parameters, []).size == 36
    parameters["a"]["dependencies"] = ["bb"]
    with pytest.raises(ScenarioError, match=r'dependencies\[0\]: "bb" is no parameter'):
        space_of(parameters, [])


@pytest.mark.parametrize("method", ["bayesian_optimization", "local_search", "random_search"])
def test_whole_runs_keep_to_the_constraints_and_find_the_best_under_them(
    method: str, tmp_path
) -> None:
    found = scenario(
        {"a": integer(1, 60), "b": integer(1, 60), "c": integer(1, 60)},
        ["a * b * c == 720"],
        optimization_method=method,
        run_directory=str(tmp_path),
        optimization_iterations=20,
    )
    result = hmserve.optimize(
        found, lambda c: float(abs(c["a"] - 8) + abs(c["b"] - 9)), progress=False
    )
    assert all(r["a"] * r["b"] * r["c"] == 720 for r in result.records)
    keys = [
        result.scenario.space.key(row.evaluation.trial.configuration) for row in result.rows
    ]
    assert len(set(keys)) == len(keys) == 30
    assert result.best.objectives["v"] <= (1.0 if method == "bayesian_optimization" else 20.0)


def test_a_constrained_space_that_is_used_up_ends_the_run(tmp_path) -> None:
    found = scenario(
        {"a": integer(1, 100), "b": integer(1, 100)},
        ["a * b == 30"],
        run_directory=str(tmp_path),
    )
    result = hmserve.optimize(found, lambda c: float(c["a"]), progress=False)
    assert sorted(r["a"] for r in result.records) == [1, 2, 3, 5, 6, 10, 15, 30]
