"""A client of HyperMapper's protocol: it knows nothing of workers, nor has it to."""

import sys
import time


def six_hump_camel(x, y):
    return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2


while True:
    word, *count = sys.stdin.readline().split()
    if word != "Request":
        break
    sys.stdin.readline()
    print("x,y,Value")
    for _ in range(int(count[0])):
        row = sys.stdin.readline().strip()
        x, y = map(float, row.split(","))
        time.sleep(0.02 + 0.02 * abs(x))
        print(f"{row},{six_hump_camel(x, y)!r}")
    sys.stdout.flush()
