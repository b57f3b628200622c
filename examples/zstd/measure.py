"""What zstd makes of a file, and at which cost."""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

DATA = Path("results/data.csv")
REFERENCE = ("-12",)
LIMITED = ["sh", "-c", 'ulimit -t 5; exec "$@"', "sh"]  # seconds; what takes longer has failed
ROUNDS = 3

LONG = ("lhlog", "lmml", "lblog", "lhrlog")
BASIC = ("wlog", "hlog", "clog", "slog", "mml", "tlen", "strat")


class CompressionError(Exception):
    """zstd refused the options, took too long, or lost data."""


def options(configuration: Mapping[str, str]) -> list[str]:
    """Return the options of zstd; inactive parameters are empty, and stay out."""
    given = [f"{name}={configuration[name]}" for name in BASIC if configuration[name]]
    if configuration["long"] == "no":
        return [f"--zstd={','.join(given)}"]
    given += [f"{name}={configuration[name]}" for name in LONG]
    return [f"--long={configuration['wlog']}", f"--zstd={','.join(given)}"]


def compress(options: Sequence[str], data: Path = DATA) -> tuple[int, float]:
    """Return the bytes that `data` becomes and the seconds of processor time that takes.

    Raises:
        CompressionError: There is no result, or it does not give back the data.
    """
    command = ["zstd", "-q", "--single-thread", "-c", *options, str(data)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen([*LIMITED, *command], stdout=out, stderr=err)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            err.seek(0)
            said = err.read(200).decode(errors="replace").strip()
            raise CompressionError(f"{' '.join(command)}: status {child.returncode} {said}")
        size = out.tell()
        out.seek(0)
        back = subprocess.run(
            ["zstd", "-q", "-d", "-c", "--long=27"], stdin=out, capture_output=True, check=False
        )
    if back.stdout != data.read_bytes():
        raise CompressionError(f"{' '.join(command)}: data lost")
    return size, used.ru_utime + used.ru_stime


def measure(options: Sequence[str], rounds: int = ROUNDS) -> tuple[int, float]:
    """Return the bytes, and the processor time in units of that of the reference.

    Both are run in turn, so that a machine that is slow for a while is slow for both, and the
    shortest time of each counts: other programs can only add to it. What is far from taking as
    long as the reference is not measured again.
    """
    mine, reference = [], []
    for _ in range(rounds):
        size, seconds = compress(options)
        mine.append(seconds)
        reference.append(compress(REFERENCE)[1])
        if not 0.5 < mine[0] / reference[0] < 2:
            break
    return size, min(mine) / min(reference)
