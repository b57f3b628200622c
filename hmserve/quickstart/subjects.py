"""What the quickstart tunes: a C program where a compiler is, else zlib from Python."""

import os
import shlex
import shutil
import subprocess
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

PACKAGE: Final = Path(__file__).parent

Evaluate: TypeAlias = Callable[[Mapping[str, str]], float | None]


@dataclass(frozen=True, slots=True)
class Subject:
    """A program to be tuned.

    Args:
        scenario: Scenario file of this package that describes its parameters.
        about: Lines for the reader: what it is and how it came about.
        evaluate: Milliseconds of a configuration, given as text; None if it does not work.
    """

    scenario: Path
    about: Sequence[str]
    evaluate: Evaluate


def choose(directory: Path) -> Subject:
    """Return the C program, compiled in `directory`, or the stand-in if that cannot be had."""
    compiler = _compiler()
    if compiler is None:
        return _compress("There is no C compiler here (cc, gcc, clang)")
    source = str(shutil.copy(PACKAGE / "transpose.c", directory))
    program = str(directory / "transpose")
    command = [*compiler, "-std=c99", "-O2", "-o", program, source]
    trouble = _first_trouble([command, [program, "1024", "1024", "rows", "1"]])
    if trouble:
        return _compress(trouble)
    return Subject(
        PACKAGE / "transpose.json",
        (
            "A C program that transposes a matrix is to become fast: the shape of its tiles,",
            "the order of its loops and how far they are unrolled are parameters.",
            f"Compiled:  {shlex.join(command)}",
        ),
        lambda values: _run(program, values),
    )


def _compiler() -> list[str] | None:
    """Return the compiler's command: $CC if set, else the first that is installed."""
    for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        command = shlex.split(name)
        if command and shutil.which(command[0]):
            return command
    return None


def _first_trouble(commands: Sequence[Sequence[str]]) -> str | None:
    """Run each command; return in words why one did not work, None if all did."""
    for command in commands:
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"`{shlex.join(command)}` cannot be run ({error})"
        if done.returncode != 0:
            said = done.stderr.strip().partition("\n")[0][:200] or f"status {done.returncode}"
            return f"`{shlex.join(command)}` failed ({said})"
    return None


def _run(program: str, values: Mapping[str, str]) -> float | None:
    arguments = [values[name] for name in ("tile_rows", "tile_columns", "order", "unroll")]
    try:
        done = subprocess.run(
            [program, *arguments], stdout=subprocess.PIPE, text=True, timeout=10, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    return float(done.stdout) if done.returncode == 0 else None


_STRATEGIES: Final = {
    "default": zlib.Z_DEFAULT_STRATEGY,
    "filtered": zlib.Z_FILTERED,
    "huffman": zlib.Z_HUFFMAN_ONLY,
    "run_length": zlib.Z_RLE,
    "fixed": zlib.Z_FIXED,
}
_BYTES_A_MILLISECOND: Final = 125_000
"""Of a line of 1 Gbit/s."""


def _compress(reason: str) -> Subject:
    """Return the stand-in: how long it takes to compress a text and send it."""
    text = b"".join(path.read_bytes() for path in sorted(PACKAGE.parent.rglob("*.py")))

    def evaluate(values: Mapping[str, str]) -> float:
        level, window, memory = (
            int(values[name]) for name in ("level", "window_bits", "memory_level")
        )
        strategy = _STRATEGIES[values["strategy"]]
        times = []
        for _ in range(3):
            start = time.perf_counter()
            press = zlib.compressobj(level, zlib.DEFLATED, window, memory, strategy)
            size = len(press.compress(text)) + len(press.flush())
            times.append(1e3 * (time.perf_counter() - start))
        return min(times) + size / _BYTES_A_MILLISECOND

    return Subject(
        PACKAGE / "compress.json",
        (
            f"{reason},",
            "so a Python function stands in for the C program: how long zlib takes to compress",
            f"{len(text) // 1000} kB of source text and a line of 1 Gbit/s to send them.",
        ),
        evaluate,
    )
