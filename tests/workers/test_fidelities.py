"""Commands that evaluate as far as they are told, tell how they stand, and are ended early."""

import os
from pathlib import Path

import pytest

from hmserve import serve
from hmserve.errors import UsageError
from hmserve.journal.jsonl import read
from hmserve.journal.records import Report, Tell
from hmserve.scenario import Scenario
from hmserve.serving.command import check_command, with_command


def scenario(directory, script, fidelity=None, evaluator=None, **changes) -> Scenario:
    """Return one whose command is a shell script, in which $1 is x and $2 is epochs."""
    command = ["sh", "-c", script, "sh", "{x}", "{epochs}"]
    return Scenario.parse(
        {
            "application_name": "app",
            "optimization_objectives": ["f"],
            "run_directory": str(directory),
            "seed": 1,
            "input_parameters": {
                "x": {"parameter_type": "ordinal", "values": [*range(40)]},
            },
            "fidelity": {
                "name": "epochs",
                "type": "integer",
                "min": 1,
                "max": 9,
                "sampler": "random",
                **(fidelity or {}),
            },
            "evaluator": {"kind": "once", "command": command, **(evaluator or {})},
            **changes,
        }
    )


def run(found: Scenario, resume=False):
    """Run it; return its rows."""
    check_command(found)
    with serve.open_run(found, resume) as opened:
        with_command(opened, os.environ, lambda _: None, lambda _: None)
        return list(opened.rows)


def told(rows):
    return [
        (row.evaluation.trial.configuration["x"], row.evaluation.trial.fidelity) for row in rows
    ]


def log_of(found: Scenario) -> str:
    return Path(found.files.log).read_text()


HALVING = {"scheduler": "successive_halving", "num_iterations": 1}
FULL = {"scheduler": "full", "stopping": "asha", "num_iterations": 6}


def test_placeholders_stand_for_how_far_and_from_where(tmp_path) -> None:
    script = 'echo "$*" >> seen; echo "$1"'
    command = [
        *("sh", "-c", script.replace("seen", "{here}/seen"), "sh", "{x}", "{epochs}"),
        *("{trial}", "{previous}"),
    ]
    fidelity = {**HALVING, "resumable": True}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        rows = run(scenario(tmp_path, "", fidelity, {"command": command}))
    lines = [line.split() for line in (tmp_path / "seen").read_text().splitlines()]
    assert [(line[1], line[3]) for line in lines] == [("1", "0")] * 9 + [("3", "1")] * 3 + [
        ("9", "3")
    ]
    began = {line[2]: line[0] for line in lines[:9]}
    assert all(began[trial] == x for x, _, trial, _ in lines[9:])
    assert told(rows)[-1] == (min(x for x, _ in told(rows)), 9)


def test_a_client_gets_the_columns_and_echoes_them(tmp_path) -> None:
    client = (
        "while read word n && [ $word = Request ]; do read names; "
        'read row; echo "$names,f"; echo "$row,${row%%,*}"; done'
    )
    found = scenario(
        tmp_path, "", HALVING, {"kind": "protocol", "command": ["sh", "-c", client]}
    )
    rows = run(found)
    assert [fidelity for _, fidelity in told(rows)] == [1] * 9 + [3] * 3 + [9]
    assert all(row.evaluation.feasible for row in rows)


def test_a_command_that_is_not_told_how_far_to_go_is_refused(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"has no \{epochs\}"):
        check_command(scenario(tmp_path, "", None, {"command": ["sim", "{x}"]}))
    client = {"kind": "protocol", "command": ["client", "{epochs}"]}
    with pytest.raises(UsageError, match="runs once"):
        check_command(scenario(tmp_path, "", None, client))


def test_stopping_that_would_leave_constraints_unmeasured_is_refused(tmp_path) -> None:
    found = scenario(tmp_path, "", FULL, output_constraints={"stress": [None, 1]})
    with pytest.raises(UsageError, match="leaves stress unmeasured"):
        check_command(found)


# Those after the first two are worse than they, and go on for ever.
ENDLESS = """
echo "Report 1,$HMSERVE_TRIAL"
[ $HMSERVE_TRIAL -lt 2 ] || sleep 60
echo "Report $2,$HMSERVE_TRIAL"
echo "$HMSERVE_TRIAL"
"""


def outcomes(rows):
    return [
        (
            row.evaluation.trial.fidelity,
            dict(row.evaluation.objectives),
            row.evaluation.feasible,
        )
        for row in rows
    ]


def test_what_is_to_stop_is_ended_and_counts_with_what_it_reported_last(tmp_path) -> None:
    found = scenario(tmp_path, ENDLESS, {**FULL, "num_iterations": 4})
    rows = run(found)
    assert outcomes(rows) == [
        (9, {"f": 0.0}, True),
        (9, {"f": 1.0}, True),
        (1, {"f": 2.0}, True),
        (1, {"f": 3.0}, True),
    ]
    records = read(found.files.journal).records
    reports = [(r.id, r.fidelity, r.objective) for r in records if isinstance(r, Report)]
    assert reports[:5] == [(0, 1, 0), (0, 9, 0), (1, 1, 1), (1, 9, 1), (2, 1, 2)]
    assert [len(r.evaluations) for r in records if isinstance(r, Tell)] == [1] * 4


def test_reports_of_what_is_maximised_are_turned(tmp_path) -> None:
    gain = [{"name": "f", "goal": "maximize"}]
    script = ENDLESS.replace("$HMSERVE_TRIAL", "-$HMSERVE_TRIAL").replace("[ -", "[ ")
    found = scenario(
        tmp_path, script, {**FULL, "num_iterations": 3}, optimization_objectives=gain
    )
    assert outcomes(run(found))[2] == (1, {"f": 2.0}, True)


def test_a_report_is_no_output_and_what_only_looks_like_one_is(tmp_path) -> None:
    script = 'echo Report on all; echo "Report 1,x"; echo 5; echo "Report 9,3"'
    found = scenario(tmp_path, script, {**HALVING, "max": 1})
    assert outcomes(run(found)) == [(1, {"f": 5.0}, True)]


def test_a_report_that_cannot_be_is_complained_of_once(tmp_path) -> None:
    script = 'for i in 1 2 3; do echo "Report 10,5"; done; echo "Report 1,nan"; echo 5'
    found = scenario(tmp_path, script, {**FULL, "num_iterations": 1})
    assert outcomes(run(found)) == [(9, {"f": 5.0}, True)]
    assert log_of(found).count("a report is not used: epochs: expected a number above 0") == 1


def test_a_timeout_after_reports_is_a_failure(tmp_path) -> None:
    script = 'echo "Report 3,5"; sleep 60'
    found = scenario(tmp_path, script, {**FULL, "num_iterations": 1}, {"timeout": 0.5})
    assert outcomes(run(found)) == [(9, {}, False)]


def test_an_evaluation_may_say_that_it_ended_early(tmp_path) -> None:
    found = scenario(
        tmp_path,
        "",
        {**FULL, "num_iterations": 2},
        {"command": ["echo", '{{"f": 5, "epochs": 4, "asked": {epochs}}}']},
    )
    assert outcomes(run(found)) == [(4, {"f": 5.0}, True)] * 2


COUNT = """
cd "$HMSERVE_CHECKPOINT"; echo "$HMSERVE_TRIAL" >> trials; wc -l < trials; [ $1 != 7 ]
"""


def test_a_configuration_goes_on_in_a_directory_of_its_own(tmp_path) -> None:
    fidelity = {**HALVING, "resumable": True}
    stale = tmp_path / "app_checkpoints" / "0"
    stale.mkdir(parents=True)
    (stale / "trials").write_text("an earlier run\n")
    rows = run(scenario(tmp_path, COUNT, fidelity, {"directories": "keep"}))
    feasible = [row.evaluation for row in rows if row.evaluation.feasible]
    assert [e.objectives["f"] for e in feasible][-4:] == [2, 2, 2, 3]
    assert (tmp_path / "app_checkpoints" / "0.1" / "trials").read_text() == "an earlier run\n"
    best = feasible[-1].trial
    kept = tmp_path / "app_checkpoints" / str(best.stage.root) / "trials"
    assert kept.read_text().split()[-1] == str(best.id)


@pytest.mark.parametrize("changes", [{}, {"max_evaluations": 10}])
def test_checkpoints_are_removed_when_nobody_can_go_on_from_them(changes, tmp_path) -> None:
    fidelity = {**HALVING, "resumable": True}
    rows = run(scenario(tmp_path, COUNT, fidelity, **changes))
    failed = {row.evaluation.trial.id for row in rows if not row.evaluation.feasible}
    left = sorted(int(path.name) for path in (tmp_path / "app_checkpoints").glob("*"))
    assert left == ([n for n in range(9) if n not in failed] if changes else [])
    if changes:
        assert len(run(scenario(tmp_path, COUNT, fidelity), resume=True)) == 13
        assert not (tmp_path / "app_checkpoints").exists()
