"""The questions of `hmserve init` to somebody at a terminal."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from hmserve.errors import UsageError
from hmserve.scaffold.languages import LANGUAGES
from hmserve.scaffold.notation import read_parameter
from hmserve.scaffold.plan import EVALUATIONS, checked, scenario_file
from hmserve.scaffold.wishes import (
    LANGUAGE,
    NAME,
    OBJECTIVE,
    Wishes,
    check_application,
    objectives_of,
    plan_of,
)

T = TypeVar("T")
Ask = Callable[[str], str]
Tell = Callable[[str], None]
RefuseTaken = Callable[[Sequence[str]], None]

_WELCOME: Final = """\
A few questions, and there is a scenario and a worker to begin with. An empty answer takes what
is in brackets; Ctrl-C ends it, and nothing is written. hmserve init --help does it in one line.
"""

_PARAMETERS: Final = """\
Parameters, one a line; an empty line after the last:
  unroll=1:8            whole numbers from 1 to 8
  alpha=0.001:1:log     real numbers, on a logarithmic scale
  tile=8,16,32@16       a list of numbers; 16 is tried first
  order=ijk,ikj,kij     a list of labels
"""


def converse(wishes: Wishes, ask: Ask, tell: Tell, refuse_taken: RefuseTaken) -> Wishes:
    """Return `wishes` with answers to what they leave open.

    Args:
        wishes: What the command line said.
        ask: Shows a question and returns the answer, as `input`.
        tell: Shows a text.
        refuse_taken: Raises a UsageError where files of these names are in the way.

    Raises:
        EOFError: There are no more answers.
        KeyboardInterrupt: Somebody has lost patience.
    """
    person = _Person(ask, tell)
    tell(_WELCOME)
    if wishes.name is None:
        wishes = person.answer(
            f"Name of the application [{NAME}]: ",
            lambda text: _named(wishes, text or NAME, refuse_taken),
        )
    wishes = replace(wishes, parameters=person.parameters())
    names = [read_parameter(word)[0] for word in wishes.parameters]
    if not wishes.objectives:
        question = f"What to minimise; several with commas, or maximize NAME [{OBJECTIVE}]: "
        objectives = person.answer(question, lambda text: _objectives(text, names))
        wishes = replace(wishes, objectives=objectives)
    if wishes.language is None and wishes.command is None:
        wishes = _evaluation(wishes, person, names[0], refuse_taken)
    if wishes.evaluations is None:
        evaluations = person.answer(f"How many evaluations [{EVALUATIONS}]: ", _count)
        wishes = replace(wishes, evaluations=evaluations)
    return wishes


class _Person:
    """Who answers: asked again, with the reason, until the answer can be used."""

    def __init__(self, ask: Ask, tell: Tell) -> None:
        self._ask = ask
        self.tell = tell

    def answer(self, question: str, read: Callable[[str], T]) -> T:
        while True:
            text = self._ask(question).strip()
            try:
                return read(text)
            except UsageError as error:
                self.tell(f"  {error}\n")

    def parameters(self) -> list[str]:
        self.tell(_PARAMETERS)
        words: list[str] = []

        def read(text: str) -> str:
            if not text and not words:
                raise UsageError("expected a parameter at least, for example tile=8,16,32")
            if text and read_parameter(text)[0] in [read_parameter(w)[0] for w in words]:
                raise UsageError("this parameter is there already")
            return text

        while word := self.answer(f"  parameter {len(words) + 1}: ", read):
            words.append(word)
        return words


def _named(wishes: Wishes, name: str, refuse_taken: RefuseTaken) -> Wishes:
    check_application(name)
    refuse_taken([scenario_file(name)])
    return replace(wishes, name=name)


def _evaluation(
    wishes: Wishes, person: _Person, name: str, refuse_taken: RefuseTaken
) -> Wishes:
    """Return `wishes` with what evaluates; `name` is that of a parameter."""
    languages = textwrap.fill(f"A worker to be filled in, in {', '.join(LANGUAGES)}.", 92)
    command = (
        f"Or the command of your program, with {{{name}}} in place of the value of {name}."
    )
    person.tell(f"{languages}\n{command}\n")

    def read(text: str) -> Wishes:
        if any(mark in text for mark in "{ /"):
            answered = replace(wishes, command=text)
        else:
            answered = replace(wishes, language=text or LANGUAGE)
        plan = plan_of(answered)
        checked(plan)
        refuse_taken([plan.stub.file] if plan.stub else [])
        return answered

    return person.answer(f"Language or command [{LANGUAGE}]: ", read)


def _objectives(text: str, names: list[str]) -> list[tuple[str, bool]]:
    wished = []
    for part in map(str.strip, (text or OBJECTIVE).split(",")):
        first, _, rest = part.partition(" ")
        more = first.lower() in ("maximize", "maximise")
        wished.append((rest.strip(), True) if more else (part, False))
    objectives_of(wished, dict.fromkeys(names))
    return wished


def _count(text: str) -> int:
    if not text:
        return EVALUATIONS
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 10**9:
        raise UsageError(f"expected a whole number above 0, got {text!r:.200}")
    return int(text)
