"""The clients of clients/languages.json, alone in a folder and built by their READMEs."""

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
from toolchains import require

CLIENTS = Path(__file__).parents[2] / "clients"
PATIENCE = 600


class Readme(NamedTuple):
    """The commands of a README: `example`, `worker`, how to `build` and start a `driver`."""

    example: str
    worker: str
    build: str
    driver: str

    @classmethod
    def of(cls, language: str) -> "Readme":
        """Read the indented lines below the last block of code, without their comments."""
        text = (CLIENTS / language / "README.md").read_text().rpartition("```")[2]
        lines = [
            line.partition(" # ")[0].strip() for line in text.splitlines() if line[:4] == "    "
        ]
        worker = next(line for line in lines if "hmserve run" in line)
        judged = next((line for line in lines if "conformance.py" in line), "")
        example = "" if lines[0] == worker else lines[0]
        build = judged.partition(" && ")[0] if " && " in judged else ""
        return cls(example, worker, build, judged.partition("conformance.py -- ")[2])


class Built(NamedTuple):
    """A driver in the folder where it was built."""

    folder: Path
    driver: list[str]


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


@pytest.fixture(scope="session")
def languages() -> Mapping[str, Mapping[str, Any]]:
    languages: Mapping[str, Mapping[str, Any]] = json.loads(
        (CLIENTS / "languages.json").read_text()
    )
    return languages


@pytest.fixture(scope="session")
def readme() -> Callable[[str], Readme]:
    return Readme.of


@pytest.fixture(scope="session")
def build(
    tmp_path_factory: pytest.TempPathFactory, languages: Mapping[str, Mapping[str, Any]]
) -> Callable[..., Built]:
    """Copy a client and its driver, alone, into a folder and build them there, once.

    Without flags by the README; else by the command of languages.json that takes some.
    """
    known: dict[tuple[str, str], Built] = {}

    def made(language: str, flags: str = "") -> Built:
        if (language, flags) not in known:
            entry, lines = languages[language], Readme.of(language)
            require(*entry["tools"])
            folder = tmp_path_factory.mktemp(language)
            for name in (entry["client"], *entry["driver"]):
                path = CLIENTS / language / name
                (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / name)
            line = entry["strict"].format(flags=flags) if flags else lines.build
            built = run(["sh", "-c", line], folder)
            assert built.returncode == 0, built.stdout + built.stderr
            known[language, flags] = Built(folder, shlex.split(lines.driver))
        return known[language, flags]

    return made


@pytest.fixture(scope="session")
def hmserve(hmserve_program: Path) -> str:
    return str(hmserve_program)


@pytest.fixture(scope="session")
def run_line(hmserve: str) -> Callable[[str, Path], subprocess.CompletedProcess[str]]:
    """Run a line of a README in a folder, with hmserve in the PATH."""
    path = f"{Path(hmserve).parent}{os.pathsep}{os.environ['PATH']}"

    def done(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
        return run(["sh", "-c", line], folder, PATH=path, HMSERVE="")

    return done


@pytest.fixture(scope="session")
def judge(hmserve: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the conformance program on the command of a driver."""

    def judged(
        command: Sequence[str], *options: str, folder: Path = CLIENTS
    ) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, str(CLIENTS / "conformance" / "conformance.py")]
        words = [*program, "--hmserve", hmserve, *options, "--", *command]
        return run(words, folder)

    return judged
