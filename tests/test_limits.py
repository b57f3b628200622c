"""Runs that end early: targets, patience, a number of evaluations."""

from pathlib import Path

import pytest

import hmserve
from hmserve.errors import ScenarioError
from hmserve.journal.ledger import Row
from hmserve.limits import Limits
from hmserve.options import Stops
from hmserve.trial import Evaluation, Trial


def row(*values: float | None) -> Row:
    objectives = {} if None in values else dict(zip("ab", values, strict=False))
    evaluation = Evaluation(Trial(0, {}), objectives, feasible=bool(objectives))
    return Row(evaluation, 0.0, 0.0, asked=True)


def reached(stops: Stops, rows: list[Row], names: str = "a") -> str | None:
    return Limits(stops, list(names)).reached(rows)


def test_a_target_is_met_by_one_feasible_result_in_all_its_objectives() -> None:
    stops = Stops(None, {"a": 1.0, "b": 2.0}, None)
    assert reached(stops, [row(0.5, 3.0), row(2.0, 1.0)], "ab") is None
    assert reached(stops, [row(0.5, 3.0), row(1.0, 2.0)], "ab") == "target"


def test_patience_counts_results_since_the_last_improvement() -> None:
    stops = Stops(None, {}, 3)
    worse = [row(5.0), row(5.0), row(None)]
    assert reached(stops, [row(4.0), *worse]) == "no improvement"
    assert reached(stops, [row(4.0), *worse[:2]]) is None
    assert reached(stops, [row(4.0), *worse[:2], row(3.0), *worse[:2]]) is None


def test_with_several_objectives_joining_the_front_is_an_improvement() -> None:
    stops = Stops(None, {}, 2)
    assert reached(stops, [row(1, 5), row(2, 4), row(3, 3), row(4, 2)], "ab") is None
    assert reached(stops, [row(1, 5), row(2, 6), row(1, 5)], "ab") == "no improvement"


def test_results_are_followed_as_they_come() -> None:
    limits, rows = Limits(Stops(None, {"a": 0.0}, None), ["a"]), []
    for value in (3.0, 2.0, 1.0):
        rows.append(row(value))
        assert limits.reached(rows) is None
    assert limits.reached([*rows, row(-1.0)]) == "target"


SCENARIO = {
    "optimization_objectives": ["v"],
    "input_parameters": {"x": {"parameter_type": "integer", "values": [0, 1000]}},
    "optimization_method": "random_search",
    "design_of_experiment": {"number_of_samples": 4},
    "seed": 1,
}


def run(tmp_path, function=lambda c: float(c["x"]), **changes) -> hmserve.Result:
    scenario = {**SCENARIO, "run_directory": str(tmp_path), **changes}
    return hmserve.optimize(scenario, function, progress=False)


@pytest.mark.parametrize("limit", [2, 4, 9])
def test_max_evaluations_alone_is_the_whole_budget(tmp_path, limit: int) -> None:
    assert len(run(tmp_path, max_evaluations=limit).rows) == limit


def test_the_smaller_budget_counts(tmp_path) -> None:
    rows = run(tmp_path, max_evaluations=9, optimization_iterations=2).rows
    assert len(rows) == 6


def test_batches_are_cut_to_what_is_left(tmp_path) -> None:
    rows = run(tmp_path, max_evaluations=9, evaluations_per_optimization_iteration=1).rows
    batched = run(tmp_path, _each, max_evaluations=9, evaluations_per_optimization_iteration=4)
    assert len(rows) == len(batched.rows) == 9


def _each(configuration):
    return configuration["x"]


def test_nothing_is_asked_once_the_target_is_reached(tmp_path) -> None:
    result = run(tmp_path, target=500)
    *before, last = [row.evaluation.objectives["v"] for row in result.rows]
    assert last <= 500 < min(before, default=1000)


def test_a_target_of_an_objective_to_be_maximised(tmp_path) -> None:
    fps = [{"name": "v", "goal": "maximize"}]
    result = run(tmp_path, optimization_objectives=fps, target=500)
    *before, last = [record["v"] for record in result.records]
    assert last >= 500 > max(before, default=0)


def test_several_objectives_need_a_target_for_each_by_name() -> None:
    scenario = {**SCENARIO, "optimization_objectives": ["v", "w"]}
    with pytest.raises(ScenarioError, match=r"\$.target: expected a number by objective"):
        hmserve.Scenario.parse({**scenario, "target": 3})
    with pytest.raises(ScenarioError, match=r"\$.target.u: is no objective"):
        hmserve.Scenario.parse({**scenario, "target": {"u": 3}})


def test_the_journal_says_why_a_run_ended(tmp_path) -> None:
    result = run(tmp_path, target=1000)
    journal = Path(result.files.journal).read_text()
    assert '"reason":"target"' in journal.replace(" ", "")
