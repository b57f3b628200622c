"""Functions on the workers of an executor: what is out, what comes back, what goes wrong."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import hmserve
from hmserve import Workers
from hmserve.errors import EvaluatorError, UsageError
from hmserve.executors.pool import prepared, workers_of
from hmserve.executors.pooled import Pooled
from hmserve.executors.task import Numbering, Report
from hmserve.trial import Evaluation, Trial

Document = dict[str, Any]


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return {
        "application_name": "app",
        "optimization_objectives": ["cost"],
        "design_of_experiment": {"number_of_samples": 6},
        "optimization_iterations": 2,
        "run_directory": str(tmp_path / "run"),
        "seed": 3,
        "input_parameters": {"x": {"parameter_type": "real", "values": [0, 1]}},
    }


class Manual(Executor):
    """An executor whose calls end when the test says so, in the order of the test."""

    def __init__(self, workers: int = 2) -> None:
        self.num_workers = workers
        self.calls: list[tuple[Future[Any], Any, tuple[Any, ...]]] = []
        self.refusing = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> "Future[Any]":
        if self.refusing:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[Any] = Future()
        self.calls.append((future, fn, args))
        if len(self.calls) == 1:
            self.finish(0)
        return future

    def finish(self, number: int) -> None:
        future, fn, args = self.calls[number]
        future.set_running_or_notify_cancel()
        future.set_result(fn(*args))


@pytest.fixture
def make(document: Document) -> Callable[..., tuple[Manual, Pooled, list[str]]]:
    def build(
        function: Callable[[dict[str, Any]], Any] = lambda values: values["x"],
        places: int = 2,
        workers: Workers | None = None,
    ) -> tuple[Manual, Pooled, list[str]]:
        executor, said = Manual(places), []
        pool = prepared(executor, function, workers)
        return executor, Pooled(hmserve.Scenario.parse(document), pool, said.append), said

    return build


def trials(*ids: int) -> list[Trial]:
    return [Trial(k, {"x": k / 10}) for k in ids]


def ids(evaluations: Any) -> list[int]:
    return [evaluation.trial.id for evaluation in evaluations]


# ---- one trial out for each worker


def test_as_many_trials_are_out_as_there_are_workers(make) -> None:
    executor, pooled, _ = make(places=3)
    assert pooled.free == 3
    pooled.submit(trials(0, 1))
    assert pooled.free == 1
    pooled.submit(trials(2))
    assert pooled.free == 0
    executor.finish(2)
    assert ids(pooled.collect().evaluations) == [1]
    assert pooled.free == 1


def test_trials_beyond_the_places_wait_their_turn(make) -> None:
    executor, pooled, _ = make(places=2)
    pooled.submit(trials(0, 1, 2, 3))
    assert len(executor.calls) == 1 + 2
    executor.finish(1)
    assert ids(pooled.collect().evaluations) == [0]
    executor.finish(2)
    assert ids(pooled.collect().evaluations) == [1]
    assert len(executor.calls) == 1 + 3
    assert pooled.free == 0


def test_results_that_came_meanwhile_come_together(make) -> None:
    executor, pooled, _ = make(places=3)
    pooled.submit(trials(0, 1, 2))
    executor.finish(3)
    executor.finish(1)
    assert ids(pooled.collect().evaluations) == [2, 0]


def test_a_batch_is_proposed_when_so_many_places_are_free(make) -> None:
    executor, pooled, _ = make(places=3, workers=Workers(batch_size=2))
    pooled.submit(trials(0, 1, 2))
    executor.finish(1)
    pooled.collect()
    assert pooled.free == 0
    executor.finish(2)
    pooled.collect()
    assert pooled.free == 2
    # The optimizer may give one at a time.
    pooled.submit(trials(3))
    assert pooled.free == 1


def test_details_tell_who_evaluated_when(make) -> None:
    executor, pooled, _ = make(lambda values: time.sleep(0.01) or values["x"])
    before = time.time()
    pooled.submit(trials(1))
    executor.finish(1)
    (evaluation,) = pooled.collect().evaluations
    details = evaluation.details
    assert evaluation.objectives == {"cost": 0.1}
    assert details["worker"] == 0
    assert before <= details["started"] < details["finished"] <= time.time()
    assert "failure" not in details


@pytest.mark.parametrize("ahead", [-5000.0, 5000.0])
def test_the_clock_of_a_worker_may_be_wrong(make, ahead) -> None:
    executor, pooled, _ = make()
    before = time.time()
    pooled.submit(trials(1))
    future = executor.calls[1][0]
    future.set_result(Report(0.5, None, time.time() + ahead, 0.0, ("elsewhere", 1, 1)))
    (evaluation,) = pooled.collect().evaluations
    details = evaluation.details
    assert before <= details["started"] <= details["finished"] <= time.time()


# ---- what goes wrong


@pytest.mark.parametrize("raised", [ValueError("too far"), SystemExit(3)])
def test_a_function_that_raises_costs_one_failed_evaluation(make, raised) -> None:
    def function(_: dict[str, Any]) -> float:
        raise raised

    executor, pooled, said = make(function)
    pooled.submit(trials(7))
    executor.finish(1)
    (evaluation,) = pooled.collect().evaluations
    assert not evaluation.feasible
    assert evaluation.details["failure"] == "crash"
    assert "trial 7 failed on worker 0" in said[0]
    assert repr(raised).split("(")[0] in said[0]


def test_what_no_outcome_is_costs_one_failed_evaluation(make) -> None:
    executor, pooled, said = make(lambda _: "fast")
    pooled.submit(trials(0))
    executor.finish(1)
    (evaluation,) = pooled.collect().evaluations
    assert not evaluation.feasible
    assert evaluation.details["failure"] == "unparsable"
    assert "expected a number, got 'fast'" in said[0]


def test_a_lost_worker_costs_one_failed_evaluation(make) -> None:
    executor, pooled, said = make()
    pooled.submit(trials(0, 1))
    executor.calls[1][0].set_exception(OSError("worker died"))
    (evaluation,) = pooled.collect().evaluations
    assert (evaluation.trial.id, evaluation.feasible) == (0, False)
    assert evaluation.details["failure"] == "crash"
    assert "worker died" in said[0]
    assert pooled.free == 1


def test_a_broken_pool_fails_all_that_is_out_and_then_ends_the_run(make) -> None:
    executor, pooled, _ = make()
    pooled.submit(trials(0, 1))
    broken = BrokenExecutor("a child process terminated abruptly")
    (first, _, _), (second, _, _) = executor.calls[1:]
    first.set_exception(broken)
    # Not all of them hear of it at the same moment.
    threading.Timer(0.05, lambda: second.set_exception(broken)).start()
    executor.refusing = True
    found = pooled.collect().evaluations
    assert [evaluation.details["failure"] for evaluation in found] == ["crash", "crash"]
    with pytest.raises(EvaluatorError, match="resume=True") as caught:
        pooled.submit(trials(2))
    assert caught.value.status == 5


def test_a_trial_that_others_cancelled_is_given_out_again(make) -> None:
    executor, pooled, _ = make()
    pooled.submit(trials(0, 1))
    executor.calls[1][0].cancel()
    executor.finish(2)
    assert ids(pooled.collect().evaluations) == [1]
    pooled.submit([])
    executor.finish(3)
    assert ids(pooled.collect().evaluations) == [0]


def test_a_trial_past_its_timeout_fails_and_is_cancelled(make) -> None:
    executor, pooled, said = make(workers=Workers(timeout=0.02))
    pooled.submit(trials(0, 1))
    found = list(pooled.collect().evaluations)
    while len(found) < 2:
        found += pooled.collect().evaluations
    assert [evaluation.details["failure"] for evaluation in found] == ["timeout", "timeout"]
    assert all(future.cancelled() for future, _, _ in executor.calls[1:])
    assert "0.02 s" in said[0]
    assert pooled.free == 2


def test_a_call_that_cannot_be_cancelled_holds_its_place_until_it_ends(make) -> None:
    executor, pooled, said = make(workers=Workers(timeout=0.02))
    pooled.submit(trials(0, 1))
    for future, _, _ in executor.calls[1:]:
        future.set_running_or_notify_cancel()
    found = []
    while len(found) < 2:
        found += pooled.collect().evaluations
    # One more is taken on; it waits for a place.
    assert pooled.free == 1
    pooled.submit(trials(2))
    assert (pooled.free, len(executor.calls)) == (0, 3)
    executor.calls[1][0].set_result(None)
    threading.Timer(0.01, lambda: executor.finish(3)).start()
    assert ids(pooled.collect().evaluations) == [2]
    assert any("its place is free" in text for text in said)


def test_calls_that_never_end_end_the_run(make) -> None:
    executor, pooled, _ = make(workers=Workers(timeout=0.02))
    pooled.submit(trials(0, 1))
    for future, _, _ in executor.calls[1:]:
        future.set_running_or_notify_cancel()
    found = []
    while len(found) < 2:
        found += pooled.collect().evaluations
    pooled.submit(trials(2))
    with pytest.raises(EvaluatorError, match="do not end"):
        pooled.collect()


def test_the_user_interrupts_a_worker_and_the_trial_stays_pending(make) -> None:
    executor, pooled, _ = make()
    pooled.submit(trials(0))
    executor.calls[1][0].set_exception(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        pooled.collect()


# ---- getting ready


class Silent(Manual):
    def __init__(self) -> None:
        super().__init__()
        del self.num_workers


def test_the_number_of_workers_is_asked_for_where_nobody_says_it() -> None:
    with pytest.raises(UsageError, match="workers=4"):
        prepared(Silent(), print, None)
    assert prepared(Silent(), print, 5).count == 5


def test_the_executor_says_how_many_workers_it_has() -> None:
    assert workers_of(Manual(7)) == 7
    with ThreadPoolExecutor(3) as executor:
        assert workers_of(executor) == 3


@pytest.mark.parametrize(
    "wrong",
    [{"count": 0}, {"count": 1.5}, {"count": True}, {"batch_size": 0}, {"timeout": 0.0}],
)
def test_numbers_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Workers(**wrong)


def test_a_batch_larger_than_the_pool_is_refused() -> None:
    with pytest.raises(UsageError, match="2 workers"):
        prepared(Manual(2), print, Workers(batch_size=3))


def test_workers_are_numbered_in_their_order_and_replaced_ones_keep_the_number() -> None:
    numbering = Numbering(2)
    assert numbering.number(("a", 1, 1), 0.0, 1.0) == 0
    assert numbering.number(("a", 2, 1), 0.0, 2.0) == 1
    assert numbering.number(("a", 1, 1), 1.0, 3.0) == 0
    assert numbering.number(("a", 3, 1), 2.5, 4.0) == 1
    assert numbering.number(("a", 2, 1), 3.5, 4.0) == 0


def test_an_evaluation_counts_once(make) -> None:
    """A late result of a trial that has failed is not counted again."""
    executor, pooled, _ = make(workers=Workers(timeout=0.02))
    pooled.submit(trials(0, 1))
    executor.calls[1][0].set_running_or_notify_cancel()
    found: list[Evaluation] = []
    while len(found) < 2:
        found += pooled.collect().evaluations
    executor.calls[1][0].set_result(Report(0.5, None, time.time(), 0.0, ("here", 1, 1)))
    pooled.submit(trials(2))
    executor.finish(3)
    found += pooled.collect().evaluations
    assert sorted(ids(found)) == [0, 1, 2]
