"""Tunes a GPU kernel from its measurements: a plain client of the classic protocol.

usage: python3 client.py [COMMAND ...]      default: hmserve --config convolution.json

Nothing of hmserve is imported; any language with pipes does the same.
"""

import csv
import gzip
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

MEASUREMENTS = Path(__file__).with_name("convolution-rtx3090.csv.gz")
COMMAND = ("hmserve", "--config", "convolution.json")

Table = Mapping[frozenset[tuple[str, str]], float | None]


def load(path: Path) -> Table:
    """Return the time of every measured configuration; None where the kernel failed."""
    table: dict[frozenset[tuple[str, str]], float | None] = {}
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            status, time = row.pop("status"), row.pop("time_ms")
            table[frozenset(row.items())] = float(time) if status == "ok" else None
    return table


def tune(table: Table, command: Sequence[str]) -> list[float | None]:
    """Run `command` as a child, answer from `table`, and return all times in order.

    Raises:
        subprocess.CalledProcessError: The child ended with another status than 0.
    """
    times: list[float | None] = []
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for line in child.stdout:
            if not line.startswith("Request "):
                continue  # the last line, "End of HyperMapper"
            names = child.stdout.readline().strip().split(",")
            reply = [*names, "time_ms", "Valid"]
            lines = [",".join(reply)]
            for _ in range(int(line.split()[1])):
                row = child.stdout.readline().strip()
                # What was never measured breaks a rule of the kernel: it would not compile.
                time = table.get(frozenset(zip(names, row.split(","), strict=True)))
                times.append(time)
                lines.append(f"{row},,false" if time is None else f"{row},{time},true")
            child.stdin.write("\n".join(lines) + "\n")
            child.stdin.flush()
    if child.returncode != 0:
        raise subprocess.CalledProcessError(child.returncode, command)
    return times


def main() -> None:
    table = load(MEASUREMENTS)
    known = min(time for time in table.values() if time is not None)
    times = tune(table, sys.argv[1:] or COMMAND)
    working = [time for time in times if time is not None]
    print(f"{len(times)} evaluations, {len(times) - len(working)} of them failed")
    if working:
        best = min(working)
        print(f"best {best:.4f} ms, {best / known:.3f} times the best known, {known:.4f} ms")


if __name__ == "__main__":
    try:
        main()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"client.py: {error}")
