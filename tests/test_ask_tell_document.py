"""docs/ask-tell.md says what is: its conversations, its table of states, its grammar."""

import pathlib
import re

import pytest

from hmserve.protocol.asktell_messages import (
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
    Ok,
    Report,
    Standing,
    Status,
    Stop,
    Tell,
    Wait,
)
from hmserve.protocol.asktell_states import ANSWERS, LEADS

HERE = pathlib.Path(__file__).parent
TEXT = (HERE.parent / "docs" / "ask-tell.md").read_text(encoding="utf-8")
GOLDEN = sorted((HERE / "golden").glob("ask-tell-*.txt"))
BLOCK = re.compile(r"(<!-- golden: ([\w-]+) -->\n```text\n)(.*?)(```\n)", re.DOTALL)
GRAMMAR = re.compile(r"<!-- grammar: (\w+) -->\n```abnf\n(.*?)```\n", re.DOTALL)

WORDS = {
    Handed: "Request",
    Wait: "Wait",
    End: "End of HyperMapper",
    Ok: "Ok",
    Continue: "Continue",
    Halt: "Stop",
    Incumbents: "Best",
    Standing: "Status",
    Error: "Error",
}
COLUMNS = [Ask, Tell, Drop, Report, Best, Status, Stop, Junk]


def transcript(name: str) -> str:
    text = (HERE / "golden" / f"{name}.txt").read_text(encoding="utf-8")
    return text.split("\n", 1)[1]


def test_every_conversation_is_the_transcript_of_its_name() -> None:
    assert {name for _, name, _, _ in BLOCK.findall(TEXT)} == {path.stem for path in GOLDEN}
    assert BLOCK.sub(lambda m: f"{m[1]}{transcript(m[2])}{m[4]}", TEXT) == TEXT


def cell(state, message) -> str:
    """Return what the table in the document says of a message in a state."""
    texts = []
    for answer in ANSWERS[state][message]:
        then = LEADS.get((state, message, answer))
        texts.append(f"`{WORDS[answer]}`" + (f" and {then.value}" if then else ""))
    *others, last = texts
    comma = "," if len(others) > 1 or (others and " and " in last) else ""
    return f"{', '.join(others)}{comma} or {last}" if others else last


def test_table_of_states_is_that_of_the_program() -> None:
    verbs = [f"`{kind.__name__}`" if kind is not Junk else "else" for kind in COLUMNS]
    rows = [["state", *verbs], ["---"] * (len(verbs) + 1)]
    rows += [[state.value, *(cell(state, kind) for kind in COLUMNS)] for state in ANSWERS]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines[1] = "|" + "---|" * len(rows[1])
    assert "\n".join(lines) in TEXT


# ---- the grammar, as a regular expression: it does not refer to itself

CORE = {
    "DIGIT": "[0-9]",
    "WSP": "[ \t]",
    "SP": " ",
    "CR": "\r",
    "LF": "\n",
    "DQUOTE": '"',
}
TOKEN = re.compile(
    r'%s"(?P<exact>[^"]*)"|"(?P<text>[^"]*)"|%x(?P<range>[0-9A-F]+(?:-[0-9A-F]+)?)'
    r"|(?P<repeat>\d*\*\d*|\d+)|(?P<rule>[A-Za-z][\w-]*)|(?P<mark>[/()\[\]])|\s+|;[^\n]*"
)


def pattern(rules: dict[str, str], name: str) -> str:
    """Return the regular expression of a rule."""
    if name in CORE:
        return CORE[name]
    parts, end = [], 0
    repeats: list[str] = [""]
    while end < len(rules[name]):
        token = TOKEN.match(rules[name], end)
        assert token is not None, rules[name][end:]
        end = token.end()
        kind, text = token.lastgroup, token[0]
        if kind == "repeat":
            low, star, high = text.partition("*")
            repeats[-1] = f"{{{low or 0},{high}}}" if star else f"{{{text}}}"
        elif kind == "mark" and text in "([":
            parts.append("(?:")
            repeats.append("")
        elif kind == "mark" and text in ")]":
            repeats.pop()
            parts.append(f"){repeats[-1]}" if text == ")" else ")?")
            repeats[-1] = ""
        elif kind == "mark":
            parts.append("|")
        elif kind is not None:
            parts.append(f"(?:{atom(rules, kind, token[kind])}){repeats[-1]}")
            repeats[-1] = ""
    return f"(?:{''.join(parts)})"


def atom(rules: dict[str, str], kind: str, text: str) -> str:
    if kind == "rule":
        return pattern(rules, text)
    if kind == "range":
        bounds = [rf"\U{int(number, 16):08x}" for number in text.split("-")]
        return f"[{'-'.join(bounds)}]"
    return re.escape(text) if kind == "exact" else f"(?i:{re.escape(text)})"


def rules_of(side: str) -> dict[str, str]:
    [text] = [found for name, found in GRAMMAR.findall(TEXT) if name == side]
    joined = re.sub(r"\n +", " ", text)
    return dict(re.split(r" += ", line, maxsplit=1) for line in joined.splitlines())


def unescape(text: str) -> str:
    names = {"r": "\r", "\\": "\\"}
    escape = r"\\(?:(r|\\)|u([0-9a-f]{4}))"
    return re.sub(escape, lambda m: names[m[1]] if m[1] else chr(int(m[2], 16)), text)


def said(path: pathlib.Path, mark: str) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    text = "".join(f"{unescape(line[2:])}\n" for line in lines if line[0] == mark)
    return text.removeprefix("\ufeff")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_grammar_takes_what_hmserve_says(path: pathlib.Path) -> None:
    assert re.fullmatch(pattern(rules_of("hmserve"), "answers"), said(path, ">"))


NONSENSE = {"Begin\n", "Tell\n", "Report 2,0.5,inf\n", "Report 2,0.5\n"}
"""What clients of the transcripts say although it is no message."""


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_grammar_takes_what_a_client_says(path: pathlib.Path) -> None:
    grammar = re.compile(pattern(rules_of("client"), "conversation"))
    lines = [line.replace("\r", "") for line in said(path, "<").splitlines(keepends=True)]
    assert grammar.fullmatch("".join(line for line in lines if line not in NONSENSE))


@pytest.mark.parametrize(
    "text",
    [
        "Ask",
        "Ask one\n",
        "Ask 1 2\n",
        "Asks\n",
        "Tell\ntrial\n",
        "Tell 1\n",
        "Report 1,2\n",
        "Report 1,nan,2\n",
        "Best 1\n",
        'Tell 1\ntrial\n"\n',
    ],
)
def test_grammar_takes_no_nonsense(text: str) -> None:
    assert not re.fullmatch(pattern(rules_of("client"), "conversation"), text)
