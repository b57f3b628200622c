"""Ranks that work on one run together: budgets, files, stops, resuming."""

import csv
import threading
import time
from pathlib import Path

import pytest

from hmserve.errors import JournalError, ScenarioError, UsageError
from hmserve.journal.ranks import journals_in, merged
from hmserve.journal.records import Tell
from hmserve.report.lookback import records_at
from hmserve.run import start

FEW = {"a": {"parameter_type": "integer", "values": [0, 4]}} | {
    "b": {"parameter_type": "categorical", "values": ["r", "g", "b"]}
}


def bowl(c) -> float:
    return (c["x"] - 0.3) ** 2 + c["n"]


def told(records) -> int:
    return sum(len(record.evaluations) for record in records if isinstance(record, Tell))


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("iterations", [0, 1, 14])
def test_ranks_evaluate_exactly_what_the_budget_says(size, iterations, ranks) -> None:
    scenario = ranks.scenario(optimization_iterations=iterations)
    done = ranks.run(scenario, bowl, size)
    assert sum(len(each.evaluated) for each in done) == 6 + iterations
    assert {each.reason for each in done} == {"done"}


def test_every_rank_hears_of_every_result(ranks) -> None:
    done = ranks.run(ranks.scenario(), bowl, 4)
    seen = [
        sorted((e.trial.configuration["x"], e.objectives["f"]) for e in each.found)
        for each in done
    ]
    assert seen == [seen[0]] * 4
    assert len(seen[0]) == 12


def test_trials_have_numbers_that_no_two_ranks_share(ranks) -> None:
    done = ranks.run(ranks.scenario(), bowl, 3)
    ids = [trial.id for each in done for trial in each.evaluated]
    assert len(set(ids)) == 12
    for rank, each in enumerate(done):
        assert {trial.id % 3 for trial in each.evaluated} <= {rank}


def test_slow_rank_leaves_its_share_to_the_others(ranks) -> None:
    def slow(c) -> float:
        time.sleep(0.3)
        return bowl(c)

    done = ranks.run(ranks.scenario(optimization_iterations=54), [bowl, slow], 2)
    assert sum(len(each.evaluated) for each in done) == 60
    assert len(done[1].evaluated) < 20


def test_each_rank_begins_with_its_part_of_one_design(ranks) -> None:
    (alone,) = ranks.run(ranks.scenario(optimization_iterations=0), bowl, 1)
    design = [trial.configuration for trial in alone.evaluated]
    for rank, each in enumerate(ranks.run(ranks.scenario(), bowl, 3)):
        begun = [trial.configuration for trial in each.evaluated][:2]
        assert begun == design[rank::3][: len(begun)]


@pytest.mark.parametrize("synchronous", [False, True])
@pytest.mark.parametrize("method", ["random_search", "bayesian_optimization"])
def test_small_space_is_searched_whole_without_repeats(method, synchronous, ranks) -> None:
    scenario = ranks.scenario(
        input_parameters=FEW,
        optimization_iterations=100,
        optimization_method=method,
        sync_communication=synchronous,
        sync_communication_freq=2,
    )
    done = ranks.run(scenario, lambda c: c["a"] + len(c["b"]), 3)
    points = [tuple(t.configuration.values()) for each in done for t in each.evaluated]
    assert len(points) == len(set(points)) == 15


def test_runs_in_step_are_the_same_again(ranks) -> None:
    def run() -> list[list[tuple[float, int]]]:
        uneven = threading.Lock()

        def function(c) -> float:
            with uneven:
                time.sleep(0.002 * c["x"])
            return bowl(c)

        scenario = ranks.scenario(
            sync_communication=True,
            sync_communication_freq=3,
            optimization_iterations=20,
            optimization_method="bayesian_optimization",
        )
        done = ranks.run(scenario, function, 3)
        return [
            [(t.configuration["x"], t.configuration["n"]) for t in each.evaluated]
            for each in done
        ]

    assert run() == run()


def test_tables_hold_what_all_ranks_found(ranks) -> None:
    scenario = ranks.scenario(checkpoint_freq=5)
    ranks.run(scenario, bowl, 3)
    table = rows_of(str(Path(scenario.files.run_directory) / "results.csv"))
    assert list(table[0]) == [
        *("x", "n", "objective", "worker_rank", "timestamp_start", "timestamp_end")
    ]
    assert {row["worker_rank"] for row in table} == {"0", "1", "2"}
    samples = rows_of(scenario.files.samples)
    assert sorted(float(row["f"]) for row in samples) == sorted(
        float(row["objective"]) for row in table
    )
    assert len(samples) == 12


def test_failures_are_told_to_all_and_written_as_deephyper_does(ranks) -> None:
    scenario = ranks.scenario()
    done = ranks.run(scenario, lambda c: None if c["x"] < 0.5 else bowl(c), 3)
    failed = sum(e.trial.configuration["x"] < 0.5 for e in done[0].found)
    assert failed
    assert [each.union.failed for each in done] == [failed] * 3
    table = rows_of(str(Path(scenario.files.run_directory) / "results.csv"))
    assert sum(row["objective"].startswith("F") for row in table) == failed


def test_the_median_of_repetitions_is_what_ranks_tell_each_other(ranks) -> None:
    done = ranks.run(ranks.scenario(number_of_repetitions=3), lambda c: c["x"], 2)
    assert sum(len(each.evaluated) for each in done) == 3 * 12
    for each in done:
        assert len(each.found) == 12
        assert all(e.objectives["f"] == e.trial.configuration["x"] for e in each.found)


def test_times_of_a_resumed_run_go_on_where_they_ended(ranks) -> None:
    scenario = ranks.scenario()
    path = str(Path(scenario.files.run_directory) / "results.csv")
    ranks.run(scenario, bowl, 2)
    before = max(float(row["timestamp_end"]) for row in rows_of(path))
    time.sleep(0.2)
    ranks.run(ranks.scenario(optimization_iterations=12), bowl, 3, resume=True)
    ends = [float(row["timestamp_end"]) for row in rows_of(path)]
    assert min(ends) >= 0
    # Not all at once, and the pause took no time.
    assert max(ends[:12]) == pytest.approx(before, abs=0.1)
    assert min(ends[12:]) > before


def test_target_that_one_rank_reaches_ends_all(ranks) -> None:
    scenario = ranks.scenario(optimization_iterations=5000, target={"f": 0.5})
    done = ranks.run(scenario, bowl, 3)
    assert {each.reason for each in done} == {"target"}
    assert sum(len(each.evaluated) for each in done) < 5006


def test_time_budget_ends_all(ranks) -> None:
    scenario = ranks.scenario(optimization_iterations=10**6, time_budget=0.02 / 60)
    done = ranks.run(scenario, bowl, 3)
    assert {each.reason for each in done} == {"time"}


def test_two_objectives_leave_a_front(ranks) -> None:
    scenario = ranks.scenario(optimization_objectives=["f", "g"])
    ranks.run(scenario, lambda c: {"f": c["x"], "g": 1 - c["x"] + 0.1 * c["n"]}, 3)
    front = rows_of(scenario.files.pareto)
    assert front
    values = [(float(row["f"]), float(row["g"])) for row in front]
    assert not any(a[0] <= b[0] and a[1] <= b[1] for a in values for b in values if a != b)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_run_of_three_ranks_goes_on_with_any_number(size, ranks) -> None:
    first = ranks.run(ranks.scenario(), bowl, 3)
    done = ranks.run(ranks.scenario(optimization_iterations=20), bowl, size, resume=True)
    assert sum(len(each.evaluated) for each in done) == 14
    before = {(e.trial.configuration["x"], e.objectives["f"]) for e in first[0].found}
    for each in done:
        after = {(e.trial.configuration["x"], e.objectives["f"]) for e in each.found}
        assert before < after
        assert len(after) == 26


def test_crash_loses_no_result_and_all_of_the_budget_is_spent(ranks) -> None:
    calls = []

    def crash(c) -> float:
        calls.append(c)
        if len(calls) > 7:
            raise KeyboardInterrupt
        return bowl(c)

    with pytest.raises(KeyboardInterrupt):
        ranks.run(ranks.scenario(), crash, 3)
    known = told(merged(journals_in(ranks.scenario().files).values()))
    assert known >= 5
    done = ranks.run(ranks.scenario(), bowl, 2, resume=True)
    assert sum(len(each.evaluated) for each in done) == 12 - known
    assert len(done[0].found) == 12


def test_journals_of_all_ranks_read_like_one(ranks) -> None:
    scenario = ranks.scenario()
    ranks.run(scenario, bowl, 3)
    paths = journals_in(scenario.files).values()
    apart = [told(records_at(path)[1]) for path in paths]
    assert len(apart) == 3
    assert told(merged(paths)) == sum(apart) == 12


def test_samples_that_no_journal_has_are_kept(ranks, tmp_path) -> None:
    samples = tmp_path / "app_output_samples.csv"
    samples.write_text("precious\n")
    for _ in range(2):
        ranks.run(ranks.scenario(), bowl, 2)
    assert (tmp_path / "app_output_samples.csv.1").read_text() == "precious\n"
    assert not (tmp_path / "app_output_samples.csv.2").exists()


def test_new_run_keeps_the_journals_of_the_earlier_one(ranks, tmp_path) -> None:
    ranks.run(ranks.scenario(), bowl, 3)
    ranks.run(ranks.scenario(), bowl, 2)
    assert len(journals_in(ranks.scenario().files)) == 2
    assert len(list((tmp_path / "app_output_samples.ranks.1").glob("rank-*.journal"))) == 3


def test_ranks_of_different_scenarios_are_refused_and_the_key_is_named(ranks) -> None:
    scenarios = [ranks.scenario(seed=1), ranks.scenario(seed=2)]
    with pytest.raises(UsageError, match="do not agree on the key seed"):
        ranks.run(scenarios, bowl, 2)


def test_run_of_ranks_is_not_resumed_without_them(ranks) -> None:
    from hmserve.run import resume

    ranks.run(ranks.scenario(), bowl, 2)
    with pytest.raises(JournalError, match="--mpi"):
        resume(ranks.scenario())


def test_run_without_ranks_is_not_resumed_by_them(ranks) -> None:
    start(ranks.scenario()).close()
    with pytest.raises(JournalError, match="without ranks"):
        ranks.run(ranks.scenario(), bowl, 2, resume=True)


def test_other_scenario_is_not_resumed(ranks) -> None:
    ranks.run(ranks.scenario(), bowl, 2)
    with pytest.raises(ScenarioError, match="optimization_objectives"):
        ranks.run(
            ranks.scenario(optimization_objectives=["g"]), lambda c: c["x"], 2, resume=True
        )


def test_table_of_all_ranks_has_a_file_of_its_own(ranks) -> None:
    with pytest.raises(ScenarioError, match="checkpoint_file"):
        ranks.run(ranks.scenario(checkpoint_file="app_output_samples.csv"), bowl, 2)


@pytest.mark.parametrize("scheduler", ["hyperband", "successive_halving", "asha"])
def test_ranks_climb_the_same_rungs(scheduler, ranks) -> None:
    fidelity = {"name": "epochs", "type": "integer", "min": 1, "max": 9, "resumable": True}
    scenario = ranks.scenario(
        fidelity={**fidelity, "scheduler": scheduler, "sampler": "random"},
        optimization_method="bayesian_optimization",
        max_evaluations=90,
    )
    done = ranks.run(scenario, lambda c: bowl(c) + 1 / c["epochs"], 3)
    trials = [trial for each in done for trial in each.evaluated]
    assert len(trials) == 90
    assert {trial.fidelity for trial in trials} == {1.0, 3.0, 9.0}
    for rank, each in enumerate(done):
        # Only who has the checkpoint goes on from it.
        assert {trial.stage.root % 3 for trial in each.evaluated} == {rank}
        assert any(trial.stage.previous for trial in each.evaluated)
    begun = sum(trial.stage.previous == 0 for trial in trials)
    assert 40 <= begun <= 75
