"""The problems of the comparison are what their documentation says they are."""

import importlib.util
import math
import shutil

import numpy as np
import pytest
from comparison.problem import Outcome
from comparison.problems import HELD_OUT, MINIMISERS, PROBLEMS, SUITE, get
from comparison.problems import objectives as multi
from comparison.problems.cachegrind import Notebook
from comparison.problems.hypervolume import hypervolume, missed_hypervolume
from comparison.problems.spaces import draw
from comparison.problems.tables import KERNELS, kernel_table
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hmserve.scenario import Scenario

# They are the ruler, not what is measured.
pytestmark = pytest.mark.slow

SLOW = {"cachegrind": 2, "digits_svc": 2, "diabetes_boosting": 2, "cancer_mlp": 2}
HIDDEN = {"kernel", "disc", "wall", "blackscholes", *KERNELS}
MEASURED = {
    *("pressure_vessel", "welded_beam", "spring", "speed_reducer", "himmelblau5"),
    *("bbob_constrained_f20_d5", "bbob_constrained_f38_d3", "chankong_haimes"),
}


@pytest.fixture(autouse=True)
def costs_are_counted_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("COMPARISON_CACHE", str(tmp_path))


def problem_called(name):
    try:
        problem = get(name)
    except ModuleNotFoundError as missing:
        pytest.skip(f"{name} needs {missing.name}")
    for needed in problem.needs:
        if not (shutil.which(needed) or importlib.util.find_spec(needed)):
            pytest.skip(f"{name} needs {needed}")
    return problem


def drawn(problem, count, seed=0):
    rng = np.random.default_rng(seed)
    return [draw(problem.parameters, rng) for _ in range(count)]


def outcomes_of(problem, count):
    count = min(count, SLOW.get(problem.name, count))
    return [problem.evaluate(c, seed) for seed, c in enumerate(drawn(problem, count))]


def true(outcome):
    return (outcome.true or outcome.values)[0]


def near(problem, at, rng):
    """Draw one or two of the parameters anew, elsewhere in their range or close by."""
    anew = draw(problem.parameters, rng)
    moved = dict(at)
    for name in rng.choice(list(at), size=min(2, len(at)), replace=False):
        moved[name] = anew[name]
        if problem.parameters[name]["parameter_type"] == "real" and rng.random() < 0.7:
            moved[name] = at[name] + 10 ** rng.uniform(-5, 0) * (anew[name] - at[name])
    return moved


def test_the_suite_and_what_is_held_out_are_apart_and_are_all():
    assert set(SUITE) | set(HELD_OUT) == set(PROBLEMS)
    assert not set(SUITE) & set(HELD_OUT)


@pytest.mark.parametrize("name", PROBLEMS)
def test_hmserve_reads_the_parameters(name):
    problem = problem_called(name)
    document = {
        "optimization_objectives": list(problem.names),
        "input_parameters": problem.parameters,
        "constraints": list(problem.known),
    }
    assert list(Scenario.parse(document).space.names) == list(problem.parameters)


@pytest.mark.parametrize("name", PROBLEMS)
def test_an_evaluation_gives_finite_numbers_or_fails(name):
    problem = problem_called(name)
    outcomes = outcomes_of(problem, 100)
    assert name == problem.name
    assert {len(o.values) for o in outcomes} <= {0, problem.objectives}
    assert len({len(o.constraints) for o in outcomes if o.values}) == 1
    assert all(math.isfinite(v) for o in outcomes for v in (*o.values, *o.constraints))
    assert len(problem.penalty) == problem.objectives


@pytest.mark.parametrize("name", PROBLEMS)
def test_an_evaluation_is_a_function_of_configuration_and_seed(name):
    problem = problem_called(name)
    first = drawn(problem, 1)[0]
    same, again, other = (problem.evaluate(first, seed) for seed in (3, 3, 4))
    assert same == again
    assert (same.values == other.values) == (problem.kind != "noisy")
    assert (same.true, same.constraints) == (other.true, other.constraints)


@pytest.mark.parametrize("name", PROBLEMS)
def test_regret_is_infinite_before_anything_works_and_never_negative(name):
    problem = problem_called(name)
    assert problem.regret([]) == problem.regret([Outcome(())]) == math.inf
    outcomes = outcomes_of(problem, 60)
    regrets = [problem.regret(outcomes[:count]) for count in (1, 2, 10, 30, 60)]
    assert min(regrets) >= 0
    if problem.kind != "noisy":
        assert regrets == sorted(regrets, reverse=True)


@pytest.mark.parametrize("name", sorted(set(MINIMISERS) - {"cachegrind"}))
def test_the_optimum_is_the_value_at_the_known_minimiser(name):
    problem = problem_called(name)
    at = problem.evaluate(MINIMISERS[name], 0)
    # Regret grows in proportion above the optimum: two values beyond tell where it is 0.
    step = 1.0 + abs(true(at))
    one, two = (problem.regret([Outcome((true(at) + k * step,))]) for k in (1, 2))
    assert 2 * one - two == pytest.approx(0.0, abs=1e-6)
    assert all(g <= 1e-6 for g in at.constraints)


@pytest.mark.parametrize("name", sorted(set(MINIMISERS) - {"cachegrind"}))
def test_nothing_near_the_known_minimiser_or_far_from_it_is_better(name):
    problem, rng = problem_called(name), np.random.default_rng(1)
    at = MINIMISERS[name]
    best = true(problem.evaluate(at, 0))
    tried = [near(problem, at, rng) for _ in range(500)] + drawn(problem, 500)
    found = [o for o in (problem.evaluate(c, 0) for c in tried) if o.feasible]
    assert found
    assert min(map(true, found)) >= best - 1e-6 * (1 + abs(best))


@pytest.mark.parametrize("name", sorted(set(MINIMISERS) - {"hartmann6", "hartmann6_noisy"}))
def test_the_known_minimiser_is_not_at_the_centre(name):
    problem = problem_called(name)
    for key, parameter in problem.parameters.items():
        if parameter["parameter_type"] == "real":
            low, high = parameter["values"]
            assert MINIMISERS[name][key] != (low + high) / 2


@pytest.mark.parametrize("name", sorted(HIDDEN | MEASURED))
def test_whoever_knows_no_failures_is_told_of_a_bad_value(name):
    problem = problem_called(name)
    outcomes = outcomes_of(problem, 6000)
    good = np.array([o.values for o in outcomes if o.feasible])
    assert np.all(np.array(problem.penalty) >= np.quantile(good, 0.8, axis=0))
    assert np.all(np.isfinite(problem.penalty))


@pytest.mark.parametrize("name", sorted(set(PROBLEMS) - set(SLOW)))
def test_some_configurations_fail_or_break_a_constraint_just_where_it_is_said(name):
    outcomes = outcomes_of(problem_called(name), 300)
    assert any(not o.values for o in outcomes) == (name in HIDDEN)
    assert any(o.values and not o.feasible for o in outcomes) == (name in MEASURED)


@pytest.mark.parametrize("name", KERNELS)
def test_the_fastest_row_of_a_kernel_has_no_regret_and_a_missing_row_fails(name):
    problem, (levels, times) = problem_called(name), kernel_table(name)
    fastest = min(times, key=times.__getitem__)
    outcome = problem.evaluate(dict(zip(levels, fastest, strict=True)), 0)
    assert problem.regret([outcome]) == 0
    assert problem.regret([Outcome((2 * outcome.values[0],))]) == pytest.approx(1)
    assert not problem.evaluate(dict.fromkeys(levels, -1), 0).feasible


def test_what_does_not_compile_fails_and_the_known_best_costs_what_is_said():
    problem = problem_called("cachegrind")
    best = MINIMISERS["cachegrind"]
    # Another gcc counts otherwise, but not by much.
    assert problem.regret([problem.evaluate(best, 0)]) < 0.2
    assert not problem.evaluate({**best, "tile_i": 72, "pack": "both"}, 0).values


def test_a_cost_that_was_noted_is_not_counted_again(tmp_path):
    path = tmp_path / "costs.txt"
    path.write_text("a=1,b=2 17 .\na=1,b=3 None .\na=1,b=4 1")
    notebook = Notebook(path)
    assert notebook.cost({"b": 2, "a": 1}) == 17
    assert notebook.cost({"b": 3, "a": 1}) is None


SHARES = np.linspace(0, 1, 400)
GRID = np.linspace(0, 1, 40)
FRONTS = {
    "zdt1_6": [(x, 0, 0, 0, 0, 0) for x in SHARES],
    "zdt2_5": [(x, 0, 0, 0, 0) for x in SHARES],
    "dtlz2_4": [(x, *multi.DTLZ2_AT[:3]) for x in SHARES],
    "dtlz2_5_3": [(x, y, *multi.DTLZ2_AT[:3]) for x in GRID for y in GRID],
    "chankong_haimes": [(c["x1"], c["x2"]) for c in multi.haimes_front(150)],
}


@pytest.mark.parametrize("name", FRONTS)
def test_points_of_the_known_front_miss_next_to_nothing_of_its_hypervolume(name):
    problem = problem_called(name)
    points = [{f"x{k}": v for k, v in enumerate(x, 1)} for x in FRONTS[name]]
    # The ends of chankong_haimes lie on its constraints, beyond them by rounding.
    outcomes = [problem.evaluate(c, 0) for c in points]
    assert all(g <= 1e-12 for o in outcomes for g in o.constraints)
    missed = problem.regret([o._replace(constraints=()) for o in outcomes])
    assert 0 < missed < (0.06 if problem.objectives == 3 else 0.006)
    none_better = problem.regret([*outcomes, *outcomes_of(problem, 2000)])
    assert none_better == pytest.approx(missed, abs=2e-3)


def test_the_front_of_sphere_and_powers_is_found_by_shrinking_balls():
    optimize = pytest.importorskip("scipy.optimize")
    problem = problem_called("bbob_biobj_f6_d5")

    def both(x):
        return problem.evaluate({f"x{k}": v for k, v in enumerate(x, 1)}, 0).values

    centre = np.array([-0.0768, 0.228, -0.12, 0.02, 3.6056])
    x, found = np.array([2.604, -1.9776, 0.1112, 3.5648, 0.1384]), []
    assert both(centre)[0] == pytest.approx(-1000)
    assert both(x)[1] == pytest.approx(0.6)
    for radius in np.linspace(np.linalg.norm(x - centre), 0.02, 60):
        ball = {"type": "ineq", "fun": lambda z, r=radius: r * r - np.sum((z - centre) ** 2)}
        x = optimize.minimize(lambda z: both(z)[1], x, constraints=ball, method="SLSQP").x
        found.append(Outcome(both(x)))
    assert 0 < problem.regret(found) < 0.02


def test_the_hypervolume_of_one_point_is_a_box():
    assert hypervolume([(1, 2)], (4, 4)) == 6
    assert hypervolume([(1, 2, 3)], (4, 4, 4)) == 6
    assert hypervolume([(4, 0)], (4, 4)) == hypervolume([], (4, 4)) == 0


@given(arrays(float, st.tuples(st.integers(1, 12), st.just(3)), elements=st.floats(0, 1.2)))
def test_a_hypervolume_is_the_share_of_a_grid_that_is_dominated(points):
    # Coordinates on a grid of twelfths make the count of its cells exact.
    points = np.floor(points * 12) / 12
    cells = (np.indices((12, 12, 12)).reshape(3, -1).T + 0.5) / 12
    covered = np.any(np.all(points[:, None] < cells, axis=2), axis=0)
    assert hypervolume(points, (1, 1, 1)) == pytest.approx(np.mean(covered))
    flat = np.any(np.all(points[:, None, :2] < cells[:, :2], axis=2), axis=0)
    assert hypervolume(points[:, :2], (1, 1)) == pytest.approx(np.mean(flat))


def test_only_feasible_points_and_true_values_count_for_the_hypervolume():
    regret = missed_hypervolume(1.0, (1, 1))
    unfit, noisy = Outcome((0, 0), (0.1,)), Outcome((0, 0), true=(0.5, 0.5))
    assert regret([unfit]) == math.inf
    assert regret([unfit, noisy]) == 0.75
    assert regret([Outcome((2, 2))]) == 1
