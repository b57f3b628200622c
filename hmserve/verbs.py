"""The verbs of the ask-tell dialect, done to a run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hmserve.dialogue import Dialogue
from hmserve.errors import UnknownTrialError, UsageError
from hmserve.protocol.asktell_messages import (
    Answer,
    Ask,
    Best,
    Continue,
    Drop,
    End,
    Error,
    Halt,
    Handed,
    Incumbents,
    Junk,
    Message,
    Ok,
    Refusal,
    Report,
    Standing,
    Status,
    Stop,
    Tell,
    Told,
    Wait,
)
from hmserve.protocol.fidelities import reached
from hmserve.protocol.matching import disagreement, inside
from hmserve.space.space import Space
from hmserve.trial import Evaluation, Trial


class Verbs:
    """Does what a message says; what it changed is on disk when it returns.

    Args:
        dialogue: What the verbs are done to.
        space: What observations from outside have to be in.
        heard: Called after results were taken.
    """

    def __init__(self, dialogue: Dialogue, space: Space, heard: Callable[[], None]) -> None:
        self._dialogue = dialogue
        self._space = space
        self._heard = heard
        self._does: dict[type[Message], Callable[[Any], Answer]] = {
            Ask: self._ask,
            Tell: self._tell,
            Drop: self._drop,
            Report: self._report,
            Best: lambda _: Incumbents(dialogue.best()),
            Status: lambda _: Standing(dialogue.status()),
            Stop: self._stop,
            Junk: lambda junk: Error(junk.reason),
        }

    def __call__(self, message: Message) -> Answer:
        """Return the answer to `message`."""
        return self._does[type(message)](message)

    def _ask(self, message: Ask) -> Answer:
        dialogue = self._dialogue
        # What was out when the run was resumed comes alone, so that new trials are asked as
        # they would have been.
        trials = dialogue.again(message.count) or dialogue.ask(message.count)
        if trials:
            return Handed(trials)
        if not dialogue.finished:
            return Wait(dialogue.waiting)
        # What is dropped after the end line is not asked again.
        dialogue.stop()
        return End()

    def _tell(self, message: Tell) -> Answer:
        refused = list(message.refused)
        told: dict[int, Evaluation] = {}
        observations = []
        for row in message.rows:
            with _refusing(row.number, refused):
                if row.trial is None:
                    observations.append(_evaluation(self._outsider(row), row))
                else:
                    told[row.trial] = _evaluation(self._answered(row, told), row)
        self._dialogue.take(list(told.values()), observations)
        taken = len(told) + len(observations)
        if taken:
            self._heard()
        return _ok(taken, refused)

    def _drop(self, message: Drop) -> Answer:
        refused = list(message.refused)
        dropped: dict[int, Trial] = {}
        for row in message.rows:
            with _refusing(row.number, refused):
                dropped[row.trial] = self._waiting(row.trial, dropped)
        self._dialogue.drop(list(dropped.values()))
        return _ok(len(dropped), refused)

    def _report(self, message: Report) -> Answer:
        try:
            trial = self._dialogue.trial(message.trial)
            goes_on = self._dialogue.report(trial, message.fidelity, message.objective)
        except (UnknownTrialError, UsageError) as error:
            return Error(f"Report: {error}")
        return Continue() if goes_on else Halt()

    def _stop(self, message: Stop) -> Answer:
        del message
        self._dialogue.stop()
        return Ok()

    def _outsider(self, row: Told) -> Trial:
        found = row.found
        return self._dialogue.outsider(inside(self._space, found.inputs), found.fidelity)

    def _answered(self, row: Told, told: dict[int, Evaluation]) -> Trial:
        """Return the trial that `row` is about."""
        assert row.trial is not None
        trial = self._waiting(row.trial, told)
        name = disagreement(self._space, trial, row.found.inputs)
        if name is not None:
            asked, came = trial.configuration[name], row.found.inputs[name]
            raise UsageError(f"trial {trial.id} has {name} = {asked!r}, not {came!r}")
        failed, fidelity = not row.found.objectives, row.found.fidelity
        return reached(self._dialogue.fidelity, trial, fidelity, failed=failed)

    def _waiting(self, number: int, taken: dict[int, Any]) -> Trial:
        if number in taken:
            raise UnknownTrialError(f"trial {number} comes twice in this message")
        return self._dialogue.trial(number)


@contextmanager
def _refusing(number: int, refused: list[Refusal]) -> Iterator[None]:
    try:
        yield
    except (ValueError, UnknownTrialError, UsageError) as error:
        refused.append(Refusal(number, str(error)))


def _ok(taken: int, refused: list[Refusal]) -> Ok:
    return Ok(taken, sorted(refused, key=lambda refusal: refusal.row))


def _evaluation(trial: Trial, row: Told) -> Evaluation:
    found = row.found
    return Evaluation(trial, found.objectives, found.feasible, found.constraints)
