from pathlib import Path

import pytest

from hmserve.errors import JournalError, ScenarioError, UsageError
from hmserve.report.points import read_points
from hmserve.report.tools import (
    compute_pareto,
    existing,
    front_rows,
    hvi_from_files,
    runs_by_directory,
    runs_in,
)


def test_the_pareto_file_has_the_front_in_its_old_words(scenario, tmp_path):
    # A column of no use, an own order, infeasible rows, duplicates, numbers as they stand.
    (tmp_path / "app_output_samples.csv").write_text(
        "Timestamp,f2,f1,Valid,order,tile,r,x,more\n"
        "1,5,1,yes,ij,1,0.50,10,a\n"
        "2,4.0,2,true,ji,2,1e-05,3,b\n"
        "3,0,0,false,ji,2,0.5,3,c\n"
        "4,5,2,true,ji,8,0.5,3,d\n"
        "5,4,2.0,true,ji,8,0.5,3,e\n"
    )
    path, count = compute_pareto(scenario("f1", "f2", feasibility=True))
    assert (path, count) == (str(tmp_path / "app_output_pareto.csv"), 3)
    assert Path(path).read_bytes() == (
        b"x,r,tile,order,f1,f2,Valid,Timestamp\r\n"
        b"10,0.50,1,ij,1,5,yes,1\r\n"
        b"3,1e-05,2,ji,2,4.0,true,2\r\n"
        b"3,0.5,8,ji,2.0,4,true,5\r\n"
    )


def test_third_objectives_count(scenario, write):
    write("app_output_samples.csv", [(1, 1, 9), (2, 2, 1), (3, 3, 2)], "f1,f2,f3")
    assert compute_pareto(scenario("f1", "f2", "f3"))[1] == 2


def test_one_objective_has_its_best_rows_for_a_front(scenario, write):
    write("app_output_samples.csv", [(3,), (1,), (2,), (1,)], "f1")
    assert compute_pareto(scenario())[1] == 2


def test_without_a_feasible_row_there_is_the_header_alone(scenario, write):
    write("app_output_samples.csv", [(3, "false")], "f1,Valid")
    path, count = compute_pareto(scenario(feasibility=True))
    assert count == 0
    assert Path(path).read_text() == "x,r,tile,order,f1,Valid\n"


def test_inputs_are_needed_for_a_pareto_file(scenario, tmp_path):
    (tmp_path / "app_output_samples.csv").write_text("f1\n1\n")
    with pytest.raises(ScenarioError, match="x"):
        compute_pareto(scenario())


def test_the_front_of_a_front_is_itself(scenario, write):
    two = scenario("f1", "f2")
    path, _ = compute_pareto(two, write("a.csv", [(1, 5), (3, 3), (2, 4), (3, 3)]), "p.csv")
    points = read_points(path, two)
    assert front_rows(points, two)[1:] == [tuple(row) for row in points.cells]


def test_names_are_from_the_run_directory_first(scenario, write, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    two = scenario("f1", "f2")
    write("in.csv", [(1, 1)])
    path, _ = compute_pareto(two, "in.csv", "out/front.csv")
    assert path == str(tmp_path / "out/front.csv")
    assert Path(path).exists()
    Path("here.csv").write_text("")
    assert existing(two, "here.csv") == "here.csv"
    assert existing(two, "nowhere.csv") == str(tmp_path / "nowhere.csv")


def test_a_front_that_cannot_be_written_is_told(scenario, write, tmp_path):
    write("app_output_samples.csv", [(1,)], "f1")
    (tmp_path / "taken").write_text("")
    with pytest.raises(JournalError, match="taken"):
        compute_pareto(scenario(), None, "taken/p.csv")


def test_every_csv_in_a_directory_is_a_run_but_a_front(scenario, write, tmp_path):
    one = scenario(output_pareto_file="best.csv")
    for name in ("b.csv", "a.csv", "best.csv", "a_output_pareto.csv", "stats.txt"):
        write(f"runs/{name}", [(1,)], "f1")
    found = runs_in(str(tmp_path / "runs"), one)
    assert [Path(points.source).name for points in found] == ["a.csv", "b.csv"]


def test_directories_without_runs_are_passed_over_unless_all_are(scenario, write, tmp_path):
    write("full/a.csv", [(1,)], "f1")
    (tmp_path / "empty").mkdir()
    full, empty = str(tmp_path / "full"), str(tmp_path / "empty")
    assert list(runs_by_directory([empty, full], scenario())) == [full]
    with pytest.raises(UsageError, match=r"no \.csv file in"):
        runs_by_directory([empty], scenario())
    with pytest.raises(UsageError, match="cannot read the directory"):
        runs_by_directory([str(tmp_path / "nothing")], scenario())


def test_the_indicator_of_files_is_of_the_scenarios_front(scenario, write):
    two = scenario("f1", "f2")
    real = write("real.csv", [(0, 2), (2, 0), (1, 1)])
    write("app_output_pareto.csv", [(0, 2), (2, 0)])
    assert hvi_from_files(real, two) > 0
    write("app_output_pareto.csv", [(0, 2), (2, 0), (1, 1)])
    assert hvi_from_files(real, two) == 0
