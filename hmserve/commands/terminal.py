"""What verbs share: reading arguments, writing to whoever watches."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from typing import NoReturn

from hmserve.errors import JournalError, UsageError

own_variables: set[str] = set()
"""Variables of the environment that we have set for ourselves: no command inherits them."""


class _Parser(argparse.ArgumentParser):
    """Raises where argparse exits: Python 3.10's fails if standard error takes nothing."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage().rstrip()}")


def parser_of(
    verb: str, description: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    """Return the parser of the arguments of `verb`."""
    return _Parser(
        prog=f"hmserve {verb}".strip(),
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def complain(text: str) -> None:
    """Write `text` to standard error under our name."""
    # Whoever closed our standard error does not want to hear it; the status still tells.
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            print(f"hmserve: {text[:16_000]}", file=sys.stderr)  # noqa: T201 - the place for it


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Tell a standard output that takes no more from a defect.

    Raises:
        JournalError: It takes no more.
        BrokenPipeError: Nobody reads it.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise JournalError(f"cannot write to standard output: {error.strerror}") from error


def show(text: str) -> None:
    """Write `text` now, while a failure can still be told; escape what has no encoding.

    Raises:
        JournalError: Standard output takes no more.
        BrokenPipeError: Nobody reads it.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with writing():
        written = text.encode(encoding, "backslashreplace").decode(encoding)
        print(written, end="", flush=True)  # noqa: T201 - the place for it


def scenario_at(path: str) -> str:
    """Return where the scenario `path` is, which may be in $HYPERMAPPER_HOME."""
    if os.path.exists(path) or "HYPERMAPPER_HOME" not in os.environ:
        return path
    from hmserve.home import located

    return located(path)
