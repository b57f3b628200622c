"""Programs in the wild, from their scenario to their last line: those in Python.

As in test_wild_clients.py. Some start hmserve and read what it says; others have their function
called, and read the files.
"""

import csv
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hmserve.compat import compute_pareto, optimizer, plot_optimization_results, plot_pareto

Row = dict[str, str]

VALID = {"enable_feasible_predictor": True, "name": "Valid"}
FOREST = {"model": "random_forest", "number_of_trees": 20}
LEVELS = {"parameter_type": "ordinal", "values": [1, 2, 4, 8, 16, 32]}


def recorded(path: Path) -> list[Row]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def assert_ended(daemon) -> None:
    daemon.close()
    assert daemon.rest() == ""
    assert daemon.wait() == 0
    assert daemon.stderr == ""


# ---- those that start it: SpliDT, and HyperMapper's example


def splidt(daemon, accuracy: Callable[..., tuple[float, bool]]) -> list[Row]:
    """Read by position, evaluate a batch side by side, print numbers as they were parsed."""
    answers: list[Row] = []
    with ThreadPoolExecutor(2) as pool:
        while "End of HyperMapper" not in (line := daemon.line()):
            if "warning" in line:
                continue
            assert line.startswith("Request "), f"{line!r}; {daemon.stderr}"
            count = int(line.split()[1])
            names = daemon.line().strip().split(",")
            points = [_python_values(daemon.line()) for _ in range(count)]
            outcomes = list(pool.map(lambda point: accuracy(*point), points))
            text = ",".join([*names, "error", "feasible"]) + "\n"
            for point, (error, feasible) in zip(points, outcomes, strict=True):
                cells = [f"{x}" for x in [*point, error, feasible]]
                answers.append(dict(zip([*names, "error", "feasible"], cells, strict=True)))
                text += ",".join(cells) + "\n"
            daemon.say(text)
    return answers


def float_of(cell: str) -> float:
    return float({"True": "1", "False": "0"}.get(cell, cell))


def _python_values(line: str) -> list[float]:
    return [float(x) if "." in x or "e" in x else int(x) for x in line.strip().split(",")]


def test_splidt_evaluates_its_batches_side_by_side(fork, tmp_path, write_scenario) -> None:
    def accuracy(depth: float, features: float, split: float) -> tuple[float, bool]:
        return abs(depth - 6) + features / 10 + split, depth * features < 40

    write_scenario(
        optimization_objectives=["error"],
        feasible_output={
            **VALID,
            "name": "feasible",
            "true_value": "True",
            "false_value": "False",
        },
        models=FOREST,
        evaluations_per_optimization_iteration=4,
        optimization_iterations=2,
        input_parameters={
            "depth": {"parameter_type": "integer", "values": [2, 20]},
            "features": {"parameter_type": "ordinal", "values": [1, 2, 4, 6]},
            "split": {"parameter_type": "real", "values": [0, 1]},
        },
    )
    with fork("app.json", directory=tmp_path) as daemon:
        answers = splidt(daemon, accuracy)
        assert_ended(daemon)
    assert len(answers) == 3 + 2 * 4
    rows = recorded(tmp_path / "app_output_samples.csv")
    assert [{name: float_of(row[name]) for name in answers[0]} for row in rows] == [
        {name: float_of(cell) for name, cell in row.items()} for row in answers
    ]


def floats(daemon, cost: Callable[..., float]) -> list[Row]:
    """As HyperMapper's example: every field is read by float() and printed by str()."""
    answers: list[Row] = []
    while "End of HyperMapper" not in (line := daemon.line()):
        if "warning" in line:
            continue
        count = int(line.split(" ")[1])
        names = [name.strip() for name in daemon.line().split(",")]
        text = ",".join([*names, "Value"]) + "\n"
        for _ in range(count):
            point = [float(cell.strip()) for cell in daemon.line().split(",")]
            cells = [str(x) for x in [*point, cost(*point)]]
            answers.append(dict(zip([*names, "Value"], cells, strict=True)))
            text += ",".join(cells) + "\n"
        daemon.say(text)
    return answers


def test_integers_and_levels_may_come_back_as_floats(fork, tmp_path, write_scenario) -> None:
    write_scenario(
        optimization_iterations=3,
        models=FOREST,
        input_parameters={
            "n": {"parameter_type": "integer", "values": [-9, 9]},
            "level": LEVELS,
            "x": {"parameter_type": "real", "values": [-1e-7, 1e20], "parameter_default": 0},
        },
    )
    with fork("app.json", directory=tmp_path) as daemon:
        answers = floats(daemon, lambda n, level, x: n * n + level + x / 1e20)
        assert_ended(daemon)
    assert len(answers) == 6
    rows = recorded(tmp_path / "app_output_samples.csv")
    assert {row["n"] for row in rows} == {row["n"].removesuffix(".0") for row in answers}
    assert all(row["level"] in {"1", "2", "4", "8", "16", "32"} for row in rows)


# ---- those whose function is called: CAFQA and Filament


def cafqa(log: Path) -> tuple[float, list[int], int]:
    """Read the log backwards, as CAFQA does, for the two blocks of the end."""
    found: tuple[float, list[int]] = float("inf"), []
    lines = log.read_text().splitlines(keepends=True)
    blocks = 0
    for back, line in enumerate(lines[::-1]):
        if line[:16] == "Best point found" or line[:29] == "Minimum of the posterior mean":
            blocks += 1
            parts = lines[-1 - back + 2].split(",")
            if float(parts[-1]) < found[0]:
                found = float(parts[-1]), [int(part) for part in parts[:-1]]
        if blocks == 2:
            break
    return *found, blocks


def test_cafqa_finds_both_blocks_in_the_log(
    tmp_path, write_scenario, monkeypatch, capsys
) -> None:
    def energy(point: Mapping[str, int]) -> float:
        return -sum(abs(value - 1.5 - 0.1 * k) for k, value in enumerate(point.values()))

    monkeypatch.chdir(tmp_path)
    angles = {"parameter_type": "ordinal", "values": [0, 1, 2, 3], "parameter_default": 0}
    path = write_scenario(
        hypermapper_mode=None,
        application_name="cafqa_optimization_",
        optimization_objectives=["value"],
        log_file="hypermapper_log.log",
        print_best=True,
        print_posterior_best=True,
        number_of_repetitions=1,
        optimization_iterations=6,
        models=FOREST,
        input_parameters={f"x{k}": angles for k in range(6)},
    )
    optimizer.optimize(str(path), energy)
    said = capsys.readouterr().out
    assert said.index("Minimum of the posterior mean:") < said.index("Best point found:")
    lowest, point, blocks = cafqa(tmp_path / "hypermapper_log.log")
    assert blocks == 2
    assert set(point) <= {0, 1, 2, 3}
    assert len(point) == 6
    rows = recorded(tmp_path / "cafqa_optimization__output_samples.csv")
    assert lowest <= min(float(row["value"]) for row in rows)


def test_filament_resumes_where_its_samples_are(tmp_path, write_scenario, monkeypatch) -> None:
    """Three objectives, ten at a time, 1 and 0 for feasible; then HyperMapper's tools."""
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    samples = tmp_path / "fft_output_samples.csv"

    def synthesize(point: tuple[int, int, int]) -> tuple[int, float, int, int]:
        width, adders, pipelined = point
        return width * adders, 50.0 / adders, 90 - width, int(width * adders < 150 + pipelined)

    def area_and_time(points):
        if not isinstance(points["width"], list):
            points = {name: [value] for name, value in points.items()}
        with ThreadPoolExecutor(2) as pool:
            each = zip(points["width"], points["adders"], points["pipelined"], strict=True)
            columns = zip(*pool.map(synthesize, each), strict=True)
        return dict(zip(["LUTs", "latency", "error", "Valid"], map(list, columns), strict=True))

    def explore() -> int:
        path = write_scenario(
            hypermapper_mode=None,
            application_name="fft",
            optimization_objectives=["LUTs", "latency", "error"],
            feasible_output={**VALID, "true_value": 1, "false_value": 0},
            models=FOREST,
            evaluations_per_optimization_iteration=10,
            optimization_iterations=1,
            design_of_experiment={"doe_type": "random sampling", "number_of_samples": 15},
            resume_optimization=samples.exists(),
            resume_optimization_data=samples.name,
            seed=None,
            input_parameters={
                "width": {"parameter_type": "integer", "values": [4, 24]},
                "adders": {"parameter_type": "ordinal", "values": [1, 2, 4, 8, 16]},
                "pipelined": {"parameter_type": "ordinal", "values": [0, 1]},
            },
        )
        optimizer.optimize(str(path), area_and_time)
        return len(recorded(samples))

    assert [explore(), explore()] == [25, 35]
    rows = recorded(samples)
    assert {row["Valid"] for row in rows} == {"0", "1"}
    assert len({(row["width"], row["adders"], row["pipelined"]) for row in rows}) == 35
    compute_pareto.compute("app.json", "fft_output_samples.csv", "front.csv")
    front = recorded(tmp_path / "front.csv")
    assert 3 < len(front) < 35
    assert {row["Valid"] for row in front} == {"1"}
    plot_pareto.plot("app.json", [("front.csv", "fft_output_samples.csv")])
    (tmp_path / "runs").mkdir()
    shutil.copy(samples, tmp_path / "runs")
    plot_optimization_results.plot_regret("app.json", ["runs"], out_dir=f"{tmp_path}/")
    assert (tmp_path / "fft_output_pareto.pdf").exists()
    assert (tmp_path / "fft_regret.pdf").exists()
