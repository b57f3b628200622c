"""A hmserve that plays a transcript: says its part, and complains about the other's.

usage: scripted.py TRANSCRIPT COMPLAINTS ARGUMENT ...

The arguments are those that the client gave to hmserve. What is wrong is written to the file
COMPLAINTS, whose last line is `played` if the conversation went to its end.
"""

import itertools
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from rules import difference, same_command, table
from transcript import Block, Transcript


class ClientError(Exception):
    """The client did something that it should not."""


def check_arguments(transcript: Transcript, arguments: list[str]) -> None:
    if not any(Path(each).name == "scenario.json" for each in arguments):
        raise ClientError(f"expected the scenario among the arguments, came {arguments}")
    pairs = list(itertools.pairwise(arguments))
    asked = ("--protocol", "ask-tell") in pairs or "--protocol=ask-tell" in arguments
    if asked != (transcript.head["dialect"] == "ask-tell"):
        expected = transcript.head["dialect"]
        raise ClientError(f"expected arguments for the dialect {expected}, came {arguments}")


def say(lines: list[str], newline: str) -> None:
    os.write(1, "".join(line + newline for line in lines).encode())


def hear(expected: str) -> str:
    """Return the next line that is not blank."""
    while True:
        line = sys.stdin.readline()
        if not line:
            raise ClientError(f"the client closed its end where {expected!r} was expected")
        if line.strip():
            return line.rstrip("\r\n")


def hear_table(expected: list[str]) -> None:
    came = [hear(line) for line in expected]
    try:
        wrong = difference(table(expected), table(came))
    except ValueError as error:
        raise ClientError(str(error)) from None
    if wrong:
        raise ClientError(wrong)


def listen(block: Block, dialect: str) -> None:
    lines = block.lines
    if dialect == "ask-tell":
        command, *lines = lines
        came = hear(command)
        if not same_command(command, came):
            raise ClientError(f"expected {command!r}, came {came!r}")
    if lines:
        hear_table(lines)


def leave(how: str) -> NoReturn:
    """End with a status, or as `kill -9` ends a process."""
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(10)
    sys.exit(int(how))


def play(transcript: Transcript, complaints: Path) -> None:
    for block in transcript.blocks:
        if block.mark == ">":
            say(block.lines, transcript.head["newline"])
        elif block.mark == "<":
            listen(block, transcript.head["dialect"])
        elif block.mark == "!":
            print(*block.lines, sep="\n", file=sys.stderr, flush=True)
        elif block.mark == "x":
            note(complaints, "played")
            leave(block.lines[0])


def hear_the_end() -> None:
    rest = [line for line in sys.stdin if line.strip()]
    if rest:
        raise ClientError(f"expected that the client closes its end, came {rest[0]!r}")


def note(complaints: Path, text: str) -> None:
    with complaints.open("a", encoding="utf-8") as file:
        file.write(text + "\n")


def main() -> None:
    transcript, complaints, *arguments = sys.argv[1:]
    try:
        script = Transcript.load(Path(transcript))
        check_arguments(script, arguments)
        play(script, Path(complaints))
        note(Path(complaints), "played")
        hear_the_end()
    except ClientError as complaint:
        note(Path(complaints), str(complaint))
        print("conformance:", complaint, file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
