import csv
import io

import numpy as np
import pytest
from scipy import stats

from hmserve.errors import ScenarioError
from hmserve.multiobjective.hypervolume import hypervolume
from hmserve.report.hvi import BINS, beside, hvi_curves, indicator
from hmserve.report.points import read_points

HEADER = (
    "Bucket #,Time sec,# of runs in bin,HVI mean,HVI median,HVI min,HVI max,"
    "HVI 95% CI lower bound,HVI 95% CI upper bound\r\n"
)


@pytest.fixture
def three(scenario):
    return scenario("f1", "f2", "f3", feasibility=True)


@pytest.fixture
def runs(three, write):
    """Two directories with two runs each, of three objectives, some infeasible."""

    def run(directory, seed, n, pace):
        rng = np.random.default_rng(seed)
        rows = [
            (*rng.uniform(1, 5, 3).round(3), "false" if rng.random() < 0.2 else "true", time)
            for time in np.cumsum(rng.integers(1, pace, n))
        ]
        path = write(f"{directory}/{seed}.csv", rows, "f1,f2,f3,Valid,Timestamp")
        return read_points(path, three)

    return {
        "slow": [run("slow", 1, 30, 900), run("slow", 2, 25, 900)],
        "fast": [run("fast", 3, 40, 30), run("fast", 4, 10, 30)],
    }


def test_the_indicator_is_what_the_definition_says(runs):
    every = np.vstack([p.Y[p.feasible] for each in runs.values() for p in each])
    scale = every.std(axis=0)
    reference = every.max(axis=0) / scale
    whole = hypervolume(every / scale, reference)
    curves = hvi_curves(runs)
    for name, points in runs.items():
        found = curves[name]
        end = max(p.seconds[p.feasible].max() for p in points)
        assert found.times == pytest.approx(end * np.arange(1, BINS + 1) / BINS)
        for r, p in enumerate(points):
            for b in range(BINS):
                known = p.Y[p.feasible & (p.seconds <= found.times[b] * (1 + 1e-12))]
                expected = whole - hypervolume(known / scale, reference)
                assert found.values[b, r] == pytest.approx(expected, abs=1e-9)


def test_a_run_gets_better_only(runs):
    for found in hvi_curves(runs).values():
        assert (np.diff(found.values, axis=0) <= 0).all()
        assert (found.values >= 0).all()


def test_runs_are_counted_in_the_bins_where_they_have_results(three, write):
    rows = [(1, 1, 1, "true", 100), (2, 2, 2, "true", 2000)]
    others = [(1, 1, 1, "true", 50), (2, 2, 2, "false", 1000), (2, 1, 2, "true", 1990)]
    header = "f1,f2,f3,Valid,Timestamp"
    paths = [write("a.csv", rows, header), write("b.csv", others, header)]
    found = hvi_curves({"": [read_points(path, three) for path in paths]})[""]
    assert found.runs.tolist() == [2, *[0] * 18, 2]


def test_the_interval_is_that_of_student(runs):
    found = hvi_curves(runs)["slow"]
    low, high = found.interval
    for b in range(BINS):
        if found.values[b].std() > 0:
            spread = stats.sem(found.values[b])
            expected = stats.t.interval(0.95, 1, loc=found.mean[b], scale=spread)
            assert (low[b], high[b]) == pytest.approx((max(expected[0], 0.0), expected[1]))


def test_a_single_run_has_no_interval(runs):
    found = hvi_curves({"one": runs["slow"][:1]})["one"]
    assert np.isnan(found.interval).all()
    assert "nan" in found.statistics


def test_statistics_are_hypermappers_table(runs):
    found = hvi_curves(runs)["fast"]
    assert found.statistics.startswith(HEADER)
    rows = list(csv.DictReader(io.StringIO(found.statistics)))
    assert [row["Bucket #"] for row in rows] == [str(b) for b in range(1, BINS + 1)]
    assert [float(row["HVI mean"]) for row in rows] == found.mean.tolist()
    assert [float(row["HVI max"]) for row in rows] == found.values.max(axis=1).tolist()
    assert {row["# of runs in bin"] for row in rows} <= {"0", "1", "2"}


def test_absolute_times_do_not_put_all_into_the_last_bin(scenario, write):
    rows = [(k, 10 - k, 1795289261000 + 1000 * k) for k in range(10)]
    points = read_points(write("a.csv", rows, "f1,f2,Timestamp"), scenario("f1", "f2"))
    found = hvi_curves({"": [points]})[""]
    assert found.times[-1] == 9.0
    assert sum(found.runs) == 10


def test_without_a_feasible_result_there_are_no_bins(three, write):
    path = write("a.csv", [(1, 1, 1, "false", 5)], "f1,f2,f3,Valid,Timestamp")
    found = hvi_curves({"": [read_points(path, three)]})[""]
    assert found.statistics == HEADER


def test_constant_objectives_and_single_points_are_no_trouble(scenario, write):
    path = write("a.csv", [(1, 2, 5), (1, 1, 9)], "f1,f2,Timestamp")
    found = hvi_curves({"": [read_points(path, scenario("f1", "f2"))]})[""]
    assert np.isfinite(found.values).all()


def test_times_are_needed(scenario, write):
    points = read_points(write("a.csv", [(1, 2)]), scenario("f1", "f2"))
    with pytest.raises(ScenarioError, match=r"a\.csv.*times"):
        hvi_curves({"": [points]})


def test_the_indicator_of_two_fronts_does_not_depend_on_units(scenario, write):
    two = scenario("f1", "f2")
    real, test = [(0, 4), (1, 2), (4, 0)], [(1, 4), (3, 3)]
    values = [
        indicator(
            read_points(write("real.csv", [(u * a, b) for a, b in real]), two),
            read_points(write("test.csv", [(u * a, b) for a, b in test]), two),
        )
        for u in (1, 1000)
    ]
    assert values[0] == pytest.approx(values[1])
    every = np.array([*real, *test], dtype=float)
    area = (4 - 1) * (4 - 2) - (4 - 3) * (4 - 3)
    assert values[0] == pytest.approx(area / every.std(axis=0).prod())


@pytest.mark.parametrize("directory", ["runs/slow", "runs/slow/", "./runs/slow"])
def test_files_beside_runs_are_named_after_the_directory(directory):
    assert beside(directory, "_stats.txt").endswith("runs/slow/slow_stats.txt")
