"""Does a client of hmserve understand what hmserve says? README.md says what it has to do.

usage: python3 conformance.py [options] -- COMMAND ...

COMMAND is a driver: a small program that uses the client. For each conversation it is run with
three more arguments, the scenario file, the dialect (classic or ask-tell) and the names of the
outputs (such as Value,Valid); {scenario}, {dialect} and {outputs} in COMMAND stand for them.
"""

import argparse
import csv
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rules import black_box, same_cell, same_row
from transcript import Transcript, conversations

HERE = Path(__file__).resolve().parent
PLACES = ("scenario", "dialect", "outputs")


class ClientError(Exception):
    """The client did not do what it has to."""


class Driver:
    """The program under test.

    Args:
        command: Its arguments.
        patience: Seconds after which it is taken to hang.
    """

    def __init__(self, command: Sequence[str], patience: float) -> None:
        self.command = command
        self.patience = patience

    def run(
        self, transcript: Transcript, hmserve: str, directory: Path
    ) -> tuple[int, str, str]:
        """Return its exit status, and what it wrote on standard output and standard error.

        Raises:
            ClientError: It hung, or a signal ended it.
        """
        scenario = directory / "scenario.json"
        scenario.write_text(json.dumps(transcript.scenario(directory), indent=1))
        values = (str(scenario), transcript.head["dialect"], transcript.head["outputs"])
        command = self._filled(dict(zip(PLACES, values, strict=True)))
        environment = {**os.environ, "HMSERVE": hmserve}
        pipe = subprocess.PIPE
        streams = {"stdin": subprocess.DEVNULL, "stdout": pipe, "stderr": pipe}
        try:
            child = subprocess.Popen(command, env=environment, text=True, **streams)
        except OSError as error:
            raise ClientError(
                f"cannot start the driver {command[0]}: {error.strerror}"
            ) from None
        with child:
            try:
                out, err = child.communicate(timeout=self.patience)
            except subprocess.TimeoutExpired:
                child.kill()
                raise ClientError(
                    f"the driver was not done after {self.patience:g} s"
                ) from None
        if child.returncode < 0 or 128 < child.returncode <= 192:
            raise ClientError(f"a signal ended the driver ({child.returncode}):\n{err}")
        return child.returncode, out, err

    def _filled(self, values: dict[str, str]) -> list[str]:
        marked = any(f"{{{name}}}" in word for name in PLACES for word in self.command)
        if not marked:
            return [*self.command, *values.values()]
        filled = list(self.command)
        for name, value in values.items():
            filled = [word.replace(f"{{{name}}}", value) for word in filled]
        return filled


def check_shown(expected: list[str], run: tuple[int, str, str]) -> None:
    """Compare what a driver showed with what it had to show."""
    status, out, err = run
    errors, _ = parted(expected, "error ")
    if errors:
        if status == 0:
            raise ClientError(f"expected an error, came exit status 0 and:\n{out}")
        for text in errors:
            if text not in err:
                raise ClientError(f"expected {text!r} on standard error, came:\n{err}")
        return
    if status != 0:
        raise ClientError(f"expected exit status 0, came {status}:\n{err}")
    warnings, lines = parted(expected, "warning ")
    for text in warnings:
        if text not in err:
            raise ClientError(f"expected {text!r} on standard error, came:\n{err}")
    left = out.splitlines()
    for line in lines:
        match = next((each for each in left if same_line(line, each)), None)
        if match is None:
            raise ClientError(f"expected {line!r} on standard output, came:\n{out}")
        left.remove(match)
    if left:
        raise ClientError(f"expected nothing more on standard output, came {left}")


def parted(lines: list[str], word: str) -> tuple[list[str], list[str]]:
    """Return what follows `word` where a line begins with it, and the other lines."""
    others = [line for line in lines if not line.startswith(word)]
    return [line.removeprefix(word) for line in lines if line.startswith(word)], others


def same_line(expected: str, came: str) -> bool:
    if expected.startswith("status ") and came.startswith("status "):
        return same_status(expected.removeprefix("status "), came.removeprefix("status "))
    name, sign, value = expected.partition("=")
    other, _, cell = came.partition("=")
    return name == other and (same_cell(value, cell) if sign else came == expected)


def same_status(expected: str, came: str) -> bool:
    try:
        return json.loads(expected) == json.loads(came)
    except ValueError:
        return False


def play(driver: Driver, transcript: Transcript, directory: Path) -> None:
    """Run the driver against the scripted hmserve."""
    stub, complaints = directory / "a scripted hmserve", directory / "complaints"
    script = HERE / "transcripts" / f"{transcript.name}.txt"
    words = [
        sys.executable,
        "-S",
        "-E",
        str(HERE / "scripted.py"),
        str(script),
        str(complaints),
    ]
    stub.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    stub.chmod(0o755)
    absent = transcript.head.get("absent", False)
    run = driver.run(
        transcript, str(directory / "no such hmserve" if absent else stub), directory
    )
    said = complaints.read_text().splitlines() if complaints.exists() else []
    ended = [] if any(line.startswith("error ") for line in transcript.shown()) else ["played"]
    if not absent and said not in (ended, ["played"]):
        raise ClientError(
            "\n".join(said or ["hmserve was not started, or the client left early"])
        )
    check_shown(transcript.shown(), run)


def converse(hmserve: str) -> Callable[[Driver, Transcript, Path], None]:
    """Return what runs a driver against the real hmserve."""

    def real(driver: Driver, transcript: Transcript, directory: Path) -> None:
        status, out, err = driver.run(transcript, hmserve, directory)
        if transcript.head["rows"] < 0:
            check_shown(
                [line for line in transcript.shown() if "error" in line], (status, out, err)
            )
            return
        if status != 0 or "end" not in out.splitlines():
            raise ClientError(f"expected exit status 0 and 'end', came {status}:\n{out}{err}")
        check_samples(transcript, directory / "conformance_output_samples.csv")
        check_best(transcript, out, directory / "conformance_output_samples.csv")

    return real


def rows_of(samples: Path) -> list[dict[str, str]]:
    with samples.open(newline="") as lines:
        return list(csv.DictReader(lines))


def check_samples(transcript: Transcript, samples: Path) -> None:
    """Check that hmserve understood of each evaluation what the client meant."""
    rows = rows_of(samples)
    if len(rows) != transcript.head["rows"]:
        raise ClientError(
            f"expected {transcript.head['rows']} evaluations, hmserve has {len(rows)}"
        )
    for row in rows:
        answer = black_box(row)
        outputs = transcript.head["outputs"].split(",")
        expected = {name: answer[name] for name in outputs if name in answer}
        if expected.get("Valid") == "failed":
            expected["Valid"] = "false"
        if not same_row(expected, row):
            raise ClientError(f"expected {expected} for an evaluation, hmserve has {row}")


def check_best(transcript: Transcript, out: str, samples: Path) -> None:
    """Check that the driver showed the best point, if there is one that is best."""
    if "Cost" in transcript.head["outputs"]:
        return
    rows = [row for row in rows_of(samples) if usable(row)]
    furthest = max(float(row.get("epochs", 1)) for row in rows)
    full = [row for row in rows if float(row.get("epochs", 1)) == furthest]
    values = [float(black_box(row)["Value"]) for row in full]
    shown = [line for line in out.splitlines() if line.startswith("best Value=")]
    if len(shown) != 1 or not same_line(f"best Value={min(values)!r}", shown[0]):
        raise ClientError(f"expected the best point, with Value={min(values)!r}, came:\n{out}")


def usable(row: dict[str, str]) -> bool:
    return black_box(row)["Valid"] == "true"


def test(
    act: Callable[[Driver, Transcript, Path], None],
    driver: Driver,
    transcript: Transcript,
    kind: str,
) -> bool:
    """Play one conversation, say how it went, and return whether it went well."""
    title = f"{transcript.name} ({transcript.head['dialect']}, {kind} hmserve)"
    with tempfile.TemporaryDirectory(prefix="conformance ") as place:
        try:
            act(driver, transcript, Path(place))
        except ClientError as failure:
            text = str(failure).rstrip().replace("\n", "\n    ")
            print(f"FAILED  {title}\n    {text}", flush=True)
            return False
    print(f"ok      {title}", flush=True)
    return True


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Checks a client of hmserve.", usage="%(prog)s [options] -- COMMAND ..."
    )
    parser.add_argument("--dialect", choices=["classic", "ask-tell"], help="only this one")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="only this conversation; may be given several times",
    )
    parser.add_argument(
        "--hmserve",
        default="hmserve",
        metavar="PROGRAM",
        help="the real hmserve (default: the one in the PATH)",
    )
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--scripted", action="store_true", help="without the real hmserve")
    kinds.add_argument("--real", action="store_true", help="without the scripted hmserve")
    parser.add_argument(
        "--patience",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="after which a driver is taken to hang (default: 60)",
    )
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="the driver")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    driver = Driver(options.command, options.patience)
    chosen = [
        each
        for each in conversations(options.only)
        if options.dialect in {None, each.head["dialect"]}
    ]
    results = []
    if not options.real:
        results += [
            test(play, driver, each, "scripted") for each in chosen if each.head["play"]
        ]
    if not options.scripted:
        act = converse(options.hmserve)
        results += [test(act, driver, each, "real") for each in chosen if each.head["rows"]]
    failed = results.count(False)
    print(f"{len(results)} conversations, {failed} failed")
    sys.exit(1 if failed or not results else 0)


if __name__ == "__main__":
    main()
