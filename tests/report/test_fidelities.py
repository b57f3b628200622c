"""What is shown of a run whose results have several fidelities."""

import numpy as np
import pytest

from hmserve.journal.ledger import Row
from hmserve.journal.table import render
from hmserve.report.points import front_of, points_of, read_points
from hmserve.report.tables import best_csv, best_text, front, front_csv, highest
from hmserve.trial import Evaluation, Trial

EPOCHS = {"name": "epochs", "type": "integer", "min": 1, "max": 9}
VALUES = {"x": 1, "r": 0.5, "tile": 2, "order": "ij"}


def row(fidelity, *objectives, feasible=True):
    values = dict(zip(("f1", "f2"), objectives, strict=False))
    trial = Trial(0, VALUES, fidelity)
    return Row(Evaluation(trial, values, feasible and bool(values)), 0.0, 0.0, asked=True)


ROWS = [
    row(1.0, 0.1),
    row(3.0, 0.2),
    row(9.0),
    row(9.0, 0.05, feasible=False),
    row(3.0000001, 0.3),
]


def test_the_best_is_that_of_the_highest_fidelity_with_a_feasible_result(scenario):
    found = scenario(fidelity=EPOCHS)
    assert best_csv(ROWS, found) == "x,r,tile,order,epochs,f1\r\n1,0.5,2,ij,3,0.2\r\n"
    assert best_text(ROWS, found).split("\n")[0].split()[-2:] == ["epochs", "f1"]
    assert highest(ROWS, found) == ROWS[1:]
    assert front([*ROWS, row(None, 7.0)], found) == [row(None, 7.0)]
    assert front_csv(ROWS, found).count("\r\n") == 2


def test_without_fidelities_every_row_counts(scenario):
    assert highest(ROWS, scenario()) == ROWS


def test_without_a_feasible_row_there_is_no_best(scenario):
    found = scenario(fidelity=EPOCHS)
    assert front(ROWS[2:4], found) == []
    assert highest(ROWS[2:4], found) == ROWS[2:4]


@pytest.mark.parametrize("source", ["journal", "samples"])
def test_figures_count_the_highest_fidelity_alone(source, scenario, tmp_path):
    found, rows = scenario(fidelity=EPOCHS), [*ROWS[:3], row(3.0, 0.15)]
    path = tmp_path / "a.csv"
    path.write_text(render(found, rows))
    points = points_of(rows, found) if source == "journal" else read_points(str(path), found)
    assert points.feasible.tolist() == [False, True, False, True]
    assert points.partial.tolist() == [True, False, False, False]
    assert front_of(points).tolist() == [False, False, False, True]
    assert np.isnan(points.minimised[0, 0])


def test_samples_without_the_column_are_full(scenario, write):
    points = read_points(write("a.csv", [(1,), (2,)], header="f1"), scenario(fidelity=EPOCHS))
    assert points.feasible.all()
    assert not points.partial.any()
