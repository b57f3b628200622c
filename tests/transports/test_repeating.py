"""Each configuration evaluated several times."""

import math
from collections.abc import Sequence

import hmserve
from hmserve.transports.repeating import Repeating
from hmserve.trial import Evaluation, Results, Trial


class Scripted:
    """Answers with what it is given, some at a time."""

    def __init__(self, values: Sequence[float | None], at_once: int) -> None:
        self.values, self.at_once = list(values), at_once
        self.queue: list[Trial] = []

    @property
    def free(self) -> int:
        return 0 if self.queue else 100

    def submit(self, trials: Sequence[Trial]) -> None:
        self.queue += trials

    def collect(self) -> Results:
        trials, self.queue = self.queue[: self.at_once], self.queue[self.at_once :]
        found = [self._one(trial, self.values.pop(0)) for trial in trials]
        return Results(evaluations=found)

    @staticmethod
    def _one(trial: Trial, value: float | None) -> Evaluation:
        if value is None:
            return Evaluation(trial, feasible=False)
        return Evaluation(trial, {"v": abs(value)}, feasible=math.copysign(1, value) > 0)


def results(values: Sequence[float | None], times: int, at_once: int) -> list[Evaluation]:
    repeating = Repeating(Scripted(values, at_once), times, lambda _: None)
    trials = [Trial(i, {"x": i}) for i in range(len(values) // times)]
    repeating.submit(trials)
    found: list[Evaluation] = []
    while len(found) < len(trials):
        found += repeating.collect().evaluations
    assert [e.trial for e in found] == trials
    return found


def test_the_median_counts() -> None:
    first, second = results([3.0, 1.0, 9.0, 5.0, 5.0, 4.0], 3, at_once=6)
    assert first.objectives == {"v": 3.0}
    assert second.objectives == {"v": 5.0}


def test_results_may_come_in_pieces_that_part_a_trial() -> None:
    first, second = results([3.0, 1.0, 9.0, 5.0, 5.0, 4.0], 3, at_once=2)
    assert (first.objectives, second.objectives) == ({"v": 3.0}, {"v": 5.0})


def test_failures_do_not_count_unless_most_of_them_fail() -> None:
    (good,) = results([None, 1.0, 3.0], 3, at_once=3)
    assert good.feasible
    assert good.objectives == {"v": 2.0}
    (bad,) = results([None, None, 3.0], 3, at_once=3)
    assert not bad.feasible
    (none,) = results([None, None], 2, at_once=2)
    assert none.objectives == {}


def test_most_of_the_results_decide_whether_a_trial_is_feasible() -> None:
    (infeasible,) = results([-4.0, -6.0, 1.0], 3, at_once=3)
    assert not infeasible.feasible
    assert infeasible.objectives == {"v": 4.0}


def test_a_function_is_called_so_often_for_each_configuration(tmp_path) -> None:
    calls: list[float] = []

    def noisy(configuration) -> float:
        calls.append(configuration["x"])
        return len(calls) % 3

    scenario = {
        "optimization_objectives": ["v"],
        "input_parameters": {"x": {"parameter_type": "real", "values": [0, 1]}},
        "design_of_experiment": {"number_of_samples": 4},
        "optimization_iterations": 0,
        "number_of_repetitions": 3,
        "run_directory": str(tmp_path),
    }
    result = hmserve.optimize(scenario, noisy, progress=False)
    assert len(calls) == 12
    assert [calls.count(x) for x in dict.fromkeys(calls)] == [3, 3, 3, 3]
    assert [record["v"] for record in result.records] == [1.0] * 4
    assert "trial 0: {'v': 2.0}" in (tmp_path / "hypermapper_logfile.log").read_text()
