"""The worker that hmserve starts twice: answers each row with the bytes and the effort."""

import sys

from measure import CompressionError, measure, options

for line in sys.stdin:
    if not line.startswith("Request"):
        break
    names = sys.stdin.readline().strip()
    print(f"{names},Bytes,Effort")
    for _ in range(int(line.split()[1])):
        row = sys.stdin.readline().strip()
        try:
            size, effort = measure(
                options(dict(zip(names.split(","), row.split(","), strict=True)))
            )
        except CompressionError as error:
            print(error, file=sys.stderr)
            size, effort = "nan", "nan"
        print(row, size, effort, sep=",")
    sys.stdout.flush()
