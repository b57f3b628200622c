"""The answers of the ask-tell dialect as text."""

import json
from collections.abc import Iterable, Sequence

from hmserve.protocol.asktell_blocks import ROOT, TRIAL
from hmserve.protocol.asktell_messages import (
    Answer,
    Continue,
    End,
    Error,
    Halt,
    Handed,
    Incumbents,
    Ok,
    Standing,
    Wait,
)
from hmserve.protocol.codec import Codec
from hmserve.space.parameters import format_number
from hmserve.trial import OUTSIDE, Evaluation, Trial


class Texts:
    """Writes answers.

    Args:
        codec: How the rows of this scenario are written.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._names = [ROOT if name == TRIAL else name for name in codec.names]

    def of(self, answer: Answer) -> str:
        """Return `answer` as lines."""
        match answer:
            case Handed(trials):
                text = _block("Request", self._names, map(self._trial, trials))
            case Incumbents(evaluations):
                names = [*self._names, *self._codec.outputs]
                text = _block("Best", names, map(self._found, evaluations))
            case Ok(taken, refused):
                errors = [f"Error {each.row} {_one_line(each.reason)}" for each in refused]
                text = "\n".join([f"Ok {taken} {len(refused)}", *errors])
            case Wait(pending):
                text = f"Wait {pending}"
            case End():
                text = "End of HyperMapper"
            case Continue():
                text = "Continue"
            case Halt():
                text = "Stop"
            case Standing(facts):
                text = f"Status {json.dumps(facts, allow_nan=False)}"
            case Error(reason):
                text = f"Error 0 {_one_line(reason)}"
        return text + "\n"

    def _trial(self, trial: Trial) -> str:
        return f"{trial.id},{self._codec.inputs(trial)}"

    def _found(self, evaluation: Evaluation) -> str:
        """Return a row that `Tell` would take as well."""
        trial, feasibility = evaluation.trial, self._codec.feasibility
        found = {**evaluation.objectives, **evaluation.constraints}
        number = "" if trial.id == OUTSIDE else str(trial.id)
        fields = [number, self._codec.inputs(trial)]
        fields += [format_number(found[name]) for name in self._codec.outputs if name in found]
        return ",".join(fields if feasibility is None else [*fields, feasibility.true_value])


def _block(word: str, names: Sequence[str], rows: Iterable[str]) -> str:
    lines = [",".join([TRIAL, *names]), *rows]
    return "\n".join([f"{word} {len(lines) - 1}", *lines])


def _one_line(reason: str) -> str:
    return " ".join(reason.split("\n"))
