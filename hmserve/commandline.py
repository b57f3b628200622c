"""The command of an evaluator, as a scenario gives it."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from hmserve.document import Findings, quote


def arguments(command: str | Sequence[str]) -> tuple[str, ...]:
    """Return a command as a list of arguments; a text is split as a shell would.

    Raises:
        ValueError: A quotation does not end.
    """
    return tuple(shlex.split(command) if isinstance(command, str) else command)


def check_evaluator(
    block: Mapping[str, Any] | None, columns: Sequence[str], findings: Findings
) -> None:
    """Refuse a command that is none, and expressions that cannot find the `columns`."""
    if block is None:
        return
    try:
        if not arguments(block["command"]) or not arguments(block["command"])[0]:
            findings.refuse(("evaluator", "command"), "expected a program, got nothing")
    except ValueError as error:
        found = quote(block["command"])
        findings.refuse(("evaluator", "command"), f"cannot split {found}: {error}")
    if block["output"] is not None:
        _check_output(block["output"], columns, findings)


def _check_output(
    output: Mapping[str, str], columns: Sequence[str], findings: Findings
) -> None:
    missing = [name for name in columns if name not in output]
    if missing:
        names = ", ".join(missing)
        findings.refuse(("evaluator", "output"), f"expected an expression for each of {names}")
    for name, pattern in output.items():
        path = ("evaluator", "output", name)
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            findings.refuse(path, f"{quote(pattern)} is no regular expression: {error}")
            continue
        if groups != 1:
            findings.refuse(path, f"expected one group in {quote(pattern)}, found {groups}")
