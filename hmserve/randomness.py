"""Where random numbers come from: one stream for each purpose of a run."""

import numpy as np

_OURS = int.from_bytes(b"hmserve", "big")


def stream(seed: int, *ids: int) -> np.random.Generator:
    """Return the numbers that `seed` and `ids` decide, the same ones at every call.

    They are not those of ``default_rng(seed)``: who draws the known results of a run with its
    seed must not meet them again.

    Args:
        seed: That of a run, not negative.
        ids: What the numbers are for, such as the number of a trial; not negative.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_OURS, *ids)))
