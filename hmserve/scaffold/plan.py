"""What `hmserve init` is to write: a scenario, and how its evaluations are made."""

import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from hmserve.commandline import arguments
from hmserve.document import quote
from hmserve.errors import ScenarioError, UsageError
from hmserve.scaffold.languages import LANGUAGES, Language
from hmserve.scenario import Scenario

Objective: TypeAlias = str | Mapping[str, str]
"""An entry of `optimization_objectives`."""

EVALUATIONS: Final = 60
"""How many evaluations a run has that nobody has limited: the design, and 50 more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the user wants.

    Args:
        name: Of the application; files begin with it.
        parameters: The entries of `input_parameters`.
        objectives: The entries of `optimization_objectives`.
        command: Starts the worker, or with `stub` None a program that evaluates once.
        stub: Language of the worker that is written, its file and how to build it.
        constraints: Known constraints.
        feasible: Whether there is a feasibility column.
        evaluations: How many.
        seed: None: drawn.
        settings: Further keys of `evaluator`.
        notes: What was lost on the way from another tool's file.
    """

    name: str
    parameters: Mapping[str, Mapping[str, Any]]
    objectives: Sequence[Objective]
    command: Sequence[str] | str
    stub: "Stub | None" = None
    constraints: Sequence[str] = ()
    feasible: bool = False
    evaluations: int = EVALUATIONS
    seed: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def scenario(self) -> str:
        """The name of the scenario file."""
        return scenario_file(self.name)

    def document(self) -> dict[str, Any]:
        """Return the scenario, in the order in which it is written."""
        evaluator: dict[str, Any] = {"command": self.command}
        if self.stub is None:
            evaluator["kind"] = "once"
        document: dict[str, Any] = {
            "application_name": self.name,
            "optimization_objectives": list(self.objectives),
            "input_parameters": dict(self.parameters),
        }
        if self.constraints:
            document["constraints"] = list(self.constraints)
        if self.feasible:
            document["feasible_output"] = {"enable_feasible_predictor": True}
        document["evaluator"] = {**evaluator, **self.settings}
        document["max_evaluations"] = self.evaluations
        if self.seed is not None:
            document["seed"] = self.seed
        return document


@dataclass(frozen=True, slots=True)
class Stub:
    """A worker to begin with.

    Args:
        language: In which it is written.
        file: Its name.
        stem: Its name without the suffix; a program that is built is called so.
        build: The command that builds it; empty if none is needed.
    """

    language: Language
    file: str
    stem: str
    build: str


def scenario_file(name: str) -> str:
    """Return the name of the scenario file of the application `name`."""
    return f"{name}.json"


def stub_of(language: Language, name: str, program: str) -> Stub:
    """Return the stub of the application `name`, whose language's `program` is at hand."""
    stem = re.sub(r"\W", "_", name, flags=re.ASCII)
    stem = f"app_{stem}" if stem[0].isdigit() else stem
    if language.suffix == "java":
        stem = "".join(part[:1].upper() + part[1:] for part in stem.split("_")) + "Worker"
    else:
        stem += "_worker"
    file = f"{stem}.{language.suffix}"
    return Stub(
        language, file, stem, language.build.format(program=program, file=file, stem=stem)
    )


def worker_command(stub: Stub, program: str) -> list[str]:
    """Return the arguments that start the worker of `stub`."""
    words = {"program": program, "file": stub.file, "stem": stub.stem}
    return [word.format(**words) for word in stub.language.run]


def language_called(name: str) -> Language:
    """Return the language of that name, or one of its other names.

    Raises:
        UsageError: There is none.
    """
    asked = name.lower()
    for key, language in LANGUAGES.items():
        if asked == key or asked in language.other_names:
            return language
    from hmserve.schema import did_you_mean

    known = [
        *LANGUAGES,
        *(other for found in LANGUAGES.values() for other in found.other_names),
    ]
    raise UsageError(
        f"--language {quote(name)}: there is no stub in that{did_you_mean(name, known)}\n"
        f"expected one of {', '.join(sorted(LANGUAGES))}; or --command for any program"
    )


def once_command(text: str, names: Sequence[str]) -> list[str] | str:
    """Return the command of an evaluator of kind ``once`` that `text` says.

    What needs a shell, as a pipe does, gets one, which ends when one of its programs fails:
    bash if there is one, which does so within a pipe, too. Else `xz ... | wc -c` would be best
    where xz fails.

    Raises:
        UsageError: It is no command, or no parameter is in it.
    """
    try:
        words = arguments(text)
    except ValueError as error:
        raise UsageError(f"--command {quote(text)}: cannot be split: {error}") from None
    if not words or not words[0]:
        raise UsageError('--command: expected a program, for example "./prog --tile={tile}"')
    if "{" not in text:
        raise UsageError(
            f"--command {quote(text)}: expected {{{names[0]}}} where the value of "
            f"{names[0]} is to stand, and so for each parameter"
        )
    if not _needs_shell(text):
        return text
    shell = ["bash", "-e", "-o", "pipefail"] if shutil.which("bash") else ["sh", "-e"]
    return [*shell, "-c", text]


def _needs_shell(text: str) -> bool:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return bool(re.search(r"[$`]", text)) or any(set(word) <= set("();<>|&") for word in lexer)


def left_out(command: Sequence[str] | str, names: Sequence[str]) -> list[str]:
    """Return the parameters that a command of kind ``once`` does not mention."""
    text = command if isinstance(command, str) else " ".join(command)
    return [name for name in names if f"{{{name}}}" not in text]


def checked(plan: Plan) -> Scenario:
    """Return the scenario of `plan`.

    Raises:
        UsageError: It cannot be used; the message names the words of the command line.
    """
    from hmserve.serving.command import check_command

    try:
        scenario = Scenario.parse(plan.document(), source="init")
        check_command(scenario)
    except ScenarioError as error:
        raise UsageError(_in_words(str(error), plan)) from None
    except UsageError as error:
        raise UsageError(f"--command: {error}") from None
    return scenario


def _in_words(message: str, plan: Plan) -> str:
    """Return the complaints about a scenario as complaints about a command line."""
    lines = []
    for line in message.split("\n")[1:]:
        place, _, text = line.strip().removeprefix("$.").partition(": ")
        lines.append(f"{_origin(place, plan)}: {text}")
    return "\n".join(lines)


def _origin(place: str, plan: Plan) -> str:
    """Return what of the command line the path `place` of the scenario comes from."""
    key, _, rest = place.partition(".")
    if key == "input_parameters":
        name, _, inner = rest.partition(".")
        return (
            f"--condition of {name}" if inner.startswith("condition") else name or "parameters"
        )
    if found := re.fullmatch(r"constraints\[(\d+)\]", place):
        return f"--constraint {quote(plan.constraints[int(found[1])])}"
    options = {
        "optimization_objectives": "--objective",
        "application_name": "--name",
        "feasible_output": "--feasible",
        "evaluator": "--command" if rest == "command" else f"--{rest.partition('.')[0]}",
        "max_evaluations": "--evaluations",
    }
    bare = key.partition("[")[0]
    return options.get(bare, f"--{bare}")
