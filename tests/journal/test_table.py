import csv
import errno
import io
import os
import subprocess
import sys

import pytest

from hmserve.errors import JournalError
from hmserve.journal.jsonl import read
from hmserve.journal.ledger import Ledger, Row
from hmserve.journal.table import SamplesTable, render, to_csv
from hmserve.trial import Evaluation, Trial

HEADER = b"r,i,o,c,time,energy,Valid,Timestamp\r\n"


@pytest.fixture
def rows(records):
    return Ledger.of(records).rows


def row(configuration, objectives=None, feasible=True, elapsed=0.0):
    evaluation = Evaluation(Trial(0, configuration), objectives or {}, feasible)
    return Row(evaluation, 1_700_000_000.0, elapsed, asked=True)


def test_the_format_is_that_of_hypermapper(scenario, rows):
    assert render(scenario, rows).encode() == HEADER + (
        b"0.1,1,2.5,c d,1.5,1e-05,ok,1700000001500\r\n"
        b"0.0,0,2.5,c d,3.0,-0.0,bad,1700000001500\r\n"
        b"0.9,9,2.5,c d,0.25,7.0,ok,1700000002000\r\n"
        b"0.2,2,2.5,c d,,,bad,1700009001000\r\n"
    )


@pytest.mark.parametrize("mode", ["default", "client-server"])
def test_the_time_is_that_of_the_run_unless_a_client_drives(make_scenario, rows, mode):
    scenario = make_scenario(hypermapper_mode={"mode": mode})
    stamps = [line.split(",")[-1] for line in render(scenario, rows).splitlines()]
    expected = {
        "default": ["1250", "1250", "1750", "4250"],
        "client-server": ["1700000001500"] * 2 + ["1700000002000", "1700009001000"],
    }
    assert stamps == ["Timestamp", *expected[mode]]


def test_the_columns_are_named_by_the_scenario(make_scenario):
    scenario = make_scenario(timestamp="When", feasible_output=None)
    assert render(scenario, []) == "r,i,o,c,time,energy,When\r\n"


def test_without_a_feasibility_column_what_is_not_feasible_has_no_objectives(make_scenario):
    scenario = make_scenario(feasible_output=None)
    infeasible = row(
        {"r": 1, "i": 1, "o": 1, "c": "a"}, {"time": 1.0, "energy": 1.0}, feasible=False
    )
    assert render(scenario, [infeasible]).splitlines()[1] == "1.0,1,1,a,,,1700000000000"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-05, "1e-05"),
        (0.30670453459849956, "0.30670453459849956"),
        (-5.0, "-5.0"),
        (0, "0.0"),
        (5e-324, "5e-324"),
    ],
)
def test_a_real_is_the_shortest_text_that_reads_back_with_its_point(scenario, value, text):
    line = row({"r": value, "i": 1, "o": 1, "c": "a"}, {"time": value, "energy": 1.0})
    fields = render(scenario, [line]).splitlines()[1].split(",")
    assert (fields[0], fields[4]) == (text, text)


def test_only_fields_that_need_them_have_quotes():
    line = ["-O3", "a b", "a;b", "", 'say "x"', "1,5", "two\nlines"]
    text = to_csv([line])
    assert text == '-O3,a b,a;b,,"say ""x""","1,5","two\nlines"\r\n'
    assert list(csv.reader(io.StringIO(text, newline=""))) == [line]


def test_the_live_table_is_byte_for_byte_that_made_from_the_journal(
    tmp_path, scenario, records, journal
):
    path = tmp_path / "live.csv"
    ledger = Ledger(records[0])
    with SamplesTable(str(path), scenario) as table:
        assert path.read_bytes() == HEADER
        for record in records[1:]:
            known = len(ledger.rows)
            ledger.apply(record)
            table.append(ledger.rows[known:])
            assert path.read_bytes() == render(scenario, ledger.rows).encode()
    rebuilt = Ledger.of(read(str(journal)).records).rows
    assert path.read_bytes() == render(scenario, rebuilt).encode()


def test_a_table_that_is_opened_again_holds_the_rows_it_is_given_and_no_others(
    tmp_path, scenario, rows
):
    path = tmp_path / "out.csv"
    path.write_text("something longer than the table will be\n" * 99)
    SamplesTable(str(path), scenario, rows[:2]).close()
    with SamplesTable(str(path), scenario, rows[:3]) as table:
        table.append(rows[3:])
    assert path.read_bytes() == render(scenario, rows).encode()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out.csv"]


def test_a_missing_directory_is_made(tmp_path, scenario):
    SamplesTable(str(tmp_path / "a" / "b" / "out.csv"), scenario).close()
    assert (tmp_path / "a" / "b" / "out.csv").read_bytes() == HEADER


def test_a_link_is_followed(tmp_path, scenario):
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    SamplesTable(str(tmp_path / "link.csv"), scenario).close()
    assert (tmp_path / "real.csv").read_bytes() == HEADER
    assert (tmp_path / "link.csv").is_symlink()


def test_what_is_no_regular_file_is_written_and_not_replaced(tmp_path, scenario, rows):
    # A pipe of our own stands for /dev/null: a defect here must not cost the machine its own.
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with SamplesTable(str(path), scenario, rows[:1]) as table:
        table.append(rows[1:])
    assert os.read(reader, 100_000) == render(scenario, rows).encode()
    os.close(reader)
    assert path.is_fifo()


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_table_that_cannot_be_replaced_is_as_it_was(tmp_path, scenario, monkeypatch, call):
    path = tmp_path / "out.csv"
    path.write_text("old")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(JournalError, match=r"cannot write .*out\.csv: No space left") as caught:
        SamplesTable(str(path), scenario)
    assert caught.value.status == 4
    monkeypatch.undo()
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]
    assert path.read_text() == "old"


def test_rows_that_cannot_be_added_are_reported(tmp_path, scenario, rows, monkeypatch):
    table = SamplesTable(str(tmp_path / "out.csv"), scenario)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(JournalError, match=r"out\.csv: No space left"):
        table.append(rows)
    monkeypatch.undo()
    table.close()
    table.close()
    with pytest.raises(JournalError, match="closed"):
        table.append(rows)


def test_the_journal_and_its_tables_start_without_a_heavy_import():
    code = (
        "import sys, hmserve.journal.store, hmserve.journal.ledger, hmserve.journal.table, "
        "hmserve.journal.samples, hmserve.report.tables\n"
        "print(sorted({'numpy', 'scipy', 'jsonschema', 'gzip', 'tempfile', 'socket'} "
        "& sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout == b"[]\n"
