"""The command line of an evaluator that runs once per trial: a template for arguments."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from hmserve.errors import UsageError
from hmserve.fidelity.options import FidelityOptions
from hmserve.options import EvaluatorOptions
from hmserve.protocol.codec import input_field, quoted, settings_fields
from hmserve.space.space import Space
from hmserve.trial import Trial

_PIECE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_OPTION: Final = re.compile(r"(-[^\s{}]*|[^\s{}]+=)?\{([^{}]+)\}")
_BARE: Final = re.compile(r"-[^\s{}=]+")
_OWN: Final = ("trial", "directory", "here")


class Template:
    """Arguments in which ``{x1}`` stands for the value of the parameter `x1`.

    ``{trial}``, ``{directory}`` and ``{here}`` stand for the number of the trial, the
    directory it runs in and the one hmserve was started in, unless a parameter has that
    name. Where evaluations have a fidelity its columns are names, too; then ``{trial}`` may be
    that of a checkpoint. ``{{`` and ``}}`` stand for braces. An option whose parameter is
    inactive is left out: ``--x={x}``, ``-x{x}``, or ``--x`` and ``{x}`` after it.

    Args:
        command: The program and its arguments.
        space: Has the parameters.
        fidelity: How far evaluations go; None where all are full.

    Raises:
        UsageError: A name is unknown, or a brace has no partner.
    """

    def __init__(
        self, command: Sequence[str], space: Space, fidelity: FidelityOptions | None = None
    ) -> None:
        self._command = tuple(command)
        self._space = space
        self._fidelity = fidelity
        columns = fidelity.columns if fidelity else ()
        self._names = tuple(dict.fromkeys([*space.names, *columns, *_OWN]))
        self._here = os.getcwd()
        for argument in command:
            self._check(argument)

    @property
    def program_varies(self) -> bool:
        """Whether the program itself depends on the trial."""
        return _PIECE.search(self._command[0]) is not None

    def arguments(self, trial: Trial, directory: str) -> list[str]:
        """Return the arguments for `trial`, which runs in `directory`.

        A program with a slash in its name is one of the directory hmserve was started in.
        """
        names = {
            "trial": str(trial.id),
            "directory": directory,
            "here": self._here,
            **values(self._space, trial),
            **settings(self._fidelity, trial),
        }
        absent = {name for name, value in trial.configuration.items() if value is None}
        program, *rest = self._active(absent) if absent else self._command
        words = [_filled(argument, names) for argument in rest]
        return [located(_filled(program, names), self._here), *words]

    def _active(self, absent: Collection[str]) -> list[str]:
        """Return the arguments without the options of parameters that are `absent`."""
        found = [self._command[0]]
        for argument in self._command[1:]:
            option = _OPTION.fullmatch(argument)
            if option is None or option[2] not in absent:
                found.append(argument)
            elif not option[1] and len(found) > 1 and _BARE.fullmatch(found[-1]):
                found.pop()
        return found

    def _check(self, argument: str) -> None:
        for piece in _PIECE.finditer(argument):
            if piece[0] in ("{", "}"):
                raise UsageError(
                    f"a brace without its partner in {quoted(argument)} of the command; "
                    f"write {piece[0] * 2} for {piece[0]}"
                )
            if piece[1] is not None and piece[1] not in self._names:
                raise UsageError(
                    f"no parameter is called {quoted(piece[1])}, as in {quoted(argument)} of "
                    f"the command; there are {', '.join(self._names)}; "
                    "write {{ and }} for braces. A client, of kind protocol, has none of them"
                )


def check_placeholders(
    options: EvaluatorOptions, space: Space, fidelity: FidelityOptions | None = None
) -> Template:
    """Return the template that a command is; that of a client has no placeholders.

    Raises:
        UsageError: The command has a placeholder where there is nothing to put in, or none
            that says how far to go.
    """
    found = placeholders(options.command)
    if options.kind == "once":
        if fidelity is not None and fidelity.name not in found:
            raise UsageError(
                f"the command has no {{{fidelity.name}}}, so that it cannot know how far an "
                "evaluation is to go: add it to the arguments"
            )
        return Template(options.command, space, fidelity)
    known = [*space.names, *([fidelity.name] if fidelity else [])]
    names = [name for name in found if name in known]
    if names:
        raise UsageError(
            f"{{{names[0]}}} in the command stands for a value if the command runs once for "
            "each trial: say so with --kind once, or with the key kind of evaluator; a client "
            "of kind protocol reads its values from standard input"
        )
    return Template((), space)


def placeholders(command: Sequence[str]) -> list[str]:
    """Return the names that `command` has placeholders for, whether they exist or not."""
    found = [piece[1] for argument in command for piece in _PIECE.finditer(argument)]
    return [name for name in found if name is not None]


def values(space: Space, trial: Trial) -> dict[str, str]:
    """Return the values of `trial` as the protocol writes them."""
    return {p.name: input_field(p, trial.configuration[p.name]) for p in space.parameters}


def settings(fidelity: FidelityOptions | None, trial: Trial) -> dict[str, str]:
    """Return how far `trial` is to go, and what it goes on from, by column."""
    columns = fidelity.columns if fidelity else ()
    return dict(zip(columns, settings_fields(fidelity, trial), strict=True))


def located(program: str, here: str) -> str:
    """Return `program` so that it is found from every directory; a bare name is for PATH."""
    return os.path.join(here, program) if os.sep in program else program


def _filled(argument: str, names: Mapping[str, str]) -> str:
    def text(piece: "re.Match[str]") -> str:
        return piece[0][0] if piece[1] is None else names[piece[1]]

    return _PIECE.sub(text, argument)
