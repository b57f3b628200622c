"""hmserve: the black-box optimizer at the other end of a pipe.

    import hmserve

    result = hmserve.optimize("app.json", function)
    print(result.best)

What is here is public; the rest of the package may change. Names are loaded when they are
first used, so that the command line starts quickly.
"""

from typing import TYPE_CHECKING

from hmserve.version import __version__

if TYPE_CHECKING:
    from hmserve.api import AskTell, Result, optimize
    from hmserve.executors.pool import Workers
    from hmserve.scenario import Scenario
    from hmserve.space.space import Space
    from hmserve.trial import Evaluation, Trial

__all__ = [
    "AskTell",
    "Evaluation",
    "Result",
    "Scenario",
    "Space",
    "Trial",
    "Workers",
    "__version__",
    "optimize",
]

_HOMES = {
    "AskTell": "hmserve.api",
    "Evaluation": "hmserve.trial",
    "Result": "hmserve.api",
    "Scenario": "hmserve.scenario",
    "Space": "hmserve.space.space",
    "Trial": "hmserve.trial",
    "Workers": "hmserve.executors.pool",
    "optimize": "hmserve.api",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'hmserve' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
