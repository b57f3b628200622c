"""What is different from HyperMapper on purpose: what it crashed on, got wrong, or has not.

docs/migration.md has it in words, test_checklist.py what stays. Where another test proves a
point already it is named.
"""

import csv
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import hmserve
from hmserve.api import Result

FEASIBILITY = {"enable_feasible_predictor": True, "true_value": "True", "false_value": "False"}
FOREST = {"model": "random_forest"}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def optimize(path: Path, function: Any, **changes: Any) -> Result:
    """Optimize in the directory of `path`, the scenario of which gets `changes`."""
    document = {**json.loads(path.read_text()), "run_directory": str(path.parent), **changes}
    return hmserve.optimize({k: v for k, v in document.items() if v is not None}, function)


def asked(result: Result) -> list[tuple[Any, ...]]:
    names = result.scenario.space.names
    return [tuple(record[name] for name in names) for record in result.records]


def test_integers_lie_inside_their_range_and_all_of_them_are_asked(
    write_scenario,
) -> None:
    """HyperMapper asked for 10 of [1, 9], for 2 of [3, 12] and for -4 of [-3, 5]. None is asked
    twice, and the run ends when none is left."""
    for low, high in ((1, 9), (3, 12), (-3, 5), (4, 4)):
        path = write_scenario(
            optimization_iterations=20,
            models=FOREST,
            input_parameters={"i": {"parameter_type": "integer", "values": [low, high]}},
        )
        result = optimize(path, lambda point: point["i"] % 3)
        assert sorted(asked(result)) == [(i,) for i in range(low, high + 1)]


def test_levels_are_the_numbers_of_the_scenario_and_none_is_asked_twice(
    fork, write_scenario, tmp_path
) -> None:
    levels = [1, 2.0, 2.5, 3, 1e3]
    write_scenario(
        optimization_iterations=9,
        input_parameters={"o": {"parameter_type": "ordinal", "values": levels}},
    )
    with fork("app.json", directory=tmp_path) as daemon:
        requests = daemon.converse(lambda row: {"Value": row["o"]})
        assert daemon.heard.endswith(b"End of HyperMapper\n")
        assert daemon.wait() == 0
    said = [row["o"] for rows in requests for row in rows]
    assert sorted(said, key=float) == ["1", "2", "2.5", "3", "1000"]


@pytest.mark.parametrize("model", ["random_forest", "gaussian_process"])
def test_what_was_measured_where_it_is_not_feasible_changes_nothing(
    model, write_scenario
) -> None:
    path = write_scenario(
        models={"model": model}, optimization_iterations=4, feasible_output=FEASIBILITY
    )

    def run(value: float) -> Result:
        def function(point: Mapping[str, Any]) -> dict[str, Any]:
            valid = point["n"] > 20
            return {"Value": point["x"] + 1 if valid else value, "Valid": valid}

        return optimize(path, function)

    low, high = run(-1.0), run(1e9)
    assert asked(low) == asked(high)
    assert any(not record["feasible"] for record in low.records)
    assert low.best.objectives["Value"] >= 1


def test_batches_on_large_values_spread_and_leave_nothing_behind(
    fork, write_scenario, tmp_path
) -> None:
    """HyperMapper put believed values between 0 and 1 among those around 1000; where the echo
    was rounded, they stayed."""
    write_scenario(
        models=FOREST, optimization_iterations=3, evaluations_per_optimization_iteration=4
    )
    told = 0
    with fork("app.json", directory=tmp_path) as daemon:
        while rows := daemon.request():
            assert len({(row["x"], row["n"]) for row in rows}) == len(rows)
            lines = [f"{float(r['x']):.6g},{r['n']},{1000 + float(r['x'])}\n" for r in rows]
            daemon.say("x,n,Value\n" + "".join(lines))
            told += len(rows)
        assert daemon.wait() == 0
    values = [float(row["Value"]) for row in table(tmp_path / "app_output_samples.csv")]
    assert len(values) == told == 15
    assert min(values) >= 1000


def test_the_search_goes_down_as_well_as_up(write_scenario) -> None:
    path = write_scenario(
        models={"model": "gaussian_process"},
        optimization_iterations=12,
        input_parameters={
            "i": {
                "parameter_type": "integer",
                "values": [3, 100000],
                "parameter_default": 99999,
            }
        },
    )
    result = optimize(path, lambda point: float(point["i"]))
    assert result.best.objectives["Value"] == 3


@pytest.mark.parametrize("method", ["pibo", "bopro"])
@pytest.mark.parametrize("doe", ["standard latin hypercube", "k latin hypercube"])
def test_priors_go_with_all_that_they_crashed_with(method, doe, write_scenario) -> None:
    """Feasibility, categoricals, latin hypercubes, batches, mixtures, weights beside 1."""
    path = write_scenario(
        prior_method=method,
        models=FOREST,
        feasible_output=FEASIBILITY,
        optimization_iterations=2,
        evaluations_per_optimization_iteration=2,
        design_of_experiment={"doe_type": doe, "number_of_samples": 6},
        input_parameters={
            "x": {"parameter_type": "real", "values": [0, 1], "prior": [1, 2, 1]},
            "y": {
                "parameter_type": "real",
                "values": [0, 1],
                "prior": "custom_gaussian",
                "custom_gaussian_prior_means": [0.2, 0.8],
                "custom_gaussian_prior_stds": [0.1, 0.1],
            },
            "i": {"parameter_type": "integer", "values": [0, 9], "prior": "decay"},
            "o": {"parameter_type": "ordinal", "values": [1, 2, 4], "prior": "exponential"},
            "c": {
                "parameter_type": "categorical",
                "values": [*"abcdefghij"],
                "prior": [0.1] * 10,
            },
        },
    )

    def function(points: Mapping[str, Any]) -> dict[str, Any]:
        lists = {k: v if isinstance(v, list) else [v] for k, v in points.items()}
        rows = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
        values = [row["x"] + row["i"] for row in rows]
        return {"Value": values, "Valid": [row["y"] > 0.1 for row in rows]}

    result = optimize(path, function)
    assert len(result.rows) == 10
    assert "Traceback" not in Path(result.files.log).read_text()


@pytest.mark.parametrize(
    "changes",
    [
        {"scalarization_key": "mine"},
        {"design_of_experiment": {"number_of_samples": 0}},
        {"profiling": True},
        {"optimization_method": "local_search", "local_search_evaluation_limit": 4},
        {"run_directory": "new/directory"},
        {"time_budget": 0},
        {"acquisition_function": "UCB", "feasible_output": FEASIBILITY},
        {"number_of_cpus": 64},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_ended_in_a_traceback_or_in_silence_runs(
    changes, fork, write_scenario, tmp_path
) -> None:
    write_scenario(optimization_iterations=2, **changes)
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.converse(lambda row: {"Value": row["x"], "Valid": "TRUE"})
        assert daemon.heard.endswith(b"End of HyperMapper\n")
        assert daemon.wait() == 0
        assert daemon.stderr == ""


def test_the_best_block_has_the_label(write_scenario, capsys) -> None:
    path = write_scenario(
        input_parameters={"c": {"parameter_type": "categorical", "values": ["c d", "e"]}}
    )
    result = optimize(path, lambda point: point["c"] == "c d", hypermapper_mode=None)
    assert "Best point found:\nc,Value\ne,0.0\n\n" in Path(result.files.log).read_text()
    assert capsys.readouterr().out == ""


def test_a_python_bool_is_a_word_whatever_the_scenario_says(
    fork, write_scenario, tmp_path
) -> None:
    """HyperMapper's own default was true, and its Python clients print True. All words:
    protocol/test_codec.py; failed evaluations: the golden failed_rows."""
    write_scenario(feasible_output={"enable_feasible_predictor": True})
    words = iter(["True", "FALSE", "1"])
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.converse(lambda _: {"Value": "1", "Valid": next(words)})
        assert daemon.wait() == 0
    rows = table(tmp_path / "app_output_samples.csv")
    assert [row["Valid"] for row in rows] == ["true", "false", "true"]


def test_a_seed_repeats_a_run_and_none_makes_another(write_scenario) -> None:
    """Also across a crash: test_kill_and_resume.py."""
    path = write_scenario(optimization_iterations=2, models=FOREST)
    runs = [
        asked(optimize(path, lambda point: point["x"] * point["n"], seed=seed))
        for seed in (3, 3, 4, None, None)
    ]
    assert runs[0] == runs[1]
    assert len({tuple(run) for run in runs}) == 4


def test_python_keeps_its_streams_and_its_directory(write_scenario, capsys) -> None:
    """A mapping is a scenario, and a run may be inside another: test_api.py."""
    streams, directory = (sys.stdout, sys.stderr), os.getcwd()
    path = write_scenario(hypermapper_mode=None)

    def function(point: Mapping[str, Any]) -> float:
        sys.stdout.write("measured\n")
        assert os.getcwd() == directory
        return float(point["x"])

    result = optimize(path, function)
    assert (sys.stdout, sys.stderr) == streams
    assert capsys.readouterr().out == "measured\n" * 3
    # Milliseconds of the run: a client's are those of the Unix clock.
    times = [int(row["Timestamp"]) for row in table(Path(result.files.samples))]
    assert times == sorted(times)
    assert times[-1] < 60_000


@pytest.mark.parametrize("model", ["random_forest", "gaussian_process"])
def test_to_maximise_is_the_mirror_of_to_minimise(model, write_scenario) -> None:
    """Every number of the scenario in units of the objective has its sign."""
    path = write_scenario(models={"model": model}, optimization_iterations=8)

    def run(sign: int) -> Result:
        goal = "minimize" if sign > 0 else "maximize"
        return optimize(
            path,
            lambda point: sign * ((point["x"] - 0.3) ** 2 + point["n"] / 50),
            optimization_objectives=[{"name": "Value", "goal": goal}],
            objective_value_target=-sign * 0.5,
            target=sign * 0.01,
        )

    low, high = run(1), run(-1)
    assert asked(low) == asked(high)
    assert low.best.objectives["Value"] == -high.best.objectives["Value"]


def test_an_old_client_sees_nothing_of_what_is_new(fork, write_scenario, tmp_path) -> None:
    """Stops early, knows constraints, maximises; the conversation is the same."""
    write_scenario(
        optimization_objectives=[{"name": "Value", "goal": "maximize"}],
        constraints=["x * n <= 30"],
        target=1e6,
        optimization_iterations=50,
        max_evaluations_without_improvement=3,
        design_of_experiment={"number_of_samples": 2},
        models=FOREST,
        print_best=True,
    )
    with fork("app.json", directory=tmp_path) as daemon:
        requests = daemon.converse(lambda _: {"Value": "5"})
        daemon.rest()
        assert daemon.wait() == 0
    rows = [row for request in requests for row in request]
    assert 4 <= len(rows) <= 6
    assert all(float(row["x"]) * int(row["n"]) <= 30 for row in rows)
    pattern = (
        r"(Request \d+\nx,n\n([-.\de]+,\d+\n)+)+Best point found:\nx,n,Value\n.*,5\n\nEnd of"
    )
    assert re.fullmatch(rf"{pattern} HyperMapper\n", daemon.heard.decode())
