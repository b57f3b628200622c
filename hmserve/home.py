"""HYPERMAPPER_HOME: what the variable means, and a directory that it can name.

Programs start HyperMapper as ``python $HYPERMAPPER_HOME/scripts/hypermapper.py``, import it as
``hypermapper``, or have ``bin/hypermapper`` on their path. The directory has all three, and
each leads to the hmserve that wrote it.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

from hmserve.errors import UsageError
from hmserve.journal.files import explained, make_directory, reason
from hmserve.journal.files import replace as replace_file

VARIABLE: Final = "HYPERMAPPER_HOME"

_MARK: Final = "# Written by hmserve hypermapper-home, which replaces it when it runs again."


class _Program(NamedTuple):
    """One program of HyperMapper's.

    Args:
        module: Its module in the package ``hypermapper``, and its script.
        command: Its name as a command.
        verb: What it is called here.
    """

    module: str
    command: str
    verb: str


PROGRAMS: Final = (
    _Program("optimizer", "hypermapper", "serve"),
    _Program("compute_pareto", "hm-compute-pareto", "compute-pareto"),
    _Program("plot_pareto", "hm-plot-pareto", "plot-pareto"),
    _Program("plot_hvi", "hm-plot-hvi", "plot-hvi"),
    _Program(
        "plot_optimization_results",
        "hm-plot-optimization-results",
        "plot-optimization-results",
    ),
    _Program("quickstart", "hm-quickstart", "quickstart"),
)

# HyperMapper 2.1's and BaCO's names of what is above.
_OTHER_NAMES: Final = {
    "hypermapper": "optimizer",
    "run": "optimizer",
    "plot_dse": "plot_pareto",
}

_LAUNCHER: Final = '''\
#!{interpreter}
{mark}
"""hmserve in the place of HyperMapper's {module}."""
import os
import sys

if __name__ == "__main__":
    # Whatever Python this is, even an old one, hmserve takes its place: the process stays.
    command = [{python!a}, "-c", {code!a}, {verb!a}]
    if not os.access(command[0], os.X_OK):
        sys.tracebacklimit = 0
        raise OSError("%s is gone; run hmserve hypermapper-home again" % command[0])
    os.execv(command[0], command + sys.argv[1:])
'''

_IMPORT: Final = """\
else:
    from hmserve.compat.{module} import *  # noqa: F403
"""

_PACKAGE: Final = '''\
{mark}
"""hmserve under the name of HyperMapper."""
from hypermapper import {modules}
from hypermapper.optimizer import optimize
'''

_SHIM: Final = '''\
{mark}
"""hmserve in the place of HyperMapper's {module}."""
from hmserve.compat.{module} import *  # noqa: F403
'''


def located(path: str) -> str:
    """Return where the file `path` is: as it stands, or else from $HYPERMAPPER_HOME.

    HyperMapper looks from there alone. Its clients name their scenarios from where they are,
    or in full; its examples, from there.
    """
    home = os.environ.get(VARIABLE)
    if home and not os.path.exists(path):
        other = os.path.join(home, path)
        return other if os.path.exists(other) else path
    return path


def write_home(directory: str) -> list[str]:
    """Write the files of a HYPERMAPPER_HOME into `directory`; create it if it is missing.

    Returns:
        Their paths.

    Raises:
        UsageError: A file is in the way that was not written by this; nothing is changed.
        JournalError: A file cannot be written.
    """
    texts = {os.path.join(directory, name): text for name, text in _files()}
    foreign = [path for path in texts if os.path.lexists(path) and not _is_ours(path)]
    if foreign:
        raise UsageError(
            f"{', '.join(foreign)}: in the way, and not written by hmserve; nothing was "
            "changed. Name a new directory"
        )
    for path, text in texts.items():
        make_directory(os.path.dirname(os.path.abspath(path)))
        replace_file(path, text)
        with explained("make executable", path):
            os.chmod(path, 0o755 if text.startswith("#!") else 0o644)
    return list(texts)


def advice(directory: str) -> str:
    """Return what to do with a `directory` that `write_home` has filled, as shell commands."""
    path = shlex.quote(os.path.abspath(directory))
    return (
        f"# For python3 ${VARIABLE}/scripts/hypermapper.py app.json\n"
        f"export {VARIABLE}={path}\n"
        "# For the commands hypermapper, hm-compute-pareto and the others\n"
        f"export PATH={path}/bin:$PATH\n"
        "# For Python's: from hypermapper import optimizer\n"
        f"export PYTHONPATH={path}\n"
    )


def _files() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file."""
    modules = {program.module: program for program in PROGRAMS}
    names = {**{name: name for name in modules}, **_OTHER_NAMES}
    for name, module in names.items():
        text = _launcher(modules[module])
        text += "" if module == "quickstart" else _IMPORT.format(module=module)
        if name != "optimizer":
            yield os.path.join("scripts", f"{name}.py"), text
        if name != "hypermapper":
            yield os.path.join("hypermapper", f"{name}.py"), text
    for program in PROGRAMS:
        yield os.path.join("bin", program.command), _launcher(program)
    shim = _SHIM.format(mark=_MARK, module="utility_functions")
    yield os.path.join("hypermapper", "utility_functions.py"), shim
    imported = [name for name in modules if name != "quickstart"]
    package = _PACKAGE.format(mark=_MARK, modules=", ".join([*imported, "utility_functions"]))
    yield os.path.join("hypermapper", "__init__.py"), package


def _launcher(program: _Program) -> str:
    python = sys.executable
    # The kernel takes no blanks in the first line, and no long one.
    direct = python if " " not in python and len(python) < 120 else "/usr/bin/env python3"
    return _LAUNCHER.format(
        interpreter=direct,
        mark=_MARK,
        module=program.module,
        python=python,
        code=_code(),
        verb=program.verb,
    )


def _code() -> str:
    """Return Python that runs hmserve as it is installed here.

    Unlike ``-m hmserve`` it does not take modules from the current directory, which may be
    full of programs called random.py. The directory of this package comes last: it may be
    that of every installed package.
    """
    parent = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return (
        "import sys; sys.path = [place for place in sys.path if place]; "
        f"sys.path.append({parent!r}); import hmserve.__main__"
    )


def _is_ours(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return _MARK in file.read(1000)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {reason(error)}") from error
