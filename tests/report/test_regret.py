import numpy as np
import pytest

from hmserve.report.points import read_points
from hmserve.report.regret import best_so_far, regret


@pytest.fixture
def run(scenario, write):
    def read(*values, name="a.csv", maximised=False):
        goal = {"name": "f1", "goal": "maximize"} if maximised else "f1"
        rows = [(v, "true") if v is not None else (0, "false") for v in values]
        return read_points(write(name, rows, "f1,Valid"), scenario(goal, feasibility=True))

    return read


def test_regret_is_the_best_feasible_value_so_far_less_the_minimum(run):
    found = regret([run(5, 7, None, 3, 4)], 2.0, None, logarithm=False)
    assert found.mean.tolist() == [3, 3, 3, 1, 1]
    assert found.low is None
    assert found.high is None


def test_regret_has_no_value_before_the_first_feasible_result(run):
    found = regret([run(None, 4), run(3, 2)], 0.0, None, logarithm=False)
    assert np.isnan(found.mean[0])
    assert found.mean[1] == 3


def test_several_runs_have_a_band_and_end_with_the_shortest(run):
    found = regret([run(5, 3, 1), run(7, 7)], 0.0, None, logarithm=False)
    deviation = np.std([[5, 3], [7, 7]], axis=0, ddof=1)
    assert found.mean.tolist() == [6, 5]
    assert found.low == pytest.approx(found.mean - deviation)
    assert found.high == pytest.approx(found.mean + deviation)


def test_a_budget_cuts_the_curve(run):
    assert len(regret([run(5, 3, 1)], 0.0, 2, logarithm=False).mean) == 2
    assert len(regret([run(5, 3, 1)], 0.0, 9, logarithm=False).mean) == 3


def test_logarithms_are_of_the_mean_with_the_spread_of_logarithms(run):
    found = regret([run(8, 2, 0), run(2, 2, 0)], 0.0, None, logarithm=True)
    assert found.mean[:2] == pytest.approx(np.log([5, 2]))
    spread = np.std(np.log([8, 2]), ddof=1)
    assert found.high[:2] == pytest.approx([np.log(5) + spread, np.log(2)])
    # A regret of nothing has no logarithm.
    assert np.isnan(found.mean[2])


def test_what_is_maximised_falls_short_of_its_maximum(run):
    found = regret([run(5, 7, 6, maximised=True)], 10.0, None, logarithm=False)
    assert found.mean.tolist() == [5, 3, 3]


def test_an_empty_run_gives_an_empty_curve(run):
    assert len(regret([run(), run(1)], 0.0, None, logarithm=False).mean) == 0


def test_best_so_far_skips_what_is_missing():
    found = best_so_far(np.array([np.nan, 3.0, np.nan, 4.0, 1.0]))
    assert np.array_equal(found, [np.nan, 3, 3, 3, 1], equal_nan=True)
