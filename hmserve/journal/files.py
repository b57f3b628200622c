"""Files that are whole or not there, and errors of the operating system in words."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hmserve.errors import JournalError


@contextmanager
def explained(doing: str, path: str) -> Iterator[None]:
    """Turn an OSError of the block into a JournalError: "cannot `doing` `path`: reason"."""
    try:
        yield
    except OSError as error:
        raise JournalError(f"cannot {doing} {path}: {reason(error)}") from error


def reason(error: OSError) -> str:
    """Return what the operating system said, without Python's decoration."""
    return error.strerror or str(error)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, in more than one call if one takes only a part.

    Raises:
        OSError: A part of `data` may have been written.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def make_directory(path: str) -> None:
    """Create the directory `path` and its parents where they are missing, durably.

    Raises:
        JournalError: It cannot be created, or something else has its name.
    """
    if os.path.isdir(path):
        return
    parent = os.path.dirname(os.path.abspath(path))
    make_directory(parent)
    with explained("create the directory", path):
        try:
            os.mkdir(path)
        except FileExistsError:
            if not os.path.isdir(path):
                raise
    sync_directory(parent)


def sync_directory(path: str) -> None:
    """Make the names in the directory `path` survive a loss of power.

    Raises:
        JournalError: The directory cannot be opened or flushed.
    """
    with explained("flush the directory", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            # Some file systems have no such thing.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(descriptor)


def replace(path: str, content: str | bytes) -> None:
    """Make `content` that of the file `path`; at no instant is it half there.

    A link is followed. What is no regular file, as /dev/null, is written as it stands. The
    directory is created if it is missing.

    Raises:
        JournalError: It cannot be written; the old content, if any, is still there.
    """
    target = os.path.realpath(path)
    data = content.encode() if isinstance(content, str) else content
    make_directory(os.path.dirname(target))
    with explained("write", path):
        if os.path.exists(target) and not os.path.isfile(target):
            _write(target, data)
            return
        # Two processes may replace one file at once; each writes its own draft.
        draft = f"{target}.{os.getpid()}.tmp"
        try:
            _write(draft, data)
            os.replace(draft, target)
        except OSError:
            _remove(draft)
            raise
    sync_directory(os.path.dirname(target))


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        write_all(descriptor, data)
        if os.path.isfile(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
