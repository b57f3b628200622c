"""The conversations in docs/protocol.md are the files of tests/golden."""

import pathlib
import re

HERE = pathlib.Path(__file__).parent
DOCUMENT = HERE.parent / "docs" / "protocol.md"
BLOCK = re.compile(r"(<!-- golden: (\w+) -->\n```text\n)(.*?)(```\n)", re.DOTALL)


def conversation(name):
    """Return a transcript without its first line, which names the inputs."""
    text = (HERE / "golden" / f"{name}.txt").read_text(encoding="utf-8")
    return text.split("\n", 1)[1]


def test_every_conversation_is_the_transcript_of_its_name() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert len(BLOCK.findall(text)) >= 5
    assert BLOCK.sub(lambda m: f"{m[1]}{conversation(m[2])}{m[4]}", text) == text


def test_every_fault_has_its_example() -> None:
    linked = re.findall(
        r"tests/golden/(error_\w+)\.txt\)", DOCUMENT.read_text(encoding="utf-8")
    )
    faults = {path.stem for path in (HERE / "golden").glob("error_*.txt")}
    assert set(linked) == faults - {"error_control_characters"}
