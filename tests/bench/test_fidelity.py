"""The benchmark of samplers: its problems are what they say, and its runs pay what they use."""

import fidelity
import numpy as np
import pytest
from fidelity_problems import PROBLEMS

PLACE = (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573)
BEST = {
    "hartmann": {f"x{i}": x for i, x in enumerate(PLACE)},
    "counting": {**{f"x{i}": 1.0 for i in range(8)}, **{f"c{i}": "1" for i in range(8)}},
    "branin": {"x0": (np.pi + 5) / 15, "x1": 2.275 / 15},
    "opposite": {f"x{i}": 0.7 for i in range(4)},
}


@pytest.mark.parametrize("name", BEST)
def test_the_optimum_is_known(name):
    problem = PROBLEMS[name]()
    assert problem.truth(BEST[name]) == pytest.approx(problem.optimum, abs=1e-4)
    full = problem.measure(BEST[name], problem.ladder[1], np.random.default_rng(0))
    assert full == pytest.approx(problem.optimum, abs=1e-4)


def test_low_fidelities_of_the_misleading_problem_rank_at_random():
    problem, rng = PROBLEMS["misleading"](), np.random.default_rng(0)
    points = [{f"x{i}": x for i, x in enumerate(row)} for row in rng.random((300, 6))]
    low = [problem.measure(c, 1, rng) for c in points]
    ranks = np.argsort(np.argsort([low, [problem.truth(c) for c in points]]))
    assert abs(np.corrcoef(ranks)[0, 1]) < 0.2


def test_a_run_tells_the_regret_after_each_budget_it_had():
    line = fidelity.run_one("opposite", "random", 3, 12)
    assert set(line["regret"]) == {"5", "10"}
    assert line["regret"]["10"] <= line["regret"]["5"]
    again = fidelity.run_one("opposite", "random", 3, 12)
    assert again["regret"] == line["regret"]


def test_medians_are_those_of_the_seeds():
    lines = [
        {"problem": "p", "sampler": "s", "regret": {str(g): k * g for g in fidelity.GRID}}
        for k in (1, 2, 9)
    ]
    assert fidelity.medians(lines)["p", "s"] == {str(g): 2 * g for g in fidelity.GRID}
