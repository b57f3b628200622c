"""Measured constraints from the scenario to the files: read, checked, told, kept."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hmserve
from hmserve.errors import EvaluatorError, ScenarioError
from hmserve.journal.records import Tell, from_json, to_json
from hmserve.journal.samples import read_samples
from hmserve.protocol.codec import Codec, split
from hmserve.report.check import describe
from hmserve.report.points import read_points
from hmserve.scenario import Scenario
from hmserve.space.parameters import Real
from hmserve.space.space import Space
from hmserve.transports.outcomes import Outcomes
from hmserve.transports.repeating import Repeating
from hmserve.trial import Evaluation, Limits, Results, Trial

REAL = {"parameter_type": "real", "values": [0, 1]}
LIMITS = {"stress": [None, 13.6], "margin": [0, None]}
COLUMN = {"enable_feasible_predictor": True}


def document(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    return {
        "application_name": "beam",
        "run_directory": str(tmp_path),
        "optimization_objectives": ["cost"],
        "output_constraints": LIMITS,
        "design_of_experiment": {"number_of_samples": 5},
        "optimization_iterations": 4,
        "input_parameters": {"x": REAL, "y": REAL},
        "seed": 1,
        **changes,
    }


def beam(configuration: dict[str, Any]) -> dict[str, float]:
    x, y = configuration["x"], configuration["y"]
    return {"cost": x + y, "stress": 20 * (1 - x), "margin": y - 0.2}


# ---- the scenario


def test_limits_are_read_and_absent_by_default(tmp_path: Path) -> None:
    scenario = Scenario.parse(document(tmp_path))
    assert scenario.output_constraints == {
        "stress": Limits(-math.inf, 13.6),
        "margin": Limits(0.0, math.inf),
    }
    changed = document(tmp_path)
    del changed["output_constraints"]
    assert Scenario.parse(changed).output_constraints == {}


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        ({"g": [None, None]}, "$.output_constraints.g: expected a limit, got none"),
        (
            {"g": [2, 1]},
            "$.output_constraints.g: expected [low, high], low <= high, got [2, 1]",
        ),
        ({"g": [1, 2, 3]}, "$.output_constraints.g: expected [low, high], got [1, 2, 3]"),
        ({"g": [1]}, "$.output_constraints.g: "),
        ({"g": 5}, "$.output_constraints.g: "),
        ({"g": ["low", 1]}, "$.output_constraints.g[0]: "),
        (
            {"x": [0, 1]},
            '$.output_constraints.x: "x" is already the name of an input parameter',
        ),
        ({"cost": [0, 1]}, '"cost" is already the name of an objective'),
        ({"Timestamp": [0, 1]}, '"Timestamp" is already the name of'),
        ({"a,b": [0, 1]}, '$.output_constraints["a,b"]: the name "a,b"'),
        ({"Valid": [0, 1]}, '"Valid" is already the name of an output constraint'),
    ],
)
def test_limits_that_make_no_sense_are_refused(
    tmp_path: Path, limits: Any, complaint: str
) -> None:
    with pytest.raises(ScenarioError) as refusal:
        Scenario.parse(document(tmp_path, output_constraints=limits, feasible_output=COLUMN))
    assert complaint in str(refusal.value)


def test_check_shows_the_limits(tmp_path: Path) -> None:
    limits = {**LIMITS, "ratio": [0.5, 2]}
    text = describe(Scenario.parse(document(tmp_path, output_constraints=limits)))
    for line in ("stress <= 13.6", "0 <= margin", "0.5 <= ratio <= 2"):
        assert f"constraint      {line}\n" in text


# ---- replies and return values

CODEC = Codec(
    Space([Real("x", 0, 1)]),
    ["f"],
    limits={"g": Limits(-math.inf, 1.0), "h": Limits(0.0, math.inf)},
)


def read(row: str, header: str = "x,f,g,h") -> Any:
    return CODEC.row(CODEC.layout(split(header)), split(row))


def test_a_row_holds_its_constraints_and_is_feasible_within_them() -> None:
    assert read("0.5,2,1,0").feasible
    row = read("0.5,2,0,1.5", "x,h,f,g")
    assert (row.objectives, row.constraints, row.feasible) == (
        {"f": 0.0},
        {"g": 1.5, "h": 2.0},
        False,
    )


@pytest.mark.parametrize("cell", ["nan", "", "inf", "-inf", "NA"])
def test_a_row_without_a_constraint_has_failed(cell: str) -> None:
    row = read(f"0.5,2,{cell},0.5")
    assert (row.objectives, row.constraints, row.feasible) == ({}, {}, False)


def test_a_header_without_a_constraint_is_refused() -> None:
    with pytest.raises(ValueError, match="column 'h' is missing"):
        read("0.5,2,1", "x,f,g")
    with pytest.raises(ValueError, match="g: expected a number"):
        read("0.5,2,heavy,1")


def outcomes(tmp_path: Path, returned: Any, **changes: Any) -> Evaluation:
    scenario = Scenario.parse(document(tmp_path, **changes))
    (found,) = Outcomes(scenario).read([Trial(0, {"x": 0.0, "y": 0.0})], returned)
    return found


def test_a_function_returns_constraints_by_name(tmp_path: Path) -> None:
    good = {"cost": 1, "stress": 13.6, "margin": 0}
    found = outcomes(tmp_path, good)
    assert found.feasible
    assert found.objectives == {"cost": 1.0}
    assert found.constraints == {"stress": 13.6, "margin": 0.0}
    assert not outcomes(tmp_path, {**good, "margin": -1e-9}).feasible
    assert not outcomes(tmp_path, {**good, "Valid": False}, feasible_output=COLUMN).feasible
    assert outcomes(tmp_path, {**good, "Valid": True}, feasible_output=COLUMN).feasible
    for nothing in (math.nan, math.inf, None):
        failed = outcomes(tmp_path, {**good, "stress": nothing})
        assert (failed.objectives, failed.constraints, failed.feasible) == ({}, {}, False)


@pytest.mark.parametrize("returned", [1.0, {"cost": 1.0, "stress": 2.0}])
def test_a_function_that_forgets_a_constraint_is_told(tmp_path: Path, returned: Any) -> None:
    with pytest.raises(EvaluatorError, match="margin"):
        outcomes(tmp_path, returned)


class Given:
    """Answers with the next of what it is given."""

    free = 100

    def __init__(self, stresses: list[float]) -> None:
        self._stresses = stresses
        self._trials: list[Trial] = []

    def submit(self, trials: Any) -> None:
        self._trials += trials

    def collect(self) -> Results:
        found = [
            Evaluation(trial, {"f": s}, s <= 10, {"stress": s})
            for trial, s in zip(self._trials, self._stresses, strict=True)
        ]
        return Results(evaluations=found)


@pytest.mark.parametrize(
    ("stresses", "median", "feasible"),
    [([9, 1, 30], 9, True), ([11, 30, 1], 11, False), ([8, 10.5], 9.25, True)],
)
def test_of_repetitions_the_median_has_to_hold(
    stresses: list[float], median: float, feasible: bool
) -> None:
    limits = {"stress": Limits(-math.inf, 10)}
    repeating = Repeating(Given(stresses), len(stresses), lambda _: None, limits)
    repeating.submit([Trial(0, {})])
    (found,) = repeating.collect().evaluations
    assert found.constraints == {"stress": median}
    assert found.objectives == {"f": median}
    assert found.feasible == feasible


# ---- files

numbers = st.floats(allow_nan=False, allow_infinity=False)
named = st.dictionaries(st.text(), numbers, min_size=1)


@given(named, named, st.booleans())
def test_a_journal_keeps_constraints_to_the_last_bit(objectives, constraints, good) -> None:
    told = Evaluation(Trial(3, {"x": 0.5}), objectives, good, constraints)
    record = Tell(1.0, 2.0, (told,))
    assert from_json(json.loads(json.dumps(to_json(record)))) == record


def test_a_journal_without_constraints_is_as_it_always_was() -> None:
    record = to_json(Tell(1.0, 2.0, (Evaluation(Trial(0, {"x": 1}), {"f": 2.0}),)))
    assert list(record["evaluations"][0]) == ["id", "configuration", "objectives", "feasible"]


@pytest.mark.parametrize("column", [False, True])
def test_the_samples_file_has_every_value_and_is_read_back(
    tmp_path: Path, column: bool
) -> None:
    feasible_output = {"enable_feasible_predictor": column}
    given = document(tmp_path, feasible_output=feasible_output)

    def function(configuration: dict[str, Any]) -> dict[str, Any]:
        found = beam(configuration)
        # One crash, one that is not valid for another reason.
        crashed = configuration["y"] > 0.9
        return {**found, "cost": math.nan if crashed else found["cost"], "Valid": True}

    result = hmserve.optimize(given, function, progress=False)
    with open(result.files.samples, newline="") as file:
        header, *rows = csv.reader(file)
    valid = ["Valid"] if column else []
    assert header == ["x", "y", "cost", "stress", "margin", *valid, "Timestamp"]
    violated = [
        e for e in (r.evaluation for r in result.rows) if e.objectives and not e.feasible
    ]
    assert violated
    for row, record in zip(rows, result.records, strict=True):
        cells = [record[name] for name in ("cost", "stress", "margin")]
        assert row[2:5] == ["" if cell is None else str(cell) for cell in cells]
    back = read_samples(result.files.samples, result.scenario)
    assert [(e.objectives, e.constraints, e.feasible) for e in back] == [
        (e.objectives, e.constraints, e.feasible) for e in (r.evaluation for r in result.rows)
    ]
    points = read_points(result.files.samples, result.scenario)
    assert points.feasible.tolist() == [r["feasible"] for r in result.records]
    assert result.arrays()["stress"].shape == (9,)


def test_a_resumed_run_asks_what_the_uninterrupted_one_would_have_asked(
    tmp_path: Path,
) -> None:
    def finish(run: hmserve.AskTell, most: int = 100) -> list[Any]:
        seen: list[Any] = []
        while not run.finished and len(seen) < most:
            for trial in run.ask():
                run.tell(trial, beam(dict(trial.configuration)))
                seen.append(trial.configuration)
        return seen

    with hmserve.AskTell(document(tmp_path)) as run:
        uninterrupted = finish(run)
    for cut in (3, 7):
        with hmserve.AskTell(document(tmp_path)) as run:
            before = finish(run, cut)
        with hmserve.AskTell(document(tmp_path), resume=True) as run:
            assert before + finish(run) == uninterrupted


@pytest.mark.parametrize("kind", ["journal", "samples"])
def test_a_warm_start_judges_by_the_limits_of_now(tmp_path: Path, kind: str) -> None:
    earlier = hmserve.optimize(document(tmp_path), beam, progress=False)
    looser = document(
        tmp_path,
        application_name="looser",
        warm_start=[getattr(earlier.files, kind)],
        output_constraints={"stress": [None, 15]},
    )
    result = hmserve.optimize(looser, beam, progress=False)
    known = [row.evaluation for row in result.rows if not row.asked]
    assert len(known) == 9
    assert [e.feasible for e in known] == [r["stress"] <= 15 for r in earlier.records]
    assert all(set(e.constraints) == {"stress"} for e in known)


def test_a_warm_start_without_the_constraint_is_refused(tmp_path: Path) -> None:
    plain = document(tmp_path, output_constraints={})
    file = hmserve.optimize(plain, lambda c: c["x"], progress=False).files.journal
    wanted = document(tmp_path, application_name="b", warm_start=[file])
    with pytest.raises(ScenarioError, match="that run had no stress, margin"):
        hmserve.optimize(wanted, beam, progress=False)
