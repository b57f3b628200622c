from pathlib import Path

import numpy as np
import pytest

from hmserve.errors import UsageError
from hmserve.report.canvas import style
from hmserve.report.overview import plot_run, run_figure
from hmserve.report.points import read_points
from hmserve.report.sources import Found, run_at


@pytest.fixture
def page(scenario, write):
    """Return a function that draws a run of the given rows of objectives and Valid."""

    def make(*objectives, rows, **changes):
        found = scenario(*objectives, feasibility=True, **changes)
        names = ",".join([*found.objectives, "Valid"])
        with style():
            return run_figure(Found(found, read_points(write("s.csv", rows, names), found)))

    return make


def panels(figure):
    return {(axes.get_xlabel(), axes.get_ylabel()): axes for axes in figure.axes}


ROWS = [(50, 1, "true"), (20, 2, "true"), ("nan", 1, "false"), (1, 1, "false"), (30, 0, "true")]


def test_one_objective_converges_and_has_a_panel_a_parameter(page):
    figure = page("f1", rows=[(a, valid) for a, _, valid in ROWS])
    first, *others = figure.axes
    assert first.get_title(loc="left") == "5 evaluations, 1 failed, 1 infeasible, best f1 20"
    curve = next(line for line in first.get_lines() if line.get_drawstyle() == "steps-post")
    assert curve.get_ydata().tolist() == [50, 20, 20, 20, 20]
    assert [axes.get_xlabel() for axes in others] == ["x", "r", "tile", "order"]
    assert others[0].get_ylabel() == "f1"


def test_two_objectives_have_their_front_and_a_row_of_panels_each(page):
    figure = page("f1", "f2", rows=ROWS)
    assert len(figure.axes) == 2 + 2 * 4
    assert ("f1", "f2") in panels(figure)
    assert {("x", "f1"), ("x", "f2")} <= panels(figure).keys()
    volume = next(
        line for line in figure.axes[0].get_lines() if line.get_drawstyle() == "steps-post"
    )
    assert (np.diff(volume.get_ydata()) >= 0).all()
    assert volume.get_ydata()[-1] <= 1


def test_levels_and_labels_have_names_at_equal_distances(page):
    figure = page("f1", rows=[(a, valid) for a, _, valid in ROWS])
    named = {axes.get_xlabel(): axes for axes in figure.axes[1:]}
    ticks = {
        name: [text.get_text() for text in named[name].get_xticklabels()]
        for name in ("tile", "order")
    }
    assert ticks == {"tile": ["1", "2", "4", "8"], "order": ["ij", "ji"]}


def test_what_is_maximised_rises(page):
    rows = [(a, "true") for a in (1, 3, 2)]
    figure = page({"name": "fps", "goal": "maximize"}, rows=rows)
    first = figure.axes[0]
    curve = next(line for line in first.get_lines() if line.get_drawstyle() == "steps-post")
    assert curve.get_ydata().tolist() == [1, 3, 3]
    assert "best fps 3" in first.get_title(loc="left")


def test_a_run_without_a_feasible_result_is_drawn(page):
    figure = page("f1", rows=[(5, "false"), ("nan", "false")])
    assert "no feasible result" in [text.get_text() for text in figure.axes[0].texts]


def test_a_run_without_results_is_drawn(page):
    assert len(page("f1", "f2", rows=[]).axes) == 10


def test_many_parameters_are_cut_to_what_a_page_takes(scenario, tmp_path):
    names = [f"p{k}" for k in range(90)]
    entry = {"parameter_type": "real", "values": [0, 1]}
    found = scenario("f1", input_parameters=dict.fromkeys(names, entry))
    (tmp_path / "s.csv").write_text(",".join([*names, "f1"]) + "\n" + "0.5," * 90 + "1\n")
    figure = run_figure(Found(found, read_points(str(tmp_path / "s.csv"), found)))
    assert len(figure.axes) == 1 + 48


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        (None, "app_plot.pdf"),
        ("mine.png", "mine.png"),
        ("v1.5/", "v1.5/app_plot.pdf"),
    ],
)
def test_the_page_goes_where_it_is_told(out, expected, scenario, write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = scenario("f1")
    points = read_points(write("s.csv", [(1,)], "f1"), found)
    written = plot_run(Found(found, points), out)
    assert Path(written).resolve() == tmp_path / expected
    start = b"\x89PNG" if expected.endswith("png") else b"%PDF-"
    assert Path(written).read_bytes().startswith(start)


def test_other_kinds_of_files_are_refused(scenario, write):
    found = scenario("f1")
    with pytest.raises(UsageError, match=r"mine\.gif"):
        plot_run(Found(found, read_points(write("s.csv", [(1,)], "f1"), found)), "mine.gif")


def test_samples_of_a_scenario_without_a_journal_are_found(save_scenario, write):
    write("app_output_samples.csv", [(1,), (2,)], "f1")
    scenario, points, _ = run_at(save_scenario("f1"))
    assert scenario.objectives == ("f1",)
    assert len(points) == 2


def test_samples_from_elsewhere_need_a_scenario(save_scenario, write):
    path = write("elsewhere.csv", [(1,), (2,)], "f1")
    with pytest.raises(UsageError, match="--config"):
        run_at(path)
    assert len(run_at(path, save_scenario("f1"))[1]) == 2


def test_runs_that_are_not_there_are_refused(save_scenario, tmp_path):
    for path in (save_scenario("f1"), str(tmp_path / "no.journal")):
        with pytest.raises(UsageError):
            run_at(path)
