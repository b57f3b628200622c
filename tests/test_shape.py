"""The shape of the source: sizes, packages, what is imported when."""

import ast
import configparser
import pathlib
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "hmserve"
MODULES = sorted(PACKAGE.rglob("*.py"))
FILES = sorted(
    path
    for folder in ("hmserve", "tests", "examples", "docs", "schemas")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".c", ".cpp", ".h", ".sh"}
)
LIGHT = [
    "cli",
    "commands",
    "serve",
    "run",
    "scenario",
    "protocol",
    "design",
    "journal",
    "transports",
    "serving",
    "workers",
]
HEAVY = {"numpy", "scipy", "sklearn", "jsonschema", "threadpoolctl"}
# Not heavy, but slow to import and not needed to say the first request.
SLOW = {
    "asyncio",
    "unittest",
    "http",
    "email",
    "importlib.metadata",
    "multiprocessing",
}


def name_of(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: pathlib.Path) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of lines of each function in `path`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{name_of(path)}: {node.name}", node.end_lineno - node.lineno + 1


def offenders(paths: Iterable[pathlib.Path], is_wrong: Callable[[str], object]) -> list[str]:
    """Return the names of the files whose text is wrong."""
    return [name_of(path) for path in paths if is_wrong(path.read_text())]


def test_no_file_is_longer_than_400_lines() -> None:
    assert offenders(FILES, lambda text: len(text.splitlines()) > 400) == []


def test_functions_are_short() -> None:
    lengths = dict(item for path in MODULES for item in functions(path))
    assert {name: n for name, n in lengths.items() if n >= 60} == {}
    assert statistics.median(lengths.values()) <= 10


def test_setup_lists_the_packages_that_there_are() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    found = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")
    }
    assert listed == found | {"hmserve.schemas"}
    assert (ROOT / "schemas" / "__init__.py").exists()


def test_every_directory_with_code_is_a_package() -> None:
    folders = {path.parent for path in MODULES}
    assert all((folder / "__init__.py").exists() for folder in folders)


def test_every_module_says_what_it_is_for() -> None:
    assert offenders(MODULES, lambda text: not ast.get_docstring(ast.parse(text))) == []


@pytest.mark.parametrize(
    "bare", [r"#\s*type:\s*ignore(?!\[[a-z, -]+\])", r"#\s*noqa(?!: [A-Z]+[0-9]+)"]
)
def test_exceptions_to_the_checks_name_their_rule(bare: str) -> None:
    paths = [*MODULES, *sorted(ROOT.glob("tests/**/*.py"))]
    assert offenders(paths, re.compile(bare).search) == []


def test_nothing_is_left_to_do() -> None:
    assert offenders(MODULES, re.compile(r"\b(TODO|FIXME|XXX|HACK)\b").search) == []


def module_name(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_light_modules_import_nothing_heavy() -> None:
    names = [
        name
        for name in map(module_name, MODULES)
        if name.removeprefix("hmserve.").split(".")[0] in LIGHT
    ]
    assert len(names) > len(LIGHT)
    script = f"import sys, {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    plain = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split()) - set(plain.stdout.split())
    assert "hmserve.run" in loaded
    assert loaded & HEAVY == set()
    assert loaded & SLOW == set()


def test_only_the_command_line_ends_the_process() -> None:
    ends = re.compile(r"\b(sys\.exit|os\._exit|SystemExit|quit\(|exit\()")
    assert offenders(MODULES, ends.search) == ["hmserve/__main__.py"]
