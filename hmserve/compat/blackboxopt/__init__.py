"""hmserve behind the optimizer interface of blackboxopt.

    from hmserve.compat.blackboxopt import HmserveOptimizer

    optimizer = HmserveOptimizer(search_space, Objective("loss", greater_is_better=False))

Needs blackboxopt: ``pip install "hmserve[blackboxopt]"``. See docs/blackboxopt.md.
"""

try:
    import blackboxopt  # noqa: F401
except ImportError as error:
    raise ImportError(
        "hmserve.compat.blackboxopt needs blackboxopt: pip install 'hmserve[blackboxopt]'"
    ) from error

from hmserve.compat.blackboxopt.fidelities import (
    ASHA,
    BOHB,
    Hyperband,
    MultiObjectiveHyperband,
)
from hmserve.compat.blackboxopt.full import HmserveMultiObjectiveOptimizer, HmserveOptimizer

__all__ = [
    "ASHA",
    "BOHB",
    "HmserveMultiObjectiveOptimizer",
    "HmserveOptimizer",
    "Hyperband",
    "MultiObjectiveHyperband",
]
