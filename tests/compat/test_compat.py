"""HyperMapper's Python, as programs in the wild call it."""

import io
import json
import re
import sys
from pathlib import Path

import pytest

from hmserve.compat import (
    compute_pareto,
    optimizer,
    plot_hvi,
    plot_optimization_results,
    plot_pareto,
    utility_functions,
)
from hmserve.errors import ScenarioError, UsageError

LEVELS = {"parameter_type": "ordinal", "values": [0, 1, 2, 3]}


@pytest.fixture
def save(tmp_path, monkeypatch):
    """Return a function that writes a scenario where the test runs; changes replace keys."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYPERMAPPER_HOME", raising=False)

    def write(**changes):
        document = {
            "application_name": "app",
            "optimization_objectives": ["Value"],
            "design_of_experiment": {"number_of_samples": 3},
            "optimization_iterations": 2,
            "seed": 1,
            "input_parameters": {"x1": LEVELS, "x2": LEVELS},
            **changes,
        }
        Path("app.json").write_text(json.dumps(document))
        return "app.json"

    return write


def bowl(point):
    return (point["x1"] - 2) ** 2 + point["x2"]


def test_optimize_prints_what_hypermapper_prints(save, capsys):
    assert optimizer.optimize(save(), bowl) is None
    printed, err = capsys.readouterr()
    table = r"x1,x2,Value,Timestamp\n" + r"\d,\d,\d+\.0,\d+\n"
    assert err == ""
    assert re.fullmatch(
        r"Design of experiment phase, number of new doe samples = 3 \.{7}\n"
        r"x1,x2,Value,Timestamp\n(\d,\d,\d+\.0,\d+\n){3}\n"
        r"\nEnd of doe/resume phase, the number of evaluated configurations is: 3\n\n"
        rf"Starting optimization iteration 1\n{table}\n"
        rf"Starting optimization iteration 2\n{table}\n"
        r"End of Bayesian Optimization\n"
        r"Best point found:\nx1,x2,Value\n\d,\d,\d+\.0\n\n"
        r"End of HyperMapper\n",
        printed,
    )


@pytest.mark.parametrize(
    ("wanted", "objectives", "said"),
    [
        ("auto", 1, "Best point found:"),
        (True, 1, "Best point found:"),
        (False, 1, ""),
        ("auto", 2, ""),
        (True, 2, "Multiple objectives, there is no single best point."),
    ],
)
def test_the_best_point_is_printed_as_the_scenario_wants(
    wanted, objectives, said, save, capsys
):
    names = ["Value", "Cost"][:objectives]
    path = save(print_best=wanted, optimization_objectives=names, optimization_iterations=0)
    optimizer.optimize(path, lambda point: {"Value": bowl(point), "Cost": 1.0})
    printed = capsys.readouterr().out
    end = printed.partition("End of Bayesian Optimization\n")[2]
    assert end.strip().startswith(said or "End of HyperMapper")
    assert end.endswith("End of HyperMapper\n")


def test_a_design_that_ends_early_is_printed_at_the_end(save, capsys):
    design = {"number_of_samples": 30}
    optimizer.optimize(save(design_of_experiment=design, optimization_iterations=0), bowl)
    assert "configurations is: 16\n" in capsys.readouterr().out


def test_integers_for_feasible_work_in_a_function(save, tmp_path, capsys):
    feasible = {"enable_feasible_predictor": True, "true_value": 1, "false_value": 0}
    path = save(feasible_output=feasible, optimization_iterations=0, number_of_cpus=0)
    optimizer.optimize(path, lambda p: {"Value": bowl(p), "Valid": int(p["x1"] > 1)})
    rows = (tmp_path / "app_output_samples.csv").read_text().splitlines()[1:]
    assert {row.split(",")[3] for row in rows} <= {"0", "1"}
    assert all((row.split(",")[3] == "1") == (int(row[0]) > 1) for row in rows)
    assert "Best point found:" in capsys.readouterr().out


def test_the_best_point_is_found_by_reading_the_log_backwards(save, tmp_path):
    """As CAFQA does: two lines below the last heading, all but the last are integers."""
    optimizer.optimize(save(print_best=True, optimization_iterations=0), bowl)
    optimizer.optimize(save(print_best=True, optimization_iterations=0, seed=2), bowl)
    lines = (tmp_path / "hypermapper_logfile.log").read_text().splitlines()
    place = max(k for k, line in enumerate(lines) if line.startswith("Best point found"))
    *inputs, value = lines[place + 2].split(",")
    assert bowl(dict(zip(("x1", "x2"), map(int, inputs), strict=True))) == float(value)
    rows = (tmp_path / "app_output_samples.csv").read_text().splitlines()[1:]
    assert float(value) == min(float(row.split(",")[2]) for row in rows)


def test_a_function_is_needed_and_must_be_one(save):
    with pytest.raises(UsageError, match="must be provided"):
        optimizer.optimize(save())
    with pytest.raises(UsageError, match="not callable"):
        optimizer.optimize(save(), 3)
    assert not Path("app_output_samples.csv").exists()


def test_without_a_function_a_client_is_served_on_the_streams(save, monkeypatch):
    path = save(
        hypermapper_mode={"mode": "client-server"},
        input_parameters={"x1": {"parameter_type": "ordinal", "values": [5]}},
        optimization_iterations=0,
    )
    stdin, stdout = io.BytesIO(b"x1,Value\n5,1\n"), io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stdout))
    optimizer.optimize(path)
    assert stdout.getvalue() == b"Request 1\nx1\n5\nEnd of HyperMapper\n"


def test_exhaustive_mode_needs_no_function(save, capsys):
    rows = [f"{a},{b},{bowl({'x1': a, 'x2': b})}\n" for a in range(4) for b in range(4)]
    Path("all.csv").write_text("x1,x2,Value\n" + "".join(rows))
    mode = {"mode": "exhaustive", "exhaustive_search_file": "all.csv"}
    optimizer.optimize(save(hypermapper_mode=mode, optimization_iterations=0))
    assert "number of new doe samples = 3" in capsys.readouterr().out


def test_validate_json_fills_in_the_defaults(save):
    path = save()
    document = utility_functions.validate_json(path)
    assert document["optimization_iterations"] == 2
    assert document["timestamp"] == "Timestamp"
    document["application_name"] = "changed"
    assert utility_functions.validate_json(path)["application_name"] == "app"
    Path("bad.json").write_text('{"optimization_objectives": []}')
    with pytest.raises(ScenarioError, match="input_parameters"):
        utility_functions.validate_json("bad.json")


def test_the_tools_follow_a_run_as_in_hypermappers_own_tests(save, tmp_path):
    path = save(optimization_objectives=["Value", "Cost"], optimization_iterations=0)
    Path("real.csv").write_text("x1,x2,Value,Cost\n2,0,0,0\n")
    optimizer.optimize(path, lambda p: {"Value": bowl(p), "Cost": 4.0 - p["x2"]})
    compute_pareto.compute(path, None, None)
    plot_pareto.plot(path)
    assert plot_hvi.HVI_from_files("real.csv", path) < 500
    compute_pareto.compute(path, "app_output_samples.csv", "copy.csv")
    plot_pareto.plot(path, [("copy.csv", "app_output_samples.csv")], "copy.png")
    (tmp_path / "runs").mkdir()
    Path("app_output_samples.csv").rename("runs/a.csv")
    plot_hvi.plot_hvi(path, "hvi.png", ["runs"])
    plot_optimization_results.plot_regret(path, ["runs"], out_dir="regret")
    plot_optimization_results.plot_regret(
        path, ["runs"], ["it"], None, "mine.png", plot_log=True, show_doe=False
    )
    made = {str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.p*")}
    assert made >= {
        "app_output_pareto.pdf",
        "all_app_output_pareto.pdf",
        "copy.png",
        "all_copy.png",
        "hvi.png",
        "runs/runs_boxplot.pdf",
        "regret/app_regret.pdf",
        "mine.png",
    }


def test_hypermapper_home_is_where_scenarios_are_looked_for_next(save, tmp_path, monkeypatch):
    save()
    home = tmp_path / "home"
    home.mkdir()
    Path("app.json").rename(home / "other.json")
    monkeypatch.setenv("HYPERMAPPER_HOME", str(home))
    assert utility_functions.validate_json("other.json")["seed"] == 1
