"""What the tests of `hmserve init` share: a shell with hmserve, and toolchains."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

REQUIRED = "HMSERVE_REQUIRE_TOOLCHAINS"


@pytest.fixture(scope="session")
def path_with_hmserve(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a PATH on which `hmserve` is the one under test."""
    program = tmp_path_factory.mktemp("bin") / "hmserve"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hmserve "$@"\n')
    program.chmod(0o755)
    return os.pathsep.join([str(program.parent), os.environ["PATH"]])


@pytest.fixture
def shell(path_with_hmserve: str, tmp_path: Path) -> Callable[..., str]:
    """Run a command in a shell as a user would; return what it prints."""

    def run(command: str, given: str = "") -> str:
        done = subprocess.run(
            ["sh", "-ec", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path_with_hmserve, "OMP_NUM_THREADS": "1"},
            input=given,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def require_one() -> Callable[[Sequence[str]], None]:
    return require


def require(programs: Sequence[str]) -> None:
    """Skip where none of the programs is there, or fail where one has to be."""
    if any(map(shutil.which, programs)):
        return
    if os.environ.get(REQUIRED):
        pytest.fail(f"{REQUIRED} is set, and there is none of {', '.join(programs)}")
    pytest.skip(f"not on this machine: {', '.join(programs)}")
