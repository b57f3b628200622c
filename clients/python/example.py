"""Which settings of zlib make a log smallest, on a device that has 64 KiB for it?"""

import zlib

from hmserve_client import minimise

LOG = "".join(
    f"2026-01-{k % 28 + 1:02} {['GET', 'PUT', 'GET'][k % 3]} /item/{k * k % 977}"
    f" {200 + k * k % 7 // 6 * 204} {k * 7919 % 10007}\n"
    for k in range(8000)
).encode()
STRATEGIES = {"default": 0, "filtered": 1, "huffman": 2, "rle": 3}


def compress(trial):
    """Return the bytes, and whether the memory that zlib.h says it takes is there."""
    window, memory = trial["window"], trial["memory"]
    needed = (1 << window + 2) + (1 << memory + 9)
    strategy = STRATEGIES[trial["strategy"]]
    packer = zlib.compressobj(trial["level"], zlib.DEFLATED, window, memory, strategy)
    return len(packer.compress(LOG) + packer.flush()), needed <= 65536


if __name__ == "__main__":
    for best in minimise("zlib.json", ["Bytes", "Valid"], compress):
        print(*(f"{name}={value}" for name, value in best.items()))
