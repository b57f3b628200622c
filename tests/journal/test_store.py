import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hmserve.errors import JournalError, ScenarioError
from hmserve.journal.jsonl import JournalWriter, read, to_line
from hmserve.journal.records import Drop, End, Resume, Start
from hmserve.journal.store import create, keep_copy, last_aside, resume, start

HOLDER = """
import json, sys
from hmserve.errors import HmserveError
from hmserve.journal.store import create, start
try:
    writer = create(sys.argv[1], start({}, 1))
except HmserveError as error:
    print("refused", error, flush=True)
    sys.exit(error.status)
print("holds", flush=True)
sys.stdin.read()
"""


def holder(path):
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def held(tmp_path):
    """A journal that another process holds, and that process."""
    path = tmp_path / "held.journal"
    with holder(path) as process:
        assert process.stdout.readline() == "holds\n"
        yield path, process
        process.kill()


def test_a_new_journal_holds_its_start_and_says_who_writes(tmp_path, scenario):
    path = tmp_path / "run.journal"
    first = start(scenario.document, 7)
    create(str(path), first).close()
    assert read(str(path)).records == (first,)
    assert (first.pid, first.host, first.seed) == (os.getpid(), os.uname().nodename, 7)
    assert abs(first.time - time.time()) < 600


def test_missing_directories_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "run.journal"
    create(str(path), start({}, 1)).close()
    assert path.exists()


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for directory in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(JournalError, match=r"create the directory .*/file: File exists"):
            create(str(directory / "run.journal"), start({}, 1))


def test_a_name_that_is_a_directory_is_refused(tmp_path):
    with pytest.raises(JournalError, match="Is a directory"):
        create(str(tmp_path), start({}, 1))


def test_earlier_journals_are_kept_under_numbered_names(tmp_path):
    path = tmp_path / "run.journal"
    for seed in (1, 2, 3, 4):
        create(str(path), start({}, seed)).close()
    kept = [f"{path}.1", f"{path}.2", f"{path}.3", str(path)]
    assert [read(name).records[0].seed for name in kept] == [1, 2, 3, 4]


def test_a_file_of_another_kind_is_kept_too(tmp_path):
    path = tmp_path / "run.journal"
    path.write_text("dear diary")
    create(str(path), start({}, 1)).close()
    assert Path(f"{path}.1").read_text() == "dear diary"


def test_an_empty_journal_leaves_no_numbered_file(tmp_path):
    path = tmp_path / "run.journal"
    path.touch()
    create(str(path), start({}, 1)).close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.journal"]


def test_when_the_start_cannot_be_written_the_earlier_journal_is_safe(tmp_path, monkeypatch):
    path = tmp_path / "run.journal"
    create(str(path), start({}, 1)).close()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(JournalError, match="No space left"):
        create(str(path), start({}, 2))
    monkeypatch.undo()
    assert read(f"{path}.1").records[0].seed == 1
    create(str(path), start({}, 3)).close()
    assert read(str(path)).records[0].seed == 3


def test_a_held_journal_is_refused_with_the_process_that_holds_it(held, scenario):
    path, process = held
    before = path.read_bytes()
    expected = rf"held\.journal is in use by process {process.pid} on {os.uname().nodename}"
    for attempt in (
        lambda: create(str(path), start({}, 2)),
        lambda: resume(str(path), scenario),
    ):
        with pytest.raises(JournalError, match=expected) as caught:
            attempt()
        assert caught.value.status == 4
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_held_journal_can_be_read(held):
    path, process = held
    assert read(str(path)).records[0].pid == process.pid


def test_the_journal_is_free_again_after_its_holder_was_killed(held):
    path, process = held
    process.send_signal(signal.SIGKILL)
    process.wait()
    create(str(path), start({}, 2)).close()
    assert read(f"{path}.1").records[0].pid == process.pid


def test_the_lock_is_not_inherited_by_a_program_that_the_holder_starts(tmp_path):
    path = str(tmp_path / "run.journal")
    writer = create(path, start({}, 1))
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        writer.close()
        create(path, start({}, 2)).close()
        child.kill()


def test_a_closed_journal_is_free_although_a_forked_child_has_the_file(tmp_path):
    path = str(tmp_path / "run.journal")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    # What a fork does to the descriptors of its parent.
    copy = os.dup(descriptor)
    with pytest.raises(JournalError, match="in use"):
        create(path, start({}, 1))
    JournalWriter(descriptor, path).close()
    create(path, start({}, 1)).close()
    os.close(copy)


def test_a_holder_that_cannot_be_named_is_still_refused(tmp_path, monkeypatch):
    path = str(tmp_path / "run.journal")
    with create(path, start({}, 1)):
        monkeypatch.setattr(time, "monotonic", iter(range(99)).__next__)
        Path(path).write_bytes(b"")
        with pytest.raises(JournalError, match="in use by another process;"):
            create(path, start({}, 2))


def test_a_lock_left_to_a_child_of_a_dead_process_says_so(tmp_path):
    path = str(tmp_path / "run.journal")
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    first = start({}, 1)
    ended = Start(1, "hmserve", {}, 1, first.time, dead.pid, first.host)
    with create(path, ended), pytest.raises(JournalError, match=f"process {dead.pid} had"):
        create(path, first)


@pytest.mark.parametrize("before", ["nothing", "an empty file", "a journal"])
def test_of_many_starters_exactly_one_wins(tmp_path, before):
    path = tmp_path / "run.journal"
    if before == "an empty file":
        path.touch()
    if before == "a journal":
        create(str(path), start({}, 99)).close()
    processes = [holder(path) for _ in range(6)]
    said = [process.stdout.readline() for process in processes]
    winners = [p for p, text in zip(processes, said, strict=True) if text == "holds\n"]
    for process in processes:
        process.communicate()
    assert len(winners) == 1
    assert sorted(process.returncode for process in processes) == [0, 4, 4, 4, 4, 4]
    assert read(str(path)).records[0].pid == winners[0].pid
    assert Path(f"{path}.1").exists() == (before == "a journal")
    assert not Path(f"{path}.2").exists()


def test_a_journal_that_was_set_aside_before_it_could_be_locked_is_left_alone(
    tmp_path, monkeypatch
):
    path = tmp_path / "run.journal"
    create(str(path), start({}, 1)).close()
    real = fcntl.flock

    def overtaken(descriptor, operation):
        monkeypatch.undo()
        os.rename(path, f"{path}.1")
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", overtaken)
    create(str(path), start({}, 2)).close()
    assert [read(name).records[0].seed for name in (f"{path}.1", str(path))] == [1, 2]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_resumed_journal_continues_where_it_ended(journal, records, scenario):
    found = resume(str(journal), scenario)
    with found.writer as writer:
        writer.append(End(1.0, 7.5, "finished"))
    *before, resumed, end = read(str(journal)).records
    assert list(map(to_line, before)) == list(map(to_line, records))
    assert isinstance(resumed, Resume)
    assert (resumed.pid, resumed.elapsed) == (os.getpid(), 6.25)
    assert found.records == (*before, resumed)
    assert end == End(1.0, 7.5, "finished")
    assert found.torn == 0


@pytest.mark.parametrize("tail", [b'{"type":"tell","ti', b"\0" * 512, b'{"type":"tell"}\n'])
def test_a_torn_end_is_cut_before_anything_is_appended(journal, records, scenario, tail):
    with open(journal, "ab") as file:
        file.write(tail)
    found = resume(str(journal), scenario)
    found.writer.close()
    assert found.torn == len(tail)
    written = journal.read_bytes().splitlines(True)
    assert written[:-1] == list(map(to_line, records))
    assert read(str(journal)).records == found.records


def test_a_journal_cut_at_any_line_can_be_resumed(journal, scenario):
    lines = journal.read_bytes().splitlines(True)
    for count in range(1, len(lines) + 1):
        journal.write_bytes(b"".join(lines[:count]) + lines[count - 1][:20])
        found = resume(str(journal), scenario)
        found.writer.append(Drop(1.0, 2.0, ()))
        found.writer.close()
        assert len(read(str(journal)).records) == count + 2


@pytest.mark.parametrize("content", [None, b"", b'{"type":"sta', b"\0" * 100])
def test_without_a_whole_start_there_is_nothing_to_resume(tmp_path, scenario, content):
    path = tmp_path / "run.journal"
    if content is not None:
        path.write_bytes(content)
    assert resume(str(path), scenario) is None
    create(str(path), start(scenario.document, 1)).close()
    assert len(read(str(path)).records) == 1


def test_a_damaged_journal_is_not_resumed_and_not_altered(journal, scenario):
    data = journal.read_bytes().replace(b'"ask"', b'"asked"', 1)
    journal.write_bytes(data)
    for _ in range(2):
        with pytest.raises(JournalError, match="damaged at line 2"):
            resume(str(journal), scenario)
    assert journal.read_bytes() == data


def test_a_scenario_that_differs_is_refused_and_nothing_is_altered(journal, make_scenario):
    with open(journal, "ab") as file:
        file.write(b"torn")
    before = journal.read_bytes()
    changed = make_scenario(acquisition_function="UCB", optimization_objectives=["time"])
    with pytest.raises(ScenarioError) as caught:
        resume(str(journal), changed)
    message = str(caught.value)
    assert caught.value.status == 2
    assert f"mixed.json does not fit the run in {journal}" in message
    assert 'acquisition_function: the run has "EI", the scenario "UCB"' in message
    assert 'optimization_objectives: the run has ["time", "energy"]' in message
    assert journal.read_bytes() == before


def test_after_a_refusal_the_journal_is_free(journal, make_scenario, scenario):
    with pytest.raises(ScenarioError):
        resume(str(journal), make_scenario(acquisition_function="UCB"))
    resume(str(journal), scenario).writer.close()


def test_a_file_system_that_cannot_flush_directories_is_fine(tmp_path, monkeypatch):
    real = os.fsync

    def files_only(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    create(str(tmp_path / "new" / "run.journal"), start({}, 1)).close()
    assert len(read(str(tmp_path / "new" / "run.journal")).records) == 1


def test_a_directory_that_cannot_be_flushed_is_an_error(tmp_path, monkeypatch):
    def directories_fail(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", directories_fail)
    with pytest.raises(JournalError, match="cannot flush the directory"):
        create(str(tmp_path / "run.journal"), start({}, 1))
    monkeypatch.undo()
    create(str(tmp_path / "run.journal"), start({}, 1)).close()


def test_a_journal_that_cannot_be_cut_says_so(journal, scenario, monkeypatch):
    def fails(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with open(journal, "ab") as file:
        file.write(b"torn")
    monkeypatch.setattr(os, "ftruncate", fails)
    with pytest.raises(JournalError, match=r"cannot cut the torn end of .*Input/output"):
        resume(str(journal), scenario)
    monkeypatch.undo()
    resume(str(journal), scenario).writer.close()


def test_a_copy_is_kept_once_for_each_content(tmp_path) -> None:
    path = tmp_path / "samples.csv"
    keep_copy(str(path))
    assert last_aside(str(path)) is None
    for content, kept in ((b"a\xff", 1), (b"a\xff", 1), (b"b", 2)):
        path.write_bytes(content)
        keep_copy(str(path))
        assert last_aside(str(path)) == f"{path}.{kept}"
    assert [Path(f"{path}.{n}").read_bytes() for n in (1, 2)] == [b"a\xff", b"b"]
    assert path.read_bytes() == b"b"
    assert len(list(tmp_path.iterdir())) == 3
