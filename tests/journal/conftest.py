"""A scenario of every parameter kind, and a short run of it as records."""

import json

import pytest

from hmserve.journal.jsonl import to_line
from hmserve.journal.records import Abandon, Ask, Drop, End, Observe, Resume, Start, Tell
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Evaluation, Trial

DOCUMENT = {
    "application_name": "mixed",
    "optimization_objectives": ["time", "energy"],
    "hypermapper_mode": {"mode": "client-server"},
    "feasible_output": {
        "enable_feasible_predictor": True,
        "name": "Valid",
        "true_value": "ok",
        "false_value": "bad",
    },
    "input_parameters": {
        "r": {"parameter_type": "real", "values": [-5, 10]},
        "i": {"parameter_type": "integer", "values": [0, 9]},
        "o": {"parameter_type": "ordinal", "values": [1, 2.5, 64]},
        "c": {"parameter_type": "categorical", "values": ["a", "c d", "-O3"]},
    },
}


@pytest.fixture
def make_scenario(tmp_path):
    """Return a function that parses the document with changes; None takes a key away."""

    def make(**changes):
        document = json.loads(json.dumps({**DOCUMENT, **changes}))
        document = {key: value for key, value in document.items() if value is not None}
        document.setdefault("run_directory", str(tmp_path))
        return Scenario.parse(document, directory=str(tmp_path), source="mixed.json")

    return make


@pytest.fixture
def scenario(make_scenario):
    return make_scenario()


def configuration(number):
    return {"r": 0.1 * number, "i": number, "o": 2.5, "c": "c d"}


@pytest.fixture
def records(scenario):
    """One record of each type and more, as a run would write them."""
    trials = [Trial(number, configuration(number)) for number in range(5)]
    evaluations = [
        Evaluation(trials[1], {"time": 1.5, "energy": 1e-05}),
        Evaluation(trials[0], {"time": 3.0, "energy": -0.0}, feasible=False),
        Evaluation(trials[2], {}, feasible=False),
    ]
    outside = Evaluation(Trial(OUTSIDE, configuration(9)), {"time": 0.25, "energy": 7.0})
    return [
        Start(1, "hmserve 0", scenario.document, 7, 1_700_000_000.25, 4242, "node-1"),
        Ask(1_700_000_000.5, 0.25, trials[:4], {}),
        Tell(1_700_000_001.5, 1.25, evaluations[:2]),
        Observe(1_700_000_002.0, 1.75, (outside,)),
        Drop(1_700_000_003.0, 2.75, [3]),
        Ask(1_700_000_003.5, 3.25, trials[4:], {"length scales": [0.1, 1e300]}),
        Resume(1_700_009_000.0, 3.25, 4243, "node-2"),
        Tell(1_700_009_001.0, 4.25, evaluations[2:]),
        Abandon(1_700_009_002.0, 5.25, [4]),
        End(1_700_009_003.0, 6.25, "finished"),
    ]


@pytest.fixture
def journal(tmp_path, records):
    """The path of a journal that holds the records."""
    path = tmp_path / "run.journal"
    path.write_bytes(b"".join(map(to_line, records)))
    return path
