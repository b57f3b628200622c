"""The clients of clients/languages.json, built in a directory of their own."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

CLIENTS = Path(__file__).parents[2] / "clients"
REQUIRED = "HMSERVE_REQUIRE_TOOLCHAINS"
PATIENCE = 600


class Built(NamedTuple):
    """A client with its programs; `source` is a copy of its folder."""

    entry: Mapping[str, Any]
    source: Path
    out: Path

    def command(self, program: str) -> list[str]:
        """Return the arguments that start `driver`, `example` or `worker`."""
        return [
            word.format(source=self.source, out=self.out)
            for word in shlex.split(self.entry[program])
        ]

    @property
    def scenario(self) -> Path:
        (path,) = self.source.glob("*.json")
        return path


def run(
    command: Sequence[str], directory: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command with the environment of its users, and what `variables` adds."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def require(tools: Sequence[str]) -> None:
    """Skip where a tool is missing, or fail where all have to be there."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing and os.environ.get(REQUIRED):
        pytest.fail(f"{REQUIRED} is set, and these are missing: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not on this machine: {', '.join(missing)}")


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Built]:
    """Copy the folder of a language and build it there, once for each set of flags."""
    known: dict[tuple[str, str], Built] = {}

    def made(language: str, flags: str = "") -> Built:
        if (language, flags) not in known:
            entry = json.loads((CLIENTS / "languages.json").read_text())[language]
            require(entry["tools"])
            source = tmp_path_factory.mktemp(language) / "copy"
            shutil.copytree(CLIENTS / language, source)
            out = source.parent / "out"
            out.mkdir()
            for line in entry["build"]:
                words = shlex.split(line.format(source=source, out=out, flags=flags))
                built = run(words, source)
                assert built.returncode == 0, built.stdout + built.stderr
            known[language, flags] = Built(entry, source, out)
        return known[language, flags]

    return made


@pytest.fixture(scope="session")
def run_command() -> Callable[..., subprocess.CompletedProcess[str]]:
    return run


@pytest.fixture(scope="session")
def require_tools() -> Callable[[Sequence[str]], None]:
    return require


@pytest.fixture(scope="session")
def hmserve(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of a program that is hmserve as these tests import it."""
    path = tmp_path_factory.mktemp("bin") / "hmserve"
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m hmserve "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="session")
def judge(hmserve: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the conformance program on the command of a driver."""

    def judged(
        command: Sequence[str], *options: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, str(CLIENTS / "conformance" / "conformance.py")]
        words = [*program, "--hmserve", hmserve, *options, "--", *command]
        return run(words, CLIENTS, **variables)

    return judged
