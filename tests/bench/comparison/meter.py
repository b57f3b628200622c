"""What the process and its children have used: CPU seconds and memory."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MEGABYTE = 2**20


def cpu_seconds() -> float:
    """Return the CPU time of this process and of all its children, the live ones included."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    here = resource.getrusage(resource.RUSAGE_SELF)
    total = sum(usage.ru_utime + usage.ru_stime for usage in (here, ended))
    return total + sum(_ticks(pid) for pid in _descendants(os.getpid())) / _TICKS


def peak_megabytes() -> float:
    """Return the largest resident memory of this process plus that of its live children.

    A child that has ended counts if it alone was larger.
    """
    here, ended = (
        resource.getrusage(who).ru_maxrss * 1024 / _MEGABYTE
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return max(here + sum(_peak(pid) for pid in _descendants(os.getpid())), ended)


def _descendants(pid: int) -> Iterator[int]:
    """Yield the live children of `pid`, theirs, and so on; none where there is no /proc."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, _read(path).split()):
            yield child
            yield from _descendants(child)


def _ticks(pid: int) -> int:
    # Fields 14 to 17: user and system time, its own and of its ended children; proc(5).
    after_name = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(map(int, after_name[11:15]))


def _peak(pid: int) -> float:
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / _MEGABYTE
    return 0.0


def _read(path: Path) -> str:
    """Return the text of `path`; empty if the process has ended meanwhile."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
