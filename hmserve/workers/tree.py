"""A program with all the processes that come of it, to the last one. Runs in a warden.

On Linux the warden is a subreaper: whoever loses its parent becomes a child of the warden,
whatever session or group it is in. So nobody is left exactly when the warden has no children,
and until then everybody can be found by parents, in /proc. Elsewhere there is only the
process group of the program: who leaves it gets away.
"""

import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

HAS_PROC = os.path.exists("/proc/self/stat")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SET_PDEATHSIG = 1
_SET_CHILD_SUBREAPER = 36
# What the warden ignores or Python does, which no program is to inherit.
_CHANGED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGPIPE", "SIGXFSZ")
_ROUNDS = 0.05

_prctl: "Callable[..., int] | None" = None


def adopt_orphans(wanted: bool = True) -> bool:
    """Make this process the parent of descendants that lose theirs, or let it be one no more.

    Returns:
        Whether that could be done.
    """
    global _prctl  # noqa: PLW0603 - there is one C library
    try:
        import ctypes

        _prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return False
    done: int = _prctl(_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)
    return done == 0


class Tree:
    """A running program and its descendants: all that descends from this process.

    Args:
        argv: The program and its arguments.
        directory: Where it runs.
        environment: All of it.
        talks: Whether its standard input is a pipe from here; else it is empty.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(
        self,
        argv: list[str],
        directory: str,
        environment: "Mapping[str, str]",
        talks: bool = False,
    ) -> None:
        self.status: int | None = None
        self._pipes: list[int] = []
        try:
            theirs, ours = self._pipe()
            self.stdout, out = self._pipe()
            self.stderr, errors = self._pipe()
            news, told = self._pipe()
            source = theirs if talks else self._kept(os.open(os.devnull, os.O_RDONLY))
            parent = os.getpid()
            self.pid = os.fork()
            if self.pid == 0:
                _enter(directory, (source, out, errors), parent, told)
                _become(argv, environment, told)
            self._drop({theirs, source, out, errors, told} | (set() if talks else {ours}))
            self._hear(news)
        except OSError:
            self.close()
            raise
        self.stdin = ours if talks else None
        for descriptor in self._pipes:
            os.set_blocking(descriptor, False)

    def reap(self) -> bool:
        """Take note of who has ended; return whether nobody is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return False
                if pid == self.pid:
                    self.status = status
        except ChildProcessError:
            return HAS_PROC or not _send(os.killpg, self.pid, 0)

    def terminate(self) -> None:
        """Ask everybody to end."""
        found = self._groups()
        send_to_all(found, signal.SIGTERM)
        send_to_all(found, signal.SIGCONT)

    def kill(self) -> None:
        """Kill everybody who can be found within a moment; to be repeated until all are gone.

        Nobody is killed while there is somebody new: who is stopped has no more children, and
        takes up the room for others.
        """
        until = time.monotonic() + _ROUNDS
        seen: set[int] = set()
        while (found := self._groups()).keys() - seen and time.monotonic() < until:
            seen |= found.keys()
            send_to_all(found, signal.SIGSTOP)
        send_to_all(found, signal.SIGKILL)

    def memory(self) -> int:
        """Return the resident memory of everybody, in bytes; 0 where that is unknown."""
        return sum(map(_resident, self._groups())) if HAS_PROC else 0

    def close_stdin(self) -> None:
        """Let the program find the end of its input."""
        if self.stdin is not None:
            self._drop({self.stdin})
            self.stdin = None

    def close(self) -> None:
        """Let go of the pipes."""
        self._drop(set(self._pipes))

    def _hear(self, news: int) -> None:
        """Wait until the program has begun, or has been found not to."""
        problem = os.read(news, 16)
        self._drop({news})
        if problem:
            os.waitpid(self.pid, 0)
            raise OSError(int(problem), os.strerror(int(problem)))

    def _groups(self) -> "dict[int, int]":
        return descendants(os.getpid()) if HAS_PROC else {self.pid: self.pid}

    def _pipe(self) -> tuple[int, int]:
        source, sink = os.pipe()
        self._pipes += [source, sink]
        return source, sink

    def _kept(self, descriptor: int) -> int:
        self._pipes.append(descriptor)
        return descriptor

    def _drop(self, descriptors: "Collection[int]") -> None:
        for descriptor in descriptors:
            self._pipes.remove(descriptor)
            os.close(descriptor)


def descendants(root: int, but: "Collection[int]" = ()) -> "dict[int, int]":
    """Return the process group of each descendant of `root`.

    The children `but` are left out, with what descends from them.
    """
    groups: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (found := _parent_and_group(name)):
            groups[int(name)] = found[1]
            children.setdefault(found[0], []).append(int(name))
    below = [pid for pid in children.get(root, []) if pid not in but]
    for pid in below:
        below += children.get(pid, [])  # grows while it is gone through
    return {pid: groups[pid] for pid in below}


def send_to_all(groups: "Mapping[int, int]", number: int) -> None:
    """Send a signal to processes and to their groups: a group hears it at one instant."""
    # Who was born a moment ago may still be in ours.
    for group in set(groups.values()) - {os.getpgrp(), 0}:
        _send(os.killpg, group, number)
    for pid in groups:
        _send(os.kill, pid, number)


def _parent_and_group(name: str) -> tuple[int, int] | None:
    try:
        with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
            text = file.read()
    except OSError:
        return None
    # The name of the program may have blanks and brackets in it; the state comes after it.
    _, parent, group = text[text.rfind(b")") + 2 :].split(None, 3)[:3]
    return int(parent), int(group)


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb", buffering=0) as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _send(call: "Callable[[int, int], None]", target: int, number: int) -> bool:
    """Send a signal; return whether somebody was there."""
    try:
        call(target, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's by now, or, on macOS, a zombie.
        return HAS_PROC
    return True


def _enter(directory: str, streams: tuple[int, int, int], parent: int, told: int) -> None:
    """In a new process: make it the leader of a session, with streams of its own."""
    try:
        os.setsid()
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
        for name in _CHANGED:
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        if _prctl is not None:
            _prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                _vanish()
        os.chdir(directory)
    except OSError as error:
        _tell(told, error)


def _become(argv: list[str], environment: "Mapping[str, str]", told: int) -> None:
    """In a new process: replace it by the program."""
    try:
        os.execvpe(argv[0], argv, environment)
    except OSError as error:
        _tell(told, error)
    except ValueError:
        # An argument with a zero byte in it.
        os.write(told, b"22")
    _vanish()


def _tell(told: int, error: OSError) -> None:
    os.write(told, str(error.errno or 5).encode())
    _vanish()


def _vanish() -> None:
    """End this process without running anything else of the warden's in it."""
    os.kill(os.getpid(), signal.SIGKILL)
