"""Fidelities in the samples file and the journal, and read back as data to begin with."""

import csv
import json
from pathlib import Path

import jsonschema
import pytest

from hmserve.errors import ScenarioError
from hmserve.journal.compatibility import differences
from hmserve.journal.earlier import read_earlier
from hmserve.journal.ledger import Row
from hmserve.journal.records import Tell, to_json
from hmserve.journal.samples import read_samples
from hmserve.journal.store import create, start
from hmserve.journal.table import header, render
from hmserve.schema import load_schema
from hmserve.trial import OUTSIDE, Evaluation, Stage, Trial

EPOCHS = {"name": "epochs", "type": "integer", "min": 1, "max": 9}
PLAIN = {"feasible_output": None, "optimization_objectives": ["time"]}


@pytest.fixture
def scenario(make_scenario):
    return make_scenario(fidelity={**EPOCHS, "resumable": True}, **PLAIN)


def configuration(i):
    return {"r": 0.5, "i": i, "o": 2.5, "c": "a"}


EVALUATIONS = [
    Evaluation(Trial(0, configuration(0), 1.0, Stage(0, 0, 0)), {"time": 4.0}),
    Evaluation(Trial(1, configuration(0), 3.0, Stage(0, 1, 0, 1.0)), {}, feasible=False),
    Evaluation(Trial(OUTSIDE, configuration(1)), {"time": 2.0}),
    Evaluation(Trial(OUTSIDE, configuration(2), 2.5), {"time": 3.0}),
]
ROWS = [Row(evaluation, 0.0, 0.0, asked=True) for evaluation in EVALUATIONS]


def test_the_samples_file_tells_how_far_and_from_where(scenario):
    assert header(scenario)[:8] == ["r", "i", "o", "c", "epochs", "trial", "previous", "time"]
    cells = [line[4:8] for line in csv.reader(render(scenario, ROWS).splitlines()[1:])]
    assert cells == [
        ["1", "0", "0", "4.0"],
        ["3", "0", "1", ""],
        ["9", "", "0", "2.0"],
        ["2.5", "", "0", "3.0"],
    ]


def test_without_checkpoints_there_is_one_column(make_scenario):
    found = make_scenario(fidelity={**EPOCHS, "type": "real"}, **PLAIN)
    assert header(found)[4:6] == ["epochs", "time"]
    assert render(found, ROWS[:1]).splitlines()[1].split(",")[4] == "1.0"


def test_samples_are_read_back_at_their_fidelity(scenario, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(render(scenario, ROWS))
    found = read_samples(str(path), scenario)
    assert [(e.trial.fidelity, e.objectives) for e in found] == [
        (1.0, {"time": 4.0}),
        (3.0, {}),
        (9.0, {"time": 2.0}),
        (2.5, {"time": 3.0}),
    ]


def test_a_table_without_the_column_is_of_full_evaluations(scenario, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("r,i,o,c,time\n0.5,1,2.5,a,3\n")
    assert [e.trial.fidelity for e in read_samples(str(path), scenario)] == [None]
    path.write_text("r,i,o,c,epochs,time\n0.5,1,2.5,a,,3\n")
    assert [e.trial.fidelity for e in read_samples(str(path), scenario)] == [None]


@pytest.mark.parametrize("cell", ["0", "-1", "9.1", "nan", "inf", "many"])
def test_a_cell_that_is_no_fidelity_is_named(cell, scenario, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"r,i,o,c,epochs,time\n0.5,1,2.5,a,{cell},3\n")
    with pytest.raises(ScenarioError, match="line 2, column epochs: expected a number above 0"):
        read_samples(str(path), scenario)


@pytest.fixture
def journal(scenario):
    path = Path(scenario.files.journal)
    with create(str(path), start(scenario.document, 1)) as writer:
        writer.append(Tell(0.0, 0.0, EVALUATIONS))
    return str(path)


def test_a_journal_is_learnt_from_at_its_fidelities(journal, scenario, make_scenario):
    assert [e.trial.fidelity for e in read_earlier(journal, scenario)] == [1.0, 3.0, None, 2.5]
    smaller = make_scenario(fidelity={**EPOCHS, "max": 2}, **PLAIN)
    assert [e.trial.fidelity for e in read_earlier(journal, smaller)] == [1.0, None]


def test_where_there_are_no_fidelities_only_full_evaluations_are_learnt_from(
    journal, make_scenario
):
    found = read_earlier(journal, make_scenario(**PLAIN))
    assert [(e.trial.fidelity, e.objectives) for e in found] == [(None, {"time": 2.0})]


def test_the_journal_schema_knows_stages():
    record = {**to_json(Tell(0.0, 0.0, EVALUATIONS)), "crc": "00000000"}
    jsonschema.validate(json.loads(json.dumps(record)), load_schema("journal"))


def test_a_resumed_run_may_have_more_brackets_but_no_other_fidelities(scenario, make_scenario):
    first = start(scenario.document, 1)
    more = make_scenario(
        fidelity={**EPOCHS, "resumable": True, "num_iterations": 9, "cost_exponent": 2},
        **PLAIN,
    )
    assert differences(first, more.document) == []
    other = make_scenario(fidelity={**EPOCHS, "resumable": True, "max": 27}, **PLAIN)
    assert differences(first, other.document) == [
        "fidelity.max: the run has 9, the scenario 27"
    ]
