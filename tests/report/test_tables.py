import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.errors import JournalError
from hmserve.journal.ledger import Ledger, Row
from hmserve.journal.records import Ask, Drop, Observe, Start, Tell
from hmserve.multiobjective.pareto import non_dominated
from hmserve.report.tables import (
    aligned,
    best,
    best_block,
    best_csv,
    best_text,
    front,
    front_csv,
    front_text,
    summary,
    summary_line,
    summary_text,
    write_front,
)
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Evaluation, Trial


def make(objectives=("time",), feasibility=True, directory="."):
    return Scenario.parse(
        {
            "application_name": "app",
            "optimization_objectives": list(objectives),
            "run_directory": str(directory),
            "hypermapper_mode": {"mode": "default"},
            "feasible_output": {"enable_feasible_predictor": feasibility},
            "input_parameters": {
                "x": {"parameter_type": "real", "values": [0, 100]},
                "c": {"parameter_type": "categorical", "values": ["a", "b"]},
            },
        }
    )


def row(number, *values, names=("time", "energy", "area"), feasible=True):
    """A result with as many objectives as there are values; none if they are None."""
    objectives = dict(zip(names, values, strict=False)) if values != (None,) else {}
    trial = Trial(number, {"x": float(number), "c": "a" if number % 2 else "b"})
    return Row(Evaluation(trial, objectives, feasible), 5.0, float(number), asked=True)


def numbers(rows):
    return [row.evaluation.trial.id for row in rows]


FAILED = row(9, None, feasible=False)


def test_the_best_is_the_first_smallest_feasible_row():
    rows = [row(1, 3.0), row(2, 1.0), FAILED, row(3, 1.0), row(4, 0.5, feasible=False)]
    assert best(rows, make()) is rows[1]


def test_without_a_feasible_row_there_is_no_best():
    rows = [FAILED, row(1, 1.0, feasible=False)]
    assert best(rows, make()) is None
    assert best([], make()) is None
    assert best_text(rows, make()) == "No feasible evaluation.\n"
    assert best_csv(rows, make()) == "x,c,time\r\n"


def test_the_best_as_csv_and_as_text():
    rows = [row(11, 3.0), row(2, 1e-05), row(3, 7.0)]
    assert best_csv(rows, make()) == "x,c,time\r\n2.0,b,1e-05\r\n"
    assert best_text(rows, make()) == "  x  c   time\n2.0  b  1e-05\n"


def test_the_block_for_the_log_is_that_of_hypermapper():
    rows = [row(11, 3.0), row(2, 1e-05)]
    assert best_block(rows, make()) == "Best point found:\nx,c,time\n2.0,b,1e-05\n\n"
    assert best_block([FAILED], make()) == "\nNo feasible evaluation, there is no best point.\n"
    assert best_block([row(1, 3.0, 1.0)], make(["time", "energy"])) == (
        "\nMultiple objectives, there is no single best point.\n"
    )


def test_the_front_of_one_objective_is_the_best_row_and_its_equals():
    rows = [row(1, 3.0), row(2, 1.0), FAILED, row(3, 1.0), row(4, 0.5, feasible=False)]
    assert numbers(front(rows, make())) == [2, 3]


def test_the_front_of_two_objectives_in_the_order_the_rows_came():
    rows = [
        row(1, 3.0, 1.0),
        row(2, 2.0, 2.0),
        row(3, 2.0, 2.5),
        row(4, 0.0, 0.0, feasible=False),
        FAILED,
        row(5, 2.0, 2.0),
        row(6, 1.0, 9.0),
    ]
    assert numbers(front(rows, make(["time", "energy"]))) == [1, 2, 5, 6]


def test_the_third_objective_counts():
    rows = [row(1, 1.0, 1.0, 2.0), row(2, 2.0, 2.0, 1.0), row(3, 2.0, 2.0, 3.0)]
    assert numbers(front(rows, make(["time", "energy", "area"]))) == [1, 2]


@given(st.lists(st.tuples(st.booleans(), *[st.integers(0, 3)] * 2), max_size=20))
def test_the_front_is_what_is_not_dominated_among_the_feasible(found):
    rows = [row(i, float(a), float(b), feasible=ok) for i, (ok, a, b) in enumerate(found)]
    counted = [i for i, (ok, _, _) in enumerate(found) if ok]
    Y = np.array([found[i][1:] for i in counted], dtype=float).reshape(-1, 2)
    expected = [i for i, kept in zip(counted, non_dominated(Y), strict=True) if kept]
    assert numbers(front(rows, make(["time", "energy"]))) == expected


def test_the_pareto_file_has_the_columns_of_the_samples_file():
    rows = [row(1, 3.0, 1.0), row(2, 4.0, 2.0), row(3, 1.0, 2.0), FAILED]
    assert front_csv(rows, make(["time", "energy"])) == (
        "x,c,time,energy,Valid,Timestamp\r\n1.0,a,3.0,1.0,true,1000\r\n3.0,a,1.0,2.0,true,3000\r\n"
    )


def test_without_a_feasibility_column_failed_rows_are_left_out():
    scenario = make(["time", "energy"], feasibility=False)
    text = front_csv([FAILED, row(1, 3.0, 1.0)], scenario)
    assert text == "x,c,time,energy,Timestamp\r\n1.0,a,3.0,1.0,1000\r\n"


def test_without_a_feasible_row_the_pareto_file_is_its_header():
    assert front_csv([FAILED], make()) == "x,c,time,Valid,Timestamp\r\n"
    assert front_text([FAILED], make()) == "No feasible evaluation.\n"


def test_the_pareto_file_is_written_where_the_scenario_says(tmp_path):
    scenario = make(["time", "energy"], directory=tmp_path / "new")
    rows = [row(1, 3.0, 1.0)]
    for _ in range(2):
        write_front(rows, scenario)
    with open(tmp_path / "new" / "app_output_pareto.csv", newline="") as file:
        assert file.read() == front_csv(rows, scenario)
    assert [entry.name for entry in (tmp_path / "new").iterdir()] == ["app_output_pareto.csv"]


def test_a_pareto_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "app_output_pareto.csv").mkdir()
    with pytest.raises(JournalError, match=r"cannot write .*app_output_pareto\.csv"):
        write_front([], make(directory=tmp_path))


def test_the_front_for_reading_has_aligned_columns():
    rows = [row(1, 3.0, 1.5), row(20, 1.0, 1000.0)]
    assert front_text(rows, make(["time", "energy"])) == (
        "   x  c  time  energy\n 1.0  a   3.0     1.5\n20.0  b   1.0  1000.0\n"
    )


def test_text_in_columns_reads_back_as_its_fields():
    lines = [["a", "bcd"], ["12345", "6"]]
    assert [line.split() for line in aligned(lines).splitlines()] == lines


@pytest.fixture
def ledger():
    """Five asked, one dropped, one pending, three told, one observed."""
    trials = [Trial(i, {"x": float(i), "c": "a"}) for i in range(5)]
    results = [
        Evaluation(trials[0], {"time": 4.0, "energy": 1.0}),
        Evaluation(trials[1], {}, feasible=False),
        Evaluation(trials[2], {"time": 0.0, "energy": 0.0}, feasible=False),
    ]
    outside = Evaluation(Trial(OUTSIDE, {"x": 7.0, "c": "b"}), {"time": 2.5, "energy": 3.0})
    return Ledger.of(
        [
            Start(1, "hmserve 0", {}, 1, 0.0, 1, "h"),
            Ask(1.0, 1.0, trials, {}),
            Tell(2.0, 2.0, results),
            Observe(3.0, 3.0, [outside]),
            Drop(4.0, 4.25, [4]),
        ]
    )


def test_the_summary_counts_every_result_once(ledger):
    found = summary(ledger, make())
    assert (found.asked, found.told, found.pending, found.observed) == (4, 3, 1, 1)
    assert (found.failed, found.infeasible) == (1, 1)
    assert found.seconds == 4.25
    assert found.best is ledger.rows[3]
    assert found.front is None


def test_the_summary_of_several_objectives_has_a_front_and_no_best(ledger):
    found = summary(ledger, make(["time", "energy"]))
    assert (found.best, found.front) == (None, 2)


def test_the_summary_for_reading(ledger):
    assert summary_text(summary(ledger, make()), make()).splitlines() == [
        "run         app",
        "asked       4",
        "told        3",
        "failed      1",
        "infeasible  1",
        "observed    1",
        "pending     1",
        "seconds     4.2",
        "best        time = 2.5 at x = 7.0, c = b",
    ]
    several = make(["time", "energy"])
    assert "best        2 points on the Pareto front\n" in summary_text(
        summary(ledger, several), several
    )


def test_the_summary_on_one_line(ledger):
    counts = "4.2 s: 3 told, 1 failed, 1 infeasible, 1 pending; "
    assert summary_line(ledger, make()) == f"{counts}time = 2.5 at x = 7.0, c = b"
    assert summary_line(ledger, make(["time", "energy"])) == (
        f"{counts}2 points on the Pareto front"
    )


def test_the_summary_of_a_run_that_has_just_begun():
    ledger = Ledger(Start(1, "hmserve 0", {}, 1, 0.0, 1, "h"))
    assert summary_text(summary(ledger, make()), make()).splitlines() == [
        "run      app",
        "asked    0",
        "told     0",
        "seconds  0.0",
        "best     no feasible evaluation yet",
    ]


def test_a_csv_reader_finds_the_fields_again():
    rows = [row(1, 1 / 3)]
    lines = list(csv.DictReader(front_csv(rows, make()).splitlines()))
    assert [float(line["time"]) for line in lines] == [1 / 3]
