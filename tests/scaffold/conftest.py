"""What the tests of `hmserve init` share: a shell with hmserve."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def shell(hmserve_program: Path, tmp_path: Path) -> Callable[..., str]:
    """Run a command in a shell as a user would; return what it prints."""

    path = os.pathsep.join([str(hmserve_program.parent), os.environ["PATH"]])

    def run(command: str, given: str = "") -> str:
        done = subprocess.run(
            ["sh", "-ec", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
            input=given,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
