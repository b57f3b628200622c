"""What a journal says, one record an event, and its JSON form.

The records are the calls an optimizer received, in their order, with the time of each; what
is not among them did not happen. `schemas/journal.schema.json` describes the JSON form.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from hmserve.trial import Evaluation, Stage, Trial

VERSION: Final = 1
"""The version of the format. A change that an older hmserve would misread raises it."""


class Start(NamedTuple):
    """The first record: a run begins.

    Args:
        version: The format of the records that follow.
        program: Who writes them.
        scenario: The scenario, every default filled in.
        seed: What every draw of the run comes from.
        time: Unix seconds, as in every record.
        pid: The process that writes from here on.
        host: The machine of that process.
    """

    version: int
    program: str
    scenario: Mapping[str, Any]
    seed: int
    time: float
    pid: int
    host: str

    @property
    def elapsed(self) -> float:
        """Zero: the clock of the run starts here."""
        return 0.0


class Resume(NamedTuple):
    """Another process goes on with the run.

    Args:
        time: Unix seconds.
        elapsed: Seconds the run has been running, without the pause before a resume.
        pid: The process that writes from here on.
        host: The machine of that process.
    """

    time: float
    elapsed: float
    pid: int
    host: str


class Ask(NamedTuple):
    """Trials were handed out. `state` is what the optimizer fitted for them, as JSON values."""

    time: float
    elapsed: float
    trials: Sequence[Trial]
    state: Mapping[str, Any]


class Tell(NamedTuple):
    """Results of pending trials came in, in this order."""

    time: float
    elapsed: float
    evaluations: Sequence[Evaluation]


class Report(NamedTuple):
    """A pending trial told how it stands.

    Args:
        time: Unix seconds.
        elapsed: Seconds the run has been running.
        id: Of the trial.
        fidelity: How far its evaluation has come.
        objective: The value there, as it is minimised.
    """

    time: float
    elapsed: float
    id: int
    fidelity: float
    objective: float


class Observe(NamedTuple):
    """Results nobody asked for came in, in this order."""

    time: float
    elapsed: float
    evaluations: Sequence[Evaluation]


class Drop(NamedTuple):
    """The trials with these ids were never evaluated; their budget came back."""

    time: float
    elapsed: float
    ids: Sequence[int]


class Abandon(NamedTuple):
    """The trials with these ids will not be answered; their budget is spent."""

    time: float
    elapsed: float
    ids: Sequence[int]


class Expire(NamedTuple):
    """The trials with these ids are past their deadline; an answer still counts."""

    time: float
    elapsed: float
    ids: Sequence[int]


class End(NamedTuple):
    """The process stopped in good order, for this reason. A resume may follow."""

    time: float
    elapsed: float
    reason: str


Record: TypeAlias = (
    Start | Resume | Ask | Report | Tell | Observe | Drop | Abandon | Expire | End
)
Kind: TypeAlias = (
    type[Start]
    | type[Resume]
    | type[Ask]
    | type[Report]
    | type[Tell]
    | type[Observe]
    | type[Drop]
    | type[Abandon]
    | type[Expire]
    | type[End]
)

_KINDS: Final[Mapping[str, Kind]] = {
    "start": Start,
    "resume": Resume,
    "ask": Ask,
    "report": Report,
    "tell": Tell,
    "observe": Observe,
    "drop": Drop,
    "abandon": Abandon,
    "expire": Expire,
    "end": End,
}
_NAMES: Final[Mapping[Kind, str]] = {kind: name for name, kind in _KINDS.items()}


def to_json(record: Record) -> dict[str, Any]:
    """Return `record` as JSON values, its ``type`` first."""
    kind = type(record)
    members = record._asdict().items()
    encoded = {name: _ENCODERS.get(name, _same)(value) for name, value in members}
    return {"type": _NAMES[kind], **encoded}


def from_json(data: Mapping[str, Any]) -> Record:
    """Return the record that `data` stands for.

    Raises:
        ValueError: It is of a newer format or an unknown type, or it lacks a member.
    """
    kind = _KINDS.get(data["type"]) if isinstance(data.get("type"), str) else None
    if kind is None:
        raise ValueError(
            f"a record of type {data.get('type')!r} is unknown to version {VERSION} of "
            "the format"
        )
    if kind is Start and data.get("version") != VERSION:
        raise ValueError(
            f"it has version {data.get('version')!r} of the format and was written by "
            f"{data.get('program', 'an unknown program')}; this hmserve reads version {VERSION}"
        )
    try:
        members = {name: data[name] for name in kind._fields}
        return kind(**{key: _DECODERS.get(key, _same)(value) for key, value in members.items()})
    except KeyError as error:
        raise ValueError(f"a {data['type']} record lacks the member {error}") from None
    except (TypeError, AttributeError) as error:
        raise ValueError(
            f"a {data['type']} record has a member of another kind: {error}"
        ) from None


def _same(value: Any) -> Any:
    return value


def _encode_trial(trial: Trial) -> dict[str, Any]:
    members: dict[str, Any] = {"id": trial.id, "configuration": dict(trial.configuration)}
    if trial.fidelity is not None:
        members["fidelity"] = trial.fidelity
    if trial.stage is not None:
        members["stage"] = trial.stage._asdict()
    return members


def _decode_trial(data: Mapping[str, Any]) -> Trial:
    # JSON has no tuples, which permutations are.
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in data["configuration"].items()
    }
    stage = data.get("stage")
    return Trial(data["id"], values, data.get("fidelity"), stage and Stage(**stage))


def _encode_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    members = {
        **_encode_trial(evaluation.trial),
        "objectives": dict(evaluation.objectives),
        "feasible": evaluation.feasible,
    }
    others = {"constraints": evaluation.constraints, "details": evaluation.details}
    return {**members, **{name: dict(values) for name, values in others.items() if values}}


def _decode_evaluation(data: Mapping[str, Any]) -> Evaluation:
    trial, objectives, feasible = _decode_trial(data), data["objectives"], data["feasible"]
    constraints, details = data.get("constraints", {}), data.get("details", {})
    return Evaluation(trial, objectives, feasible, constraints, details)


_ENCODERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "trials": lambda trials: [_encode_trial(trial) for trial in trials],
    "evaluations": lambda evaluations: [_encode_evaluation(e) for e in evaluations],
    "ids": list,
}
_DECODERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "trials": lambda trials: tuple(_decode_trial(trial) for trial in trials),
    "evaluations": lambda evaluations: tuple(_decode_evaluation(e) for e in evaluations),
    "ids": tuple,
}
