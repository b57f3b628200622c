"""One evaluation as a command: the coordinates are its arguments, it prints the value."""

import sys

from ackley import run

print(run({f"x{i}": float(x) for i, x in enumerate(sys.argv[1:])}))
