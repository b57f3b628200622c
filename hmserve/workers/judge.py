"""What became of an attempt, from the report of its warden."""

import errno
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from hmserve.errors import RemoteProtocolError
from hmserve.options import EvaluatorOptions
from hmserve.protocol.codec import Codec
from hmserve.trial import Evaluation, Results
from hmserve.workers.readings import Outputs, read_reply
from hmserve.workers.worker import Attempt

_NO_PROGRAM: Final = {
    errno.ENOENT,
    errno.EACCES,
    errno.ENOEXEC,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
}
_SHOWN: Final = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an attempt.

    Args:
        results: What there is to record if it is not tried again.
        failure: Its class; empty if there is an answer, feasible or not.
        text: What happened, in words; empty if all is well.
        nonsense: Whether a client has talked so that it cannot be trusted any longer.
        hopeless: Whether there is no such program at all.
        kept: Whether the directory of the attempt stays.
    """

    results: Results
    failure: str = ""
    text: str = ""
    nonsense: bool = False
    hopeless: bool = False
    kept: bool = True


class Judge:
    """Knows what the command should have said.

    Args:
        codec: Reads rows.
        options: What the scenario says of the command.
    """

    def __init__(self, codec: Codec, options: EvaluatorOptions) -> None:
        self._codec = codec
        self._options = options
        self._outputs = Outputs(codec, options.output is not None)

    def verdict(
        self, attempt: Attempt, report: Mapping[str, Any], details: Mapping[str, Any]
    ) -> Verdict:
        """Return what became of `attempt`.

        Args:
            attempt: Which one.
            report: Of the warden.
            details: What is known of it besides.
        """
        ended = _ended(report.get("status"))
        if report["failure"] == "stopped":
            told = self._stopped(attempt, self._placed(details, attempt, False))
            return Verdict(Results([told]), kept=self._keeps(False))
        failure, text = self._failure(report, ended)
        nonsense = False
        if not failure:
            try:
                results = self._results(attempt, report, self._placed(details, attempt, False))
                return Verdict(results, kept=self._keeps(False))
            except (ValueError, RemoteProtocolError) as error:
                failure, text = "unparsable", f"{error}{self._hint(report)}"
                nonsense = True
        found = {**self._placed(details, attempt, True), "failure": failure, **ended}
        return Verdict(
            Results(evaluations=[Evaluation(attempt.trial, feasible=False, details=found)]),
            failure,
            text + _last_words(report),
            nonsense,
            failure == "start" and report.get("errno") in _NO_PROGRAM,
            self._keeps(True),
        )

    def _hint(self, report: Mapping[str, Any]) -> str:
        """Return what helps those who print more than replies."""
        if self._options.kind != "protocol" or not report["output"].strip():
            return ""
        return (
            "\nstandard output is for replies alone: what else a client prints belongs on "
            "standard error"
        )

    def _stopped(self, attempt: Attempt, details: Mapping[str, Any]) -> Evaluation:
        """Return what an evaluation that was ended early has told last, as its result."""
        assert attempt.stands is not None
        fidelity, value = attempt.stands
        found = self._codec.sole(value)
        trial = replace(attempt.trial, fidelity=fidelity)
        return Evaluation(trial, found, bool(found), details=details)

    def _keeps(self, failed: bool) -> bool:
        return self._options.directories == "keep" or (
            self._options.directories == "keep_failed" and failed
        )

    def _placed(
        self, details: Mapping[str, Any], attempt: Attempt, failed: bool
    ) -> dict[str, Any]:
        """Return `details` with the directory, if that is still there for who reads it."""
        place = {"directory": attempt.directory} if attempt.directory else {}
        return {**details, **(place if self._keeps(failed) else {})}

    def _failure(self, report: Mapping[str, Any], ended: Mapping[str, Any]) -> tuple[str, str]:
        """Return the class of the failure that needs no look at the output, and its words."""
        words = {
            "start": f"cannot start the command: {report.get('error')}",
            "crash": str(report.get("error")),
            "timeout": f"no result within {self._options.timeout or 0:g} s",
            "memory": f"more than {self._options.memory_limit or 0:g} MB of memory",
            "closed": "it closed its output without an answer",
        }
        failure = report["failure"]
        if failure:
            return ("unparsable" if failure == "closed" else failure), words[failure]
        if "signal" in ended:
            return "crash", f"ended by {ended['signal']}"
        return ("exit", f"exit status {ended['exit']}") if ended.get("exit") else ("", "")

    def _results(
        self, attempt: Attempt, report: Mapping[str, Any], details: Mapping[str, Any]
    ) -> Results:
        if self._options.kind == "protocol":
            results = read_reply(self._codec, attempt.trial, report["output"])
        else:
            results = Results([self._outputs.read(attempt.trial, report)])
        found = [_detailed(evaluation, details) for evaluation in results.evaluations]
        return replace(results, evaluations=found)


def _last_words(report: Mapping[str, Any]) -> str:
    said = report.get("stderr", b"")[-_SHOWN:].decode(errors="backslashreplace").strip()
    return f"\nits standard error ends:\n{said}" if said else ""


def _detailed(evaluation: Evaluation, details: Mapping[str, Any]) -> Evaluation:
    infeasible = {} if evaluation.feasible else {"failure": "infeasible"}
    return replace(evaluation, details={**details, **infeasible})


def _ended(status: int | None) -> dict[str, Any]:
    """Return how a program ended, as details of its evaluation."""
    if status is None:
        return {}
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return {"exit": code}
    try:
        return {"signal": signal.Signals(-code).name}
    except ValueError:
        return {"signal": f"SIG{-code}"}
