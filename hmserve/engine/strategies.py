"""Strategies for pending trials by the names a scenario has for them."""

from collections.abc import Callable

import numpy as np

from hmserve.engine.joint_choice import Jointly
from hmserve.engine.pending import (
    Believer,
    Ground,
    Ignoring,
    Imagining,
    Informing,
    Liar,
    Penalising,
    Sampling,
    Strategy,
)
from hmserve.space.encoding import Encoding

_MEASURED_BEST = "believer"
"""What `auto` is: docs/decisions/0023-pending-strategies.md has the numbers."""


def strategy(name: str, encoding: Encoding, seed: int) -> Strategy:
    """Return the strategy that a scenario calls `name`.

    Args:
        name: The value of ``pending_strategy``.
        encoding: The space.
        seed: With the id of a trial it decides what a strategy draws.
    """
    ground = Ground(encoding, seed)
    known: dict[str, Callable[[], Strategy]] = {
        "believer": Believer,
        "fantasies": lambda: Imagining(seed),
        "liar_min": lambda: Liar(np.min),
        "liar_mean": lambda: Liar(np.mean),
        "liar_max": lambda: Liar(np.max),
        "local_penalization": lambda: Penalising(ground),
        "hard_local_penalization": lambda: Penalising(ground, hard=True),
        "gibbon": lambda: Informing(ground),
        "joint_ei": lambda: Jointly(seed, encoding),
        "thompson": lambda: Sampling(seed),
        "ignore": Ignoring,
    }
    return known[_MEASURED_BEST if name == "auto" else name]()
