"""`hmserve.AskTell`: the loop is the caller's."""

import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import hmserve
from hmserve.errors import EvaluatorError, JournalError, UnknownTrialError, UsageError
from hmserve.trial import OUTSIDE, Trial

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


def without_times(result: hmserve.Result) -> list[Values]:
    return [record | {"seconds": 0} for record in result.records]


@pytest.fixture
def asktell(document: Document) -> Iterator[hmserve.AskTell]:
    with hmserve.AskTell(document) as run:
        yield run


def told(run: hmserve.AskTell) -> hmserve.AskTell:
    """Tell everything that is pending."""
    for trial in run.pending:
        run.tell(trial, cost(dict(trial.configuration)))
    return run


def test_ask_and_tell_make_the_same_run_as_optimize(document: Document) -> None:
    with hmserve.AskTell(document) as run:
        while not run.finished:
            run.ask()
            told(run)
        result = run.result
    assert not result.interrupted
    whole = hmserve.optimize(document, cost)
    assert without_times(result) == without_times(whole)


def test_ask_returns_as_many_as_the_budget_allows(asktell: hmserve.AskTell) -> None:
    assert [trial.id for trial in asktell.ask(3)] == [0, 1, 2]
    assert [trial.id for trial in asktell.ask(100)] == [3, 4, 5, 6]
    assert asktell.ask() == []
    assert not asktell.finished
    assert told(asktell).finished


def test_trials_are_told_in_any_order(asktell: hmserve.AskTell) -> None:
    trials = asktell.ask(5)
    for trial in (trials[3], trials[0], trials[4]):
        asktell.tell(trial, 1.0 + trial.id)
    assert [trial.id for trial in asktell.pending] == [1, 2]
    assert [row.evaluation.trial.id for row in asktell.result.rows] == [3, 0, 4]
    assert asktell.result.best is not None
    assert asktell.result.best.trial == trials[0]
    assert asktell.result.interrupted


def test_proposals_can_be_asked_while_others_are_pending(asktell: hmserve.AskTell) -> None:
    for trial in asktell.ask(5)[:3]:
        asktell.tell(trial, cost(dict(trial.configuration)))
    (proposal,) = asktell.ask()
    pending = [dict(trial.configuration) for trial in asktell.pending]
    assert pending.count(dict(proposal.configuration)) == 1


def test_unknown_trials_are_refused_and_change_nothing(asktell: hmserve.AskTell) -> None:
    trial, other = asktell.ask(2)
    asktell.tell(trial, 1.0)
    for stranger in (trial, Trial(77, dict(other.configuration))):
        with pytest.raises(UnknownTrialError, match=f"trial {stranger.id} is not pending"):
            asktell.tell(stranger, 2.0)
        with pytest.raises(UnknownTrialError):
            asktell.drop(stranger)
    assert asktell.pending == (other,)
    assert len(asktell.result.rows) == 1


@pytest.mark.parametrize("outcome", ["fast", [1, 2], {"time": 1}, 10**400, np.zeros(2)])
def test_outcome_that_makes_no_sense_leaves_the_trial_pending(
    asktell: hmserve.AskTell, outcome: object
) -> None:
    (trial,) = asktell.ask()
    with pytest.raises(EvaluatorError):
        asktell.tell(trial, outcome)
    assert asktell.pending == (trial,)
    asktell.tell(trial, None)
    assert asktell.result.records[0]["feasible"] is False


def test_dropped_trial_gives_its_budget_back(asktell: hmserve.AskTell) -> None:
    first, *_ = asktell.ask(7)
    asktell.drop(first)
    (again,) = asktell.ask(7)
    assert again.id == 7
    told(asktell)
    assert asktell.finished
    assert len(asktell.result.rows) == 7


def test_observations_are_results_that_nobody_asked_for(asktell: hmserve.AskTell) -> None:
    best = {"x": 0.3, "n": 0, "o": 1, "c": "fast"}
    asktell.observe(best, -5.0)
    assert asktell.result.best is not None
    assert asktell.result.best.trial == Trial(OUTSIDE, best)
    asked = asktell.ask(7)
    assert len(asked) == 7
    assert best not in [dict(trial.configuration) for trial in asked]


def test_scalars_of_numpy_are_understood(asktell: hmserve.AskTell) -> None:
    values = {
        "x": np.float64(0.5),
        "n": np.int64(3),
        "o": np.float32(2.5),
        "c": np.str_("slow"),
    }
    asktell.observe(values, np.array(1.5))
    (trial,) = asktell.ask()
    asktell.tell(trial, np.float32(0.25))
    assert [record["cost"] for record in asktell.result.records] == [1.5, 0.25]
    samples = pathlib.Path(asktell.result.files.samples).read_text().splitlines()
    assert samples[1].startswith("0.5,3,2.5,slow,1.5,")


@pytest.mark.parametrize(
    "values",
    [
        {"x": 0.3, "n": 10, "o": 1, "c": "fast"},
        {"x": 0.3, "n": 1, "o": 3, "c": "fast"},
        {"x": 0.3, "n": 1, "o": 1, "c": "medium"},
        {"x": 0.3, "n": 1, "o": 1},
        {"x": "0.3", "n": 1, "o": 1, "c": "fast"},
        {"x": 0.3, "n": 1, "o": 1, "c": "fast", "more": 1},
        {},
    ],
)
def test_observation_outside_the_space_is_refused(
    asktell: hmserve.AskTell, values: Values
) -> None:
    with pytest.raises(UsageError, match="not in the space"):
        asktell.observe(values, 1.0)
    assert asktell.result.rows == ()


def test_resume_hands_over_what_is_pending(document: Document) -> None:
    with hmserve.AskTell(document) as run:
        trials = run.ask(6)
        run.tell(trials[2], 1.0)
        run.observe({"x": 0.5, "n": 5, "o": 4, "c": "slow"}, 2.0)
        run.drop(trials[0])
    with hmserve.AskTell(document, resume=True) as run:
        assert list(run.pending) == [trials[1], *trials[3:]]
        assert [record["cost"] for record in run.result.records] == [1.0, 2.0]
        assert [trial.id for trial in run.ask(9)] == [6, 7]
        assert told(run).finished


def test_resumed_run_asks_what_it_would_have_asked(
    document: Document, tmp_path: pathlib.Path
) -> None:
    def begin(run: hmserve.AskTell) -> hmserve.AskTell:
        for trial in run.ask(5)[1:]:
            run.tell(trial, cost(dict(trial.configuration)))
        run.ask()
        return run

    with hmserve.AskTell({**document, "run_directory": str(tmp_path / "one")}) as run:
        expected = begin(run).ask()
    with hmserve.AskTell(document) as run:
        begin(run)
    with hmserve.AskTell(document, resume=True) as run:
        assert run.ask() == expected


def test_everything_told_is_on_disk_at_once(asktell: hmserve.AskTell) -> None:
    (trial,) = asktell.ask()
    asktell.tell(trial, 4.25)
    files = asktell.result.files
    assert "4.25" in pathlib.Path(files.journal).read_text().splitlines()[-1]
    assert "4.25" in pathlib.Path(files.samples).read_text().splitlines()[-1]


def test_log_that_cannot_be_opened_lets_go_of_the_journal(
    document: Document, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(JournalError, match="log file"):
        hmserve.AskTell({**document, "log_file": str(tmp_path)})
    with hmserve.AskTell(document) as run:
        assert run.ask()


def test_run_is_closed_once_and_then_of_no_use(document: Document) -> None:
    with hmserve.AskTell(document) as run:
        (trial,) = run.ask()
        run.close()
    run.close()
    with pytest.raises(JournalError, match="closed"):
        run.tell(trial, 1.0)
    with hmserve.AskTell(document, resume=True) as again:
        assert again.pending == (trial,)
