"""Who may write a journal: the files, their names, and one lock.

The lock is on the journal itself and belongs to the open file, so it vanishes with the
process however that ends. Only its holder renames, cuts or appends.
"""

import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from hmserve.errors import JournalError, ScenarioError
from hmserve.journal.compatibility import differences
from hmserve.journal.files import explained, make_directory, replace, sync_directory
from hmserve.journal.jsonl import JournalWriter, read
from hmserve.journal.records import VERSION, Record, Resume, Start
from hmserve.scenario import Scenario
from hmserve.version import __version__

_PATIENCE: Final = 0.5
"""Seconds to wait until the holder of a lock has written who it is."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """A run that goes on.

    Args:
        writer: Continues the journal.
        records: All that the journal holds; the last is the `Resume` of this process.
        torn: How many bytes of a record that was never acknowledged were cut off.
    """

    writer: JournalWriter
    records: Sequence[Record]
    torn: int


def start(document: Mapping[str, Any], seed: int) -> Start:
    """Return the first record of a run of this process that starts now."""
    return Start(
        version=VERSION,
        program=f"hmserve {__version__}",
        scenario=document,
        seed=seed,
        time=time.time(),
        pid=os.getpid(),
        host=os.uname().nodename,
    )


def create(path: str, first: Start) -> JournalWriter:
    """Start a journal at `path`, durably, with `first` in it.

    The directory is created if it is missing. A journal that is already there is kept under
    the next free of the names `path`.1, `path`.2, ...

    Raises:
        JournalError: Another process writes the journal there, or the files cannot be made.
    """
    directory = os.path.dirname(os.path.abspath(path))
    make_directory(directory)
    while True:
        descriptor = _lock(path, os.O_CREAT)
        with _closed_on_error(descriptor):
            if os.fstat(descriptor).st_size == 0:
                writer = _begin(descriptor, path, first)
                sync_directory(directory)
                return writer
            _set_aside(path)
        os.close(descriptor)


def resume(path: str, scenario: Scenario) -> Resumption | None:
    """Go on with the run whose journal is at `path`.

    Returns:
        None if nothing was recorded: no file, or a start that a crash left incomplete.

    Raises:
        ScenarioError: `scenario` differs from that of the run in more than may change.
        JournalError: Another process writes the journal, it is damaged, or it cannot be
            written. One that is damaged or does not fit was not altered.
    """
    if not os.path.exists(path):
        return None
    descriptor = _lock(path, 0)
    with _closed_on_error(descriptor):
        contents = read(path)
        if contents.records:
            refuse_differences(path, contents.records[0], scenario)
            with explained("cut the torn end of", path):
                os.ftruncate(descriptor, contents.length)
            record = _resume_record(contents.records[-1].elapsed)
            writer = _begin(descriptor, path, record)
            return Resumption(writer, (*contents.records, record), contents.torn)
    os.close(descriptor)
    return None


def _resume_record(elapsed: float) -> Resume:
    return Resume(time.time(), elapsed, os.getpid(), os.uname().nodename)


@contextmanager
def _closed_on_error(descriptor: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(descriptor)
        raise


def _begin(descriptor: int, path: str, record: Start | Resume) -> JournalWriter:
    writer = JournalWriter(descriptor, path)
    writer.append(record)
    writer.sync()
    return writer


def _lock(path: str, flags: int) -> int:
    """Return a descriptor of the file now named `path`, locked; `flags` may be O_CREAT."""
    while True:
        with explained("open the journal", path):
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | flags, 0o666)
        with _closed_on_error(descriptor), explained("lock the journal", path):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _held(path) from None
            if _is_named(descriptor, path):
                return descriptor
        # Between the two calls its holder renamed it and left.
        os.close(descriptor)


def _is_named(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def put_aside(path: str, journals: Iterable[str]) -> None:
    """Keep what is at `path` under the next free of the names `path`.1, `path`.2, ...

    Args:
        path: A journal, or a directory of them.
        journals: Those that are in it.

    Raises:
        JournalError: Another process writes one of the journals, or nothing can be renamed.
    """
    with ExitStack() as stack:
        for journal in journals:
            stack.callback(os.close, _lock(journal, 0))
        _set_aside(path)


def last_aside(path: str) -> str | None:
    """Return the latest of the names `path`.1, `path`.2, ... that something has."""
    number = _count_aside(path)
    return f"{path}.{number}" if number else None


def keep_copy(path: str) -> None:
    """Keep the file at `path` under the next free of the names `path`.1, `path`.2, ... as well.

    It stays where it is; the copy is durable when this returns. Nothing is done if there is no
    file, or if it is kept already.

    Raises:
        JournalError: It cannot be kept.
    """
    if not os.path.isfile(path):
        return
    with explained("keep a copy of", path):
        content, last = _content(path), last_aside(path)
        is_kept = last is not None and os.path.isfile(last) and _content(last) == content
    if not is_kept:
        replace(f"{path}.{_count_aside(path) + 1}", content)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _count_aside(path: str) -> int:
    number = 0
    while os.path.lexists(f"{path}.{number + 1}"):
        number += 1
    return number


def _set_aside(path: str) -> None:
    """Rename what this process has locked to a name nobody has."""
    with explained("set aside", path):
        os.rename(path, f"{path}.{_count_aside(path) + 1}")


def _held(path: str) -> JournalError:
    """Return the refusal that names the process which holds the journal."""
    deadline = time.monotonic() + _PATIENCE
    while (holder := _last_writer(path)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    if holder is None:
        who = "another process"
    elif holder.host == os.uname().nodename and not _is_alive(holder.pid):
        who = f"another process, perhaps one that process {holder.pid} had started"
    else:
        who = f"process {holder.pid} on {holder.host}"
    return JournalError(
        f"the journal {path} is in use by {who}; wait until that has ended, or stop it, "
        "or give this run a directory of its own (run_directory)"
    )


def _last_writer(path: str) -> Start | Resume | None:
    try:
        records = read(path).records
    except JournalError:
        return None
    return next((r for r in reversed(records) if isinstance(r, Start | Resume)), None)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def refuse_differences(path: str, first: Record, scenario: Scenario) -> None:
    """Refuse to go on with a run that another scenario made.

    Args:
        path: Of its journal.
        first: The first record of that.
        scenario: What the run is to go on with.

    Raises:
        ScenarioError: They differ in more than may change.
    """
    assert isinstance(first, Start)
    found = differences(first, scenario.document)
    if found:
        raise ScenarioError(
            f"{scenario.source} does not fit the run in {path}, so that cannot be resumed:\n  "
            + "\n  ".join(found)
            + "\nBudgets and the names of files may change; for the rest start a new run"
        )
