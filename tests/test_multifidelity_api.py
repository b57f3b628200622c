"""Runs with fidelities from Python: `hmserve.optimize` and `hmserve.AskTell`."""

import csv
import pathlib
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import hmserve
from hmserve.errors import EvaluatorError, ResultsError, UnknownTrialError, UsageError
from hmserve.trial import Trial

Document = dict[str, Any]
Values = dict[str, Any]


@pytest.fixture
def document(tmp_path: pathlib.Path) -> Document:
    return {
        "application_name": "app",
        "optimization_objectives": ["loss"],
        "design_of_experiment": {"number_of_samples": 5},
        "run_directory": str(tmp_path / "run"),
        "seed": 3,
        "input_parameters": {"x": {"parameter_type": "real", "values": [0, 1]}},
        "fidelity": {
            "name": "epochs",
            "type": "integer",
            "min": 1,
            "max": 9,
            "sampler": "random",
        },
    }


def resumable(document: Document) -> Document:
    return {**document, "fidelity": {**document["fidelity"], "resumable": True}}


def loss(values: Values) -> float:
    """Cheap evaluations promise more than they keep."""
    return float((values["x"] - 0.3) ** 2 + 0.01 * values["epochs"])


def test_the_function_is_told_how_far_to_go(document: Document) -> None:
    seen: list[Values] = []

    def function(values: Values) -> float:
        seen.append(dict(values))
        return loss(values)

    result = hmserve.optimize(document, function)
    assert [list(values) for values in seen] == [["x", "epochs"]] * 22
    assert [values["epochs"] for values in seen[:13]] == [1] * 9 + [3] * 3 + [9]
    assert all(isinstance(values["epochs"], int) for values in seen)
    assert len(result.rows) == 22


def test_of_checkpoints_it_is_told_whose_and_how_far_they_are(document: Document) -> None:
    checkpoints: dict[int, tuple[float, int]] = {}

    def function(values: Values) -> float:
        root, reached = values["trial"], (values["x"], values["previous"])
        assert checkpoints.get(root, (values["x"], 0)) == reached
        checkpoints[root] = values["x"], values["epochs"]
        return loss(values)

    result = hmserve.optimize(resumable(document), function)
    assert len(checkpoints) == 17
    with open(result.files.samples, newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["x", "epochs", "trial", "previous", "loss", "Timestamp"]
    assert [row["previous"] for row in rows[:13]] == ["0"] * 9 + ["1"] * 3 + ["3"]
    assert list(result.records[0])[:4] == ["x", "epochs", "trial", "previous"]


def test_the_best_is_the_best_of_the_full_evaluations(document: Document) -> None:
    result = hmserve.optimize(document, loss)
    full = [r["loss"] for r in result.records if r["epochs"] == 9]
    assert result.best is not None
    assert result.best.objectives["loss"] == min(full) > min(r["loss"] for r in result.records)
    assert {evaluation.trial.fidelity for evaluation in result.front} == {9.0}
    arrays = result.arrays()
    assert sorted(np.unique(arrays["epochs"])) == [1, 3, 9]
    assert len(arrays["epochs"]) == 22


def test_until_there_is_a_full_result_the_best_is_the_best_of_the_highest(
    document: Document,
) -> None:
    def function(values: Values) -> float:
        if values["epochs"] == 9:
            raise RuntimeError("out of memory")
        return loss(values)

    result = hmserve.optimize(document, function)
    assert result.best is not None
    assert result.best.trial.fidelity == 3.0


def test_a_target_counts_in_full_evaluations_alone(document: Document) -> None:
    result = hmserve.optimize({**document, "target": 0.5}, loss)
    assert len(result.rows) == 13
    patient = {**document, "max_evaluations_without_improvement": 1}
    assert len(hmserve.optimize(patient, lambda _: 1.0).rows) == 19


def test_of_a_batch_each_has_its_own_fidelity(document: Document) -> None:
    fidelities: list[int] = []

    def function(values: Values) -> Any:
        if not isinstance(values["epochs"], list):
            fidelities.append(values["epochs"])
            return loss(values)
        fidelities.extend(values["epochs"])
        pairs = zip(values["x"], values["epochs"], strict=True)
        return [loss({"x": x, "epochs": epochs}) for x, epochs in pairs]

    batches = {**document, "evaluations_per_optimization_iteration": 4}
    result = hmserve.optimize(batches, function)
    assert fidelities == [record["epochs"] for record in result.records]
    assert sorted(fidelities) == [1] * 9 + [3] * 8 + [9] * 5


def test_workers_of_an_executor_are_told_how_far_to_go(document: Document) -> None:
    with ThreadPoolExecutor(3) as executor:
        result = hmserve.optimize(resumable(document), loss, executor=executor)
    assert len(result.rows) == 22
    for record, row in zip(result.records, result.rows, strict=True):
        assert row.evaluation.objectives["loss"] == loss(record)
        assert row.evaluation.details["worker"] in (0, 1, 2)


def test_an_evaluation_may_end_early_and_say_so(document: Document) -> None:
    def function(values: Values) -> Values:
        early = values["epochs"] == 3
        return {"loss": loss(values), "epochs": 2 if early else values["epochs"]}

    result = hmserve.optimize(document, function)
    assert sorted({r["epochs"] for r in result.records}) == [1, 2, 9]
    # What stopped in the second rung went no further: the third began anew.
    records = [row.evaluation.trial.stage for row in result.rows]
    assert all(stage is None or stage.rung < 2 or stage.root >= 9 for stage in records)


def test_a_run_with_brackets_is_resumed_where_it_was(document: Document) -> None:
    class Stop(BaseException):
        pass

    def function(values: Values) -> float:
        nonlocal left
        left -= 1
        if left < 0:
            raise Stop
        return loss(values)

    left = 11
    with pytest.raises(Stop):
        hmserve.optimize(resumable(document), function)
    left = 100
    result = hmserve.optimize(resumable(document), function, resume=True)
    assert left == 100 - (22 - 11)
    other = {**resumable(document), "run_directory": document["run_directory"] + "2"}
    whole = hmserve.optimize(other, loss)
    assert [row.evaluation for row in result.rows] == [row.evaluation for row in whole.rows]


def test_earlier_results_are_learnt_from_at_their_fidelity(
    document: Document, tmp_path: pathlib.Path
) -> None:
    first = hmserve.optimize(document, loss)
    later = {**document, "warm_start": [first.files.journal], "run_directory": str(tmp_path)}
    result = hmserve.optimize(later, loss)
    assert [r["epochs"] for r in result.records[:22]] == [r["epochs"] for r in first.records]
    assert len(result.rows) == 44


def test_asked_with_nothing_to_hand_out_there_is_none_and_finished_tells_why(
    document: Document,
) -> None:
    document["fidelity"]["num_iterations"] = 1
    with hmserve.AskTell(document) as run:
        trials = run.ask(50)
        assert [trial.fidelity for trial in trials] == [1.0] * 9
        assert run.ask() == []
        assert not run.finished
        for trial in trials:
            run.tell(trial, trial.configuration["x"])
        while more := run.ask():
            (trial,) = more
            assert trial.stage is not None
            assert trial.stage.previous in (1.0, 3.0)
            run.tell(trial, trial.configuration["x"])
        assert run.finished
        assert run.ask() == []
        assert run.result.best is not None
        assert run.result.best.trial.fidelity == 9.0


def test_told_together_all_that_is_right_is_taken_and_all_that_is_wrong_reported(
    document: Document,
) -> None:
    with hmserve.AskTell(document) as run:
        a, b, c, d = run.ask(4)
        stranger = Trial(99, {"x": 0.5})
        with pytest.raises(ResultsError) as caught:
            run.tell_all([(d, 1.0), (b, {"cost": 2}), (a, None), (stranger, 1.0), (d, 2.0)])
        assert [trial.id for trial, _ in caught.value.faulty] == [b.id, 99, d.id]
        kinds = [type(error) for _, error in caught.value.faulty]
        assert kinds == [EvaluatorError, UnknownTrialError, UnknownTrialError]
        assert "3 results cannot be used, the others were taken" in str(caught.value)
        assert "loss missing in {'cost': 2}" in str(caught.value)
        assert [trial.id for trial in run.pending] == [b.id, c.id]
        assert [row.evaluation.trial.id for row in run.result.rows] == [a.id, d.id]
        run.tell_all([(c, 1.0), (b, 2.0)])
        assert not run.pending


def test_the_order_of_results_told_together_does_not_matter(document: Document) -> None:
    asked = []
    for step, directory in ((1, "a"), (-1, "b")):
        with hmserve.AskTell(
            {**document, "run_directory": document["run_directory"] + directory}
        ) as run:
            trials = run.ask(9)
            run.tell_all([(trial, trial.configuration["x"]) for trial in trials][::step])
            asked.append(run.ask(5))
    assert asked[0] == asked[1]


def test_a_result_of_ones_own_may_have_a_fidelity(document: Document) -> None:
    with hmserve.AskTell(document) as run:
        run.observe({"x": 0.5}, 1.0, fidelity=3)
        run.observe({"x": 0.6}, 2.0)
        assert [row["epochs"] for row in run.result.records] == [3, 9]
        for wrong in (0, -1, 9.5, float("nan")):
            with pytest.raises(UsageError, match="expected a fidelity above 0, at most 9"):
                run.observe({"x": 0.5}, 1.0, fidelity=wrong)
    del document["fidelity"]
    with (
        hmserve.AskTell(document) as run,
        pytest.raises(UsageError, match="it knows of none"),
    ):
        run.observe({"x": 0.5}, 1.0, fidelity=3)


def test_whoever_gives_back_a_trial_gets_it_again(document: Document) -> None:
    with hmserve.AskTell(document) as run:
        trials = run.ask(9)
        run.tell_all([(trial, trial.configuration["x"]) for trial in trials])
        (promoted,) = run.ask(1)
        run.drop(promoted)
        (again,) = run.ask(1)
    assert (again.configuration, again.stage) == (promoted.configuration, promoted.stage)
    assert again.id == promoted.id + 1


EXAMPLES = re.findall(
    r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$",
    (pathlib.Path(__file__).parent.parent / "docs" / "multifidelity.md").read_text("utf-8"),
    re.DOTALL | re.MULTILINE,
)


def test_the_examples_of_the_document_print_what_it_says(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    assert len(EXAMPLES) == 2
    for code, shown in EXAMPLES:
        exec(code, names)  # noqa: S102 - the user's own words
        assert capsys.readouterr().out == shown


def test_a_trial_that_reports_badly_is_ended_early_and_told_as_far_as_it_came(
    document: Document,
) -> None:
    fidelity = {**document["fidelity"], "scheduler": "full", "stopping": "asha"}
    with hmserve.AskTell({**document, "fidelity": fidelity}) as run:
        ended = []
        for value in range(6):
            (trial,) = run.ask()
            assert trial.fidelity == 9
            if run.report(trial, 1, float(value)):
                run.tell(trial, float(value))
            else:
                run.tell(trial, {"loss": float(value), "epochs": 1})
                ended.append(value)
        # Of fewer than three nobody is the worst.
        assert ended == [2, 3, 4, 5]
        assert [r["epochs"] for r in run.result.records] == [9, 9, 1, 1, 1, 1]
        (trial,) = run.ask()
        with pytest.raises(UsageError):
            run.report(trial, 10, 0.0)
        run.tell(trial, 0.5)
        with pytest.raises(UnknownTrialError):
            run.report(trial, 1, 0.0)
