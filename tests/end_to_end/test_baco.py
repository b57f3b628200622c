"""BaCO's scenarios and its way of talking: permutations, known constraints, log scales."""

import csv
import itertools
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import hmserve
from hmserve.scenario import Scenario

Row = dict[str, str]

POWERS = [2**k for k in range(11)]
FEASIBILITY = {"enable_feasible_predictor": True, "name": "Valid"}
LOOPS = (
    "((p_i2 < p_i4) & (p_i0 < p_i2) & (p_i1 < p_i2)) | "
    "((p_i4 < p_i2) & (p_i0 < p_i4) & (p_i1 < p_i4))"
)


def ordinal(values: list[int], default: int, **more: Any) -> dict[str, Any]:
    entry = {"parameter_type": "ordinal", "values": values, "parameter_default": default}
    return {**entry, **more}


TACO = {
    "application_name": "taco",
    "optimization_objectives": ["compute_time"],
    "baco_mode": {"mode": "client-server"},
    "feasible_output": {
        **FEASIBILITY,
        "true_value": "True",
        "false_value": "False",
        "feasibility_threshold": 0.2,
    },
    "design_of_experiment": {"doe_type": "embedding random sampling", "number_of_samples": 8},
    "optimization_iterations": 5,
    "models": {"model": "gaussian_process"},
    "GP_model": "botorch",
    "epsilon_greedy_threshold": 0,
    "log_transform_output": True,
    "normalize_inputs": True,
    "reuse_gp_hyperparameters": True,
    "reoptimise_hyperparameters_interval": 1,
    "hyperparameter_optimization_iterations": 5,
    "lengthscale_prior": {"name": "gamma", "parameters": [1.3, 0.1]},
    "seed": 5,
    "input_parameters": {
        "cs": ordinal(POWERS[1:], 16, transform="log", constraints=["cs % 2 == 0"]),
        "ocs": ordinal(POWERS[:9], 1, transform="log"),
        "ont": ordinal(POWERS[:7], 32, transform="log", constraints=["ont != 4"]),
        "ost": ordinal([0, 1], 0),
        "p": {
            "parameter_type": "permutation",
            "values": [5],
            "parameter_default": [0, 1, 2, 3, 4],
            "parametrization": "spearman",
            "constraints": [LOOPS],
        },
        "uf": ordinal(
            POWERS[1:],
            8,
            transform="log",
            constraints=["uf < cs", "uf % 2 == 0"],
            dependencies=["cs"],
        ),
    },
}


def fields(line: str) -> list[str]:
    """Split at the commas that are not in parentheses, as BaCO does with replies."""
    return [field.strip() for field in re.split(r",(?![^(]*\))", line.strip())]


def client(daemon, evaluate: Callable[..., tuple[float, bool]]) -> list[Row]:
    """Answer row by row, in the order of the request, as BaCO's clients in Python do."""
    answers: list[Row] = []
    while "End of" not in (line := daemon.line()):
        if "warning" in line:
            continue
        count = int(line.split(" ")[1])
        names = fields(daemon.line())
        text = ",".join([*names, "compute_time", "Valid"]) + "\n"
        for _ in range(count):
            row = dict(zip(names, fields(daemon.line()), strict=True))
            time, valid = evaluate(**row)
            row |= {"compute_time": str(time), "Valid": str(valid)}
            text += ",".join(row.values()) + "\n"
            answers.append(row)
        daemon.say(text)
    return answers


def allowed(row: Mapping[str, str]) -> bool:
    """Say what the constraints of TACO say, in other words."""
    order = [int(element) for element in row["p"].strip("()").split(",")]
    at = {element: place for place, element in enumerate(order)}
    later, sooner = max(at[2], at[4]), min(at[2], at[4])
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert later > sooner
    inner = at[0] < sooner and at[1] < sooner
    return inner and int(row["ont"]) != 4 and int(row["uf"]) < int(row["cs"])


def recorded(path: Path) -> list[Row]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_client_of_baco_runs_to_the_end(fork, tmp_path) -> None:
    (tmp_path / "app.json").write_text(json.dumps(TACO))

    def evaluate(cs, ocs, ont, ost, p, uf) -> tuple[float, bool]:
        assert p.startswith("(")
        assert p.count(", ") == 4
        time = int(cs) / 4 + int(ocs) + 64 / int(ont) + int(ost) + int(p[1]) + 8 / int(uf)
        return time, int(ocs) < 128

    with fork("app.json", directory=tmp_path) as daemon:
        answers = client(daemon, evaluate)
        daemon.close()
        assert daemon.rest() == ""
        assert daemon.wait() == 0
        assert daemon.stderr == ""
    assert len({tuple(row.items()) for row in answers}) == len(answers) == 13
    assert all(map(allowed, answers))
    rows = recorded(tmp_path / "taco_output_samples.csv")
    # The permutation has commas, so in the file it is in quotes.
    assert [{name: row[name] for name in answers[0]} for row in rows] == answers


def test_what_breaks_the_constraints_does_not_come_first(fork, tmp_path) -> None:
    """The defaults of the parameters are tried first only if they are allowed together."""
    parameters = TACO["input_parameters"]
    for default, first in (([0, 1, 2, 3, 4], True), ([4, 3, 2, 1, 0], False)):
        entry = {**parameters["p"], "parameter_default": default}
        document = {**TACO, "input_parameters": {**parameters, "p": entry}}
        (tmp_path / "app.json").write_text(json.dumps(document))
        with fork("app.json", directory=tmp_path) as daemon:
            rows = [fields(",".join(row.values())) for row in request_of(daemon)]
        shown = "(" + ", ".join(map(str, default)) + ")"
        assert (rows[0] == ["16", "1", "32", "0", shown, "8"]) == first


def request_of(daemon) -> list[Row]:
    count = int(daemon.line().split(" ")[1])
    names = fields(daemon.line())
    return [dict(zip(names, fields(daemon.line()), strict=True)) for _ in range(count)]


@pytest.mark.parametrize("model", ["gaussian_process", "random_forest"])
@pytest.mark.parametrize("kind", ["spearman", "kendall", "hamming", "naive"])
def test_a_function_gets_tuples_and_never_what_is_not_allowed(model, kind, tmp_path) -> None:
    parameters = TACO["input_parameters"]
    order = {**parameters["p"], "parametrization": kind}
    document = {
        **TACO,
        "baco_mode": {"mode": "default"},
        "models": {"model": model},
        "run_directory": str(tmp_path),
        "optimization_iterations": 3,
        "input_parameters": {**parameters, "p": order},
    }

    def compute_time(point: Mapping[str, Any]) -> dict[str, Any]:
        assert isinstance(point["p"], tuple)
        assert allowed({name: str(value) for name, value in point.items()})
        return {"compute_time": 1 + point["p"][0] + point["cs"] / 100, "Valid": True}

    result = hmserve.optimize(document, compute_time)
    log = Path(result.files.log).read_text()
    assert "Traceback" not in log
    assert len(result.rows) == 11
    best = min(record["compute_time"] for record in result.records)
    assert result.best.objectives == {"compute_time": best}


CHAIN = {
    # Tiles of tiles, as RISE's kernels have them; of a million combinations few are left.
    "v3": ordinal(POWERS, 4, constraints=["v3 % 4 == 0", "v7 % v3 == 0"], dependencies=["v7"]),
    "v4": ordinal(POWERS, 1, constraints=["v5 % v4 == 0"], dependencies=["v5"]),
    "v5": ordinal(POWERS, 4, constraints=["1024 % v5 == 0", "v5 % 4 == 0"], dependencies=[]),
    "v6": ordinal(
        POWERS, 4, constraints=["v6 % 4 == 0", "v5*v8 % v6 == 0"], dependencies=["v5", "v8"]
    ),
    "v7": ordinal(POWERS, 4, constraints=["v7 % 4 == 0"], dependencies=["v5"]),
    "v8": ordinal(
        POWERS,
        4,
        constraints=["4096 - v5 * v7 * 4 - v5 * v8 * 4 - 4 * v7 * v8 >= 0"],
        dependencies=["v5", "v7"],
    ),
}


def test_a_chain_of_dependencies_is_sampled_as_it_is_counted_by_hand(tmp_path) -> None:
    possible = {
        (v3, v4, v5, v6, v7, v8)
        for v5, v7, v8 in itertools.product(POWERS, repeat=3)
        if v5 % 4 == 0 and v7 % 4 == 0 and 4 * (v5 * v7 + v5 * v8 + v7 * v8) <= 4096
        for v3 in POWERS
        if v3 % 4 == 0 and v7 % v3 == 0
        for v4 in POWERS
        if v5 % v4 == 0
        for v6 in POWERS
        if v6 % 4 == 0 and v5 * v8 % v6 == 0
    }
    document = {
        "optimization_objectives": ["runtime"],
        "run_directory": str(tmp_path),
        "design_of_experiment": {"number_of_samples": 300},
        "optimization_iterations": 2,
        "models": {"model": "random_forest"},
        "seed": 2,
        "input_parameters": {
            name: {**entry, "transform": "log"} for name, entry in CHAIN.items()
        },
    }
    result = hmserve.optimize(document, lambda point: sum(point.values()))
    asked = [tuple(record[name] for name in CHAIN) for record in result.records]
    assert set(asked) <= possible
    assert len(set(asked)) == 302
    assert asked[0] == (4, 1, 4, 4, 4, 4)
    # Uniform: the mean index of each parameter is near that over all that is possible.
    for column in range(6):
        means = [
            sum(row[column].bit_length() for row in rows) / len(rows)
            for rows in (asked, sorted(possible))
        ]
        assert means[0] == pytest.approx(means[1], abs=0.4)


def test_what_the_scenarios_of_its_own_tests_say_is_understood(tmp_path) -> None:
    """Priors called none, empty prior_parameters, keys of its first version, one twice."""
    more = {
        "lengthscale_prior": {"name": "none"},
        "noise_prior": {"name": "none"},
        "outputscale_prior": {"name": "gamma", "parameters": [2, 0.15]},
        "multistart_hyperparameter_optimization_initial_points": 1,
        "multistart_hyperparameter_optimization_iterations": 2,
        "acquisition_function": "EI_PIBO",
        "model_weight": 300,
        "optimization_objectives": ["Value"],
        "optimization_iterations": 2,
        "design_of_experiment": {"number_of_samples": 3},
        "input_parameters": {
            "x2": {
                "parameter_type": "real",
                "values": [0, 15],
                "prior": "gaussian",
                "prior_parameters": [5, 5],
            },
            "x4": {
                "parameter_type": "integer",
                "values": [0, 15],
                "prior": [1, 1, *[0] * 14],
            },
            "x5": {
                "parameter_type": "real",
                "values": [0, 15],
                "prior": "uniform",
                "prior_parameters": [],
            },
        },
    }
    text = json.dumps(more)[:-1] + ', "optimization_iterations": 2, "log_file": "b.log"}'
    (tmp_path / "app.json").write_text(text)
    result = hmserve.optimize(
        {**json.loads(text), "run_directory": str(tmp_path)}, lambda point: point["x5"]
    )
    assert len(result.rows) == 5
    # What the prior rules out is not in the design.
    assert all(record["x4"] <= 1 for record in result.records[:3])
    scenario = Scenario.load(tmp_path / "app.json")
    assert scenario.iterations == 2
    assert scenario.fitting.hyperparameter_optimization_iterations == 2


def test_a_samples_file_of_baco_is_where_a_run_goes_on(tmp_path, monkeypatch) -> None:
    """Its time column is called timestamp; feasibility is True and False, come what may."""
    monkeypatch.chdir(tmp_path)
    lines = ["x1,p,Value,Valid,timestamp"]
    lines += [f'{x}.0,"({x}, {1 - x})",{x + 0.5},{x == 0},18' for x in (0, 1)]
    Path("earlier.csv").write_text("\n".join(lines) + "\n\n")
    document = {
        "optimization_objectives": ["Value"],
        "feasible_output": {**FEASIBILITY, "true_value": "1", "false_value": "0"},
        "resume_optimization": True,
        "resume_optimization_file": "earlier.csv",
        "design_of_experiment": {"number_of_samples": 2},
        "optimization_iterations": 2,
        "models": {"model": "random_forest"},
        "input_parameters": {
            "x1": {"parameter_type": "real", "values": [-5, 10], "parameter_default": 0},
            "p": {"parameter_type": "permutation", "values": [2], "parametrization": "naive"},
        },
    }
    result = hmserve.optimize(document, lambda point: {"Value": point["x1"], "Valid": True})
    earlier, later = result.records[:2], result.records[2:]
    assert [(r["x1"], r["p"], r["Value"], r["feasible"]) for r in earlier] == [
        (0.0, (0, 1), 0.5, True),
        (1.0, (1, 0), 1.5, False),
    ]
    assert len(later) == 2
    rows = recorded(tmp_path / "application_output_samples.csv")
    assert [row["Valid"] for row in rows] == ["1", "0", "1", "1"]
