"""Scenarios as HyperMapper's users write them, and the shape of what HyperMapper made of them.

tests/data/recorded.json was recorded from HyperMapper 2.2.12. Where hmserve differs on purpose,
it says so here.
"""

import json
import re
from pathlib import Path

import pytest

RECORDED = json.loads((Path(__file__).parents[1] / "data/recorded.json").read_text())

DIFFERENT = {
    # Nine configurations are nine: HyperMapper asked one of them twice, then others again.
    "doe_gt_space": [9],
}

TOKENS = {
    "real": r"-?\d+(\.\d+)?(e[-+]\d+)?",
    "integer": r"-?\d+",
    "ordinal": r"-?\d+(\.\d+)?(e[-+]\d+)?",
    "categorical": r"[a-z]+( [a-z]+)?",
}


def value(row: dict[str, str]) -> float:
    return sum(
        float(text) if re.fullmatch(r"-?[\d.]+(e[-+]\d+)?", text) else len(text)
        for text in row.values()
    )


@pytest.mark.parametrize("name", RECORDED)
def test_requests_have_the_sizes_and_headers_of_hypermapper(
    name: str, spawn, tmp_path: Path
) -> None:
    recorded = RECORDED[name]
    scenario = recorded["scenario"]
    (tmp_path / "app.json").write_text(
        json.dumps({**scenario, "seed": 1, "run_directory": "."})
    )
    feasibility = scenario.get("feasible_output", {})

    def evaluate(row: dict[str, str]) -> dict[str, str]:
        outcome = {name: repr(value(row)) for name in scenario["optimization_objectives"]}
        if feasibility.get("enable_feasible_predictor"):
            outcome[feasibility.get("name", "Valid")] = feasibility.get("true_value", "true")
        return outcome

    daemon = spawn("app.json")
    requests = daemon.converse(evaluate)
    daemon.rest()
    assert daemon.wait() == 0, daemon.stderr
    assert [len(rows) for rows in requests] == DIFFERENT.get(name, recorded["requests"])
    assert all(",".join(row) == recorded["header"] for rows in requests for row in rows)
    kinds = {n: e["parameter_type"] for n, e in scenario["input_parameters"].items()}
    for row in (row for rows in requests for row in rows):
        for parameter, text in row.items():
            assert re.fullmatch(TOKENS[kinds[parameter]], text), (parameter, text)
    closing = daemon.heard.decode().splitlines()[-len(recorded["closing"]) :]
    shape = ["<values>" if re.match(r"-?\d", line) else line for line in closing]
    assert shape == recorded["closing"]
