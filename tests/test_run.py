"""The loop of a run with an evaluator that has several places."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hmserve import run as runs
from hmserve.run import Run
from hmserve.scenario import Scenario
from hmserve.trial import Evaluation, Results, Trial


class Places:
    """An evaluator of some places that answers one trial at a time, in their order.

    Args:
        places: How many trials it takes at once.
        lost: Ids of trials it answers after all others, if ever.
    """

    hungry = False

    def __init__(self, places: int, lost: Sequence[int] = ()) -> None:
        self.places, self.lost = places, set(lost)
        self.running: list[Trial] = []
        self.most = 0
        self.before: Callable[[], None] = lambda: None

    @property
    def free(self) -> int:
        return self.places - len(self.running)

    def submit(self, trials: Sequence[Trial]) -> None:
        self.running += trials
        self.most = max(self.most, len(self.running))

    def collect(self) -> Results:
        self.before()
        done = [t for t in self.running if t.id not in self.lost] or self.running
        first = done[0]
        self.running.remove(first)
        return Results(evaluations=[measured(first)])


def measured(trial: Trial) -> Evaluation:
    value = float(trial.configuration["x"]) ** 2  # type: ignore[arg-type]
    return Evaluation(trial, {"y": value}, details={"worker": trial.id % 3, "started": 1.5})


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[..., Scenario]:
    def make(**others: Any) -> Scenario:
        return Scenario.parse(
            {
                "optimization_objectives": ["y"],
                "input_parameters": {"x": {"parameter_type": "real", "values": [-1, 2]}},
                "design_of_experiment": {"number_of_samples": 3},
                "optimization_iterations": 6,
                "run_directory": str(tmp_path),
                "seed": 3,
                **others,
            }
        )

    return make


def unheard(run: Run) -> None:
    del run


def kinds(path: str) -> list[str]:
    return [json.loads(line)["type"] for line in Path(path).read_text().splitlines()]


def test_all_places_are_taken_before_a_result_is_awaited(
    scenario: Callable[..., Scenario],
) -> None:
    evaluator = Places(4)
    with runs.start(scenario()) as run:
        evaluator.before = lambda: seen.append(len(evaluator.running))
        seen: list[int] = []
        run.drive(evaluator, unheard)
        assert seen == [4] * 6 + [3, 2, 1]
        assert len(run.rows) == 9


def test_how_a_trial_was_evaluated_is_in_the_journal(
    scenario: Callable[..., Scenario],
) -> None:
    found = scenario()
    with runs.start(found) as run:
        run.drive(Places(2), unheard)
        rows = list(run.rows)
    with runs.resume(found) as run:
        again = [dict(row.evaluation.details) for row in run.rows]
    assert again == [dict(row.evaluation.details) for row in rows]
    assert again[0] == {"worker": rows[0].evaluation.trial.id % 3, "started": 1.5}


def test_a_trial_past_its_deadline_is_not_awaited(
    scenario: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(runs.time, "monotonic", lambda: now[0])
    evaluator = Places(3, lost=[1])
    evaluator.before = lambda: now.__setitem__(0, now[0] + 1.0)
    found = scenario(trial_deadline=2.5)
    with runs.start(found) as run:
        run.drive(evaluator, unheard)
        assert [t.id for t in run.optimizer.expired] == [1]
        assert not run.optimizer.pending
        assert len(run.rows) == 8
        late = measured(run.optimizer.expired[0])
        run.take(Results(evaluations=[late]))
        assert len(run.rows) == 9
    assert kinds(found.files.journal).count("expire") == 1


def test_a_resumed_run_knows_which_trials_have_expired(
    scenario: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(runs.time, "monotonic", lambda: now[0])
    found = scenario(trial_deadline=2.5)
    with runs.start(found) as run:
        trials = run.ask(3)
        now[0] = 3.0
        run.take(Results(evaluations=[measured(trials[0])]))
        (asked,) = run.ask(1)
        assert [t.id for t in run.optimizer.pending] == [asked.id]
    with runs.resume(replace(found)) as run:
        assert [t.id for t in run.optimizer.pending] == [asked.id]
        assert [t.id for t in run.optimizer.expired] == [1, 2]
        now[0] = 5.0
        run.ask(1)
        assert asked.id in {t.id for t in run.optimizer.pending}
        now[0] = 6.0
        run.ask(1)
        assert asked.id in {t.id for t in run.optimizer.expired}


def test_a_run_ends_while_all_places_hold_expired_trials(
    scenario: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(runs.time, "monotonic", lambda: now[0])
    evaluator = Places(2, lost=range(9))
    evaluator.before = lambda: now.__setitem__(0, now[0] + 9.0)
    with runs.start(scenario(trial_deadline=5.0)) as run:
        run.drive(evaluator, unheard)
        assert len(run.rows) + len(run.optimizer.expired) == 9
