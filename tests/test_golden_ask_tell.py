"""The transcripts of tests/golden in the ask-tell dialect, through all but the streams."""

import json
import pathlib
import re
from collections.abc import Iterator

import pytest

from hmserve import serve
from hmserve.dialogue import Dialogue
from hmserve.protocol.asktell import AskTellSession
from hmserve.run import Run
from hmserve.scenario import Scenario
from hmserve.verbs import Verbs

GOLDEN = sorted(pathlib.Path(__file__).with_name("golden").glob("ask-tell-*.txt"))


def unescape(text: str) -> str:
    names = {"r": "\r", "\\": "\\"}
    pattern = r"\\(?:(r|\\)|u([0-9a-f]{4}))"
    return re.sub(pattern, lambda m: names[m[1]] if m[1] else chr(int(m[2], 16)), text)


def talk(run: Run, lines: list[str]) -> Iterator[str]:
    """Yield the lines of the client, and after each what hmserve says to it."""
    session = AskTellSession(serve.codec_of(run.scenario))
    verbs = Verbs(Dialogue(run), run.scenario.space, lambda: None)
    for line in lines:
        yield f"< {line}".rstrip()
        message = session.receive_line(f"{unescape(line)}\n")
        if message is not None:
            answer = re.sub(r'"seconds": [^,]+', '"seconds": 0.0', session.say(verbs(message)))
            yield from (f"> {said}".rstrip() for said in answer.split("\n")[:-1])
    assert session.close().clean


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_conversation_keeps_to_the_transcript(path, tmp_path) -> None:
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    document = {**json.loads(first), "application_name": "app", "seed": 1}
    scenario = Scenario.parse({**document, "run_directory": str(tmp_path)})
    with serve.open_run(scenario, resume=False) as run:
        assert list(talk(run, [line[2:] for line in lines if line[0] == "<"])) == lines


def test_there_are_transcripts() -> None:
    assert len(GOLDEN) >= 8
