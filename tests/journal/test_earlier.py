"""Warm starts: what earlier runs found is known from the start."""

import pytest

import hmserve
from hmserve.errors import ScenarioError

X = {"parameter_type": "real", "values": [0, 1]}
N = {"parameter_type": "integer", "values": [1, 9]}


def scenario(tmp_path, name: str, **changes):
    return {
        "application_name": name,
        "run_directory": str(tmp_path),
        "optimization_objectives": ["v"],
        "input_parameters": {"x": X, "n": N},
        "design_of_experiment": {"number_of_samples": 5},
        "optimization_iterations": 1,
        "seed": 3,
        **changes,
    }


def bowl(configuration) -> float:
    return (configuration["x"] - 0.3) ** 2 + configuration["n"]


def earlier(tmp_path, **changes) -> hmserve.Result:
    return hmserve.optimize(scenario(tmp_path, "earlier", **changes), bowl, progress=False)


@pytest.mark.parametrize("kind", ["journal", "samples"])
def test_results_of_another_run_are_known_and_shorten_the_design(tmp_path, kind: str) -> None:
    file = getattr(earlier(tmp_path).files, kind)
    result = hmserve.optimize(scenario(tmp_path, "b", warm_start=[file]), bowl, progress=False)
    assert [row.asked for row in result.rows] == [False] * 6 + [True]
    assert result.records[5]["v"] == earlier(tmp_path).records[5]["v"]


def test_rows_outside_the_space_are_passed_over(tmp_path) -> None:
    file = earlier(tmp_path).files.samples
    narrow = {"x": {"parameter_type": "real", "values": [0, 0.5]}, "n": N}
    known = [r for r in earlier(tmp_path).records if r["x"] <= 0.5]
    result = hmserve.optimize(
        scenario(tmp_path, "b", warm_start=[file], input_parameters=narrow),
        bowl,
        progress=False,
    )
    assert 0 < len(known) < 6
    assert [r["x"] for r in result.records[: len(known)]] == [r["x"] for r in known]
    assert result.rows[len(known)].asked


@pytest.mark.parametrize("kind", ["journal", "samples"])
def test_an_objective_turned_round_has_the_values_that_were_measured(
    tmp_path, kind: str
) -> None:
    file = getattr(earlier(tmp_path).files, kind)
    more = [{"name": "v", "goal": "maximize"}]
    changed = scenario(tmp_path, "b", warm_start=[file], optimization_objectives=more)
    result = hmserve.optimize(changed, bowl, progress=False)
    assert [r["v"] for r in result.records[:6]] == [r["v"] for r in earlier(tmp_path).records]
    assert result.best.objectives["v"] == max(r["v"] for r in result.records)


def test_a_journal_without_a_parameter_is_refused_by_name(tmp_path) -> None:
    file = earlier(tmp_path, input_parameters={"x": X}).files
    wanted = scenario(tmp_path, "b", warm_start=[file.journal])
    with pytest.raises(ScenarioError, match="that run had no n"):
        hmserve.optimize(wanted, bowl, progress=False)


def test_a_file_that_is_not_there_is_an_error_of_the_scenario(tmp_path) -> None:
    with pytest.raises(ScenarioError, match=r"\$.warm_start\[0\]: no such file"):
        hmserve.Scenario.parse(scenario(tmp_path, "b", warm_start=["nowhere.csv"]))
