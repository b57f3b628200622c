"""The files of a plan, and what to do with them."""

import os
import shlex
from collections.abc import Iterable, Mapping

from hmserve.errors import UsageError
from hmserve.journal.files import make_directory, replace
from hmserve.scaffold.plan import Plan
from hmserve.scaffold.rendering import plain_text, scenario_text
from hmserve.scaffold.stubs import stub_text


def texts(plan: Plan, plain: bool = False) -> dict[str, str]:
    """Return the text of each file of `plan` by its name.

    Args:
        plan: What is wanted.
        plain: Whether the scenario has no comments.
    """
    found = {plan.scenario: plain_text(plan) if plain else scenario_text(plan)}
    if plan.stub is not None:
        found[plan.stub.file] = stub_text(plan, plan.stub)
    return found


def refuse_taken(names: Iterable[str], directory: str) -> None:
    """Refuse `names` of files that are in `directory` already.

    Raises:
        UsageError: Some are; the message has them.
    """
    paths = [os.path.normpath(os.path.join(directory, name)) for name in names]
    if there := [path for path in paths if os.path.lexists(path)]:
        verb = "is" if len(there) == 1 else "are"
        raise UsageError(
            f"{', '.join(there)} {verb} there already; nothing was written. Choose another "
            "--name or --directory, or --force to replace"
        )


def keep_source(names: Iterable[str], directory: str, source: str | None) -> None:
    """Refuse `names` of files one of which is the `source` of the parameters.

    Raises:
        UsageError: It is.
    """
    paths = [os.path.join(directory, name) for name in names]
    for path in filter(os.path.exists, paths):
        if source is not None and os.path.samefile(path, source):
            raise UsageError(
                f"{path} would take the place of the file that --from reads; nothing was "
                "written. Choose another --name or --directory"
            )


def write(files: Mapping[str, str], directory: str) -> None:
    """Write `files`, a text by each name, into `directory`; create it if it is missing.

    Raises:
        JournalError: One cannot be written.
    """
    make_directory(directory)
    for name, text in files.items():
        replace(os.path.join(directory, name), text)


def next_steps(plan: Plan, directory: str, program: str = "hmserve") -> str:
    """Return what to do now, as comments and a command to be pasted into a shell.

    Args:
        plan: What was written.
        directory: Where that is.
        program: How hmserve is called.
    """
    files = [plan.scenario, *([plan.stub.file] if plan.stub else [])]
    shown = [os.path.normpath(os.path.join(directory, name)) for name in files]
    change = [] if os.path.normpath(directory) == "." else [f"cd {shlex.quote(directory)}"]
    build = [plan.stub.build] if plan.stub and plan.stub.build else []
    command = " && ".join([*change, *build, f"{program} run {plan.scenario}"])
    lines = [f"# Written: {', '.join(shown)}"]
    if plan.stub:
        lines += [
            f"# {plan.stub.file} computes something for show, so this works at once; put your",
            "# program into its function measure, and run it again.",
        ]
    look = "pareto" if len(plan.objectives) > 1 else "best"
    lines += [command, f"# While it runs, and afterwards: {program} {look} {plan.scenario}"]
    return "".join(f"{line}\n" for line in lines)
