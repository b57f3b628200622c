"""What wardens are told, and where the trials run."""

import os
from collections.abc import Mapping
from typing import Any, Final

from hmserve.journal.files import explained, make_directory
from hmserve.options import EvaluatorOptions
from hmserve.protocol.classic import ClassicSession
from hmserve.protocol.codec import Codec
from hmserve.scenario import Scenario
from hmserve.trial import Evaluation
from hmserve.workers.checkpoints import Checkpoints
from hmserve.workers.command import check_placeholders, located
from hmserve.workers.worker import Attempt

_MEGABYTE: Final = 2**20


class Orders:
    """Turns attempts into orders for a warden.

    Args:
        scenario: Of the run.
        options: What is started.
        codec: Writes requests.
        environment: Of the commands, but for what is different for each.
        heeded: Whether somebody wants to know how evaluations stand.

    Raises:
        UsageError: The command has a placeholder where there is nothing to put in.
        JournalError: The directory for the trials cannot be created.
    """

    def __init__(
        self,
        scenario: Scenario,
        options: EvaluatorOptions,
        codec: Codec,
        environment: Mapping[str, str],
        *,
        heeded: bool = False,
    ) -> None:
        self._options = options
        self._codec = codec
        self._environment = dict(environment)
        self._here = os.getcwd()
        self._once = options.kind == "once"
        fidelity = scenario.fidelity
        self._template = check_placeholders(options, scenario.space, fidelity)
        stem = os.path.join(scenario.files.run_directory, scenario.application_name)
        self.home = f"{stem}_trials"
        make_directory(self.home)
        self._checkpoints: Checkpoints | None = None
        if fidelity is not None and fidelity.resumable and self._once:
            home, kept = f"{stem}_checkpoints", options.directories
            if "HMSERVE_SIZE" in environment:
                # Each of several ranks counts its trials itself.
                home = os.path.join(home, f"rank-{environment['HMSERVE_RANK']}")
            self._checkpoints = Checkpoints(home, fidelity, kept)
        self._reports = None if fidelity is None else heeded and fidelity.stopping != "none"

    @property
    def program_varies(self) -> bool:
        """Whether another trial may start another program."""
        return self._once and self._template.program_varies

    @property
    def settings(self) -> dict[str, Any]:
        """The first message to a warden."""
        limit = self._options.memory_limit
        program, *rest = self._options.command
        farewell = ClassicSession(self._codec).finish()
        return {
            "kind": self._options.kind,
            "environment": self._environment,
            "timeout": self._options.timeout,
            "memory_limit": None if limit is None else int(limit * _MEGABYTE),
            "patterns": dict(self._options.output or {}),
            "reports": self._reports,
            "command": [located(program, self._here), *rest],
            "farewell": farewell.encode(),
        }

    def order(self, attempt: Attempt, worker: int) -> dict[str, Any]:
        """Return the order for `attempt`, whose directory is made here.

        Raises:
            JournalError: The directory cannot be created.
        """
        trial = attempt.trial
        order: dict[str, Any] = {
            "trial": trial.id,
            "directory": self._here,
            "environment": {"HMSERVE_TRIAL": str(trial.id), "HMSERVE_WORKER": str(worker)},
            "stderr": os.path.join(self.home, f"worker-{worker}.stderr"),
            "fresh": False,
        }
        if not self._once:
            text = ClassicSession(self._codec).request([trial])
            return {**order, "text": text.encode()}
        if self._checkpoints is not None:
            order["environment"]["HMSERVE_CHECKPOINT"] = self._checkpoints.make(trial)
        if self._options.directories != "none":
            attempt.directory = order["directory"] = self._make(trial.id)
            order["stderr"] = os.path.join(attempt.directory, "stderr.txt")
            order["fresh"] = True
        return {**order, "command": self._template.arguments(trial, order["directory"])}

    def settled(self, attempt: Attempt, evaluation: Evaluation) -> str | None:
        """Return the checkpoint that nobody needs after this result; None if it is to stay."""
        if self._checkpoints is None:
            return None
        return self._checkpoints.settled(attempt.trial, evaluation)

    def clear(self) -> None:
        """Remove the checkpoints: no configuration will go on."""
        if self._checkpoints is not None:
            self._checkpoints.clear()

    def close(self) -> None:
        """Remove the directories for trials and checkpoints if nothing is in them."""
        if self._checkpoints is not None:
            self._checkpoints.close()
        try:
            os.rmdir(self.home)
        except OSError:
            return

    def _make(self, number: int) -> str:
        """Make a directory for a trial; earlier attempts and runs keep theirs."""
        path, more = os.path.join(self.home, str(number)), 0
        with explained("create the directory", path):
            while not _made(path):
                more += 1
                path = os.path.join(self.home, f"{number}.{more}")
        return path


def _made(path: str) -> bool:
    try:
        os.mkdir(path)
    except FileExistsError:
        return False
    return True
