import errno
import importlib.resources
import json
import os
import random
import subprocess
import sys
import zlib
from pathlib import Path

import jsonschema
import pytest

from hmserve.errors import JournalError
from hmserve.journal.jsonl import JournalWriter, parse, read, to_line
from hmserve.journal.records import Drop, End, Expire, Tell
from hmserve.trial import Evaluation, Trial

SCHEMA = Path(__file__).parents[2] / "schemas" / "journal.schema.json"
RECORD = Drop(1.0, 0.5, (3,))


@pytest.fixture
def validator():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def open_writer(path):
    return JournalWriter(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), str(path))


def test_every_line_is_valid_under_the_schema(records, validator):
    for record in records:
        validator.validate(json.loads(to_line(record)))


def test_expired_trials_and_details_are_valid_under_the_schema(validator):
    details = {"worker": 3, "failure": "timeout", "started": 1.5}
    told = Evaluation(Trial(0, {"x": 1.0}), feasible=False, details=details)
    for record in (Expire(1.0, 0.5, (3,)), Tell(1.0, 0.5, (told,))):
        validator.validate(json.loads(to_line(record)))


def test_the_schema_refuses_a_line_with_a_missing_or_foreign_member(records, validator):
    for record in records:
        members = json.loads(to_line(record))
        assert not validator.is_valid({**members, "colour": "red"})
        for name in members:
            rest = {key: value for key, value in members.items() if key != name}
            assert not validator.is_valid(rest)


def test_the_examples_of_the_schema_are_lines(validator):
    for example in validator.schema["examples"]:
        validator.validate(example)
        line = json.dumps(example, separators=(",", ":")).encode() + b"\n"
        assert line == to_line(Drop(1_700_000_000.0, 2.5, (3,)))


def test_the_checksum_is_that_of_the_text_before_it(records):
    for record in records:
        line = to_line(record)
        body, crc = line.removesuffix(b'"}\n').rsplit(b',"crc":"', 1)
        assert int(crc, 16) == zlib.crc32(body)


def test_a_line_is_ascii_whatever_the_labels_are():
    trial = Trial(0, {"x": "\u2028 \n \x00 \ud800 é"})
    line = to_line(Tell(0.0, 0.0, (Evaluation(trial, {"y": 1.0}),)))
    assert line.isascii()
    assert line.index(b"\n") == len(line) - 1


def test_what_was_written_is_read(journal, records):
    contents = read(str(journal))
    assert [to_line(record) for record in contents.records] == list(map(to_line, records))
    assert (contents.length, contents.torn) == (journal.stat().st_size, 0)


def test_a_file_cut_at_any_byte_gives_the_whole_lines_before_the_cut(journal):
    data = journal.read_bytes()
    every = read(str(journal)).records
    for cut in range(len(data) + 1):
        contents = parse(data[:cut], "j")
        whole = data[:cut].count(b"\n")
        assert contents.records == every[:whole]
        assert contents.length == len(b"".join(data.splitlines(True)[:whole]))
        assert contents.length + contents.torn == cut


def test_no_flipped_bit_in_the_last_line_is_taken_for_a_record(journal):
    data = journal.read_bytes()
    every = read(str(journal)).records
    last = data.rindex(b"\n", 0, -1) + 1
    for place in range(last, len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            if flipped[place] == ord("\n"):
                # Now the damage is in two lines: no crash does that.
                with pytest.raises(JournalError, match=f"line {len(every)}"):
                    parse(bytes(flipped), "j")
            else:
                contents = parse(bytes(flipped), "j")
                assert contents.records == every[:-1]
                assert contents.length == last


def test_a_flipped_bit_before_the_last_line_is_refused_with_its_line(journal):
    data = journal.read_bytes()
    last = data.rindex(b"\n", 0, -1) + 1
    draw = random.Random(1)
    for _ in range(2000):
        place, bit = draw.randrange(last), draw.randrange(8)
        flipped = bytearray(data)
        flipped[place] ^= 1 << bit
        line = data.count(b"\n", 0, place) + 1
        with pytest.raises(JournalError, match=rf"run\.journal is damaged at line {line}:"):
            parse(bytes(flipped), "run.journal")


def test_a_damaged_journal_is_not_altered_by_reading(journal):
    data = journal.read_bytes().replace(b"c d", b"c_d", 1)
    journal.write_bytes(data)
    with pytest.raises(JournalError, match="Nothing was altered"):
        read(str(journal))
    assert journal.read_bytes() == data


@pytest.mark.parametrize(
    "tail",
    [
        b'{"type":"te\0\0\0\0"}\n' + b"\0" * 99,
        b"\0" * 16384,
        b'{"type":"te' + b"\0" * 99,
        b'{"type":"te',
        b"x\n",
        b"\n",
        b"\xff\0\xfe",
    ],
)
def test_what_a_crash_may_leave_at_the_end_is_forgiven(journal, tail):
    every = read(str(journal))
    contents = parse(journal.read_bytes() + tail, "j")
    assert contents.records == every.records
    assert (contents.length, contents.torn) == (every.length, len(tail))


def test_the_last_line_half_overwritten_by_zeros_is_forgiven(journal):
    data = bytearray(journal.read_bytes())
    data[-30:-10] = b"\0" * 20
    assert len(parse(bytes(data), "j").records) == data.count(b"\n") - 1


@pytest.mark.parametrize("data", [b"", b"\0\0", b"{", b'{"type":"start"'])
def test_a_journal_without_a_whole_line_has_no_records(data):
    assert parse(data, "j").records == ()


def test_a_file_of_another_kind_is_no_journal():
    with pytest.raises(JournalError, match=r"x1,x2\.csv is damaged at line 1.*no journal"):
        parse(b"x1,x2,Value\n1,2,3\n4,5,6\n", "x1,x2.csv")


def test_a_journal_without_its_start_is_refused():
    with pytest.raises(JournalError, match="its first line is no start"):
        parse(to_line(RECORD) * 2, "j")


def with_checksum(text):
    body = text.encode()[:-1]
    return b'%s,"crc":"%08x"}\n' % (body, zlib.crc32(body))


def test_an_intact_record_of_an_unknown_type_is_refused_even_at_the_end(records):
    data = to_line(records[0]) + with_checksum('{"type":"rumour","time":1.0}')
    with pytest.raises(JournalError, match="line 2: a record of type 'rumour' is unknown"):
        parse(data, "j")


def test_a_newer_journal_is_refused_with_its_version():
    data = with_checksum('{"type":"start","version":2,"program":"hmserve 9"}')
    with pytest.raises(JournalError, match=r"line 1: it has version 2 .*hmserve 9"):
        parse(data, "j")


def test_a_missing_journal_is_named(tmp_path):
    with pytest.raises(JournalError, match=r"none\.journal: No such file"):
        read(str(tmp_path / "none.journal"))


def test_appended_records_follow_what_was_there(journal):
    before = read(str(journal)).records
    with open_writer(journal) as writer:
        writer.append(RECORD)
        writer.sync()
    assert read(str(journal)).records == (*before, RECORD)


def test_a_short_write_is_continued(tmp_path, monkeypatch, records):
    path = tmp_path / "j"
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data[:7])))
    with open_writer(path) as writer:
        for record in records:
            writer.append(record)
    monkeypatch.undo()
    assert path.read_bytes() == b"".join(map(to_line, records))


def failing(number, first=0, real=os.write):
    """Return a write that writes `first` bytes once and fails with `number` from then on."""
    left = [first]

    def write(descriptor, data):
        taken, left[0] = left[0], 0
        if not taken:
            raise OSError(number, os.strerror(number))
        return real(descriptor, bytes(data[:taken]))

    return write


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("first", [0, 9])
def test_after_a_failed_write_the_writer_is_never_used_again(
    journal, monkeypatch, number, first
):
    before = read(str(journal))
    with open_writer(journal) as writer:
        monkeypatch.setattr(os, "write", failing(number, first))
        with pytest.raises(JournalError, match=os.strerror(number)) as caught:
            writer.append(RECORD)
        assert caught.value.status == 4
        assert str(journal) in str(caught.value)
        monkeypatch.undo()
        with pytest.raises(JournalError, match="earlier write failed"):
            writer.append(RECORD)
        with pytest.raises(JournalError, match="earlier write failed"):
            writer.sync()
    after = read(str(journal))
    assert (after.records, after.torn) == (before.records, first)


def test_after_a_failed_flush_the_writer_is_never_used_again(journal, monkeypatch):
    with open_writer(journal) as writer:
        writer.append(RECORD)
        monkeypatch.setattr(os, "fsync", lambda _: failing(errno.EIO)(0, b""))
        with pytest.raises(JournalError, match=r"cannot flush .*Input/output error"):
            writer.sync()
        monkeypatch.undo()
        with pytest.raises(JournalError, match="earlier flush failed"):
            writer.sync()
        with pytest.raises(JournalError, match="earlier flush failed"):
            writer.append(RECORD)


def test_after_an_interrupt_in_mid_line_nothing_is_appended_to_the_torn_line(
    journal, monkeypatch
):
    before = read(str(journal)).records
    real = os.write

    def interrupted(descriptor, data):
        real(descriptor, bytes(data[:9]))
        raise KeyboardInterrupt

    with open_writer(journal) as writer:
        monkeypatch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            writer.append(RECORD)
        monkeypatch.undo()
        with pytest.raises(JournalError, match="interrupted"):
            writer.append(RECORD)
    assert read(str(journal)).records == before


def test_a_number_that_is_not_finite_is_refused_and_nothing_is_written(tmp_path):
    path = tmp_path / "j"
    with open_writer(path) as writer:
        with pytest.raises(ValueError, match="not JSON compliant"):
            writer.append(Drop(float("nan"), 0.0, ()))
        writer.append(RECORD)
    assert path.read_bytes() == to_line(RECORD)


def test_a_closed_writer_says_so(tmp_path):
    writer = open_writer(tmp_path / "j")
    writer.close()
    writer.close()
    with pytest.raises(JournalError, match="closed"):
        writer.append(RECORD)
    with pytest.raises(JournalError, match="closed"):
        writer.sync()


CHILD_WITH_A_SMALL_DISK = """
import os, resource, sys
from hmserve.errors import JournalError
from hmserve.journal.jsonl import JournalWriter
from hmserve.journal.records import End
resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
path = sys.argv[1]
writer = JournalWriter(os.open(path, os.O_WRONLY | os.O_APPEND), path)
promised = 0
try:
    while True:
        writer.append(End(1.0, 1.0, "x" * 100))
        writer.sync()
        promised += 1
except JournalError as error:
    print(promised)
    print(error)
"""


def test_when_the_disk_is_full_all_that_was_promised_is_there(tmp_path, records):
    path = tmp_path / "j"
    path.write_bytes(to_line(records[0]))
    command = [sys.executable, "-c", CHILD_WITH_A_SMALL_DISK, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    promised, message = result.stdout.splitlines()
    assert "File too large" in message
    contents = read(str(path))
    assert len(contents.records) == 1 + int(promised)
    assert isinstance(contents.records[-1], End)
    assert path.stat().st_size == 16384


def test_the_schema_is_part_of_the_package():
    resource = importlib.resources.files("hmserve.schemas") / "journal.schema.json"
    assert json.loads(resource.read_text()) == json.loads(SCHEMA.read_text())
