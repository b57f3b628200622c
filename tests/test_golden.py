"""The transcripts of tests/golden, through the session alone and through byte streams."""

import io
import itertools
import json
import pathlib
import re
from collections.abc import Iterable, Iterator, Sequence

import pytest

from hmserve import serve
from hmserve.errors import RemoteProtocolError
from hmserve.protocol.classic import ClassicSession
from hmserve.protocol.codec import Codec, input_field
from hmserve.protocol.events import Complete, Event, PeerClosed
from hmserve.scenario import Scenario
from hmserve.space.parameters import format_number
from hmserve.transports.streams import Streams
from hmserve.trial import OUTSIDE, Evaluation, Results, Stage, Trial

ALL = sorted(pathlib.Path(__file__).with_name("golden").glob("*.txt"))
GOLDEN = [path for path in ALL if not path.name.startswith("ask-tell")]


def unescape(text):
    names = {"r": "\r", "\\": "\\"}
    pattern = r"\\(?:(r|\\)|u([0-9a-f]{4}))"
    return re.sub(pattern, lambda m: names[m[1]] if m[1] else chr(int(m[2], 16)), text)


def codec_of(document) -> Codec:
    return serve.codec_of(Scenario.parse(document))


class Script:
    """A transcript: its codec, and its lines in runs of one mark."""

    def __init__(self, path: pathlib.Path) -> None:
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        self.codec = codec_of(json.loads(first))
        self.lines = [(line[0], unescape(line[2:])) for line in lines]
        assert {mark for mark, _ in self.lines} <= set("><=!")
        self.asked: dict[int, Trial] = {}

    def said(self, marks: str) -> str:
        return "".join(f"{text}\n" for mark, text in self.lines if mark in marks)

    def trials(self, rows: Iterable[str], first: int) -> list[Trial]:
        asked = [self.trial(i, self.codec.split(row)) for i, row in enumerate(rows, first)]
        self.asked |= {trial.id: trial for trial in asked}
        return asked

    def trial(self, number: int, fields: Sequence[str]) -> Trial:
        parameters = self.codec.space.parameters
        configuration = {
            p.name: p.parse(field) if field else None
            for p, field in zip(parameters, fields, strict=False)
        }
        further = [float(field) for field in fields[len(parameters) :]]
        fidelity, *resumed = further or [None]
        stage = Stage(0, 0, int(resumed[0]), resumed[1]) if resumed else None
        return Trial(number, configuration, fidelity, stage)

    def told(self, evaluation: Evaluation, first: int) -> str:
        """Return what a line with the mark ``=`` says of `evaluation`."""
        values = ",".join(format_number(v) for v in evaluation.objectives.values())
        words = [values or "failed"]
        if values and not evaluation.feasible:
            words.append("infeasible")
        trial = evaluation.trial
        if trial.id != OUTSIDE:
            early = trial.fidelity != self.asked[trial.id].fidelity
            words += ["up", "to", f"{trial.fidelity:g}"] if early else []
            return " ".join([str(trial.id - first + 1), *words])
        fields = [
            input_field(p, trial.configuration[p.name]) for p in self.codec.space.parameters
        ]
        fields += [] if trial.fidelity is None else [f"{trial.fidelity:g}"]
        return " ".join(["new", *words, "at", ",".join(fields)])


def runs(script: Script) -> Iterator[tuple[str, list[str]]]:
    for mark, group in itertools.groupby(script.lines, key=lambda line: line[0]):
        yield mark, [text for _, text in group]


def best_of(evaluations: Sequence[Evaluation]) -> Evaluation:
    feasible = [e for e in evaluations if e.feasible]
    return min(feasible, key=lambda e: next(iter(e.objectives.values())))


def replay(script: Script) -> Iterator[tuple[str, str]]:
    """Yield what the session says and understands, mark by mark."""
    session, first, count, evaluations = ClassicSession(script.codec), 0, 0, []
    for mark, texts in runs(script):
        if mark == ">" and texts[0].startswith("Request"):
            first, count = first + count, len(texts) - 2
            text = session.request(script.trials(texts[2:], first))
            yield from ((">", line) for line in text.split("\n")[:-1])
        elif mark == ">":
            text = session.finish(best_of(evaluations) if len(texts) > 1 else None)
            yield from ((">", line) for line in text.split("\n")[:-1])
        for line in texts if mark == "<" else ():
            yield "<", line
            for event in session.receive_line(f"{line}\n"):
                yield from understood(script, event, first)
                if not isinstance(event, Complete | PeerClosed):
                    evaluations.append(event.evaluation)


def understood(script: Script, event: Event, first: int) -> Iterator[tuple[str, str]]:
    assert not isinstance(event, PeerClosed)
    if isinstance(event, Complete):
        for trial in event.unanswered:
            yield "=", f"unanswered {trial.id - first + 1}"
    else:
        yield "=", script.told(event.evaluation, first)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_session_keeps_to_the_transcript(path: pathlib.Path) -> None:
    script = Script(path)
    lines: list[tuple[str, str]] = []
    try:
        lines.extend(replay(script))
    except RemoteProtocolError as error:
        lines.append(("!", str(error)))
    assert lines == script.lines


def converse(script: Script, streams: Streams) -> Iterator[str]:
    """Yield what is understood when the client's lines have all arrived before the first."""
    first, evaluations = 0, []
    for mark, texts in runs(script):
        if mark != ">":
            continue
        if not texts[0].startswith("Request"):
            streams.finish(best_of(evaluations) if len(texts) > 1 else None)
            return
        trials = script.trials(texts[2:], first)
        streams.submit(trials)
        while not streams.free:
            results = streams.collect()
            evaluations += [*results.evaluations, *results.observations]
            yield from told(script, results, first)
        first += len(trials)


def told(script: Script, results: Results, first: int) -> Iterator[str]:
    for evaluation in (*results.evaluations, *results.observations):
        yield script.told(evaluation, first)
    for trial in results.abandoned:
        yield f"unanswered {trial.id - first + 1}"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_streams_keep_to_the_transcript(path: pathlib.Path) -> None:
    script, writer = Script(path), io.BytesIO()
    reader = io.BytesIO(script.said("<").encode())
    streams = Streams(ClassicSession(script.codec), reader, writer)
    lines: list[str] = []
    try:
        lines.extend(converse(script, streams))
    except RemoteProtocolError as error:
        lines.append(str(error))
    assert writer.getvalue().decode() == script.said(">")
    assert sorted(lines) == sorted(script.said("=!").splitlines())
