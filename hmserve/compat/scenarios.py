"""Scenarios where HyperMapper would find them."""

import os

from hmserve.home import located
from hmserve.scenario import Scenario


def load(path: str | os.PathLike[str]) -> Scenario:
    """Read the scenario at `path`, from here or from $HYPERMAPPER_HOME.

    Raises:
        ScenarioError: It cannot be used.
    """
    return Scenario.load(located(os.fspath(path)))
