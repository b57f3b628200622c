"""A run in this process that answers messages, and can be killed."""

import os
from pathlib import Path

import pytest

from hmserve import serve
from hmserve.dialogue import Dialogue
from hmserve.protocol.asktell import AskTellSession
from hmserve.scenario import Scenario
from hmserve.verbs import Verbs

PARAMETERS = {
    "x": {"parameter_type": "ordinal", "values": [0, 0.5, 1]},
    "c": {"parameter_type": "categorical", "values": ["a", "b"]},
}


def scenario(directory, **changes) -> Scenario:
    return Scenario.parse(
        {
            "application_name": "app",
            "optimization_objectives": ["Value"],
            "input_parameters": PARAMETERS,
            "design_of_experiment": {"doe_type": "grid_search"},
            "run_directory": str(directory),
            "seed": 1,
            **changes,
        }
    )


@pytest.fixture(autouse=True, scope="module")
def _without_flushing():
    """Spare the disk: nothing here takes its power away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", os.fstat)
        yield


class Host:
    """A run that answers messages, and can be killed."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.open(resume=False)

    def open(self, resume: bool) -> None:
        self.run = serve.open_run(self.scenario, resume)
        self.dialogue = Dialogue(self.run)
        self._session = AskTellSession(serve.codec_of(self.scenario))
        self._verbs = Verbs(self.dialogue, self.scenario.space, lambda: None)

    def say(self, *lines: str) -> list[str]:
        *others, message = map(self._session.receive_line, lines)
        assert not any(others)
        assert message is not None
        return self._session.say(self._verbs(message)).splitlines()

    def kill(self, torn: bytes = b"") -> None:
        """Stop in mid-sentence, with the beginning of a record at the end of the journal."""
        self.run.close()
        with Path(self.scenario.files.journal).open("ab") as journal:
            journal.write(torn)
        self.open(resume=True)


@pytest.fixture(scope="session")
def open_host():
    """Return a function that begins a run in a directory, with changes of its scenario."""
    return lambda directory, **changes: Host(scenario(directory, **changes))
