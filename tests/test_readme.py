"""What a newcomer is told: commands are run, examples too, names and links exist."""

import contextlib
import csv
import inspect
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

import hmserve
from hmserve.schema import load_schema

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PYTHON = ROOT / "docs" / "python.md"
MIGRATION = ROOT / "docs" / "migration.md"
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/*.md")]
)

MARKED = re.compile(r"^<!-- (\w+): (\S+) -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLE = re.compile(
    r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


class Block(NamedTuple):
    kind: str
    name: str
    text: str


def marked(document: Path) -> list[Block]:
    """Return the blocks of code under a comment that says what they are."""
    return [Block(*found) for found in MARKED.findall(document.read_text(encoding="utf-8"))]


def block(kind: str, name: str) -> str:
    [text] = [b.text for b in marked(README) if (b.kind, b.name) == (kind, name)]
    return text


def need(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        assert not os.environ.get("CI"), f"CI has to have {missing}"
        pytest.skip(f"{missing} not found")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with the examples and the files that README.md tells to save."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for found in marked(README):
        if found.kind == "file":
            (tmp_path / found.name).write_text(found.text, encoding="utf-8")
    return tmp_path


def shell(command: Sequence[str], directory: Path) -> str:
    """Run `command` where `hmserve` is this interpreter's; return what it prints."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_shell_client_makes_the_file_smaller_and_reports_what_xz_refuses(
    directory: Path,
) -> None:
    need("xz", "gunzip", "mkfifo")
    names, best = csv.reader(shell(["sh", "-e", "tune.sh"], directory).splitlines())
    assert names == ["lc", "lp", "pb", "nice", "mf", "Bytes"]
    by_default = shell(["sh", "-c", "xz -c data | wc -c"], directory)
    assert float(best[-1]) < float(by_default)
    with (directory / "xz_output_samples.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10 + 30
    assert {row["Bytes"] == "" for row in rows} == {True, False}
    assert all((row["Bytes"] == "") == (int(row["lc"]) + int(row["lp"]) > 4) for row in rows)


def test_the_run_without_a_client_makes_the_file_smaller_too(directory: Path) -> None:
    need("xz", "gunzip")
    shell(["sh", "-c", block("file", "tune.sh").splitlines()[0]], directory)
    names, best = csv.reader(
        shell(["sh", "-e", "-c", block("commands", "run")], directory).splitlines()
    )
    assert names == ["lc", "lp", "pb", "nice", "mf", "Bytes"]
    by_default = shell(["sh", "-c", "xz -c data | wc -c"], directory)
    assert float(best[-1]) < float(by_default)


def test_the_client_in_c_comes_near_the_minimum(directory: Path) -> None:
    need("cc", "mkfifo")
    shell(["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-c", "client.c"], directory)
    said = shell(["sh", "-e", "-c", block("commands", "client.c")], directory)
    names, best = csv.reader(said.splitlines())
    assert names == ["x1", "x2", "Value"]
    assert 0.3978 < float(best[-1]) < 1.0


@pytest.mark.parametrize("document", [README, PYTHON], ids=lambda path: path.name)
def test_the_python_examples_print_what_is_shown(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = EXAMPLE.findall(document.read_text(encoding="utf-8"))
    assert examples
    names: dict[str, object] = {"__name__": "example"}
    for code, expected in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(document), "exec"), names)  # noqa: S102 - our own text
        assert not expected or printed.getvalue() == expected


def public_names() -> Iterator[str]:
    yield from hmserve.__all__
    for owner in (hmserve.AskTell, hmserve.Result):
        yield from (name for name in vars(owner) if not name.startswith("_"))
    for function in (hmserve.optimize, hmserve.AskTell):
        yield from inspect.signature(function).parameters


@pytest.mark.parametrize("name", sorted(set(public_names())))
def test_every_public_name_is_documented(name: str) -> None:
    text = PYTHON.read_text(encoding="utf-8")
    assert re.search(rf"`(?:hmserve\.)?{name}\b[^`]*`", text)


def test_every_error_that_is_documented_exists() -> None:
    from hmserve import errors

    named = re.findall(r"^\| `(\w+Error)` \|", PYTHON.read_text(encoding="utf-8"), re.MULTILINE)
    assert named
    assert all(issubclass(getattr(errors, name), Exception) for name in named)


def test_the_test_command_installs_an_extra_that_exists() -> None:
    [extra] = re.findall(r"'\.\[(\w+)\]'", block("command", "test"))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = project.partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    assert re.search(rf"^{extra} = .*pytest", extras, re.MULTILINE)


def test_the_changelog_names_this_version() -> None:
    assert hmserve.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_keys_that_the_migration_calls_refused_are_refused() -> None:
    section = MIGRATION.read_text(encoding="utf-8").partition("#### Keys refused\n")[2]
    named = re.findall(r"`([a-z_]+)`", section.partition("\n#")[0])
    assert named
    schema = load_schema("scenario")
    method = schema["properties"]["optimization_method"]
    known = {*method["x-later"], "optimization_method"}
    assert set(named) <= known


def anchors(document: Path) -> set[str]:
    """Return the names that GitHub gives to the headings of `document`."""
    text = re.sub(
        r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for link in LINK.findall(document.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_decisions_are_numbered_without_a_gap_and_say_their_sentence() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = " ".join(path.read_text(encoding="utf-8").split())
        assert text.startswith(f"# {path.name[:4]} "), path.name
        words = ("In the context of", "facing", "we decided", "against", "accepting")
        assert not [word for word in words if word not in text], path.name
