"""hmserve run zlib.json -- python3 worker.py"""

import sys

from example import compress

for line in sys.stdin:
    if not line.startswith("Request"):
        break
    names = sys.stdin.readline().strip()
    print(f"{names},Bytes,Valid")
    for _ in range(int(line.split()[1])):
        row = sys.stdin.readline().strip()
        trial = dict(zip(names.split(","), row.split(",")))
        trial.update({name: int(trial[name]) for name in ("level", "window", "memory")})
        print(row, *compress(trial), sep=",")
    sys.stdout.flush()
