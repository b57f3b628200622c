"""What is on the figures, and where they go. How they look is for eyes to judge."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from hmserve.errors import JournalError, ScenarioError, UsageError
from hmserve.report.canvas import save, style
from hmserve.report.figures import RegretLook, hvi_boxes, hvi_figure, regret_figure
from hmserve.report.fronts import Front, front_figure
from hmserve.report.hvi import hvi_curves
from hmserve.report.plots import (
    RegretOptions,
    objective_axes,
    plot_hvi,
    plot_pareto,
    plot_regret,
)
from hmserve.report.points import read_points
from hmserve.report.regret import regret

PDF, PNG = b"%PDF-", b"\x89PNG"


def is_image(path, start=PDF):
    return Path(path).read_bytes().startswith(start)


def legend_of(axes):
    legend = axes.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def lines_of(axes):
    """Return the corners of each line with more than one, and of no markers alone."""
    lines = [line for line in axes.get_lines() if line.get_linestyle() == "-"]
    return [line.get_xydata().tolist() for line in lines if len(line.get_xydata()) > 1]


@pytest.fixture
def draw(scenario, write):
    """Return a function that draws fronts of the rows of f1, f2, ..., Valid."""

    def make(front, samples=None, **changes):
        m = len(front[0])
        names = [f"f{k + 1}" for k in range(m)]
        found = scenario(*names, **changes)
        table = read_points(write("p.csv", front, ",".join(names)), found)
        every = samples and read_points(write("s.csv", samples, ",".join(names)), found)
        fronts = [Front("mine", "red", table, every)]
        return front_figure("title", objective_axes(found), fronts)

    return make


def test_a_front_of_two_objectives_is_a_staircase(draw):
    [axes] = draw([(3, 1), (1, 4), (2, 2)]).axes
    assert lines_of(axes) == [[[1, 4], [1, 4], [2, 4], [2, 2], [3, 2], [3, 1], [3, 1]]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("f1", "f2")
    assert legend_of(axes) == ["mine"]


def test_the_staircase_reaches_to_the_worst_sample(draw):
    [axes] = draw([(1, 2)], [(1, 2), (7, 3), (2, 9)]).axes
    assert lines_of(axes) == [[[1, 9], [1, 2], [7, 2]]]


def test_dominated_rows_of_a_pareto_file_are_no_steps(draw):
    [axes] = draw([(1, 1), (2, 3)]).axes
    assert lines_of(axes) == [[[1, 3], [1, 1], [2, 1]]]


def test_three_objectives_have_a_panel_a_pair(draw):
    figure = draw([(1, 2, 3), (3, 2, 1)])
    labels = {(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes}
    assert labels == {("f1", "f2"), ("f1", "f3"), ("f2", "f3")}
    assert [lines_of(axes) for axes in figure.axes] == [[], [], []]


def test_axes_look_as_the_scenario_says(draw):
    look = {
        "image_xlog": True,
        "objective_2_max": 200,
        "optimization_objectives_labels_image_pdf": ["Cost ($)"],
    }
    [axes] = draw([(1, 50), (10, 20)], output_image=look).axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    assert (axes.get_xlabel(), axes.get_ylabel()) == (r"Cost (\$)", "f2 (%)")
    assert axes.get_ylim() == (0, 100)
    assert lines_of(axes)[0][0] == [1, 25]


def test_percentages_of_samples_may_exceed_the_whole(draw):
    [axes] = draw([(1, 50)], [(1, 50), (2, 300)], output_image={"objective_2_max": 200}).axes
    assert axes.get_ylim()[1] > 150


def test_what_is_maximised_has_its_staircase_the_other_way(scenario, write):
    found = scenario("f1", {"name": "f2", "goal": "maximize"})
    points = read_points(write("p.csv", [(1, 4), (2, 6)]), found)
    figure = front_figure("t", objective_axes(found), [Front("", "red", points, None)])
    assert lines_of(figure.axes[0]) == [[[1, 4], [1, 4], [2, 4], [2, 6], [2, 6]]]


def test_a_front_without_points_says_so(scenario, write):
    found = scenario("f1", "f2", feasibility=True)
    points = read_points(write("p.csv", [(1, 2, "false")], "f1,f2,Valid"), found)
    figure = front_figure("t", objective_axes(found), [Front("", "red", points, points)])
    assert "no feasible point" in [text.get_text() for text in figure.axes[0].texts]


def test_the_legend_lies_outside_the_data(draw):
    figure = draw([(1, 4), (2, 2)], [(5, 5)])
    figure.draw_without_rendering()
    [axes] = figure.axes
    assert axes.get_legend().get_window_extent().y1 < axes.get_window_extent().y0


def test_plot_pareto_writes_the_front_alone_and_with_all_samples(scenario, write, tmp_path):
    write("app_output_samples.csv", [(1, 2), (2, 1), (3, 3)])
    write("app_output_pareto.csv", [(1, 2), (2, 1)])
    written = plot_pareto(scenario("f1", "f2"))
    assert written == [str(tmp_path / f"{a}app_output_pareto.pdf") for a in ("", "all_")]
    assert all(is_image(path) for path in written)
    assert Path(written[0]).read_bytes() != Path(written[1]).read_bytes()


@pytest.mark.parametrize(
    ("look", "name"),
    [
        ({}, "output_image.pdf"),
        ({"output_image_pdf_file": "mine.png"}, "mine.png"),
    ],
)
def test_images_are_named_by_hypermappers_rules(look, name, scenario, write, tmp_path):
    write("app_output_samples.csv", [(1, 2)])
    # No Pareto file: the front is computed.
    written = plot_pareto(scenario("f1", "f2", output_image=look))
    assert written == [str(tmp_path / name), str(tmp_path / f"all_{name}")]


def test_pairs_of_files_are_compared_in_the_image_that_is_named(scenario, write, tmp_path):
    pair = (write("a.csv", [(1, 2)]), write("b.csv", [(1, 2), (3, 3)]))
    written = plot_pareto(scenario("f1", "f2"), "out/cmp.png", [pair, pair])
    assert written == [str(tmp_path / "out" / name) for name in ("cmp.png", "all_cmp.png")]
    assert all(is_image(path, PNG) for path in written)


def test_a_pareto_file_that_is_named_must_be_there(scenario, write):
    pair = ("nothing.csv", write("b.csv", [(1, 2)]))
    with pytest.raises(ScenarioError, match=r"nothing\.csv"):
        plot_pareto(scenario("f1", "f2"), None, [pair])


def test_one_objective_has_no_pareto_plot(scenario):
    with pytest.raises(UsageError, match="hmserve plot"):
        plot_pareto(scenario("f1"))


@pytest.mark.parametrize("name", ["front.jpg", "front", ".pdf"])
def test_only_images_that_can_be_drawn_are_accepted(name, scenario):
    with pytest.raises(UsageError, match=r"\.pdf, \.png or \.svg"):
        plot_pareto(scenario("f1", "f2"), name)


def test_regret_has_a_curve_a_label_and_marks(scenario, write):
    one = scenario("f1")
    runs = [read_points(write(f"{k}.csv", [(5 + k,), (3,), (2,)], "f1"), one) for k in (1, 2)]
    curves = [("two", regret(runs, 1, None, False)), ("one", regret(runs[:1], 1, None, False))]
    [axes] = regret_figure(curves, RegretLook("t", design=2, expert=1.5)).axes
    assert legend_of(axes) == ["two", "one", "Expert Configuration", "Initialization"]
    assert [line.get_xydata().tolist() for line in axes.get_lines()[:2]] == [
        [[1, 5.5], [2, 2], [3, 1]],
        [[1, 5], [2, 2], [3, 1]],
    ]
    # A single run has a curve and no band.
    assert len(axes.collections) == 1
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Number of Evaluations", "Regret")


@pytest.mark.parametrize(
    ("unlogged", "label", "scale", "height"),
    [(False, "Log Regret", "linear", np.log(4)), (True, "Regret", "log", 4)],
)
def test_logarithms_are_drawn_or_the_axis_is(unlogged, label, scale, height, scenario, write):
    runs = [read_points(write("a.csv", [(4,), (2,)], "f1"), scenario("f1"))]
    curves = [("a", regret(runs, 0, None, logarithm=True))]
    look = RegretLook("t", logarithm=True, unlogged=unlogged, expert=4)
    [axes] = regret_figure(curves, look).axes
    assert (axes.get_ylabel(), axes.get_yscale()) == (label, scale)
    curve, expert = axes.get_lines()
    assert curve.get_ydata()[0] == pytest.approx(height)
    assert expert.get_ydata()[0] == pytest.approx(height)


def test_plot_regret_writes_into_a_directory_that_it_makes(scenario, write, tmp_path):
    path = Path(write("runs/a.csv", [(3,), (1,)], "f1"))
    options = RegretOptions(out_dir=str(tmp_path / "new"), plot_log=True, labels=["it"])
    written = plot_regret(scenario("f1"), [str(path.parent)], options)
    assert written == str(tmp_path / "new" / "app_regret.pdf")
    assert is_image(written)


def test_labels_must_fit_the_directories(scenario, write):
    folder = str(Path(write("runs/a.csv", [(3,)], "f1")).parent)
    with pytest.raises(UsageError, match="1 directories, but 2 labels"):
        plot_regret(scenario("f1"), [folder], RegretOptions(labels=["a", "b"]))


@pytest.fixture
def timed(scenario, write, tmp_path):
    """A scenario and two directories of runs with times."""
    for folder, runs in (("a", 2), ("b", 1)):
        for run in range(runs):
            rows = [(k, 9 - k + run, 1000 * k) for k in range(9)]
            write(f"{folder}/{run}.csv", rows, "f1,f2,Timestamp")
    return scenario("f1", "f2"), [str(tmp_path / "a"), str(tmp_path / "b") + "/"]


def test_plot_hvi_writes_boxes_and_numbers_beside_the_runs(timed, tmp_path):
    found, directories = timed
    written = plot_hvi(found, str(tmp_path / "out.pdf"), directories)
    names = ["out.pdf", "a/a_boxplot.pdf", "a/a_stats.txt", "b/b_boxplot.pdf", "b/b_stats.txt"]
    assert [Path(path) for path in written] == [tmp_path / name for name in names]
    assert all(is_image(tmp_path / name) for name in names if name.endswith("pdf"))
    assert (tmp_path / "b/b_stats.txt").read_text().startswith("Bucket #,Time sec,")


def test_hvi_has_a_curve_a_directory_over_seconds(timed):
    found, directories = timed
    points = [read_points(f"{directories[0]}/{k}.csv", found) for k in range(2)]
    curves = hvi_curves({"x/many": points, "x/one": points[:1]})
    [axes] = hvi_figure("title", curves).axes
    assert legend_of(axes) == ["x/many", "x/one"]
    assert axes.get_lines()[0].get_xdata()[-1] == 8.0
    assert axes.get_yscale() == "symlog"
    [boxes] = hvi_boxes("title", curves["x/many"]).axes
    assert (boxes.get_xlabel(), boxes.get_ylabel()) == (axes.get_xlabel(), axes.get_ylabel())


def test_hvi_without_a_feasible_result_is_drawn_empty(scenario, write, tmp_path):
    write("runs/a.csv", [(1, 1, "false", 5)], "f1,f2,Valid,Timestamp")
    found = scenario("f1", "f2", feasibility=True)
    written = plot_hvi(found, str(tmp_path / "out.png"), [str(tmp_path / "runs")])
    assert is_image(written[0], PNG)
    assert len((tmp_path / "runs/runs_stats.txt").read_text().splitlines()) == 1


def test_the_users_settings_of_matplotlib_are_left_alone_and_without_effect(draw, tmp_path):
    with mpl.rc_context({"font.size": 30, "figure.facecolor": "red"}):
        before = dict(mpl.rcParams)
        for name in ("a.svg", "b.svg"):
            with style():
                save(draw([(1, 2)]), str(tmp_path / name))
            mpl.rcParams["font.size"] = 5 if name == "a.svg" else 30
        assert dict(mpl.rcParams) == before
    assert (tmp_path / "a.svg").read_text() == (tmp_path / "b.svg").read_text()


def test_a_figure_that_cannot_be_written_is_told(draw, tmp_path):
    (tmp_path / "taken.pdf").mkdir()
    with pytest.raises(JournalError, match=r"cannot write .*taken\.pdf"):
        save(draw([(1, 2)]), str(tmp_path / "taken.pdf"))
