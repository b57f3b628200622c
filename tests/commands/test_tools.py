"""HyperMapper's tools as verbs, and our own plot, on files that others have written."""

import json
import os
import sys
from pathlib import Path

import pytest

SCENARIO = {
    "application_name": "app",
    "input_parameters": {
        "x": {"parameter_type": "integer", "values": [1, 9]},
        "c": {"parameter_type": "categorical", "values": ["a", "b"]},
    },
}
TOOLS = ["compute-pareto", "plot-pareto", "plot-hvi", "plot-optimization-results"]


@pytest.fixture
def scenario(tmp_path):
    """Return a function that writes a scenario with the given number of objectives."""

    def write(objectives=2, directory=tmp_path, **changes):
        names = [f"f{k + 1}" for k in range(objectives)]
        document = {**SCENARIO, "optimization_objectives": names, **changes}
        path = directory / "app.json"
        path.write_text(json.dumps(document))
        return str(path)

    return write


@pytest.fixture
def samples(tmp_path):
    """Return a function that writes samples as HyperMapper does in client-server mode."""

    def write(name="app_output_samples.csv", objectives=2, n=6):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        names = ",".join(f"f{k + 1}" for k in range(objectives))
        rows = [f"x,c,{names},Timestamp"]
        for k in range(n):
            values = [float(k), float(abs(3 - k)), 1.5][:objectives]
            rows.append(f"{k + 1},a,{','.join(map(str, values))},{1795289261202 + 100 * k}")
        path.write_bytes("".join(f"{row}\r\n" for row in rows).encode())
        return name

    return write


def is_refused(done, *words):
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("hmserve: ")
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err


def test_compute_pareto_writes_the_scenarios_file(hmserve, scenario, samples, tmp_path):
    samples()
    done = hmserve("compute-pareto", scenario())
    assert done == (0, f"{tmp_path}/app_output_pareto.csv: 4 points\n", "")
    assert (tmp_path / "app_output_pareto.csv").read_bytes().count(b"\r\n") == 5


def test_compute_pareto_takes_files(hmserve, scenario, samples, tmp_path):
    name = samples("in.csv", objectives=1)
    done = hmserve("compute-pareto", scenario(1), name, "out.csv")
    assert done.out == f"{tmp_path}/out.csv: 1 point\n"


def test_plot_pareto_writes_two_images(hmserve, scenario, samples, tmp_path):
    samples()
    done = hmserve("plot-pareto", scenario(), "front.png")
    assert done == (0, f"{tmp_path}/front.png\n{tmp_path}/all_front.png\n", "")
    assert {"front.png", "all_front.png"} <= set(os.listdir(tmp_path))


def test_plot_hvi_takes_directories(hmserve, scenario, samples, tmp_path):
    samples("a/1.csv")
    done = hmserve("plot-hvi", scenario(), "out.png", "a")
    assert done == (0, "out.png\na/a_boxplot.pdf\na/a_stats.txt\n", "")
    assert len((tmp_path / "a/a_stats.txt").read_text().splitlines()) == 21


@pytest.mark.parametrize(
    "options",
    [
        "-j app.json -i a b -l one two -min 1 -od out -b 5 -t Title -log -unlog -doe -nc 2 "
        "-exp 3 -xl x -yl y",
        "--configuration_file app.json --data_dirs a --labels one --minimum 0.5 "
        "--output_dir out --budget 4 --title T --plot_log --unlog_y_axis --show_doe "
        "--x_label x --y_label y --ncol 1 --expert_configuration 2.5",
        "-j app.json -i a/ b/ -oout/app_regret.pdf -log --y_label Log",
    ],
)
def test_plot_optimization_results_takes_hypermappers_options(
    options, hmserve, scenario, samples
):
    scenario(1)
    for name in ("a/1.csv", "a/2.csv", "b/1.csv"):
        samples(name, objectives=1)
    done = hmserve("plot-optimization-results", *options.split())
    assert done == (0, "out/app_regret.pdf\n", "")
    assert Path("out/app_regret.pdf").read_bytes().startswith(b"%PDF-")


def test_plot_optimization_results_names_the_file_it_is_told(hmserve, scenario, samples):
    scenario(1)
    samples("a/1.csv", objectives=1)
    options = ["-j", "app.json", "-i", "a", "-o", "mine.png"]
    assert hmserve("plot-optimization-results", *options).out == "mine.png\n"


def test_plot_draws_the_run_of_a_scenario(hmserve, scenario, samples, tmp_path):
    samples()
    assert hmserve("plot", scenario()) == (0, f"{tmp_path}/app_plot.pdf\n", "")
    done = hmserve("plot", samples("other.csv"), "--config", "app.json", "--out", "o.png")
    assert done == (0, "o.png\n", "")


@pytest.mark.parametrize("verb", TOOLS)
def test_tools_answer_to_hypermappers_names(verb, hmserve, monkeypatch, capsys):
    assert hmserve(f"hm-{verb}", "--help").out.startswith(f"usage: hmserve {verb} ")
    from hmserve.cli import main

    monkeypatch.setattr(sys, "argv", [f"/home/me/bin/hm-{verb}", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().out.startswith(f"usage: hmserve {verb} ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["compute-pareto"],
        ["compute-pareto", "app.json", "a", "b", "c"],
        ["plot-pareto"],
        ["plot-hvi", "app.json", "out.pdf"],
        ["plot-optimization-results", "-j", "app.json"],
        ["plot-optimization-results", "-i", "a"],
        ["plot-optimization-results", "-j", "app.json", "-i", "a", "-b", "few"],
        ["plot"],
        ["hypermapper-home"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_refused_with_the_usage(arguments, hmserve):
    is_refused(hmserve(*arguments), f"usage: hmserve {arguments[0]}")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("compute-pareto nothing.json", "nothing.json"),
        ("compute-pareto app.json", "cannot read"),
        ("compute-pareto app.json nothing.csv", "nothing.csv"),
        ("plot-pareto app.json out.pdf lonely.csv", "pairs"),
        ("plot-pareto app.json out.gif", "out.gif"),
        ("plot-hvi app.json out.pdf nowhere", "nowhere"),
        ("plot-hvi app.json out.pdf .", "no .csv file"),
        ("plot-hvi app.json out .", "expected an image"),
        ("plot-optimization-results -j app.json -i nowhere", "nowhere"),
        ("plot app.json", "no run yet"),
        ("plot nothing.csv", "--config"),
        ("plot broken.csv --config app.json", "broken.csv"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(arguments, words, hmserve, scenario):
    scenario()
    Path("broken.csv").write_bytes(b"\xff\xfe\x00") if "broken" in arguments else None
    done = hmserve(*arguments.split())
    is_refused(done, words)
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        "plot-pareto app.json",
        "plot-hvi app.json out.pdf .",
        "plot-optimization-results -j app.json -i .",
        "plot app.json",
    ],
)
def test_without_matplotlib_plots_say_what_to_install(
    arguments, hmserve, scenario, samples, monkeypatch
):
    scenario()
    samples()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in [name for name in sys.modules if name.startswith("hmserve.report.")]:
        monkeypatch.delitem(sys.modules, name)
    done = hmserve(*arguments.split())
    text = "hmserve: plotting needs matplotlib: pip install 'hmserve[plot]'\n"
    assert done == (2, "", text)


def test_fronts_are_computed_without_matplotlib(hmserve, scenario, samples, monkeypatch):
    samples()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert hmserve("compute-pareto", scenario()).status == 0


def test_scenarios_are_looked_for_here_and_then_in_hypermapper_home(
    hmserve, scenario, samples, tmp_path, monkeypatch
):
    home = tmp_path / "home"
    home.mkdir()
    scenario(1, directory=home)
    samples(objectives=1)
    assert hmserve("compute-pareto", "app.json").status == 2
    monkeypatch.setenv("HYPERMAPPER_HOME", str(home))
    # What it writes is here all the same.
    assert hmserve("compute-pareto", "app.json").out.startswith(str(tmp_path / "app_output"))
    assert "f2" not in hmserve("check", "app.json").out
    scenario(2)
    assert "f2" in hmserve("check", "app.json").out
    is_refused(hmserve("check", "nothing.json"), "hmserve: nothing.json")
