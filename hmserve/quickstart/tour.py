"""A program tuned through a pipe, the conversation shown as it happens."""

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, TypeAlias

from hmserve.quickstart.subjects import Evaluate, Subject, choose

Out: TypeAlias = Callable[[str], None]

_IN_FULL: Final = 3
"""How many requests are shown line by line; the others take one line each."""


def run(out: Out) -> int:
    """Tune a small program and show every step, a line at a time, to `out`.

    The files stay in a new temporary directory, whose name is shown.

    Returns:
        An exit status: 0, that of the daemon if it died, 130 after Ctrl-C.
    """
    directory = Path(tempfile.mkdtemp(prefix="hmserve-quickstart-"))
    try:
        return _tour(directory, out)
    except KeyboardInterrupt:
        shutil.rmtree(directory, ignore_errors=True)
        out("Stopped. Nothing is left behind.")
        return 130


def _tour(directory: Path, out: Out) -> int:
    subject = choose(directory)
    scenario = _write_scenario(subject, directory)
    command = [sys.executable, "-m", "hmserve", "--config", str(scenario)]
    for line in subject.about:
        out(line)
    out(f"Started:   {shlex.join(command)}")
    out("What it says is marked <<, what it hears is marked >>.")
    out("")
    begin = time.monotonic()
    client = Client(subject.evaluate, out)
    with _child(command) as (said, heard, process):
        ended = client.converse(said, heard)
        with suppress(BrokenPipeError):
            heard.close()
        status = process.wait()
    if not ended or status != 0:
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        out(f"hmserve {how} before the run was over.")
        out(f"Its log and the other files are in {directory}")
        return 128 - status if status < 0 else status or 1
    _conclude(client, scenario, time.monotonic() - begin, out)
    return 0


def _write_scenario(subject: Subject, directory: Path) -> Path:
    document = json.loads(subject.scenario.read_text(encoding="utf-8"))
    document["run_directory"] = str(directory)
    path = directory / subject.scenario.name
    path.write_text(json.dumps(document, indent=4) + "\n", encoding="utf-8")
    return path


@contextmanager
def _child(
    command: Sequence[str],
) -> Iterator[tuple[IO[str], IO[str], "subprocess.Popen[str]"]]:
    """Run `command` for the length of the block: its stdout, its stdin, the process."""
    # In a session of its own Ctrl-C reaches us alone, and it is stopped in one place.
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout, process.stdin, process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(slots=True)
class Client:
    """The client's side of the classic dialect, with a running commentary.

    Args:
        evaluate: The program to be tuned.
        out: Takes one line for the reader.
        times: The outcome of each evaluation so far, None where it failed.
        rows: The configuration of each, as it was asked.
    """

    evaluate: Evaluate
    out: Out
    times: list[float | None] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    requests: int = 0

    @property
    def best(self) -> int | None:
        """The index of the shortest time; None before one worked."""
        worked = [(time, k) for k, time in enumerate(self.times) if time is not None]
        return min(worked)[1] if worked else None

    def converse(self, said: IO[str], heard: IO[str]) -> bool:
        """Answer each request that is `said`; return whether the end line came."""
        for line in said:
            if line == "End of HyperMapper\n":
                self.out(f"<< {line.rstrip()}")
                return True
            count = int(line.removeprefix("Request "))
            names, *rows = (said.readline() for _ in range(1 + count))
            if not rows[-1].endswith("\n"):
                return False
            self.requests += 1
            reply = self._answer(names.rstrip("\n"), [row.rstrip("\n") for row in rows])
            try:
                heard.write(reply)
                heard.flush()
            except BrokenPipeError:
                return False
        return False

    def _answer(self, names: str, rows: Sequence[str]) -> str:
        full = self.requests <= _IN_FULL
        header = f"{names},Milliseconds,Valid"
        if full:
            for line in (f"Request {len(rows)}", names, *rows):
                self.out(f"<< {line}")
            self.out(f">> {header}")
        reply = [header]
        for row in rows:
            answer = self._evaluate(names, row)
            reply.append(answer)
            self.out(f">> {answer}" if full else f"   {self._standing(row)}")
        if full:
            self.out(f"   {self._standing(rows[-1])}")
        if self.requests == _IN_FULL:
            self.out("   ... and so on; from here on one line each:")
        return "\n".join(reply) + "\n"

    def _evaluate(self, names: str, row: str) -> str:
        time = self.evaluate(dict(zip(names.split(","), row.split(","), strict=True)))
        self.times.append(time)
        self.rows.append(row)
        return f"{row},,false" if time is None else f"{row},{time:.4f},true"

    def _standing(self, row: str) -> str:
        last, best = self.times[-1], self.best
        now = "failed" if last is None else f"{last:.3f} ms"
        so_far = "none yet" if best is None else f"{self.times[best]:.3f} ms"
        return f"{len(self.times):3d}  {row:24s} {now:>12s}   best so far {so_far}"


def _compare(client: Client, out: Out) -> None:
    """Show the best configuration beside the first, which is the default one."""
    untuned, best = client.times[0], client.best
    if untuned is not None:
        out(f"Untuned: {untuned:8.3f} ms   {client.rows[0]}")
    if best is not None:
        tuned = client.times[best]
        assert tuned is not None
        gain = f"   {untuned / tuned:.1f} times as fast" if untuned is not None else ""
        out(f"Tuned:   {tuned:8.3f} ms   {client.rows[best]}{gain}")


def _conclude(client: Client, scenario: Path, seconds: float, out: Out) -> None:
    failed = client.times.count(None)
    out("")
    out(f"{len(client.times)} evaluations, {failed} of them failed, in {seconds:.0f} seconds.")
    _compare(client, out)
    out(f"Scenario, samples, journal and log are in {scenario.parent}")
    out("")
    out("Next:")
    out(f"  hmserve best {shlex.quote(str(scenario))}    shows the best of a run")
    out(f"  {scenario.name} is a model for a scenario of your own; hmserve check reads it")
    out("  your program answers Request lines as above; hmserve --help has the rest")
