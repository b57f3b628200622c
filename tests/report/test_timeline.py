"""What the pages show of workers and of time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmserve.commands.tools import plot
from hmserve.errors import UsageError
from hmserve.report.canvas import style
from hmserve.report.comparison import comparison_figure, plot_comparison
from hmserve.report.overview import plot_run, run_figure
from hmserve.report.points import Points
from hmserve.report.sources import Found
from hmserve.report.spans import Span, Timeline


def points_of(values: Sequence[float], seconds: Sequence[float] | None = None) -> Points:
    Y = np.array(values, dtype=float).reshape(len(values), -1)
    return Points(
        source="app.journal",
        names=["x", "r", "tile", "order"],
        cells=[["1", "0.5", "2", "ij"]] * len(values),
        Y=Y,
        feasible=np.isfinite(Y).all(axis=1),
        seconds=None if seconds is None else np.array(seconds, dtype=float),
        signs=np.ones(Y.shape[1]),
        partial=np.zeros(len(Y), dtype=bool),
    )


def timeline(*spans: tuple[int, float, float], resumed: Sequence[float] = ()) -> Timeline:
    found = [Span(k, k, start, end, lane) for k, (lane, start, end) in enumerate(spans)]
    return Timeline(found, 1 + max(lane for lane, _, _ in spans), True, resumed)


@pytest.fixture
def run(scenario):
    def make(values, spans=None, name="app", objectives=("f1",), **details):
        seconds = None if spans is None else [end for _, _, end in spans]
        found = scenario(*objectives, application_name=name)
        lanes = None if spans is None else timeline(*spans, **details)
        return Found(found, points_of(values, seconds), lanes)

    return make


def drawn(figure):
    return {axes.get_ylabel() or axes.get_xlabel(): axes for axes in figure.axes}


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


SPANS = [(0, 0.0, 1.0), (1, 0.0, 2.0), (0, 1.0, 4.0)]


def test_a_run_with_workers_has_their_timeline_and_its_idle_time(run) -> None:
    with style():
        figure = run_figure(run([3, float("nan"), 1], SPANS))
    lanes = drawn(figure)["worker"]
    assert lanes.get_title(loc="left") == "2 workers, 75 % busy, 4 seconds"
    assert {"idle 0 %", "idle 50 %", "0", "1", "2"} <= set(texts(lanes))
    kinds = [c.get_label() for c in lanes.containers]
    assert kinds == ["feasible", "failed"]
    (star,) = [line for line in lanes.get_lines() if line.get_label() == "best"]
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (4.0, 0)


def test_convergence_is_over_evaluations_and_over_seconds(run) -> None:
    with style():
        figure = run_figure(run([3, 2, 1], SPANS))
    left, right = figure.axes[:2]
    assert right.get_xlabel() == "seconds of the run"
    steps = [
        next(line for line in axes.get_lines() if line.get_drawstyle() == "steps-post")
        for axes in (left, right)
    ]
    assert steps[0].get_xdata().tolist() == [1, 2, 3]
    assert steps[1].get_xdata().tolist() == [1, 2, 4]
    assert steps[0].get_ydata().tolist() == steps[1].get_ydata().tolist() == [3, 2, 1]


def test_long_runs_are_shown_in_hours(run) -> None:
    with style():
        figure = run_figure(run([3, 2], [(0, 0, 7200), (0, 7200, 14400)]))
    assert figure.axes[1].get_xlabel() == "hours of the run"
    assert "4 hours" in drawn(figure)["worker"].get_title(loc="left")


def test_a_resume_is_marked(run) -> None:
    with style():
        figure = run_figure(run([3, 2, 1], SPANS, resumed=[2.0, 3.0]))
    labels = [line.get_label() for line in drawn(figure)["worker"].get_lines()]
    assert labels.count("resumed after a pause") == 1


@pytest.mark.parametrize(
    ("values", "spans"),
    [
        ([1], [(0, 0, 0.0)]),
        ([float("nan")] * 3, SPANS),
        (range(96), [(k % 64, k // 64, k // 64 + 0.5) for k in range(96)]),
    ],
)
def test_awkward_runs_are_drawn(values, spans, run, tmp_path) -> None:
    path = plot_run(run(values, spans), str(tmp_path / "page.svg"))
    assert "<svg" in Path(path).read_text()


def test_a_minimum_makes_it_the_regret(run) -> None:
    with style():
        figure = run_figure(run([3, 2, 0.5], SPANS), minimum=1.0)
    axes = figure.axes[0]
    assert axes.get_ylabel() == "regret: f1 less 1"
    assert axes.get_yscale() == "log"
    curve = next(line for line in axes.get_lines() if line.get_drawstyle() == "steps-post")
    # Beyond the minimum: as low as the axis goes.
    assert curve.get_ydata().tolist() == [2, 1, 1]


def test_a_minimum_of_several_objectives_is_refused(run) -> None:
    found = run([[1, 2], [2, 1]], objectives=("f1", "f2"))
    with pytest.raises(UsageError, match="2"):
        run_figure(found, minimum=0.0)


def test_runs_of_one_name_are_one_curve_with_a_band(run) -> None:
    runs = [
        run([3, 2, 1], SPANS, name="a"),
        run([5, 4, 3, 3], [*SPANS, (1, 2, 5)], name="a"),
        run([4, 3, 2], SPANS, name="a"),
        run([9, 9], SPANS[:2], name="b"),
    ]
    with style():
        figure = comparison_figure(runs)
    left, right, *lanes = figure.axes
    curves = {line.get_label(): line for line in left.get_lines()}
    assert curves.keys() == {"a (3 runs)", "b"}
    assert curves["a (3 runs)"].get_ydata().tolist() == [4, 3, 2]
    over_time = {line.get_label(): line for line in right.get_lines()}["a (3 runs)"]
    assert over_time.get_xdata().tolist() == [1, 2, 4, 5]
    # The runs that have ended stay where they are.
    assert over_time.get_ydata().tolist() == [4, 3, 2, 2]
    assert len(left.collections) == 1
    assert [axes.get_title(loc="left").split(",")[0] for axes in lanes] == ["a", "b"]
    # One scale of time, so that the bars can be compared.
    assert lanes[0].get_xlim() == lanes[1].get_xlim()


def test_hypervolumes_are_shares_of_one_box(run) -> None:
    two = ("f1", "f2")
    runs = [
        run([[0, 2], [2, 0]], name="a", objectives=two),
        run([[1, 1], [0, 0]], name="b", objectives=two),
    ]
    with style():
        figure = comparison_figure(runs)
    (axes,) = figure.axes
    assert axes.get_ylabel() == "hypervolume"
    ends = {line.get_label(): line.get_ydata()[-1] for line in axes.get_lines()}
    assert ends == {"a": 0.0, "b": 1.0}


def test_runs_of_other_objectives_are_not_compared(run) -> None:
    runs = [run([1]), run([[1, 2]], objectives=("f1", "f2"))]
    with pytest.raises(UsageError, match="same objectives"):
        plot_comparison(runs, None)


def test_several_runs_on_the_command_line_share_a_page(
    save_scenario, write, tmp_path, capsys
) -> None:
    one = save_scenario("f1", output_data_file="a.csv")
    other = save_scenario("f1", name="b.json", application_name="b", output_data_file="b.csv")
    write("a.csv", [(1,), (2,)], "f1")
    write("b.csv", [(3,), (2,)], "f1")
    assert plot([one, other]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/app_comparison.pdf\n"
    assert (tmp_path / "app_comparison.pdf").read_bytes().startswith(b"%PDF-")


def details_of(figure: Any) -> list[str]:
    return [axes.get_xlabel() for axes in figure.axes]


def test_without_times_there_is_no_panel_of_seconds(run) -> None:
    with style():
        figure = run_figure(run([3, 2, 1]))
    assert not any("seconds" in label for label in details_of(figure))
