"""Tunes a convolution; reading it must not run it."""

import os
from collections import OrderedDict
from pathlib import Path

import kernel_tuner

Path(os.environ["CONVERSION_WITNESS"]).write_text("this script was run")

MAX_THREADS = 1024


def sizes():
    return [1, 2, 3]


def tune(problem_size=(4096, 4096)):
    tune_params = OrderedDict()
    tune_params["block_size_x"] = [16 * i for i in range(1, 17)]
    tune_params["block_size_y"] = [2**i for i in range(5)]
    tune_params["tile_size_x"] = list(range(1, 5))
    tune_params["use_shmem"] = [0, 1]
    tune_params["unroll"] = sizes()

    def enough(p):
        return p["block_size_x"] * p["block_size_y"] >= 64

    restrict = [
        "block_size_x*block_size_y<=1024",
        f"tile_size_x * block_size_y <= {MAX_THREADS // 32}",
    ]
    restrict.append(lambda p: p["use_shmem"] == 0 or p["tile_size_x"] in (1, 2))
    restrict += [enough, lambda p: sizes()[0] < p["tile_size_x"]]
    return kernel_tuner.tune_kernel(
        "convolution",
        "convolution.cu",
        problem_size,
        [],
        tune_params,
        restrictions=restrict,
        objective="GFLOP/s",
        objective_higher_is_better=True,
    )


if __name__ == "__main__":
    tune()
