"""The process's own standard input and output, set aside for the protocol."""

import io
import os
import sys
from typing import BinaryIO


def claim_stdout() -> tuple[BinaryIO, BinaryIO]:
    """Take standard input and output for the protocol alone; return (reader, writer).

    To be called once, before anything else runs. From then on whatever anyone prints goes to
    standard error, be it Python, a library in C or a child process, and whoever reads
    standard input finds it empty. Neither stream is inherited by children.

    If standard input was closed, the reader is at its end; if standard output was, writing
    fails with BrokenPipeError.
    """
    closed = _fill_gaps()
    reader = io.FileIO(_blocking(os.dup(0)), "rb")
    writer = io.FileIO(_blocking(_dead_pipe() if 1 in closed else os.dup(1)), "wb")
    _redirect(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    # What was printed before must not reach the wire either.
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()
    sys.stdout = sys.stderr
    return reader, writer


def _fill_gaps() -> set[int]:
    """Open the null device for each standard descriptor that is closed; return them.

    The next file opened would have its number otherwise, and receive stray output.
    """
    closed = {descriptor for descriptor in (0, 1, 2) if not _is_open(descriptor)}
    for _ in closed:
        # The lowest number that is free is one of them.
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    return closed


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _blocking(descriptor: int) -> int:
    # A parent such as Node.js may have made its pipes non-blocking.
    os.set_blocking(descriptor, True)
    return descriptor


def _dead_pipe() -> int:
    source, sink = os.pipe()
    os.close(source)
    return sink


def _redirect(source: int, target: int) -> None:
    os.dup2(source, target)
    os.close(source)
