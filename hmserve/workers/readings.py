"""What an evaluator has said, as an evaluation."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hmserve.errors import RemoteProtocolError
from hmserve.protocol.classic import ClassicSession
from hmserve.protocol.codec import Codec, quoted
from hmserve.protocol.events import Complete, Evaluated, Observed, PeerClosed
from hmserve.protocol.fidelities import reached
from hmserve.space.parameters import format_number
from hmserve.trial import Evaluation, Results, Trial

_CANDIDATES: Final = 100
"""How many lines are tried as the first one of a JSON object."""


class Outputs:
    """Reads what a program that runs once has printed.

    Args:
        codec: Knows the columns: objectives, measured constraints, feasibility.
        named: Whether regular expressions have found the values by name.
    """

    def __init__(self, codec: Codec, named: bool) -> None:
        self._codec = codec
        self._named = named
        self.columns = codec.outputs
        self._known = (*self.columns, *([codec.fidelity.name] if codec.fidelity else []))

    def read(self, trial: Trial, report: Mapping[str, Any]) -> Evaluation:
        """Return the evaluation of `trial`.

        Raises:
            ValueError: It cannot be read; the message tells what was expected and what came.
        """
        if self._named:
            found = self._found(report["found"], report["output"])
        else:
            said = report["output"].decode(errors="backslashreplace")
            found = self._last(said, report["cut"])
        # How far it went need not be said: it was told how far to go.
        names = [name for name in self._known if name in found]
        row = self._codec.row(self._codec.layout(names), [found[name] for name in names])
        trial = reached(self._codec.fidelity, trial, row.fidelity, failed=True)
        return Evaluation(trial, row.objectives, row.feasible, row.constraints)

    def _found(self, found: Mapping[str, str], output: bytes) -> dict[str, str]:
        missing = [name for name in self.columns if name not in found]
        feasibility = self._codec.feasibility
        if feasibility is not None and missing == [feasibility.name]:
            return {**found, feasibility.name: feasibility.true_value}
        if missing:
            end = quoted(output[-200:].decode(errors="backslashreplace"))
            raise ValueError(f"found no {', '.join(missing)} in its output, which ends {end}")
        return {name: text.strip() for name, text in found.items()}

    def _last(self, text: str, cut: bool) -> dict[str, str]:
        expected = f"expected {','.join(self.columns)}, or a JSON object with these names"
        lines = text.strip().splitlines()
        if not lines:
            raise ValueError(f"{expected}; it printed nothing")
        if cut and len(lines) == 1:
            raise ValueError(f"{expected}; its last line is longer than 64 KiB")
        if lines[-1].rstrip().endswith("}"):
            return self._from_object(_last_object(lines))
        fields = self._codec.split(lines[-1])
        if len(fields) != len(self.columns):
            raise ValueError(f"{expected}; its last line is {quoted(lines[-1])}")
        return dict(zip(self.columns, fields, strict=True))

    def _from_object(self, found: Mapping[str, Any]) -> dict[str, str]:
        missing = [name for name in self.columns if name not in found]
        if missing:
            raise ValueError(f"{', '.join(missing)} missing in {quoted(json.dumps(found))}")
        return {name: _field(found[name]) for name in self._known if name in found}


def _last_object(lines: Sequence[str]) -> Mapping[str, Any]:
    """Return the JSON object that the last of `lines` ends: on one line, or on several."""
    starts = [i for i, line in enumerate(lines) if line.lstrip().startswith("{")]
    for start in reversed(starts[-_CANDIDATES:]):
        try:
            found = json.loads("\n".join(lines[start:]))
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    raise ValueError(f"its last line, {quoted(lines[-1])}, ends no JSON object")


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return format_number(value) if isinstance(value, float) else str(value)


def read_reply(codec: Codec, trial: Trial, said: bytes) -> Results:
    """Return what a client has answered to a request for `trial` alone.

    Raises:
        RemoteProtocolError: It is no reply.
    """
    session = ClassicSession(codec)
    session.request([trial])
    *lines, rest = said.decode(errors="backslashreplace").split("\n")
    events = [event for line in lines for event in session.receive_line(line)]
    if session.waiting:
        events += session.receive_eof(rest)
    elif rest.strip():
        events += session.receive_line(rest)
    closed = [event for event in events if isinstance(event, PeerClosed)]
    if closed and (not closed[0].clean or closed[0].outstanding):
        came = f"came {quoted(rest)}" if rest.strip() else "the command ended instead"
        raise RemoteProtocolError(f"{closed[0].place}: expected it, {came}")
    return Results(
        evaluations=[e.evaluation for e in events if isinstance(e, Evaluated)],
        observations=[e.evaluation for e in events if isinstance(e, Observed)],
        abandoned=[t for e in events if isinstance(e, Complete) for t in e.unanswered],
    )
