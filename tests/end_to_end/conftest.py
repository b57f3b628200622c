"""The program as its users run it: a process of its own at the other end of real pipes."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

HMSERVE = [sys.executable, "-m", "hmserve"]
PATIENCE = 120
"""Seconds after which a process is taken to hang; it is killed, and its test fails."""

# Whoever runs the tests in the background ignores SIGINT, and what is ignored is inherited.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

Row = Mapping[str, str]


def environment() -> dict[str, str]:
    # Unbuffered output hides what goes wrong when buffers are written at the end.
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    return {**kept, "OMP_NUM_THREADS": "1"}


class Spawned:
    """A child process started the ordinary way."""

    def __init__(
        self, command: Sequence[str], directory: Path, streams: Mapping[str, Any]
    ) -> None:
        self.process = subprocess.Popen(
            command, cwd=directory, env=environment(), bufsize=0, **streams
        )
        self.pid = self.process.pid

    def wait(self) -> int:
        return self.process.wait()


class Forked:
    """A child of the fork server; everything it may need is imported already."""

    def __init__(
        self, server: socket.socket, order: Mapping[str, Any], streams: Mapping[str, Any]
    ) -> None:
        self.answers = server.makefile("r")
        descriptors = [streams[name].fileno() for name in ("stdin", "stdout", "stderr")]
        socket.send_fds(server, [json.dumps(order).encode()], descriptors)
        self.pid = int(self.answers.readline())
        self.status: int | None = None

    def wait(self) -> int:
        if self.status is None:
            self.status = int(self.answers.readline())
            self.answers.close()
        return self.status


class Daemon:
    """hmserve at work, seen from its client.

    Args:
        start: Starts the process, given its streams.
        directory: Where its standard error is kept.
    """

    def __init__(self, start: Callable[[Mapping[str, Any]], Any], directory: Path) -> None:
        ours, theirs = zip(*(pipe[::direction] for pipe, direction in _pipes()), strict=True)
        self._log = directory / "stderr.txt"
        with contextlib.ExitStack() as stack:
            stdin, stdout = (stack.enter_context(stream) for stream in theirs)
            stderr = stack.enter_context(self._log.open("ab"))
            self._seen = stderr.tell()
            self.child = start({"stdin": stdin, "stdout": stdout, "stderr": stderr})
        self.stdin, self.stdout = ours
        self.heard = b""
        self._alarm = threading.Timer(PATIENCE, self.kill)
        self._alarm.start()

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.wait()
        self.close()
        self.stdout.close()

    @property
    def stderr(self) -> str:
        return self._log.read_bytes()[self._seen :].decode()

    def line(self) -> str:
        """Return the next line of stdout, or nothing at its end."""
        line = self.stdout.readline()
        self.heard += line
        return str(line.decode())

    def request(self) -> list[dict[str, str]]:
        """Return the rows of the next request; none if the daemon says something else."""
        match = re.fullmatch(r"Request (\d+)\n", self.line())
        if match is None:
            return []
        names = self.line().rstrip("\n").split(",")
        rows = [self.line() for _ in range(int(match[1]))]
        if any(not row.endswith("\n") for row in rows):
            return []
        return [dict(zip(names, row.rstrip("\n").split(","), strict=True)) for row in rows]

    def answer(self) -> list[str]:
        """Return the lines of the next answer of the ask-tell dialect.

        None if the stream ends before it does.
        """
        lines = [self.line()]
        word, *counts = lines[0].split() or [""]
        more = {"Request": 1, "Best": 1, "Ok": 0}
        if lines[0].endswith("\n") and word in more:
            lines += [self.line() for _ in range(more[word] + int(counts[-1]))]
        whole = all(line.endswith("\n") for line in lines)
        return [line.rstrip("\n") for line in lines] if whole else []

    def exchange(self, *lines: str) -> list[str]:
        """Say a message of the ask-tell dialect; return the answer."""
        self.say("".join(f"{line}\n" for line in lines))
        return self.answer()

    def say(self, text: str | bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.stdin.write(text if isinstance(text, bytes) else text.encode())

    def converse(self, evaluate: Callable[[Row], Row]) -> list[list[dict[str, str]]]:
        """Answer until the daemon says something else than a request; return the requests."""
        requests = []
        while rows := self.request():
            requests.append(rows)
            self.say(reply(rows, evaluate))
        return requests

    def rest(self) -> str:
        """Return what is left of stdout when the daemon has ended."""
        rest = self.stdout.read()
        self.heard += rest
        return str(rest.decode())

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()

    def kill(self, number: int = signal.SIGKILL) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.child.pid, number)

    def wait(self) -> int:
        status = self.child.wait()
        self._alarm.cancel()
        return int(status)


def _pipes() -> Iterator[tuple[tuple[Any, Any], int]]:
    for direction in (-1, 1):
        source, sink = os.pipe()
        yield (os.fdopen(source, "rb"), os.fdopen(sink, "wb", buffering=0)), direction


def reply(rows: Sequence[Row], evaluate: Callable[[Row], Row]) -> str:
    """Return what a client says to a request: its columns, then those of `evaluate`."""
    full = [{**row, **evaluate(row)} for row in rows]
    return "".join(f"{','.join(line)}\n" for line in [full[0], *(r.values() for r in full)])


def bowl(row: Row) -> Row:
    """The outcome of any configuration, the same in every process: two objectives, validity.

    Some configurations fail, some are measured and infeasible.
    """
    numbers = [_number(text) for text in row.values()]
    near = sum((x - 0.3 * i) ** 2 for i, x in enumerate(numbers, 1))
    far = sum(abs(x - 2.0) for x in numbers)
    crashed = sum(map(len, row.values())) % 7 == 0
    return {
        "Value": "nan" if crashed else repr(near),
        "Cost": repr(far),
        "Valid": str(near + far > 3.0),
    }


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return sum(text.encode()) % 10 / 5


@pytest.fixture
def evaluate() -> Callable[[Row], Row]:
    return bowl


@pytest.fixture
def write_scenario(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a scenario with changes; None takes a key away."""

    def write(directory: Path = tmp_path, name: str = "app.json", **changes: Any) -> Path:
        document = {
            "application_name": "app",
            "optimization_objectives": ["Value"],
            "hypermapper_mode": {"mode": "client-server"},
            "design_of_experiment": {"doe_type": "random sampling", "number_of_samples": 3},
            "optimization_iterations": 0,
            "seed": 7,
            "input_parameters": {
                "x": {"parameter_type": "real", "values": [0, 1]},
                "n": {"parameter_type": "integer", "values": [0, 100]},
            },
            **changes,
        }
        kept = {key: value for key, value in document.items() if value is not None}
        path = directory / name
        path.write_text(json.dumps(kept))
        return path

    return write


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Return a function that starts ``hmserve ARGUMENTS`` in `directory`."""
    with contextlib.ExitStack() as stack:

        def start(
            *arguments: str, directory: Path = tmp_path, command: Sequence[str] = HMSERVE
        ) -> Daemon:
            whole = [*command, *arguments]
            return stack.enter_context(
                Daemon(lambda streams: Spawned(whole, directory, streams), directory)
            )

        yield start


@pytest.fixture(scope="session")
def _server() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    script = Path(__file__).with_name("fork_server.py")
    command = [sys.executable, str(script), str(theirs.fileno())]
    with ours, subprocess.Popen(command, env=environment(), pass_fds=[theirs.fileno()]) as run:
        theirs.close()
        yield ours
        ours.shutdown(socket.SHUT_RDWR)
        run.wait()


@pytest.fixture
def fork(_server: socket.socket) -> Callable[..., Daemon]:
    """Return a function that starts hmserve, or a Python script, quickly.

    `at` is the point at which it dies; see fork_server.py. To be used in a ``with`` block:
    there is one child at a time.
    """

    def start(
        *arguments: str,
        directory: Path,
        script: Path | None = None,
        at: int | None = None,
        power: bool = False,
    ) -> Daemon:
        order = {
            "arguments": arguments,
            "directory": str(directory),
            "script": script and str(script),
            "at": at,
            "power": power,
        }
        return Daemon(lambda streams: Forked(_server, order, streams), directory)

    return start


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Return a function that runs a command to its end; as a rule it hears nothing."""

    def complete(
        *arguments: str,
        command: Sequence[str] = HMSERVE,
        directory: Path = tmp_path,
        **streams: Any,
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, *arguments],
            cwd=directory,
            env=environment(),
            text=True,
            timeout=PATIENCE,
            check=False,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "input": "", **streams},
        )

    return complete
