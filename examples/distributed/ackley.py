"""Ackley's function, and the bounds within which DeepHyper's tutorial minimises it."""

import math
import os
import time

BOUNDS = (-32.768, 32.768)
DIMENSION = 10
SECONDS = float(os.environ.get("SECONDS", "1"))
# In the middle, where the tutorial has it, anyone would find it who tries the middle.
OPTIMUM = [5.0 + 1.5 * i for i in range(DIMENSION)]


def ackley(xs, a=20.0, b=0.2, c=2 * math.pi):
    """Return Ackley's function, 0 at `OPTIMUM`, about 21 almost everywhere else."""
    distances = [x - optimum for x, optimum in zip(xs, OPTIMUM, strict=True)]
    mean = sum(z * z for z in distances) / len(distances)
    waves = sum(math.cos(c * z) for z in distances) / len(distances)
    return a + math.e - a * math.exp(-b * math.sqrt(mean)) - math.exp(waves)


def run(configuration, seconds=SECONDS):
    """Evaluate, and take as long as a short simulation."""
    time.sleep(seconds)
    return ackley([configuration[f"x{i}"] for i in range(DIMENSION)])
