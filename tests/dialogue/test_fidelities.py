"""Conversations about runs with fidelities, across kills and resumes."""

import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmserve.journal.jsonl import read
from hmserve.journal.records import Report

FIDELITY = {"name": "epochs", "type": "integer", "min": 1, "max": 9, "sampler": "random"}
DESIGN = {"number_of_samples": 2}
REAL = {"x": {"parameter_type": "real", "values": [0, 1]}}


@pytest.fixture
def begin(open_host, tmp_path):
    """Return a function that begins a run with these members of its key ``fidelity``."""
    hosts = []

    def make(directory=tmp_path, changes=None, **fidelity):
        host = open_host(
            directory,
            input_parameters=REAL,
            design_of_experiment=DESIGN,
            fidelity={**FIDELITY, **fidelity},
            **(changes or {}),
        )
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        host.run.close()


def handed(answer):
    """Return the rows of a request by column; none if it is another answer."""
    if not answer[0].startswith("Request"):
        return []
    names = answer[1].split(",")
    return [dict(zip(names, row.split(","), strict=True)) for row in answer[2:]]


def test_nothing_is_handed_out_while_a_rung_awaits_results(begin) -> None:
    host = begin(num_iterations=1)
    rows = [row for n in (5, 5) for row in handed(host.say(f"Ask {n}"))]
    assert [row["epochs"] for row in rows] == ["1"] * 9
    assert host.say("Ask") == ["Wait 9"]
    for row in rows:
        assert host.say("Ask")[0].startswith("Wait")
        host.say("Tell 1", "trial,epochs,Value", f"{row['trial']},1,{row['trial']}")
    assert [row["epochs"] for row in handed(host.say("Ask 9"))] == ["3"] * 3
    host.say("Tell 3", "trial,epochs,Value", "9,3,1", "10,3,2", "11,3,3")
    assert [row["epochs"] for row in handed(host.say("Ask 9"))] == ["9"]
    host.say("Tell 1", "trial,epochs,Value", "12,9,1")
    assert host.say("Ask") == ["End of HyperMapper"]


def test_what_ended_early_is_data_and_goes_on_no_further(begin) -> None:
    host = begin(num_iterations=1, min=3)
    rows = handed(host.say("Ask 3"))
    assert host.say(
        "Tell 3", "trial,epochs,Value", "0,2,-5", *(f"{i},3,{i}" for i in (1, 2))
    ) == ["Ok 3 0"]
    (going_on,) = handed(host.say("Ask 3"))
    assert (going_on["x"], going_on["epochs"]) == (rows[1]["x"], "9")
    assert host.run.rows[0].evaluation.trial.fidelity == 2


def test_answer_need_not_say_how_far_where_that_is_assumed(begin) -> None:
    host = begin(assume_requested=True)
    host.say("Ask 2")
    assert host.say("Tell 2", "trial,Value", "0,1", "1,nan") == ["Ok 2 0"]
    assert [row.evaluation.trial.fidelity for row in host.run.rows] == [1, 1]


def test_reports_are_on_record_where_they_may_end_something(begin, tmp_path) -> None:
    for name, stopping, kept in (("a", "none", 0), ("b", "median", 2)):
        host = begin(tmp_path / name, scheduler="full", stopping=stopping)
        host.say("Ask")
        for _ in range(2):
            assert host.say("Report 0,1,2.5") == ["Continue"]
        assert host.say("Report 0,10,1")[0].startswith("Error 0 Report: epochs: expected")
        assert host.say("Report 0,0,1")[0].startswith("Error 0 Report: epochs: expected")
        records = read(host.scenario.files.journal).records
        assert sum(isinstance(record, Report) for record in records) == kept


def test_median_ends_what_is_worse_than_half_of_those_that_came_as_far(begin) -> None:
    host = begin(scheduler="full", stopping="median")
    host.say("Ask 7")
    for step in ("0.5", "1"):
        for trial in range(5):
            assert host.say(f"Report {trial},{step},{trial}") == ["Continue"]
    assert host.say("Report 5,0.5,3") == ["Continue"]
    assert host.say("Report 5,1,3") == ["Stop"]
    host.kill()
    assert host.say("Report 5,1,3") == ["Stop"]
    assert host.say("Report 5,0.5,3") == ["Continue"]
    assert host.say("Report 6,0.5,2") == ["Continue"]
    assert host.say("Report 6,1,2") == ["Continue"]


def test_what_has_come_as_far_as_it_was_to_is_not_ended(begin) -> None:
    host = begin(scheduler="full", stopping="asha")
    host.say("Ask 6")
    for trial in range(6):
        assert host.say(f"Report {trial},9,{trial}") == ["Continue"]
    # Nor do such reports count: their results will.
    assert host.say("Report 5,1,99") == ["Continue"]
    host.say("Tell 2", "trial,epochs,Value", "0,9,1", "1,9,2")
    assert host.say("Report 2,8,3") == ["Continue"]


def test_results_count_as_reports_do(begin) -> None:
    host = begin(stopping="asha", min=3)
    host.say("Ask 3")
    host.say("Tell 3", "trial,epochs,Value", "0,3,1", "1,3,2", "2,3,nan")
    again, other = handed(host.say("Ask 2"))
    assert (again["epochs"], other["epochs"]) == ("9", "9")
    assert host.say(f"Report {again['trial']},3,5") == ["Continue"]
    assert host.say(f"Report {other['trial']},3,5") == ["Stop"]


class Twins:
    """Two runs that hear the same, of which one is killed now and then.

    Args:
        begin: Begins a run in a directory.
        directory: For both.
    """

    def __init__(self, begin, directory) -> None:
        self.steady, self.killed = (begin(f"{directory}/{name}") for name in "ab")
        self.out: dict[int, dict[str, str]] = {}
        self.roots: dict[str, tuple[str, float]] = {}

    def say(self, *lines) -> list[str]:
        answer = self.steady.say(*lines)
        assert self.killed.say(*lines) == answer
        return answer

    def ask(self, n) -> None:
        for row in handed(self.say(f"Ask {n}")):
            x, reached = self.roots.setdefault(row["root"], (row["x"], 0.0))
            assert (x, reached) == (row["x"], float(row["previous"]))
            assert row["root"] not in {each["root"] for each in self.out.values()}
            assert float(row["epochs"]) > reached
            self.out[int(row["trial"])] = row

    def tell(self, at, value, part) -> None:
        if not self.out:
            return
        trial = sorted(self.out)[at % len(self.out)]
        row = self.out.pop(trial)
        epochs = float(row["epochs"]) if part == 1 else max(float(row["epochs"]) // 2, 1)
        assert self.say("Tell 1", "trial,epochs,Value", f"{trial},{epochs},{value}") == [
            "Ok 1 0"
        ]
        self.roots[row["root"]] = row["x"], epochs

    def report(self, at, fidelity, value) -> None:
        if self.out:
            trial = sorted(self.out)[at % len(self.out)]
            first = self.say(f"Report {trial},{fidelity},{value}")
            assert self.say(f"Report {trial},{fidelity},{value}") == first

    def drop(self, at) -> None:
        if self.out:
            trial = sorted(self.out)[at % len(self.out)]
            assert self.say("Drop 1", "trial", f"{trial}") == ["Ok 1 0"]
            row = self.out.pop(trial)
            if row["previous"] == "0":
                del self.roots[row["root"]]

    def kill(self) -> None:
        self.killed.kill(b'{"type":"rep')
        again = handed(self.killed.say("Ask 99")) if self.out else []
        assert {int(row["trial"]): row for row in again} == self.out


VALUE = st.integers(0, 9)
PLACE = st.integers(0, 99)
ACT = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 5)),
    st.tuples(st.just("tell"), PLACE, VALUE | st.just("nan"), st.sampled_from([1, 1, 1, 2])),
    st.tuples(st.just("tell"), PLACE, VALUE, st.just(1)),
    st.tuples(st.just("report"), PLACE, st.sampled_from([0.5, 1, 2, 3, 9]), VALUE),
    st.tuples(st.just("drop"), PLACE),
    st.tuples(st.just("kill")),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    acts=st.lists(ACT, min_size=5, max_size=40),
    scheduler=st.sampled_from(["hyperband", "successive_halving", "asha", "full"]),
    stopping=st.sampled_from(["asha", "median", "none"]),
)
def test_a_run_that_is_killed_answers_as_one_that_is_not(acts, scheduler, stopping, begin):
    def make(directory):
        return begin(directory, scheduler=scheduler, stopping=stopping, resumable=True)

    with tempfile.TemporaryDirectory() as directory:
        twins = Twins(make, directory)
        for name, *arguments in acts:
            getattr(twins, name)(*arguments)
