"""A model of a tiled matrix product: mixed parameters, and settings that only fail when run.

The formulas are ours, in the manner of the roofline model (Williams, Waterman & Patterson
2009): arithmetic and memory traffic overlap, caches are two soft steps, and threads share the
bandwidth. Nothing is measured.
"""

import itertools
import math

from comparison.problem import Configuration, Outcome, Problem
from comparison.problems.spaces import (
    categorical,
    integer,
    ordinal,
    real,
    relative_regret,
)

SIZE = 1024
LANES = {"none": 1, "sse": 2, "avx": 4}
SCRATCH = 2**21
REGISTERS = 32

MINIMUM = 56.215755026947626
MINIMISER = {
    **{"tile_i": 64, "tile_j": 64, "tile_k": 128, "order": "ikj", "unroll": 4},
    **{"vector": "avx", "threads": 12, "prefetch": 17.88854381999832},
}


def _tile(c: Configuration, loop: str) -> int:
    return int(c[f"tile_{loop}"])


def _working_set(c: Configuration) -> int:
    i, j, k = (_tile(c, loop) for loop in "ijk")
    return 8 * (i * k + k * j + i * j)


def works(c: Configuration) -> bool:
    """Return whether it runs: threads share scratch memory, steps of the inner loop fit it."""
    if c["vector"] == "avx" and c["order"].endswith("i"):
        return False
    if c["unroll"] * LANES[c["vector"]] > _tile(c, c["order"][-1]):
        return False
    return _working_set(c) * c["threads"] <= SCRATCH


def _arithmetic(c: Configuration) -> float:
    """Return cycles of one thread: vectors and unrolling help until registers spill."""
    lanes, unroll = LANES[c["vector"]], c["unroll"]
    stride = {"i": 2.0, "j": 1.0, "k": 1.25}[c["order"][-1]]
    parallel = lanes**0.9 * (1 + 0.3 * math.log2(unroll))
    spill = 1 + 0.4 * max(math.log2(lanes * unroll / REGISTERS * 2), 0.0)
    return SIZE**3 * stride * spill / parallel


def _step(octaves: float) -> float:
    return 1 / (1 + 2.0 ** (-2 * octaves))


def _traffic(c: Configuration) -> float:
    """Return cycles of one thread: larger tiles are read less often, until caches overflow."""
    i, j, k = (_tile(c, loop) for loop in "ijk")
    octaves = math.log2(_working_set(c))
    latency = 1 + 3 * _step(octaves - 15) + 9 * _step(octaves - 19)
    outer = {"i": 1.0, "j": 1.1, "k": 1.3}[c["order"][0]]
    best = max(math.sqrt(_working_set(c) / 512), 0.5)
    prefetch = 1 + 0.06 * math.log2(c["prefetch"] / best) ** 2
    return 4 * SIZE**3 * (1 / i + 1 / j + 2 / k) * latency * outer * prefetch


def milliseconds(c: Configuration) -> float:
    """Return the modelled time at three cycles a nanosecond."""
    blocks = math.ceil(SIZE / _tile(c, "i")) * math.ceil(SIZE / _tile(c, "j"))
    threads = c["threads"]
    rounds = math.ceil(blocks / threads) / blocks
    arithmetic = _arithmetic(c) * rounds * (1 + 0.03 * (threads - 1))
    traffic = _traffic(c) / min(threads, 6)
    starts = 150 * blocks * SIZE / _tile(c, "k") / threads + 400_000 * threads
    slower, faster = max(arithmetic, traffic), min(arithmetic, traffic)
    return (slower + 0.3 * faster + starts) / 3e6


def kernel() -> Problem:
    """The model above: eight parameters, of which 62 % of combinations run.

    Regret is time / optimum - 1. The optimum is MINIMUM at MINIMISER, by trying all
    combinations: `prefetch` alone is real, and its best value is known for each of them.
    """

    def evaluate(configuration: Configuration, _: int) -> Outcome:
        return Outcome((milliseconds(configuration),) if works(configuration) else ())

    tile = ordinal(4, 8, 16, 32, 64, 128, 256, transform="log")
    return Problem(
        name="kernel",
        kind="mixed",
        parameters={
            **{f"tile_{loop}": tile for loop in "ijk"},
            "order": categorical(*map("".join, itertools.permutations("ijk"))),
            "unroll": ordinal(1, 2, 4, 8, 16, transform="log"),
            "vector": categorical(*LANES),
            "threads": integer(1, 16),
            "prefetch": real(0.25, 64.0, transform="log"),
        },
        evaluate=evaluate,
        regret=relative_regret(MINIMUM),
        penalty=(620.0,),
    )


MINIMISERS = {"kernel": MINIMISER}

MAKERS = {"kernel": kernel}
