import numpy as np
import pytest

from hmserve.errors import ScenarioError
from hmserve.journal.ledger import Row
from hmserve.journal.table import render
from hmserve.report.points import front_of, points_of, read_points
from hmserve.trial import Evaluation, Trial


def test_old_files_of_hypermapper_are_read(scenario, tmp_path):
    # Any order of columns, LF, columns of no use, an integer beside its range [1, 9].
    path = tmp_path / "old.csv"
    path.write_text("Timestamp,f2,Valid,x,f1,more\n19,2,true,10,1,a\n\n25,4.5,false,3,-3,b\n")
    points = read_points(str(path), scenario("f1", "f2", feasibility=True))
    assert points.Y.tolist() == [[1, 2], [-3, 4.5]]
    assert points.feasible.tolist() == [True, False]
    assert points.column("x") == ["10", "3"]
    assert points.seconds.tolist() == [0.019, 0.025]
    assert len(points) == 2


@pytest.mark.parametrize("word", ["true", "True", "1", "yes"])
def test_words_for_feasible_are_understood_in_any_case(word, scenario, write):
    path = write("a.csv", [(1, word), (2, "FALSE")], header="f1,Valid")
    points = read_points(path, scenario("f1", feasibility=True))
    assert points.feasible.tolist() == [True, False]


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "", "NA", "None"])
def test_failed_evaluations_have_no_value_and_are_infeasible(cell, scenario, write):
    points = read_points(write("a.csv", [(1, 2), (cell, 2)]), scenario("f1", "f2"))
    assert points.feasible.tolist() == [True, False]
    assert np.isnan(points.Y[1, 0])
    assert np.isnan(points.minimised[1]).all()


def test_what_an_objective_cannot_be_is_a_failed_evaluation(scenario, write):
    share = {"name": "f1", "goal": "maximize", "range": [0, 1]}
    points = read_points(write("a.csv", [(0.5,), (1.5,)], "f1"), scenario(share))
    assert points.feasible.tolist() == [True, False]


def test_times_of_the_unix_clock_count_from_the_first(scenario, write):
    rows = [(1, 1795289261202), (2, "1795289262702.0"), (3, 1795289261302)]
    points = read_points(write("a.csv", rows, header="f1,Timestamp"), scenario())
    assert points.seconds.tolist() == pytest.approx([0.0, 1.5, 0.1])


def test_times_of_the_run_stay(scenario, write):
    points = read_points(write("a.csv", [(1, 500), (2, 90_000)], "f1,Timestamp"), scenario())
    assert points.seconds.tolist() == [0.5, 90.0]


def test_times_are_not_needed(scenario, write):
    assert read_points(write("a.csv", [(1,)], "f1"), scenario()).seconds is None


def test_an_empty_table_has_no_points(scenario, write):
    points = read_points(write("a.csv", [], "f1,f2,Timestamp"), scenario("f1", "f2"))
    assert points.Y.shape == (0, 2)
    assert len(points.seconds) == 0
    assert front_of(points).shape == (0,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "f1"),
        ("x,f2\n1,2\n", "f1"),
        ("f1,f1,Valid\n1,2,true\n", "f1"),
        ("f1\n1\n", "Valid"),
        ("f1,Valid\n1\n", "line 2: 1 fields under a header of 2"),
        ("f1,Valid\n1,true\n\nabc,true\n", "line 4, column f1: .*not 'abc'"),
        ("f1,Valid\n1,maybe\n", "line 2, column Valid: .*not 'maybe'"),
        ("f1,Valid,Timestamp\n1,true,noon\n", "line 2, column Timestamp: .*not 'noon'"),
        ("f1,Valid,Timestamp\n1,true,nan\n", "line 2, column Timestamp"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(text, words, scenario, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=words) as caught:
        read_points(str(path), scenario("f1", feasibility=True))
    assert "bad.csv" in str(caught.value)


def test_a_column_that_is_not_there_is_told(scenario, write):
    points = read_points(write("a.csv", [(1,)], "f1"), scenario())
    with pytest.raises(ScenarioError, match="y"):
        points.column("y")


def test_the_front_is_over_all_objectives(scenario, write):
    rows = [(1, 5, 9), (2, 4, 9), (2, 5, 1), (2, 5, 9), (1, 5, 9)]
    points = read_points(write("a.csv", rows, "f1,f2,f3"), scenario("f1", "f2", "f3"))
    assert front_of(points).tolist() == [True, True, True, False, True]


def test_the_front_of_one_objective_is_the_best_rows(scenario, write):
    rows = [(3, "true"), (1, "true"), (0, "false"), (1, "true")]
    points = read_points(write("a.csv", rows, "f1,Valid"), scenario("f1", feasibility=True))
    assert front_of(points).tolist() == [False, True, False, True]


def test_what_is_maximised_has_the_other_sign_inside_alone(scenario, write):
    goal = {"name": "f2", "goal": "maximize"}
    points = read_points(write("a.csv", [(1, 5), (2, 7), (3, 6)]), scenario("f1", goal))
    assert points.Y.tolist() == [[1, 5], [2, 7], [3, 6]]
    assert points.minimised.tolist() == [[1, -5], [2, -7], [3, -6]]
    assert front_of(points).tolist() == [True, True, False]


def test_a_journal_gives_the_points_of_its_samples_file(scenario, tmp_path):
    found = scenario("f1", {"name": "f2", "goal": "maximize"}, feasibility=True)
    values = {"x": 1, "r": 0.5, "tile": 2, "order": "ji"}
    rows = [
        Row(Evaluation(Trial(k, values), objectives, feasible), 1.8e9 + k, k / 2, asked=True)
        for k, (objectives, feasible) in enumerate(
            [({"f1": 1.0, "f2": -2.0}, True), ({}, False), ({"f1": 3.0, "f2": 4.0}, False)]
        )
    ]
    path = tmp_path / "samples.csv"
    path.write_text(render(found, rows))
    ours, file = points_of(rows, found), read_points(str(path), found)
    assert np.array_equal(ours.Y, file.Y, equal_nan=True)
    assert ours.feasible.tolist() == file.feasible.tolist() == [True, False, False]
    assert ours.seconds.tolist() == file.seconds.tolist()
    assert ours.cells == file.cells
