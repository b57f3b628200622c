"""`hmserve.optimize`: a function is minimised, and what comes back."""

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hmserve
from hmserve.errors import JournalError, ScenarioError, UsageError

Document = dict[str, Any]
Values = dict[str, Any]


@pytest.fixture
def document(tmp_path: pathlib.Path) -> Document:
    return {
        "application_name": "app",
        "optimization_objectives": ["cost"],
        "design_of_experiment": {"doe_type": "random sampling", "number_of_samples": 5},
        "optimization_iterations": 2,
        "run_directory": str(tmp_path / "run"),
        "seed": 3,
        "input_parameters": {
            "x": {"parameter_type": "real", "values": [0, 1]},
            "n": {"parameter_type": "integer", "values": [0, 9]},
            "o": {"parameter_type": "ordinal", "values": [1, 2.5, 4]},
            "c": {"parameter_type": "categorical", "values": ["slow", "fast"]},
        },
    }


def cost(values: Values) -> float:
    return float((values["x"] - 0.3) ** 2 + values["n"] + values["o"] + (values["c"] == "slow"))


def feasible(document: Document) -> Document:
    return {**document, "feasible_output": {"enable_feasible_predictor": True}}


def batched(document: Document, samples: int = 3) -> Document:
    design = {"doe_type": "random sampling", "number_of_samples": samples}
    changes = {"evaluations_per_optimization_iteration": 2, "design_of_experiment": design}
    return {**document, **changes}


# ---- optimize


def test_function_gets_one_value_a_parameter(document: Document) -> None:
    seen: list[Values] = []

    def function(values: Values) -> float:
        seen.append(values)
        return cost(values)

    result = hmserve.optimize(document, function)
    assert len(seen) == len(result.rows) == 7
    for values in seen:
        assert [type(value) for value in values.values()] in (
            [float, int, int, str],
            [float, int, float, str],
        )
        assert list(values) == ["x", "n", "o", "c"]
    assert not result.interrupted


def test_function_may_spoil_what_it_gets(document: Document) -> None:
    def function(values: Values) -> float:
        value = cost(values)
        values.clear()
        return value

    result = hmserve.optimize(document, function)
    assert all(set(record) > {"x", "n", "o", "c"} for record in result.records)


def test_result_tells_the_best_the_history_and_the_files(document: Document) -> None:
    result = hmserve.optimize(document, lambda values: cost(values) if values["n"] else None)
    records = result.records
    assert list(records[0]) == ["x", "n", "o", "c", "cost", "feasible", "seconds"]
    costs = [record["cost"] for record in records if record["feasible"]]
    assert result.best is not None
    assert result.best.objectives == {"cost": min(costs)}
    assert cost(dict(result.best.trial.configuration)) == min(costs)
    assert [evaluation.objectives["cost"] for evaluation in result.front] == [min(costs)]
    assert [record["seconds"] for record in records] == sorted(
        record["seconds"] for record in records
    )
    for path in (result.files.samples, result.files.journal, result.files.log):
        assert os.path.isfile(path)


def test_arrays_hold_the_records_column_by_column(document: Document) -> None:
    result = hmserve.optimize(document, lambda values: None if values["n"] > 4 else 1.5)
    arrays = result.arrays()
    assert list(arrays) == list(result.records[0])
    assert {len(column) for column in arrays.values()} == {7}
    assert arrays["x"].dtype == float
    assert arrays["feasible"].dtype == bool
    failed = np.isnan(arrays["cost"])
    assert (failed == ~arrays["feasible"]).all()
    assert (failed == (arrays["n"] > 4)).all()


def test_scenario_may_be_a_path_a_mapping_or_read_already(
    document: Document, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "app.json"
    path.write_text(json.dumps(document))
    sources = [path, str(path), document, hmserve.Scenario.parse(document)]
    results = [hmserve.optimize(source, cost) for source in sources]
    configurations = [
        [dict(row.evaluation.trial.configuration) for row in result.rows] for result in results
    ]
    assert all(each == configurations[0] for each in configurations)


def test_several_objectives_come_as_a_dict(document: Document) -> None:
    document = feasible({**document, "optimization_objectives": ["cost", "size"]})

    def function(values: Values) -> Values:
        fits = values["x"] < 0.7
        return {"size": values["n"], "cost": cost(values), "Valid": fits, "other": "ignored"}

    result = hmserve.optimize(document, function)
    assert result.front
    for evaluation in result.front:
        assert evaluation.trial.configuration["x"] < 0.7
        assert evaluation.objectives["size"] == evaluation.trial.configuration["n"]
    assert os.path.isfile(result.files.pareto)


@pytest.mark.parametrize(
    "form",
    [
        float,
        np.float64,
        int,
        lambda value: [value],
        lambda value: np.array([value]),
        lambda value: {"cost": value},
        lambda value: {"cost": [value], "more": 1},
        np.array,
        str,
    ],
)
def test_one_objective_comes_in_any_form(
    document: Document, form: Callable[[float], Any]
) -> None:
    result = hmserve.optimize(document, lambda values: form(values["n"]))
    assert all(record["cost"] == record["n"] for record in result.records)


@pytest.mark.parametrize("said", [True, 1, np.True_, "True", "true", "TRUE"])
def test_feasibility_comes_in_any_form(document: Document, said: object) -> None:
    result = hmserve.optimize(feasible(document), lambda _: {"cost": 1, "Valid": said})
    assert all(record["feasible"] for record in result.records)


WRONG = {
    "text": "fast",
    "two numbers": [1.0, 2.0],
    "no number": [],
    "another name": {"costs": 1.0},
    "a function": cost,
    "a dict in a dict": {"cost": {"cost": 1}},
    "a complex number": 1j,
    "a number beyond the largest": 10**400,
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_return_is_a_failed_evaluation_and_noted(document: Document, name: str) -> None:
    calls = 0

    def function(values: Values) -> Any:
        nonlocal calls
        calls += 1
        return WRONG[name] if calls == 2 else cost(values)

    result = hmserve.optimize(document, function)
    assert [record["feasible"] for record in result.records] == [True, False, *[True] * 5]
    assert result.records[1]["cost"] is None
    log = pathlib.Path(result.files.log).read_text()
    assert "trial 1 failed" in log


@pytest.mark.parametrize("said", [None, float("nan"), float("inf"), -float("inf")])
def test_nothing_and_no_number_are_failed_evaluations(document: Document, said: object) -> None:
    result = hmserve.optimize(document, lambda _: said)
    assert result.best is None
    assert result.front == []
    assert {record["cost"] for record in result.records} == {None}


def test_function_that_raises_costs_one_evaluation(document: Document) -> None:
    def function(values: Values) -> float:
        if values["n"] < 5:
            raise ZeroDivisionError("measured nothing")
        return cost(values)

    result = hmserve.optimize(document, function)
    assert len(result.rows) == 7
    assert all(record["feasible"] == (record["n"] >= 5) for record in result.records)
    log = pathlib.Path(result.files.log).read_text()
    assert "ZeroDivisionError: measured nothing" in log


def test_batch_is_a_dict_of_lists_and_its_last_one_a_dict_of_values(document: Document) -> None:
    calls: list[int] = []

    def function(values: Values) -> Any:
        several = isinstance(values["x"], list)
        calls.append(len(values["x"]) if several else 1)
        if not several:
            return cost(values)
        return [
            cost(dict(zip(values, row, strict=True)))
            for row in zip(*values.values(), strict=True)
        ]

    result = hmserve.optimize(batched(document), function)
    assert calls == [2, 1, 2, 2]
    for record in result.records:
        assert record["cost"] == cost(record)


@pytest.mark.parametrize("form", [list, tuple, np.array, lambda x: {"cost": x}])
def test_batch_of_results_comes_in_any_form(
    document: Document, form: Callable[[Any], Any]
) -> None:
    result = hmserve.optimize(batched(document, 4), lambda values: form(values["n"]))
    assert len(result.rows) == 8
    assert all(record["cost"] == record["n"] for record in result.records)


def test_batch_of_the_wrong_length_fails_as_a_whole(document: Document) -> None:
    result = hmserve.optimize(batched(document, 4), lambda _: [1.0, 2.0, 3.0])
    assert not any(record["feasible"] for record in result.records)


def test_interrupt_in_the_function_ends_the_run_which_can_go_on(document: Document) -> None:
    calls = 0

    def function(values: Values) -> float:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return cost(values)

    first = hmserve.optimize(document, function)
    assert first.interrupted
    assert len(first.rows) == 3
    second = hmserve.optimize(document, function, resume=True)
    assert not second.interrupted
    assert len(second.rows) == 7
    whole = hmserve.optimize(document, cost)
    assert without_times(second) == without_times(whole)


def test_exit_in_the_function_leaves_the_run_resumable(document: Document) -> None:
    def function(values: Values) -> float:
        raise SystemExit(f"enough of {values}")

    with pytest.raises(SystemExit):
        hmserve.optimize(document, function)
    assert len(hmserve.optimize(document, cost, resume=True).rows) == 7


def without_times(result: hmserve.Result) -> list[Values]:
    return [record | {"seconds": 0} for record in result.records]


def test_run_without_resume_begins_anew(document: Document) -> None:
    first = hmserve.optimize(document, cost)
    journal = pathlib.Path(first.files.journal)
    kept = journal.read_bytes()
    hmserve.optimize(document, cost)
    assert pathlib.Path(f"{journal}.1").read_bytes() == kept


def test_optimize_inside_the_function_is_another_run(
    document: Document, tmp_path: pathlib.Path
) -> None:
    inner = {**document, "run_directory": str(tmp_path / "inner"), "optimization_iterations": 0}

    def function(values: Values) -> float:
        best = hmserve.optimize(inner, lambda inside: cost(inside) + values["x"]).best
        assert best is not None
        return best.objectives["cost"]

    assert len(hmserve.optimize({**document, "optimization_iterations": 0}, function).rows) == 5


def test_progress_is_shown_when_asked_for(
    document: Document, capsys: pytest.CaptureFixture[str]
) -> None:
    hmserve.optimize(document, cost)
    assert capsys.readouterr() == ("", "")
    hmserve.optimize(document, cost, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "7/7 evaluations" in err


def test_exhaustive_mode_needs_no_function(document: Document, tmp_path: pathlib.Path) -> None:
    table = tmp_path / "all.csv"
    table.write_text("n,cost\n" + "".join(f"{n},{(n - 6) ** 2}\n" for n in range(10)))
    document["hypermapper_mode"] = {"mode": "exhaustive", "exhaustive_search_file": str(table)}
    document["input_parameters"] = {"n": {"parameter_type": "integer", "values": [0, 9]}}
    result = hmserve.optimize({**document, "optimization_iterations": 20})
    assert result.best is not None
    assert result.best.trial.configuration == {"n": 6}
    assert len(result.rows) == 10


# ---- its errors


def test_function_is_needed(document: Document, tmp_path: pathlib.Path) -> None:
    with pytest.raises(UsageError, match="needs a function"):
        hmserve.optimize(document)
    assert not (tmp_path / "run").exists()


def test_bad_scenario_is_refused_with_every_error(
    document: Document, tmp_path: pathlib.Path
) -> None:
    document |= {"optimization_iterations": -1, "acquisition_function": "PI"}
    with pytest.raises(ScenarioError, match="2 errors"):
        hmserve.optimize(document, cost)
    assert not (tmp_path / "run").exists()


def test_run_in_use_is_refused_until_it_is_closed(document: Document) -> None:
    with (
        hmserve.AskTell(document),
        pytest.raises(JournalError, match=f"in use by process {os.getpid()}"),
    ):
        hmserve.optimize(document, cost)
    assert len(hmserve.optimize(document, cost).rows) == 7


def test_other_search_cannot_be_resumed(document: Document) -> None:
    hmserve.optimize(document, cost)
    changed = {**document, "optimization_objectives": ["time"]}
    with pytest.raises(ScenarioError, match="optimization_objectives"):
        hmserve.optimize(changed, cost, resume=True)


def test_files_that_cannot_be_written_are_an_error(
    document: Document, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(JournalError, match="run"):
        hmserve.optimize(document, cost)


@pytest.mark.parametrize("key", ["log_file", "output_data_file"])
def test_run_that_could_not_begin_lets_go_of_its_journal(
    document: Document, key: str, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "run" / "taken.csv").mkdir(parents=True)
    with pytest.raises(JournalError, match="taken"):
        hmserve.optimize({**document, key: "taken.csv"}, cost)
    (tmp_path / "run" / "taken.csv").rmdir()
    assert len(hmserve.optimize({**document, key: "taken.csv"}, cost).rows) == 7


# ---- the package


def test_public_names_are_there() -> None:
    for name in hmserve.__all__:
        assert getattr(hmserve, name)
    assert dir(hmserve) == hmserve.__all__
    with pytest.raises(AttributeError, match="optimise"):
        getattr(hmserve, "optimise")  # noqa: B009 - mypy would see through it
