"""What several folders of tests share."""

import shlex
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def hmserve_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a program called hmserve that is hmserve as these tests import it."""
    path = tmp_path_factory.mktemp("bin") / "hmserve"
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m hmserve "$@"\n')
    path.chmod(0o755)
    return path
