"""The key `fidelity`: what it may be, what it goes with, what it shows."""

from typing import Any

import pytest

from hmserve.errors import ScenarioError
from hmserve.report.check import describe
from hmserve.scenario import Scenario

EPOCHS = {"name": "epochs", "type": "integer", "min": 1, "max": 81}


def parse(fidelity: Any = EPOCHS, **others: Any) -> Scenario:
    return Scenario.parse(
        {
            "optimization_objectives": ["y"],
            "input_parameters": {"x": {"parameter_type": "real", "values": [0, 1]}},
            "fidelity": fidelity,
            **others,
        }
    )


def test_what_is_absent_has_blackboxopts_defaults() -> None:
    options = parse().fidelity
    assert options is not None
    assert (options.eta, options.top_n_percent, options.num_samples) == (3, 15, 64)
    assert (options.random_fraction, options.bandwidth_factor) == (1 / 3, 3)
    assert (options.min_bandwidth, options.min_samples_in_model) == (1e-3, None)
    assert options.ladder.fidelities == (1, 3, 9, 27, 81)
    assert parse(None).fidelity is None


def test_blackboxopts_names_of_the_bounds_will_do() -> None:
    found = parse({"name": "epochs", "min_fidelity": 1, "max_fidelity": 9}).fidelity
    assert found is not None
    assert (found.min, found.max) == (1, 9)


def test_the_document_of_a_run_reads_as_its_scenario() -> None:
    given = {"name": "epochs", "min_fidelity": 1, "max_fidelity": 9, "top_n_percent": 20}
    first = parse(given, max_evaluations=40)
    again = Scenario.parse(first.document)
    assert (again.fidelity, again.stops, again.warnings) == (first.fidelity, first.stops, ())


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"min": 0}, "$.fidelity.min: expected more than 0, got 0"),
        ({"min": None}, "$.fidelity: min is missing, for example 1"),
        ({"max": 0.5, "type": "real"}, "$.fidelity.max: expected at least min, 1, got 0.5"),
        ({"min_fidelity": 2}, "$.fidelity.min_fidelity: is another name of min, and they"),
        ({"eta": 1}, "$.fidelity.eta: expected more than 1, got 1"),
        ({"eta": 1.001}, "$.fidelity.eta: from 1 to 81 it makes more than 100 fidelities"),
        ({"min": 1.5}, "$.fidelity.min: expected an integer, as its type is, got 1.5"),
        ({"max": 80.5}, "$.fidelity.max: expected an integer, as its type is, got 80.5"),
        ({"name": "x"}, '$.fidelity.name: "x" is already the name of an input parameter'),
        ({"name": "y"}, '"y" is already the name of the fidelity'),
        ({"name": "a,b"}, '$.fidelity.name: the name "a,b"'),
        ({"name": "trial", "resumable": True}, '"trial" is already the name of the fidelity'),
        ({"sampler": "bohb"}, '$.fidelity.sampler: expected "auto", "kde"'),
        ({"scheduler": "pasha"}, "$.fidelity.scheduler: expected"),
        ({"num_iterations": 0}, "$.fidelity.num_iterations: expected at least 1, got 0"),
        ({"epochs": 3}, "$.fidelity.epochs: unknown key"),
    ],
)
def test_what_is_no_fidelity_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse({**EPOCHS, **changes})
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("others", "problem"),
    [
        ({"number_of_repetitions": 3}, "let the number of repetitions be the fidelity"),
        ({"optimization_method": "local_search"}, "local_search has no use for a fidelity"),
        ({"design_of_experiment": {"doe_type": "grid_search"}}, "not with grid_search"),
        (
            {"hypermapper_mode": {"mode": "exhaustive", "exhaustive_search_file": "no.csv"}},
            "$.hypermapper_mode.mode: a table has no fidelities",
        ),
    ],
)
def test_what_does_not_go_with_a_fidelity_is_refused(
    others: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(**others)
    assert problem in str(caught.value)


def test_what_has_no_effect_is_named() -> None:
    fidelity = {**EPOCHS, "sampler": "gp", "num_samples": 9, "scheduler": "asha"}
    found = parse({**fidelity, "rounding": "table"}, optimization_iterations=4).warnings
    assert [warning.partition(":")[0] for warning in found] == [
        "$.optimization_iterations",
        "$.fidelity.num_samples",
        "$.fidelity.rounding",
    ]
    assert not parse({**EPOCHS, "num_samples": 9}).warnings


def table(text: str) -> list[list[str]]:
    """The rows of the schedule that `hmserve check` shows."""
    lines = text.split("\n")
    first = next(k for k, line in enumerate(lines) if line.lstrip().startswith("bracket"))
    return [line.split() for line in lines[first + 1 : lines.index("", first)]]


def test_the_schedule_is_shown_before_it_runs() -> None:
    text = describe(parse({**EPOCHS, "resumable": True}))
    assert "fidelity        epochs 1, 3, 9, 27, 81; eta 3" in text
    rows = table(text)
    assert rows[0] == ["0", "1", "81", "27", "9", "3", "1", "121", "5.00", "3.67"]
    assert rows[4] == ["4", "1", "5", "5", "5.00", "5.00"]
    assert rows[5] == ["all", "81", "61", "35", "19", "10", "206", "23.48", "19.52"]
    assert "saves 17 % of the cost" in text


def test_the_cost_of_a_fidelity_may_be_a_power_of_it() -> None:
    rows = table(describe(parse({**EPOCHS, "num_iterations": 1, "cost_exponent": 2})))
    cost = 81 / 81**2 + 27 / 27**2 + 9 / 81 + 3 / 9 + 1
    assert len(rows) == 2
    assert float(rows[0][-2]) == pytest.approx(cost, abs=0.005)


def test_brackets_without_end_are_shown_once_each() -> None:
    text = describe(parse(max_evaluations=1000))
    assert [row[0] for row in table(text)] == ["0", "1", "2", "3", "4", "each"]
    assert "until max_evaluations or time_budget is spent" in text


def test_of_asha_its_shares_are_shown() -> None:
    text = describe(parse({**EPOCHS, "scheduler": "asha", "num_iterations": 100}))
    assert table(text)[0][2:8] == ["100", "33", "11", "3", "1", "148"]


def test_its_columns_count_where_a_line_may_be_too_long() -> None:
    long = {"name": "e" * 500, "min": 1, "max": 9}
    inputs = {"x" * 493: {"parameter_type": "integer", "values": [0, 1]}}
    for resumable, warned in ((False, 0), (True, 1)):
        found = parse({**long, "resumable": resumable}, input_parameters=inputs)
        assert sum("a client that reads lines" in text for text in found.warnings) == warned
