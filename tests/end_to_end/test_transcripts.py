"""The transcripts of tests/golden, through the command itself.

A run that was killed when it had asked the request of the transcript is resumed, so it asks
the same again. What it understands is read from its journal.
"""

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from hmserve import serve
from hmserve.journal.jsonl import to_line
from hmserve.journal.records import Ask
from hmserve.journal.store import start
from hmserve.scenario import Scenario
from hmserve.trial import Stage, Trial

FILES = sorted((Path(__file__).parents[1] / "golden").glob("*.txt"))
ALL = [path for path in FILES if not path.name.startswith("ask-tell")]
GOLDEN = [path for path in ALL if path.read_text(encoding="utf-8").count("> Request") == 1]


class Transcript:
    """A conversation with one request."""

    def __init__(self, path: Path) -> None:
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        self.document = json.loads(first)
        self.blocks = [
            (mark, [unescaped(line[2:]) for line in block])
            for mark, block in itertools.groupby(lines, key=lambda line: line[0])
        ]
        (self.request,) = (b for mark, b in self.blocks if mark == ">" and "Request" in b[0])
        self.best = [b for mark, b in self.blocks if mark == ">" and "Request" not in b[0]]

    def all(self, mark: str) -> list[str]:
        return [line for kind, block in self.blocks if kind == mark for line in block]


def unescaped(text: str) -> str:
    characters = {"r": "\r", "\\": "\\"}
    return re.sub(
        r"\\(?:(r|\\)|u([0-9a-f]{4}))",
        lambda match: characters[match[1]] if match[1] else chr(int(match[2], 16)),
        text,
    )


def trial(scenario: Scenario, number: int, fields: Sequence[str]) -> Trial:
    """Return the trial of a row; where there are fidelities, one at the lowest."""
    parameters, fidelity = scenario.space.parameters, scenario.fidelity
    configuration = {
        p.name: p.parse(field) if field else None
        for p, field in zip(parameters, fields, strict=fidelity is None)
    }
    if fidelity is None:
        return Trial(number, configuration)
    return Trial(number, configuration, float(fields[len(parameters)]), Stage(0, 0, number))


def make_pending(scenario: Scenario, rows: Sequence[str]) -> None:
    """Write the journal of a run that was killed when it had asked `rows`."""
    codec = serve.codec_of(scenario)
    trials = [trial(scenario, n, codec.split(row)) for n, row in enumerate(rows)]
    assert scenario.seed is not None
    records = [start(scenario.document, scenario.seed), Ask(0.0, 0.0, trials, {})]
    Path(scenario.files.journal).write_bytes(b"".join(map(to_line, records)))


def understood(journal: Path) -> list[str]:
    """Return what the journal says of the results, in the words of a transcript."""
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    lines = []
    asked = {trial["id"]: trial for record in records for trial in record.get("trials", ())}
    for record in records:
        for told in record.get("evaluations", ()):
            values = [repr(v).removesuffix(".0") for v in told["objectives"].values()]
            words = [",".join(values) or "failed"]
            words += ["infeasible"] if values and not told["feasible"] else []
            if record["type"] == "tell":
                reached = told.get("fidelity")
                early = reached != asked[told["id"]].get("fidelity")
                words += [f"up to {reached:g}"] if early else []
                lines.append(" ".join([str(told["id"] + 1), *words]))
            else:
                values = [*told["configuration"].values()]
                values += [told["fidelity"]] if "fidelity" in told else []
                inputs = (str(v).removesuffix(".0") for v in values)
                lines.append(" ".join(["new", *words, "at", ",".join(inputs)]))
        if record["type"] == "abandon":
            lines += [f"unanswered {number + 1}" for number in record["ids"]]
    return lines


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_daemon_keeps_to_the_transcript(path, fork, tmp_path, write_scenario) -> None:
    transcript = Transcript(path)
    _, _, *rows = transcript.request
    scenario = write_scenario(
        **transcript.document,
        design_of_experiment={"number_of_samples": len(rows)},
        print_best=bool(transcript.best),
        max_evaluations=len(rows) if "fidelity" in transcript.document else None,
        run_directory=str(tmp_path),
    )
    make_pending(Scenario.load(scenario), rows)
    with fork(str(scenario), "--resume", directory=tmp_path) as daemon:
        assert [daemon.line().rstrip("\n") for _ in transcript.request] == transcript.request
        daemon.say("".join(f"{line}\n" for line in transcript.all("<")))
        daemon.close()
        ending = daemon.rest()
        status = daemon.wait()
    assert sorted(understood(tmp_path / "app_output_samples.journal")) == sorted(
        transcript.all("=")
    )
    if transcript.all("!"):
        assert (status, ending) == (3, "")
        assert transcript.all("!")[0] in daemon.stderr
    else:
        assert status == 0
        expected = transcript.best[0] if transcript.best else ["End of HyperMapper"]
        assert ending.splitlines() == expected
