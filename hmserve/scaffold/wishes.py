"""What a command line or a dialogue asks of `hmserve init`, and the plan that it makes."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hmserve.document import quote
from hmserve.domains import field_fault
from hmserve.errors import UsageError
from hmserve.scaffold.languages import Language
from hmserve.scaffold.notation import Entry, read_condition, read_parameter
from hmserve.scaffold.plan import (
    EVALUATIONS,
    Objective,
    Plan,
    language_called,
    once_command,
    stub_of,
    worker_command,
)

if TYPE_CHECKING:
    from hmserve.conversion.foreign import ForeignSpace

NAME: Final = "app"
LANGUAGE: Final = "python"
OBJECTIVE: Final = "cost"


@dataclass(frozen=True, slots=True)
class Wishes:
    """Words of the user, unread; None and empty where there are none.

    Args:
        parameters: In the notation of `hmserve.scaffold.notation`.
        name: Of the application.
        objectives: Each with whether more is better.
        language: Of the worker.
        command: Of a program that is to run once an evaluation.
        source: A file of another tool with parameters.
        form: Which tool's.
        study: Which of its studies, if it has several.
        constraints: Expressions.
        conditions: In the notation of `read_condition`.
        output: ``NAME=REGEX``, where objectives are in what the program prints.
        feasible: Whether there is a feasibility column.
        evaluations: How many.
        workers: How many side by side.
        timeout: Seconds an evaluation may take.
        seed: Of the run.
    """

    parameters: Sequence[str] = ()
    name: str | None = None
    objectives: Sequence[tuple[str, bool]] = ()
    language: str | None = None
    command: str | None = None
    source: str | None = None
    form: str | None = None
    study: str | None = None
    constraints: Sequence[str] = ()
    conditions: Sequence[str] = ()
    output: Sequence[str] = ()
    feasible: bool = False
    evaluations: int | None = None
    workers: int | None = None
    timeout: float | None = None
    seed: int | None = None


def plan_of(wishes: Wishes) -> Plan:
    """Return the plan that `wishes` describe.

    Raises:
        UsageError: They describe none.
    """
    if wishes.language is not None and wishes.command is not None:
        raise UsageError("--language and --command: a worker, or a program that runs once; one")
    if (wishes.form or wishes.study) and wishes.source is None:
        raise UsageError("--form and --study say what the file of --from is; there is none")
    if wishes.output and wishes.command is None:
        raise UsageError("--output is for what the program of --command prints")
    name = wishes.name or NAME
    check_application(name)
    foreign = None if wishes.source is None else _foreign(wishes)
    parameters = {k: dict(v) for k, v in foreign.parameters.items()} if foreign else {}
    parameters |= _read_all(wishes.parameters)
    for word in wishes.conditions:
        child, condition = read_condition(word, parameters)
        parameters[child]["condition"] = {**parameters[child].get("condition", {}), **condition}
    wished = objectives_of(wishes.objectives, parameters)
    return Plan(
        name=name,
        parameters=parameters,
        objectives=wished or list(foreign.objectives if foreign else []) or [OBJECTIVE],
        **_evaluation(wishes, name, list(parameters)),
        constraints=[*(foreign.constraints if foreign else []), *wishes.constraints],
        feasible=wishes.feasible,
        evaluations=EVALUATIONS if wishes.evaluations is None else wishes.evaluations,
        seed=wishes.seed,
        settings=_settings(wishes),
        notes=foreign.notes if foreign else [],
    )


def check_application(name: str) -> None:
    """Refuse a name that files cannot begin with.

    Raises:
        UsageError: It is one.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise UsageError(
            f"--name {quote(name)}: expected letters, digits, _, - and points, as files are "
            "called so; for example matmul"
        )


def objectives_of(
    wished: Sequence[tuple[str, bool]], parameters: Mapping[str, Any]
) -> list[Objective]:
    """Return the entries of `optimization_objectives`; each wish may be several with commas.

    Raises:
        UsageError: A name cannot be that of a column, or is that of another.
    """
    found: dict[str, Objective] = {}
    for words, more in wished:
        for name in map(str.strip, words.split(",")):
            option = f"{'--maximize' if more else '--objective'} {quote(name)}"
            if fault := field_fault(name):
                raise UsageError(f"{option}: the name {fault}; expected one such as seconds")
            if name in parameters:
                raise UsageError(f"{option}: a parameter is called so, too; name one otherwise")
            if name in found:
                raise UsageError(f"{option}: this objective is there already")
            found[name] = {"name": name, "goal": "maximize"} if more else name
    return list(found.values())


def program_of(language: Language) -> str:
    """Return the program of `language` on this machine, or its usual one."""
    there = (program for program in language.programs if shutil.which(program))
    return next(there, language.programs[0])


def missing_program(language: Language) -> str | None:
    """Return the program that `language` needs, if this machine does not have it."""
    program = program_of(language)
    return None if shutil.which(program) else program


def _foreign(wishes: Wishes) -> "ForeignSpace":
    """Return the parameters of another tool's file."""
    from hmserve.conversion import read

    assert wishes.source is not None
    return read(wishes.source, wishes.form, wishes.study)


def _read_all(words: Sequence[str]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for word in words:
        name, entry = read_parameter(word)
        if name in found:
            raise UsageError(f"{quote(word)}: the parameter {quote(name)} is there already")
        found[name] = entry
    return found


def _evaluation(wishes: Wishes, name: str, parameters: Sequence[str]) -> dict[str, Any]:
    """Return the command of the plan, and the stub of its worker if it has one."""
    if not parameters:
        raise UsageError("expected a parameter, for example tile=8,16,32")
    if wishes.command is not None:
        return {"command": once_command(wishes.command, parameters)}
    language = language_called(wishes.language or LANGUAGE)
    program = program_of(language)
    stub = stub_of(language, name, program)
    return {"command": worker_command(stub, program), "stub": stub}


def _settings(wishes: Wishes) -> dict[str, Any]:
    """Return the keys of `evaluator` that were asked for."""
    given = {"workers": wishes.workers, "timeout": wishes.timeout}
    settings: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    for word in wishes.output:
        name, equals, pattern = word.partition("=")
        if not equals or not pattern:
            raise UsageError(
                f"--output {quote(word)}: expected OBJECTIVE=EXPRESSION, for example "
                "'seconds=Elapsed: ([0-9.]+)'"
            )
        settings.setdefault("output", {})[name] = pattern
    return settings
