"""Commands that evaluate as far as they are told, tell how they stand, and are ended early."""

import json
import os
from pathlib import Path

import pytest

from hmserve import serve
from hmserve.errors import UsageError
from hmserve.journal.jsonl import read
from hmserve.journal.records import Report, Tell
from hmserve.scenario import Scenario
from hmserve.serving.command import check_command, with_command

HERE = Path(__file__)


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
        with_command(opened, os.environ, lambda _: None)
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
    found = scenario(
        tmp_path, "", FULL, output_constraints={"stress": [None, 1]}
    )
    with pytest.raises(UsageError, match="leaves stress unmeasured"):
        check_command(found)


# Reports at 1, then goes on for ever unless it is among the good ones.
ENDLESS = 'echo "Report 1,$1"; [ "$1" -lt 10 ] || sleep 60; echo "Report $2,$1"; echo "$1"'


def test_what_is_to_stop_is_ended_and_counts_with_what_it_reported_last(tmp_path) -> None:
    found = scenario(tmp_path, ENDLESS, {**FULL, "num_iterations": 12})
    warm = tmp_path / "warm.csv"
    warm.write_text("x,epochs,f\n" + "".join(f"{x},9,{x}\n" for x in range(3)))
    rows = run(found)
    values = {x: fidelity for x, fidelity in told(rows)}
    early = [x for x, fidelity in values.items() if fidelity == 1]
    assert early
    assert all(x >= 10 for x in early)
    assert all(row.evaluation.objectives["f"] == x for row, (x, _) in zip(rows, told(rows)))
    records = read(found.files.journal).records
    assert any(isinstance(record, Report) for record in records)
